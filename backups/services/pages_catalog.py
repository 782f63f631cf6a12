"""The catalog's rows: status, ladder, copies per place, retention and why, and the trend of sizes and durations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat, JSONObject

from backups.catalog import retention
from backups.catalog.retention import Word
from backups.models import Backup, Copy, Rehearsal
from backups.services import retain
from backups.services.pages_ladder import Ladder, ladder_of
from backups.services.pages_standing import Place, Standing
from portal.runs.models import Run

MOST = 2000  # entries that a retention report reads
TREND = 60  # backups in a trend
_SECRET = ("destination__secret", "destination__host_key", "destination__ca_pem")


@dataclass(frozen=True)
class Chip:
    """A backup at one place. kind: held | late | copying | failed | lost | waiting | unknown | none."""

    name: str
    kind: str
    spoken: str


@dataclass(frozen=True)
class Row:
    """One line of the catalog."""

    backup: Any
    shape: str
    ladder: Ladder
    took: float | None
    chips: tuple[Chip, ...]
    word: str
    why: str
    second: str
    second_shape: str

    @property
    def missing(self) -> tuple[Chip, ...]:
        """Places that should hold it and for which there is not even an attempt."""
        tried = {copy.destination.name for copy in self.backup.copies.all()}
        return tuple(chip for chip in self.chips[1:] if chip.name not in tried)

    @property
    def rehearsal_at(self) -> datetime | None:
        """When it was last rehearsed."""
        told = self.backup.rehearsed
        return datetime.fromisoformat(told["at"]) if told else None


@dataclass(frozen=True)
class Entry:
    """One backup as retention and trends need it."""

    pk: int
    policy: int | None
    ident: str
    taken: datetime
    status: str
    proven: bool
    keep: str
    size: int | None
    began: datetime | None
    ended: datetime | None


def matching(asked: Mapping[str, str], engine: int | None) -> QuerySet[Any]:
    """The backups of an engine (None: of all) that the filter names, each with its last rehearsal and what is at work
    on it."""
    rows = Backup.objects.all() if engine is None else Backup.objects.filter(engine=engine)
    if asked.get("shown") == "deleted":
        rows = rows.exclude(deleted_at=None)
    elif asked.get("shown") != "all":
        rows = rows.filter(deleted_at=None)
    policy, words = asked.get("policy", ""), asked.get("q", "").strip()
    if policy.isdecimal() and len(policy) < 10:
        rows = rows.filter(policy=int(policy))
    if asked.get("reason") in Backup.Reason.values:
        rows = rows.filter(reason=asked["reason"])
    if words:
        told = Q(ident__icontains=words) | Q(change__icontains=words) | Q(sentence__icontains=words)
        rows = rows.filter(told | Q(keep__icontains=words) | Q(asked_by__icontains=words))
    return dressed(_in_state(rows, asked.get("state", ""))).defer("output", "things")


def _in_state(rows: QuerySet[Backup], state: str) -> QuerySet[Backup]:
    done, proof = Q(status=Backup.Status.DONE), Backup.Proof
    bad = Q(status=Backup.Status.FAILED) | Q(whole=False) | Q(proof=proof.FAILED)
    wanted = {
        "proven": done & Q(proof=proof.PROVEN),
        "unproven": done & ~Q(proof=proof.PROVEN),
        "bad": bad,
        "held": ~Q(keep=""),
        "running": Q(status=Backup.Status.STARTED),
    }
    return rows.filter(wanted[state]) if state in wanted else rows


def dressed(rows: QuerySet[Backup]) -> QuerySet[Any]:
    """With copies, the last rehearsal and the active run. Two queries, whatever their number."""
    last = Rehearsal.objects.filter(backup=OuterRef("pk")).order_by("-at")
    told = JSONObject(pk="pk", at="at", seconds="seconds", sentence="sentence", outcome="outcome")
    active = Run.objects.filter(status__in=Run.ACTIVE, target=OuterRef("target_key"))
    copies = Copy.objects.select_related("destination").defer(*_SECRET).order_by("destination_id")
    key = Concat(Value("backup:"), Cast("pk", CharField()), output_field=CharField())
    return (
        rows.select_related("engine", "policy", "run")
        .defer("engine__password", "engine__ssh_private_key", "engine__ca_pem", "policy__heartbeat_url")
        .prefetch_related(Prefetch("copies", copies))
        .annotate(
            target_key=key,
            rehearsed=Subquery(last.values(told=told)[:1]),
            at_work=Subquery(active.values("plan")[:1]),
            at_work_run=Subquery(active.values("pk")[:1]),
            span=F("ended") - F("began"),
        )
    )


def entries(engine: int | None) -> list[Entry]:
    """Everything of an engine that is not deleted, the newest first."""
    rows = Backup.objects.filter(deleted_at=None).order_by("-taken", "-pk")
    rows = rows if engine is None else rows.filter(engine=engine)
    held = Exists(Copy.objects.filter(backup=OuterRef("pk"), state=Copy.State.HELD))
    proven = Case(
        When(held & Q(proof=Backup.Proof.PROVEN, whole=True), then=True), default=False, output_field=BooleanField()
    )  # retain.is_proven
    names = ("pk", "policy_id", "ident", "taken", "status", "proven", "keep", "size", "began", "ended")
    return [Entry(*row) for row in rows.annotate(proven=proven).values_list(*names)[:MOST]]


def classes(found: Iterable[Entry], standing: Sequence[Standing], now: datetime) -> dict[int, tuple[str, str]]:
    """Backup -> retention word and why, each under its own policy. A backup that no policy speaks for has none."""
    by_policy: dict[int, list[Entry]] = {}
    for one in found:
        if one.policy is not None:
            by_policy.setdefault(one.policy, []).append(one)
    told: dict[int, tuple[str, str]] = {}
    for each in standing:
        mine = by_policy.get(each.policy.pk, [])
        try:
            lines = retention.report(
                [_plain(one) for one in mine], retain.rule(each.policy), now, each.policy.minimum_redundancy
            )
        except (ValueError, KeyError, OSError):  # as retain.preview
            told |= {one.pk: (Word.VALID.value, "Its policy's rule cannot be used, so nothing goes.") for one in mine}
            continue
        told |= {int(line.key): (line.word.value, line.why) for line in lines}
    return told


def _plain(one: Entry) -> retention.Entry:
    return retention.Entry(str(one.pk), one.taken, one.status == Backup.Status.DONE, one.proven, one.keep)


def row(backup: Any, places: Sequence[Place], told: Mapping[int, tuple[str, str]], now: datetime) -> Row:
    """One backup of `dressed`."""
    seen = backup.rehearsed or {}
    ladder = ladder_of(backup, backup.at_work or "", seen.get("sentence", ""), seen.get("seconds"))
    word, why = told.get(backup.pk, ("NONE", "No policy speaks for it."))
    if backup.deleted_at is not None:
        word, why = Word.NONE.value, "Its archive was deleted; the entry stays."
    shape = shape_of(backup, ladder)
    bad = ladder.first_bad
    second = ""
    if backup.status == Backup.Status.FAILED:
        second = backup.sentence or "engine-backup failed; nobody recorded why."
    elif bad is not None:
        second = bad.sentence
    took = backup.span.total_seconds() if backup.span is not None else None
    return Row(backup, shape, ladder, took, chips(backup, places, now), word, why, second, shape)


def shape_of(backup: Backup, ladder: Ladder) -> str:
    """The state beside Barman's word: DONE is only ok when nothing that was looked at speaks against it."""
    if backup.status == Backup.Status.FAILED:
        return "fail"
    if backup.status == Backup.Status.STARTED:
        run = backup.run
        return "running" if run is not None and run.status in Run.ACTIVE else "unknown"
    bad = ladder.first_bad
    if bad is not None:
        return "warn" if bad.kind == "fail" else "unknown"
    return "ok" if backup.whole else "unknown"


