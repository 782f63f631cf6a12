"""What a drill measured: the prober's spans, the pauses, the estate's own view; and the verdict on each objective.
JSON shapes: docs/adr/0018."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef

from backups.models import Backup, Copy
from failover.models import Drill
from failover.models import Span as Row
from failover.services.asker import FASTEST, SLOWEST, Question, hole
from failover.services.watching import ENGINE, questions
from failover.verdicts import objectives
from failover.verdicts.measure import Bounds, Measured, Outage, Pause, Span
from failover.verdicts.measure import measure as measured_of
from inventory.models import Transition
from portal.evidence.models import Record
from portal.runs.models import RunStep

VERSION = 1
TITLE = "The engine"
# Drills that take the engine away: one that never stopped answering has recovered from nothing.
FALLS = {"she_failover": (ENGINE,), "engine_service_failure": (ENGINE,)}
HELD, DECIDED = "run.step_held", ("run.step_ignored", "run.retried", "run.failed", "run.aborted", "run.errored")
VIEW = 200  # transitions of the estate's own view that are kept
BEFORE = timedelta(seconds=30)  # of it that are shown from before the clock's start


def measure(drill: Drill) -> dict[str, Any]:
    """{"measured": ..., "verdicts": ...}, ready for an update of the drill (failover.services.concluding). The same
    rows give the same content."""
    backup = _backup(drill)
    services = {row.service: (row, seen(drill, row.service, _end(drill))) for row in _asked(drill)}
    verdicts = [_verdict(drill, one, services, backup) for one in drill.objectives]
    engine = services.get(ENGINE)
    recovery = engine[1].recovery if engine and engine[1].exact else None
    told = {
        "version": VERSION,
        "rto": round(recovery.seconds, 3) if recovery else None,
        "clock": _clock(drill),
        "services": [_service(drill, row, found) for row, found in services.values()],
        "pauses": [asdict(pause) for pause in pauses(drill)],
        "backup": backup,
        "own_view": _own_view(drill),
    }
    # steps keep words of their own there
    return {"measured": {**drill.measured, **told}, "verdicts": verdicts}


def seen(drill: Drill, service: str, ended: float | None) -> Measured:
    """One service. ended: seconds on the clock when the drill ended, None while it runs."""
    if drill.clock_began is None:
        return Measured("not measured", "The clock was not started, so there was no injection.")
    every = next((row.every for row in _asked(drill) if row.service == service), 0.5)
    return measured_of(spans_of(drill, service), hole(min(SLOWEST, max(FASTEST, every))), pauses(drill), ended)


def spans_of(drill: Drill, service: str) -> list[Span]:
    """On the drill's clock. One of another boot is placed by the wall clock, and says so."""
    rows = drill.spans.filter(service=service).order_by("began", "began_mono")
    return [_placed(drill, row) for row in rows]


def _placed(drill: Drill, row: Row) -> Span:
    if row.boot == drill.clock_boot and drill.clock_began_mono is not None:
        start = drill.clock_began_mono
        return Span(row.up, row.began_mono - start, row.last_mono - start, row.widest, row.why)
    return Span(row.up, _wall(drill, row.began), _wall(drill, row.last), row.widest, row.why, exact=False)


def _wall(drill: Drill, at: datetime) -> float:
    assert drill.clock_began is not None
    return (at - drill.clock_began).total_seconds()


def objective(drill: Drill, service: str) -> float | None:
    """The least RTO that was fixed for a service, seconds."""
    found = [
        float(one["seconds"])
        for one in drill.objectives
        if one.get("kind") == "rto" and (one.get("service") or ENGINE) == service and one.get("seconds")
    ]
    return min(found, default=None)


def pauses(drill: Drill, now: datetime | None = None) -> list[Pause]:
    """Times in which the drill waited for people, on the clock: for an answer, or for a decision on a failed step. What
    is open counts until its time ends or the drill does; until `now` while it runs."""
    if drill.clock_began is None:
        return []
    end = drill.closed_at or (drill.run.ended if drill.run else None) or now
    waited = [(row.asked_at, row.at or _least(row.until, end), row.question) for row in drill.prompts.all()]
    waited += [(began, ended or end, why) for began, ended, why in _decisions(drill)]
    return [Pause(_wall(drill, began), _wall(drill, ended), why) for began, ended, why in waited if ended]


def _least(until: datetime | None, end: datetime | None) -> datetime | None:
    return min(until, end) if until and end else end


def _decisions(drill: Drill) -> list[tuple[datetime, datetime | None, str]]:
    """From the record of each hold to that of the next thing that people or time decided."""
    found: list[tuple[datetime, datetime | None, str]] = []
    rows = Record.objects.filter(subject=f"run:{drill.run_id}", kind__in=(HELD, *DECIDED)).order_by("number")
    for row in rows:
        if row.kind == HELD:
            why = f"A decision on step {row.body.get('position')}, which failed"
            found.append((row.at, None, why))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], row.at, found[-1][2])
    return found


def _asked(drill: Drill) -> list[Question]:
    """What was asked; a service that is declared no more is still told of when it has spans."""
    declared = sorted(questions([drill.engine_id]), key=lambda one: (one.service != ENGINE, one.service))
    known = {one.service for one in declared}
    names = set(drill.spans.values_list("service", flat=True).distinct()) - known
    return declared + [Question(drill.engine_id, name, "", "") for name in sorted(names)]


