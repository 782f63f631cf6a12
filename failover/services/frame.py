"""What every page's frame asks of failover, in one query: proof, broken glass and open window of each engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject

from failover.models import BreakGlass, Drill, Schedule, Window
from inventory.models import Engine, Look
from inventory.services.looks import AVAILABILITY
from inventory.templatetags.holdfast import full
from portal.changes.models import ChangeNote, Lift
from portal.runs.models import Run, RunStep
from portal.runs.states import ENDED

PROVES = ("she_failover", "host_power_loss")  # drills in which HA itself restarted the engine VM
OVERDUE = 95  # days, where no schedule says


@dataclass(frozen=True)
class Glass:
    """Broken glass: whose, of which drill, until when, why."""

    title: str
    names: str
    until: datetime
    reason: str


@dataclass(frozen=True)
class Open:
    """The open maintenance window of an engine. what: in words."""

    what: str
    owner: str
    change: str
    reason: str
    asked_at: datetime
    deadline: datetime | None
    overdue: bool


@dataclass(frozen=True)
class Standing:
    """One engine. title, ended: of the newest drill that proves failover; allowed: days that a proof is good for.
    services: as promised.judge has them, judged_at: when; None: not judged yet."""

    name: str
    watched: bool
    title: str
    ended: datetime | None
    allowed: int
    glass: Glass | None
    window: Open | None
    undelivered: int = 0  # notes to change systems that were refused, of the whole estate
    lifted: str = ""  # who lifted the gate of a change system, until when, why; "" while none is
    services: tuple[dict[str, Any], ...] = ()
    judged_at: datetime | None = None


def standings(now: datetime) -> tuple[Standing, ...]:
    """All engines, by name, as of a moment. One query."""
    proves = Q(plan__in=PROVES) | Q(kind__in=PROVES)
    ended = Drill.objects.filter(proves, engine=OuterRef("pk"), run__status=Run.Status.SUCCEEDED)
    # one in which a failed step was ignored proves nothing
    ended = ended.exclude(Exists(RunStep.objects.filter(run=OuterRef("run"), state=RunStep.State.IGNORED)))
    missed = Q(verdicts__contains=[{"word": "not met"}]) | Q(verdicts__contains=[{"word": "not tested"}])
    newest = ended.exclude(missed).exclude(verdicts=[]).order_by("-run__ended")
    plans = Schedule.objects.filter(proves, engine=OuterRef("pk"), enabled=True).order_by("overdue_days")
    glass = BreakGlass.objects.filter(drill__engine=OuterRef("pk"), confirmed_at__isnull=False, until__gt=now)
    glass = glass.exclude(drill__run__status__in=[str(each) for each in ENDED])
    window = Window.objects.filter(engine=OuterRef("pk"), state__in=Window.OPEN)
    judged = Look.objects.filter(engine=OuterRef("pk"), probe=AVAILABILITY, facts__isnull=False)
    rows = Engine.objects.annotate(
        judged=Subquery(judged.values(told=JSONObject(at="at", services="facts__services"))[:1]),
        title=Subquery(newest.values("title")[:1]),
        ended=Subquery(newest.values("run__ended")[:1]),
        allowed=Coalesce(Subquery(plans.values("overdue_days")[:1]), OVERDUE),
        glass=Subquery(
            glass.values(
                told=JSONObject(
                    title="drill__title", asked="asked_by", confirmed="confirmed_by", until="until", reason="reason"
                )
            )[:1]
        ),
        undelivered=Coalesce(Subquery(_dead()), 0),
        lifted=Subquery(_lifts(now)[:1]),
        window=Subquery(
            window.values(
                told=JSONObject(
                    scope="scope", host=F("host__name"), owner="owner", change="change", reason="reason",
                    asked_at="asked_at", deadline="deadline", overdue_at="overdue_at",
                )
            )[:1]
        ),
    )  # fmt: skip
    return tuple(_standing(row) for row in rows.only("name", "watched").order_by("name"))


def _dead() -> Any:
    rows = ChangeNote.objects.filter(state__in=ChangeNote.LOST).order_by().annotate(all=Value(1)).values("all")
    return rows.annotate(many=Count("pk")).values("many")


def _lifts(now: datetime) -> Any:
    rows = Lift.objects.filter(confirmed_at__isnull=False, ended_at=None, until__gt=now).order_by("-pk")
    parts = {"system": "system__name", "asked": "asked_by", "confirmed": "confirmed_by"}
    return rows.values(told=JSONObject(**parts, until="until", reason="reason"))


def _standing(row: Any) -> Standing:
    glass, window, judged = row.glass, row.window, row.judged or {}
    return Standing(
        row.name,
        row.watched,
        row.title or "",
        row.ended,
        row.allowed,
        glass and _broken(glass),
        window and _open(row.name, window),
        row.undelivered,
        _lifted(row.lifted) if row.lifted else "",
        tuple(judged.get("services") or ()),
        _moment(judged["at"]) if judged.get("at") else None,
    )


def _lifted(told: dict[str, Any]) -> str:
    words = f"{told['asked']} and {told['confirmed']} lifted the gate of {told['system']}"
    return f"{words} until {full(_moment(told['until']))}: {told['reason']}"


def _broken(told: dict[str, Any]) -> Glass:
    names = f"{told['asked']} and {told['confirmed']}"
    return Glass(told["title"], names, _moment(told["until"]), told["reason"])


def _open(engine: str, told: dict[str, Any]) -> Open:
    return Open(
        Window.called(told["scope"], told["host"] or engine),
        told["owner"],
        told["change"],
        told["reason"],
        _moment(told["asked_at"]),
        _moment(told["deadline"]) if told["deadline"] else None,
        bool(told["overdue_at"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