def chips(backup: Any, places: Sequence[Place], now: datetime) -> tuple[Chip, ...]:
    """The engine VM first, then every destination that should hold it or did."""
    found = [_on_engine(backup)]
    copies = {copy.destination_id: copy for copy in backup.copies.all()}
    known = {place.pk: place for place in places}
    names = {pk: copy.destination.name for pk, copy in copies.items()} | {pk: one.name for pk, one in known.items()}
    for pk in sorted(names):
        kind = _kind(backup, copies.get(pk), known.get(pk), now)
        found.append(Chip(names[pk], kind, _SPOKEN[kind].format(names[pk])))
    return tuple(found)


def _on_engine(backup: Backup) -> Chip:
    """What nobody has looked at after the backup was taken is not known."""
    if backup.on_engine:
        return Chip("engine", "held", "lies on the engine VM")
    if backup.status == Backup.Status.DONE and not backup.looked_back:
        return Chip("engine", "unknown", "whether it lies on the engine VM is not known")
    return Chip("engine", "none", "does not lie on the engine VM")


_SPOKEN = {
    "held": "{} holds a copy",
    "late": "the copy at {} is late",
    "copying": "a copy to {} is under way",
    "failed": "the copy to {} failed",
    "lost": "the copy at {} was lost",
    "waiting": "the copy to {} is still to come",
    "none": "{} holds no copy",
}


def _kind(backup: Backup, copy: Copy | None, place: Place | None, now: datetime) -> str:
    if copy is not None and copy.state in (Copy.State.HELD, Copy.State.COPYING, Copy.State.LOST):
        return str(copy.state)
    wanted = place is not None and backup.status == Backup.Status.DONE and backup.deleted_at is None
    if wanted and place is not None and (place.newest is None or backup.taken > place.newest):
        failed = copy is not None and copy.state == Copy.State.FAILED
        return "late" if place.late(now) else "failed" if failed else "waiting"
    return "failed" if copy is not None and copy.state == Copy.State.FAILED and wanted else "none"


def trend(found: Sequence[Entry]) -> tuple[list[tuple[datetime, float]], list[tuple[datetime, float]]]:
    """Sizes in bytes and durations in seconds of the last DONE backups, the oldest first."""
    done = [one for one in found if one.status == Backup.Status.DONE][:TREND]
    sizes = [(one.taken, float(one.size)) for one in reversed(done) if one.size is not None]
    took = [(one.taken, (one.ended - one.began).total_seconds()) for one in reversed(done) if one.began and one.ended]
    return sizes, took
