"""Drills as people see them: the shape and word of each, what is next, what is past, what each plan has proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from failover.models import Approval, Drill
from failover.services import approvals
from failover.services.answer import met
from failover.services.approvals import Standing
from portal.runs import pages
from portal.runs.models import Run
from portal.runs.states import ENDED

S = Run.Status
WAITING = {
    approvals.AWAITING: ("waiting", "Awaiting approval"),
    approvals.APPROVED: ("ok", "Approved, not begun"),
    approvals.REFUSED: ("warn", "Refused"),
    approvals.EXPIRED: ("warn", "Expired"),
    approvals.NOT_NEEDED: ("waiting", "Waiting"),
    approvals.VOID: ("fail", "Approval void"),
}
PAST = 50  # ended drills that the list shows


@dataclass(frozen=True)
class Row:
    """One drill. standing: of its approval; None once it has begun. verdict: one sentence over its objectives."""

    drill: Drill
    state: str
    word: str
    standing: Standing | None
    verdict: str


def drills() -> QuerySet[Drill]:
    """With what a row needs."""
    rows = Drill.objects.select_related("run__bound__system", "engine", "schedule")
    return rows.prefetch_related(Prefetch("approvals", Approval.objects.order_by("-pk")))


def row_of(drill: Drill, now: datetime) -> Row:
    """As the list and the page's title show it."""
    run = drill.run
    if run is None:
        return Row(drill, "unknown", "No run", None, verdict(drill))
    if run.status in approvals.WAITS:
        held = approvals.standing(drill, now)
        return Row(drill, *WAITING[held.state], held, "")
    if run.status in ENDED:
        return Row(drill, *_ended(drill, run), None, verdict(drill))
    return Row(drill, *pages.shape(run), None, "")


def _ended(drill: Drill, run: Run) -> tuple[str, str]:
    if run.status != S.SUCCEEDED:
        return pages.STATUS[S(run.status)]
    if met(drill):
        return "ok", "Every objective met"
    words = {str(each.get("word")) for each in drill.verdicts}
    if "not met" in words:
        return "fail", "Objective not met"
    return "unknown", "Not measured" if not words else "Partly not tested"


def verdict(drill: Drill) -> str:
    """2 objectives met, 1 not met; what became of the run where nothing was measured."""
    words = [str(each.get("word")) for each in drill.verdicts]
    told = [f"{words.count(word)} {word}" for word in ("met", "not met", "not tested") if word in words]
    if told:
        return ", ".join(told)
    return drill.run.sentence if drill.run is not None else ""


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """What is still to come or under way, the soonest first; what is over, the newest first."""
    ahead = [row for row in rows if row.drill.run is not None and row.drill.run.status not in ENDED]
    over = [row for row in rows if row not in ahead]
    return sorted(ahead, key=_when), over


def _when(row: Row) -> datetime:
    return row.drill.window_begins or row.drill.requested_at


def listed(now: datetime) -> tuple[list[Row], list[Row]]:
    """Every drill that has not ended, and the latest of those that have."""
    ended = [str(each) for each in ENDED]
    ahead = list(drills().exclude(run__status__in=ended).exclude(run=None))
    over = list(drills().filter(run__status__in=ended)[:PAST])
    return split([row_of(drill, now) for drill in [*ahead, *over]])
