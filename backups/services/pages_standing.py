"""How each policy stands now: what could be restored, which copies are late, what failed or never came. One query
for all policies, whatever the size of the catalog, since every page's navigation asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject

from backups.models import Backup, Copy, Destination, Missed, Policy

MISSED = 5  # missed starts that a page names
_BRIEF = {
    "pk": "pk",
    "ident": "ident",
    "status": "status",
    "taken": "taken",
    "whole": "whole",
    "proof": "proof",
    "sentence": "sentence",
    "what_to_do": "what_to_do",
}


@dataclass(frozen=True)
class Brief:
    """A backup in a few words."""

    pk: int
    ident: str
    status: str
    taken: datetime
    whole: bool | None
    proof: str
    sentence: str
    what_to_do: str


@dataclass(frozen=True)
class Place:
    """A destination of the policy. newest: when the newest backup that it holds was taken. problem: what the last
    attempt failed with since then."""

    pk: int
    name: str
    late_after: int
    newest: datetime | None
    problem: str

    def late(self, now: datetime) -> bool:
        """True when its newest copy is older than it may be; also when it never held one."""
        return self.newest is None or (now - self.newest).total_seconds() > self.late_after


@dataclass(frozen=True)
class Miss:
    """A planned start for which no backup came."""

    due_at: datetime
    sentence: str


@dataclass(frozen=True)
class Standing:
    """newest: of any status. done: the newest that ended as DONE. proven: the newest that is proven restorable.
    verified: how many proven ones there are. missed: the newest few. missed_since: how many since the last DONE."""

    policy: Policy
    newest: Brief | None
    done: Brief | None
    proven: Brief | None
    verified: int
    total: int
    failed_since: int
    missed_since: int
    missed: tuple[Miss, ...]
    places: tuple[Place, ...]


def standings(now: datetime, policies: QuerySet[Policy] | None = None) -> list[Standing]:
    """All policies, or those given, by name."""
    mine = Backup.objects.filter(policy=OuterRef("pk"), deleted_at=None).order_by("-taken", "-pk")
    done = mine.filter(status=Backup.Status.DONE)
    held = Copy.objects.filter(backup=OuterRef("pk"), state=Copy.State.HELD)
    proven = done.filter(Exists(held), proof=Backup.Proof.PROVEN, whole=True)  # as retain.is_proven
    since = Coalesce(Subquery(done.values("taken")[:1]), Value(datetime(1970, 1, 1, tzinfo=UTC)))
    rows = (
        (policies if policies is not None else Policy.objects.all())
        .select_related("engine")
        .defer("engine__password", "engine__ssh_private_key", "engine__ca_pem")
        .annotate(
            last_done_at=since,
            newest=Subquery(mine.values(told=JSONObject(**_BRIEF))[:1]),
            done=Subquery(done.values(told=JSONObject(**_BRIEF))[:1]),
            proven=Subquery(proven.values(told=JSONObject(**_BRIEF))[:1]),
            verified=_count(proven),
            total=_count(mine),
            places=ArraySubquery(_places()),
            missed_rows=ArraySubquery(_missed().values(told=JSONObject(due_at="due_at", sentence="sentence"))[:MISSED]),
        )
        .annotate(
            failed_since=_count(
                Backup.objects.filter(
                    policy=OuterRef("pk"), status=Backup.Status.FAILED, taken__gt=OuterRef("last_done_at")
                )
            ),
            missed_since=_count(_missed().filter(due_at__gt=OuterRef("last_done_at")), "policy"),
        )
        .order_by("name", "pk")
    )
    return [_standing(row) for row in rows]


def _count(rows: QuerySet[Any], by: str = "policy") -> Coalesce:
    counted = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _missed() -> QuerySet[Missed]:
    return Missed.objects.filter(policy=OuterRef("pk")).order_by("-due_at")


def _places() -> QuerySet[Any]:
    copies = Copy.objects.filter(destination=OuterRef("pk"), backup__policy=OuterRef(OuterRef("pk")))
    held = copies.filter(state=Copy.State.HELD).order_by("-backup__taken").values("backup__taken")[:1]
    bad = copies.filter(state__in=(Copy.State.FAILED, Copy.State.LOST)).order_by("-backup__taken")
    return (
        Destination.objects.filter(policies=OuterRef("pk"), enabled=True)
        .annotate(newest=Subquery(held), bad_at=Subquery(bad.values("backup__taken")[:1]))
        .annotate(problem=Subquery(bad.values("sentence")[:1]))
        .order_by("pk")
        .values(
            told=JSONObject(
                pk="pk",
                name="name",
                late_after="late_after",
                newest="newest",
                bad_at="bad_at",
                problem="problem",
            )
        )
    )


def _standing(row: Any) -> Standing:
    return Standing(
        row,
        _brief(row.newest),
        _brief(row.done),
        _brief(row.proven),
        row.verified,
        row.total,
        row.failed_since,
        row.missed_since,
        tuple(Miss(datetime.fromisoformat(one["due_at"]), one["sentence"]) for one in row.missed_rows),
        tuple(_place(one) for one in row.places),
    )


def _brief(told: dict[str, Any] | None) -> Brief | None:
    return Brief(**{**told, "taken": datetime.fromisoformat(told["taken"])}) if told else None


def _place(told: dict[str, Any]) -> Place:
    newest, bad = (datetime.fromisoformat(told[name]) if told[name] else None for name in ("newest", "bad_at"))
    current = bad is not None and (newest is None or bad > newest)
    return Place(told["pk"], told["name"], told["late_after"], newest, told["problem"] if current else "")
