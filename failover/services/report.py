"""The report of an ended drill: its rows, in a constant number of queries, and the version that the evidence holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from failover.models import Drill, Issue, Prompt
from failover.reports import given
from failover.reports.build import build
from failover.reports.content import FORMAT, Report, Seal
from failover.reports.deviating import ACTS
from failover.reports.involved import DID
from failover.services.answer import met
from failover.services.telling import expected
from failover.verdicts import fingerprint
from portal.evidence import services as evidence
from portal.evidence import signing
from portal.evidence.canonical import digest
from portal.evidence.models import Record
from portal.runs.models import Run, RunLine, RunStep
from portal.runs.states import ENDED

MADE = "report.made"
CLOSING = timedelta(minutes=5)  # so long after its Run's end a drill may still be measured
KINDS = (*ACTS, "run.recovered", *DID)


class NoReport(Exception):
    """There is no report yet. Its text is one sentence."""


@dataclass(frozen=True)
class Made:
    """A report and where the evidence holds it."""

    report: Report
    seal: Seal

    def document(self) -> dict[str, Any]:
        """The JSON form; `content` is what was hashed."""
        return {"format": FORMAT, "content": asdict(self.report), "made": asdict(self.seal)}


def make(pk: int, by: str) -> Made:
    """The report of a drill as it is stored now. The first time that its content is seen, that is recorded: its hash,
    a version, and the zone in which times are written. Raises NoReport, Drill.DoesNotExist."""
    drill = Drill.objects.select_related("engine__site", "run").get(pk=pk)
    run = _ended(drill)
    report = build(_given(drill, run))
    return Made(report, _sealed(drill, run, digest(asdict(report)), by))


def read(drill: Drill) -> Report:
    """The content of an ended drill's report as it is stored now, for a report of more than this drill: nothing is
    recorded. drill: with its run, engine and site loaded."""
    assert drill.run is not None, "it has ended"
    return build(_given(drill, drill.run))


def _ended(drill: Drill) -> Run:
    run = drill.run
    if run is None or run.status not in ENDED or run.ended is None:
        raise NoReport(f"{drill.title} has not ended. Its report is made then.")
    measured = drill.closed_at is not None or drill.measured.get("ended") == str(run.ended)
    if run.started and not measured and timezone.now() - run.ended < CLOSING:
        raise NoReport(f"{drill.title} has ended and is being measured. Its report is there in a moment.")
    return run


def _sealed(drill: Drill, run: Run, sha256: str, by: str) -> Seal:
    subject = f"drill:{drill.pk}"
    with transaction.atomic():
        Drill.objects.select_for_update(of=("self",)).get(pk=drill.pk)  # two readers, one version
        rows = list(Record.objects.filter(subject=subject, kind=MADE).order_by("number"))
        found = next((row for row in reversed(rows) if row.body.get("sha256") == sha256), None)
        if found is None:
            key = signing.private_key()
            about = Record.objects.filter(subject__in=(subject, f"run:{run.pk}")).count()
            body = {
                "version": len(rows) + 1,
                "format": FORMAT,
                "sha256": sha256,
                "zone": settings.TIME_ZONE,
                "key": signing.key_id(key) if key else "",
                "records": about + 1,
            }
            found = evidence.append(MADE, by, subject, body)
            evidence.seal(subject)
    body = found.body
    return Seal(
        version=int(body["version"]),
        sha256=sha256,
        number=found.number,
        head=found.sha256,
        at=found.at,
        key=str(body["key"]),
        records=int(body["records"]),
        zone=str(body["zone"]),
    )


def _given(drill: Drill, run: Run) -> given.Given:
    prompts = list(drill.prompts.select_related("file"))
    names = _places(run)
    steps = list(run.steps.order_by("position"))
    return given.Given(
        drill=_drill(drill),
        run=_run(run),
        steps=[_step(one, names, [each.by for each in prompts if each.step == one.name and each.by]) for one in steps],
        lines=_lines(run, {one.pk: one.position for one in steps}),
        approvals=[
            given.Approval(one.by, one.requested_by, one.at, one.hash, one.refused, one.voided_at, one.why)
            for one in drill.approvals.order_by("pk")
        ],
        glasses=[
            given.Glass(one.reason, one.asked_by, one.asked_at, one.confirmed_by, one.confirmed_at, one.until)
            for one in drill.broken_glass.order_by("pk")
        ],
        prompts=[_prompt(one) for one in prompts],
        spans=_spans(drill),
        acts=_acts(drill, run),
        changes=_changes(drill),
        earlier=_earlier(drill),
        issues=_found(drill),
    )


def _prompt(row: Prompt) -> given.Prompt:
    file = getattr(row, "file", None)
    told: dict[str, Any] = {"file": given.File(file.name, file.kind, file.size, file.sha256) if file else None}
    return given.Prompt(**_same(row, given.Prompt, told), **told)


def _drill(row: Drill) -> given.Drill:
    told: dict[str, Any] = {
        "engine": row.engine.name,
        "address": urlsplit(row.engine.url).hostname or row.engine.url,
        "site": row.engine.site.name,
    }
    return given.Drill(**_same(row, given.Drill, told), **told)


def _run(row: Run) -> given.Run:
    told: dict[str, Any] = {"ref": str(row.ref), "version": row.plan_version}
    return given.Run(**_same(row, given.Run, told), **told)


def _same(row: Model, kind: type[Any], but: Mapping[str, object]) -> dict[str, Any]:
    """The columns that are called as the fields of `kind`."""
    return {one.name: getattr(row, one.name) for one in fields(kind) if one.name not in but}


def _places(run: Run) -> dict[str, str]:
    """Names of targets, as the Run's parameters have them."""
    parts = [one.split(":") for one in str(run.parameters.get("hosts") or "").split(",")]
    return {run.target: run.target_name, **{f"host:{part[0]}": part[1] for part in parts if len(part) == 3}}


