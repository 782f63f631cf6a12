"""What the estate's own records say of a period: backups and their rehearsals, redundancy of LUNs, tuning,
availability. Each function asks a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from backups.models import Backup, Rehearsal
from backups.models import Missed as MissedBackup
from failover.availability.intervals import subtract, union
from failover.availability.measured import measure, state_sets
from failover.models import Objective
from failover.reports.period import content, given
from failover.reports.period.span import Span
from failover.services import availability
from inventory.models import Engine, Host, Lun, Transition
from inventory.services.looks import REDUNDANCY

LUN_PROBES = (REDUNDANCY, "multipath", "multipath_text")
AGES = timedelta(days=400)  # before a period, of rehearsals that may be the newest proven one at its beginning
MILLION = 1_000_000
SHORT = 60.0  # seconds


def since(engines: Sequence[int]) -> datetime | None:
    """When the portal first kept anything about these engines; None: it keeps nothing yet."""
    seen = Transition.objects.filter(engine__in=engines).aggregate(first=Min("at"))["first"]
    taken = Backup.objects.filter(engine__in=engines).aggregate(first=Min("taken"))["first"]
    return min((at for at in (seen, taken) if at is not None), default=None)


def kept(span: Span) -> Q:
    """Of an engine: whether anything of the estate was recorded in a period."""
    within = {"engine": OuterRef("pk"), "at__gte": span.begins, "at__lt": span.ends}
    taken = {"engine": OuterRef("pk"), "taken__gte": span.begins, "taken__lt": span.ends}
    return Exists(Transition.objects.filter(**within)) | Exists(Backup.objects.filter(**taken))


def hosts(engines: Sequence[int]) -> list[int]:
    """Keys of the hosts of these engines, those that are gone, too."""
    return list(Host.objects.filter(engine__in=engines).values_list("pk", flat=True))


def names(engines: Sequence[int]) -> Mapping[str, str]:
    """WWID -> name of each LUN."""
    return {uuid: name for uuid, name in Lun.objects.filter(engine__in=engines).values_list("uuid", "name") if name}


def estate(engines: Sequence[Engine], span: Span) -> dict[str, Any]:
    """The fields of given.Slice that come from here."""
    keys = [one.pk for one in engines]
    luns = Q(probe__in=LUN_PROBES, subject_kind="lun")
    tuning = Q(check_name__startswith="tuning")
    return {
        "backups": tuple(_backups(keys, span)),
        "rehearsals": tuple(_rehearsals(keys, span)),
        "missed": tuple(_missed(keys, span)),
        "luns_began": tuple(_began(keys, luns, span)),
        "luns": tuple(_turns(keys, luns, span)),
        "tuning_began": tuple(_began(keys, tuning, span)),
        "tuning": tuple(_turns(keys, tuning, span)),
        "services": services(keys, span),
    }


def _backups(keys: Sequence[int], span: Span) -> Iterator[given.Backup]:
    rows = Backup.objects.filter(engine__in=keys, taken__gte=span.begins, taken__lt=span.ends)
    rows = rows.exclude(status=Backup.Status.STARTED).order_by("taken", "pk")
    for engine, ident, taken, status, sentence in rows.values_list(
        "engine__name", "ident", "taken", "status", "sentence"
    ):
        yield given.Backup(engine, ident, taken, status, sentence if status == Backup.Status.FAILED else "")


def _rehearsals(keys: Sequence[int], span: Span) -> Iterator[given.Rehearsal]:
    rows = Rehearsal.objects.filter(backup__engine__in=keys, at__gte=span.begins - AGES, at__lt=span.ends)
    for one in (
        rows.select_related("backup__engine")
        .defer("rungs", "notes", "backup__output", "backup__ladder")
        .order_by("at", "pk")
    ):
        yield given.Rehearsal(
            engine=one.backup.engine.name,
            ident=one.backup.ident,
            taken=one.backup.taken,
            at=one.at,
            seconds=round(one.seconds),
            outcome=one.outcome,
            sentence=one.sentence,
            compared=bool(one.tables) and bool(one.backup.objects_then),
        )


def _missed(keys: Sequence[int], span: Span) -> Iterator[given.MissedBackup]:
    rows = MissedBackup.objects.filter(policy__engine__in=keys, due_at__gte=span.begins, due_at__lt=span.ends)
    for engine, due, sentence in rows.order_by("due_at", "pk").values_list(
        "policy__engine__name", "due_at", "sentence"
    ):
        yield given.MissedBackup(engine, due, sentence)


COLUMNS = (
    "subject_key",
    "engine__name",
    "probe",
    "check_name",
    "host_id",
    "subject_kind",
    "at",
    "to_outcome",
    "sentence",
)


def _began(keys: Sequence[int], which: Q, span: Span) -> Iterator[given.Turn]:
    """The last turn of each check before the period."""
    rows = Transition.objects.filter(which, engine__in=keys, at__lt=span.begins)
    same = ("engine_id", "host_id", "probe", "check_name", "subject_kind", "subject_key")
    yield from map(_turn, rows.order_by(*same, "-at", "-pk").distinct(*same).values_list(*COLUMNS))


def _turns(keys: Sequence[int], which: Q, span: Span) -> Iterator[given.Turn]:
    rows = Transition.objects.filter(which, engine__in=keys, at__gte=span.begins, at__lt=span.ends)
    yield from map(_turn, rows.order_by("at", "pk").values_list(*COLUMNS))


def _turn(row: tuple[Any, ...]) -> given.Turn:
    key, engine, probe, check, host, kind, at, outcome, sentence = row
    # a finding about tuning is about one parameter of one VM, which ends its key (inventory/tuning/said.py)
    subject = key.rpartition(" ")[0] or key if kind == "vm" and check.startswith("tuning") else key
    return given.Turn(subject, engine, f"{probe} {check} {host or ''} {key}", at, outcome, sentence)


def services(keys: Sequence[int], span: Span) -> tuple[content.Service, ...]:
    """Availability of every service with an objective in the period, for the part of it in which it was promised. The
    objective is the one that counted at its beginning."""
    rows = [one for one in availability.objectives(retired=True) if one.engine_id in keys and one.since < span.ends]
    rows = [one for one in rows if one.retired_at is None or one.retired_at > max(span.begins, one.since)]
    known, now = availability.histories(rows, span.begins, span.ends), timezone.now()
    return tuple(_service(one, known[one.pk], span, now) for one in rows)


def _service(row: Objective, known: availability.History, span: Span, now: datetime) -> content.Service:
    begins, ends = max(row.since, span.begins), min(row.retired_at or span.ends, span.ends)
    promised = availability.share(availability.counting(row, span.begins, span.ends))
    parts = list(_promised(row, known, begins, ends, now))
    one = measure(known, promised, begins.timestamp(), ends.timestamp(), availability.clock(row, now))
    return content.Service(
        name=one.service,
        engine=row.engine.name,
        begins=begins,
        ends=ends,
        objective=round(one.objective * MILLION),
        ratio=int(one.ratio * MILLION) if one.ratio is not None else None,
        up=_ms(one.up_s),
        planned=_ms(one.down_planned_s),
        unplanned=_ms(one.down_unplanned_s),
        unwatched=_ms(one.not_watched_s),
        unknown=_ms(one.unknown_s),
        budget=_ms(one.budget_s),
        whole=len(parts),
        lost=sum(each.down_unplanned_s > each.budget_s for each in parts),
        unsure=sum(_unsure(each) for each in parts),
        outages=tuple(
            content.Outage(each.begins, each.ends, each.planned, each.cause, round(each.seconds), each.corrected)
            for each in one.outages
        ),
        blind=tuple(_blind(one, known)),
    )


def _promised(
    row: Objective, known: availability.History, begins: datetime, ends: datetime, now: datetime
) -> Iterator[availability.Availability]:
    """Each calendar period of the promise that lies in a stretch of time, by what counted in it."""
    at = begins
    while at < ends:
        found, version = availability.at_moment(row, at)
        if found.begins >= begins and found.ends <= ends:
            first, last = found.begins.timestamp(), found.ends.timestamp()
            yield measure(known, availability.share(version), first, last, availability.clock(row, now))
        at = found.ends


def _unsure(one: availability.Availability) -> bool:
    """Whether it was kept by what was seen, and could be lost in what was not."""
    unseen = (one.ends - one.begins).total_seconds() - one.up_s - one.down_planned_s - one.down_unplanned_s
    return one.down_unplanned_s <= one.budget_s < one.down_unplanned_s + unseen


def _blind(one: availability.Availability, known: availability.History) -> Iterator[content.Blind]:
    """Times that were not watched, or of which nothing is known; the shortest are left to the sums."""
    begins, ends = one.begins.timestamp(), one.ends.timestamp()
    seen, _ = state_sets(known, begins, one.until.timestamp())
    for first, last in subtract(((begins, ends),), union(seen.up, seen.down)):
        if last - first >= SHORT:
            yield content.Blind(datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
