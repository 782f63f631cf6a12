"""How each policy stands now: what could be restored, which copies are late, what failed or never came. One query
for all policies, whatever the size of the catalog, since every page's navigation asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone

from backups.catalog.schedule import next_runs
from backups.models import Backup, Copy, Destination, Missed, Obstacle, Ping, Policy, Rehearsal
from backups.services import schedule
from backups.verdicts import facts as verdicts
from backups.verdicts.facts import Aims, Brief, Facts
from backups.verdicts.policy import Verdict
from backups.verdicts.policy import verdict as judge

LASTING = timedelta(minutes=5)  # an obstacle that is younger is no news
MISSED = 5  # missed starts that a page names
_BRIEF = {
    "ident": "ident",
    "status": "status",
    "taken": "taken",
    "size": "size",
    "whole": "whole",
    "proof": "proof",
    "sentence": "sentence",
    "what_to_do": "what_to_do",
}


@dataclass(frozen=True)
class Place:
    """A destination of the policy. newest: when the newest backup that it holds was taken."""

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
class Waiting:
    """Something that is due and does not get done."""

    title: str
    sentence: str
    since: datetime
    again: datetime | None


@dataclass(frozen=True)
class Standing:
    """One policy as it stands: the facts that its verdict is made of, and what the pages show beside."""

    policy: Policy
    facts: Facts
    verdict: Verdict
    missed: tuple[Miss, ...]
    places: tuple[Place, ...]
    obstacles: tuple[Waiting, ...]


def standings(now: datetime, policies: QuerySet[Policy] | None = None) -> list[Standing]:
    """All policies, or those given, by name."""
    given = policies if policies is not None else Policy.objects.all()
    rows = given.select_related("engine").defer("engine__password", "engine__ssh_private_key", "engine__ca_pem")
    rows = rows.annotate(**_backups()).annotate(**_beside()).order_by("name", "pk")
    return [_standing(row, now) for row in rows]


def _backups() -> dict[str, Any]:
    """Columns about the newest backups, and how many there are."""
    mine = Backup.objects.filter(policy=OuterRef("pk"), deleted_at=None).order_by("-taken", "-pk")
    done = mine.filter(status=Backup.Status.DONE)
    held = Copy.objects.filter(backup=OuterRef("pk"), state=Copy.State.HELD)
    proven = done.filter(Exists(held), proof=Backup.Proof.PROVEN, whole=True)  # as retain.is_proven
    return {
        "since": Coalesce(Subquery(done.values("taken")[:1]), Value(datetime(1970, 1, 1, tzinfo=UTC))),
        "newest": Subquery(mine.values(told=JSONObject(**_BRIEF))[:1]),
        "done": Subquery(done.values(told=JSONObject(**_BRIEF))[:1]),
        "proven": Subquery(proven.values(told=JSONObject(**_BRIEF))[:1]),
        "proven_count": _count(proven),
        "total": _count(mine),
    }


def _beside() -> dict[str, Any]:
    """Columns about failures, missed starts, places, rehearsals, obstacles and the heartbeat."""
    mine = {"policy": OuterRef("pk")}
    failed = Backup.objects.filter(**mine, deleted_at=None, status=Backup.Status.FAILED, taken__gt=OuterRef("since"))
    missed = Missed.objects.filter(**mine).order_by("-due_at")
    rehearsed = Rehearsal.objects.filter(backup__policy=OuterRef("pk"), outcome=Backup.Proof.PROVEN).order_by("-at")
    unsent = Ping.objects.filter(**mine, sent_at=None, given_up_at=None).order_by("pk")
    lasting = Obstacle.objects.filter(**mine).order_by("since", "pk")
    return {
        "failed_count": _count(failed),
        "missed_count": _count(missed.filter(due_at__gt=OuterRef("since"))),
        "missed_rows": ArraySubquery(missed.values(told=JSONObject(due_at="due_at", sentence="sentence"))[:MISSED]),
        "place_rows": ArraySubquery(_places()),
        "rehearsed_at": Subquery(rehearsed.values("at")[:1]),
        "unheard": Subquery(unsent.values("made_at")[:1]),
        "obstacle_rows": ArraySubquery(
            lasting.values(
                told=JSONObject(
                    act="act", subject="subject", sentence="sentence", since="since", at="at", again="retry_at"
                )
            )
        ),
    }


def _count(rows: QuerySet[Any], by: str = "policy") -> Coalesce:
    counted = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _places() -> QuerySet[Any]:
    copies = Copy.objects.filter(destination=OuterRef("pk"), backup__policy=OuterRef(OuterRef("pk")))
    held = copies.filter(state=Copy.State.HELD).order_by("-backup__taken").values("backup__taken")[:1]
    bad = copies.filter(state__in=(Copy.State.FAILED, Copy.State.LOST)).order_by("-backup__taken")
    return (
        Destination.objects.filter(policies=OuterRef("pk"), enabled=True)
        .exclude(kind=Destination.Kind.VAULT)
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


def _standing(row: Any, now: datetime) -> Standing:
    places = tuple(_place(one) for one in row.place_rows)
    missed = tuple(Miss(datetime.fromisoformat(one["due_at"]), one["sentence"]) for one in row.missed_rows)
    found = _facts(row, now, places, tuple(miss.sentence for miss in missed if miss.due_at > row.since))
    return Standing(row, found, judge(found), missed, places, tuple(_waiting(one) for one in row.obstacle_rows))


def _facts(row: Any, now: datetime, places: tuple[Place, ...], missed: tuple[str, ...]) -> Facts:
    wrong, start = "", None
    try:
        start = next(iter(next_runs(schedule.of(row), now, 1)), None) if row.enabled else None
    except schedule.Unreadable as error:
        wrong = str(error)
    return Facts(
        name=row.name,
        now=timezone.localtime(now),
        enabled=row.enabled,
        aims=Aims(row.rpo, row.max_age, row.min_size, row.minimum_redundancy, row.rehearse_every),
        newest=_brief(row.newest),
        done=_brief(row.done),
        proven=_brief(row.proven),
        proven_count=row.proven_count,
        total=row.total,
        failed=row.failed_count,
        missed_count=row.missed_count,
        missed=missed,
        places=tuple(verdicts.Place(one.name, one.late_after, one.newest, one.problem) for one in places),
        rehearsed_at=row.rehearsed_at,
        next_due=start,
        looked_at=_looked_at(row),
        schedule_problem=wrong,
        obstacles=_obstacles(row, now),
        unheard=row.unheard if row.heartbeat_url else None,
        heartbeat=row.heartbeat_sentence,
    )


def _waiting(told: dict[str, Any]) -> Waiting:
    again = datetime.fromisoformat(told["again"]) if told["again"] else None
    return Waiting(Obstacle.Act(told["act"]).label, told["sentence"], datetime.fromisoformat(told["since"]), again)


def _looked_at(row: Any) -> datetime:
    """As schedule.looked_at."""
    decided: datetime = row.decided_to
    held = [datetime.fromisoformat(one["at"]) for one in row.obstacle_rows if one["act"] == Obstacle.Act.TAKE]
    return max([decided, *held])


def _obstacles(row: Any, now: datetime) -> tuple[str, ...]:
    """Those that last; a schedule that cannot be used is told apart from them."""
    own = (Obstacle.Act.TAKE.value, f"policy:{row.pk}")
    return tuple(
        one["sentence"]
        for one in row.obstacle_rows
        if (one["act"], one["subject"]) != own and now - datetime.fromisoformat(one["since"]) >= LASTING
    )


def _brief(told: dict[str, Any] | None) -> Brief | None:
    return Brief(**{**told, "taken": datetime.fromisoformat(told["taken"])}) if told else None


def _place(told: dict[str, Any]) -> Place:
    newest, bad = (datetime.fromisoformat(told[name]) if told[name] else None for name in ("newest", "bad_at"))
    current = bad is not None and (newest is None or bad > newest)
    return Place(told["pk"], told["name"], told["late_after"], newest, told["problem"] if current else "")