def _end(drill: Drill) -> float | None:
    ended = drill.run.ended if drill.run else None
    return _wall(drill, ended) if ended and drill.clock_began else None


def _verdict(
    drill: Drill,
    one: dict[str, Any],
    services: dict[str, tuple[Question, Measured]],
    backup: dict[str, Any] | None,
) -> dict[str, Any]:
    judged = _judged(drill, one, services, backup)
    return {"key": one.get("key", ""), "word": judged.word, "sentence": judged.sentence}


def _judged(
    drill: Drill,
    one: dict[str, Any],
    services: dict[str, tuple[Question, Measured]],
    backup: dict[str, Any] | None,
) -> objectives.Judged:
    seconds = one.get("seconds")
    if not isinstance(seconds, int | float):
        return objectives.Judged(objectives.NOT_TESTED, "No figure was fixed for this objective.")
    if one.get("kind") == "rpo":
        return objectives.loss(seconds, backup["age"] if backup else None, backup["name"] if backup else "")
    service = one.get("service") or ENGINE
    found = services.get(service)
    if found is None:
        return objectives.Judged(objectives.NOT_TESTED, f"No service named {service} was asked.")
    return objectives.recovery(title(service), seconds, found[1], service in FALLS.get(drill.like, ()))


def title(service: str) -> str:
    """As a sentence begins."""
    return TITLE if service == ENGINE else service


def _clock(drill: Drill) -> dict[str, Any] | None:
    if drill.clock_began is None:
        return None
    steps = RunStep.objects.filter(run=drill.run_id, mutating=True, intended_at__gte=drill.clock_began)
    act = steps.order_by("position").first()
    return {
        "began": drill.clock_began.isoformat(),
        "ended": drill.clock_ended.isoformat() if drill.clock_ended else None,
        "boot": drill.clock_boot,
        "source": "seconds since boot of the portal's machine (CLOCK_MONOTONIC), read by the prober",
        "act": round(_wall(drill, act.intended_at), 3) if act and act.intended_at else None,
        "act_title": act.title if act else "",
    }


def _service(drill: Drill, row: Question, found: Measured) -> dict[str, Any]:
    return {
        "key": row.service,
        "title": title(row.service),
        "kind": row.kind,
        "address": row.address,
        "words": row.words,
        "every": row.every,
        "objective": objective(drill, row.service),
        "state": found.state,
        "why": found.why,
        "outages": [_outage(drill, one) for one in found.outages],
        "detection": _bounds(found.detection),
        "recovery": _bounds(found.recovery),
        "charged": _bounds(found.charged),
        "paused": round(found.paused, 3),
        "longest": round(found.longest, 3),
        "holes": [asdict(one) for one in found.holes],
        "watched": list(found.watched) if found.watched else None,
        "exact": found.exact,
    }


def _outage(drill: Drill, one: Outage) -> dict[str, Any]:
    assert drill.clock_began is not None
    return {
        "after": one.after,
        "first": one.first,
        "last": one.last,
        "back": one.back,
        "length": _bounds(one.length),
        "began_at": (drill.clock_began + timedelta(seconds=one.first)).isoformat(),
        "back_at": (drill.clock_began + timedelta(seconds=one.back)).isoformat() if one.back is not None else None,
        "why": one.why,
    }


def _bounds(one: Bounds | None) -> dict[str, float] | None:
    if one is None:
        return None
    figures = {"seconds": one.seconds, "error": one.error, "low": one.low, "high": one.high}
    return {name: round(value, 3) for name, value in figures.items()}


def _backup(drill: Drill) -> dict[str, Any] | None:
    """The newest backup of the engine that was taken before the injection, is proven restorable and held somewhere."""
    if drill.clock_began is None:
        return None
    held = Copy.objects.filter(backup=OuterRef("pk"), state=Copy.State.HELD)
    rows = Backup.objects.filter(
        Exists(held),
        engine=drill.engine_id,
        status=Backup.Status.DONE,
        whole=True,
        proof=Backup.Proof.PROVEN,
        deleted_at=None,
        taken__lte=drill.clock_began,
    )
    row = rows.defer("output").order_by("-taken", "-pk").first()
    if row is None:
        return None
    return {"name": str(row), "taken": row.taken.isoformat(), "age": round(-_wall(drill, row.taken), 3)}


def _own_view(drill: Drill) -> list[dict[str, Any]]:
    """What the engine and the hosts said themselves, by the looks: later than the prober by up to 30 s
    (facts/hosted-engine.md 7, no. 13), and never the measure."""
    if drill.clock_began is None:
        return []
    rows = Transition.objects.filter(engine=drill.engine_id, at__gte=drill.clock_began - BEFORE)
    ended = drill.closed_at or (drill.run.ended if drill.run else None)
    if ended:
        rows = rows.filter(at__lte=ended)
    return [
        {
            "at": row.at.isoformat(),
            "seconds": round(_wall(drill, row.at), 1),
            "who": row.subject_key,
            "check": row.check_name,
            "from": row.from_outcome,
            "to": row.to_outcome,
            "what": row.sentence,
        }
        for row in rows.order_by("at", "pk")[:VIEW]
    ]