def _step(row: RunStep, names: dict[str, str], people: list[str]) -> given.Step:
    place = names.get(row.place, row.place)
    acts, undos = tuple(row.act_lines), tuple(row.undo_lines)
    on_host = any("argv" in one for one in row.act) and place
    actors = [f"portal, {place}" if on_host else "portal", *dict.fromkeys(people)]
    return given.Step(
        position=row.position,
        name=row.name,
        title=row.title,
        state=row.state,
        mutating=row.mutating,
        place=place,
        actor=", ".join(actors),
        attempt=row.attempt,
        began=row.began,
        ended=row.ended,
        sentence=row.sentence,
        ignored_by=row.ignored_by,
        ignored_at=row.ignored_at,
        ignored_why=row.ignored_why,
        acts=acts,
        undos=undos,
        no_undo=row.no_undo,
        planned=row.expected_seconds,
    )


def _lines(run: Run, positions: dict[int, int]) -> list[given.Line]:
    rows = run.lines.filter(source=RunLine.Source.HOST).order_by("number")
    return [given.Line(one.number, positions.get(one.step_id or 0, 0), one.at, one.stream, one.text) for one in rows]


def _spans(drill: Drill) -> list[given.Span]:
    """On the drill's clock; one of another boot is placed by the wall clock."""
    began, mono = drill.clock_began, drill.clock_began_mono
    if began is None:
        return []
    found = []
    for one in drill.spans.order_by("began", "began_mono"):
        if one.boot == drill.clock_boot and mono is not None:
            first, last = one.began_mono - mono, one.last_mono - mono
        else:
            first, last = _wall(began, one.began), _wall(began, one.last)
        found.append(given.Span(one.service, one.up, round(first, 3), round(last, 3), one.why))
    return found


def _wall(began: datetime, at: datetime) -> float:
    return (at - began).total_seconds()


def _acts(drill: Drill, run: Run) -> list[given.Act]:
    rows = Record.objects.filter(subject__in=(f"run:{run.pk}", f"drill:{drill.pk}"), kind__in=KINDS).order_by("number")
    return [given.Act(one.number, one.at, one.kind, one.actor, one.body) for one in rows]


def _changes(drill: Drill) -> list[given.Change] | None:
    if not drill.before or not drill.after:
        return None
    found = fingerprint.changes(drill.before, drill.after, expected(drill))
    return [given.Change(one.sentence, one.expected) for one in found]


def _earlier(drill: Drill) -> given.Earlier | None:
    rows = Drill.objects.filter(engine=drill.engine_id, plan=drill.plan, run__status__in=ENDED)
    one = rows.filter(requested_at__lt=drill.requested_at).order_by("-requested_at", "-pk").first()
    return given.Earlier(one.pk, one.title, one.requested_at, one.issues, _found(one)) if one else None


def _found(drill: Drill) -> list[given.Issue]:
    """What became of its issues."""
    return [
        given.Issue(
            ident=one.ident,
            title=one.title,
            severity=one.severity,
            state=one.state,
            owner=one.owner,
            due=one.due.isoformat() if one.due else "",
            link=one.link,
            fixed=one.fixed_words,
            accepted_by=one.risk_accepted_by,
            accepted_until=one.risk_until.isoformat() if one.risk_until else "",
            accepted_why=one.risk_why,
            closed=one.closed_why,
            retest=_retest(one.retest),
        )
        for one in Issue.objects.filter(drill=drill).select_related("retest__run").order_by("pk")
    ]


def _retest(drill: Drill | None) -> given.Retest | None:
    if drill is None:
        return None
    run = drill.run
    if run is None or run.status not in ENDED:
        return given.Retest(drill.pk, drill.title, drill.requested_at)
    good = run.status == Run.Status.SUCCEEDED and met(drill)
    return given.Retest(drill.pk, drill.title, drill.requested_at, run.ended, good)
