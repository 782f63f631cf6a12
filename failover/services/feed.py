"""What happened, for systems that pull: the evidence, read as events with stable types. A record's number is the
sequence. Numbers are given and committed in order, so a reader that asks after the last one it saw misses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from failover.models import Drill, Window
from portal.evidence.models import Record
from portal.evidence.services import head
from portal.runs.models import Run

MOST = 1000  # events of one answer

# kind of record -> type of event. Of a drill's run the type begins with "drill.", of a window's with "window.", of any
# other with "run.".
STABLE = {
    "drill.requested": "drill.requested",
    "drill.approved": "drill.approved",
    "drill.refused": "drill.refused",
    "drill.approval_void": "drill.approval_void",
    "drill.begun": "drill.started",
    "drill.missed": "drill.missed",
    "drill.glass_broken": "drill.glass_broken",
    "drill.measured": "drill.measured",
    "report.made": "drill.report_ready",
    "window.asked": "window.requested",
    "window.entered": "window.started",
    "window.entered_partly": "window.started",
    "window.failed": "window.failed",
    "window.extended": "window.extended",
    "window.overdue": "window.overdue",
    "window.ended": "window.finished",
    "window.ended_elsewhere": "window.finished",
    "window.released": "window.finished",
    "backup.done": "backup.finished",
    "backup.failed": "backup.failed",
    "backup.verified": "backup.verified",
    "backup.rehearsed": "backup.rehearsed",
    "change.asked": "change.requested",
    "change.seen": "change.seen",
    "change.note_dead": "change.not_delivered",
    "change.note_held": "change.not_delivered",
}
OF_RUNS = {
    "run.started": "requested",
    "run.approved": "approved",
    "run.step_done": "step",
    "run.step_ignored": "step",
    "run.held": "paused",
    "run.step_held": "paused",
    "run.resumed": "resumed",
    "run.failed": "failed",
    "run.errored": "failed",
    "run.ended": "finished",
}
ENDINGS = {"rolled_back": "rolled_back", "failed": "failed", "errored": "failed", "needs_attention": "failed"}
TYPES = sorted(
    {*STABLE.values()}
    | {f"{what}.{word}" for what in ("drill", "window", "run") for word in {*OF_RUNS.values(), *ENDINGS.values()}}
)


@dataclass(frozen=True)
class Event:
    """One thing that happened. id: SHA-256 of its record, so a reader can find it in the evidence. subject: drill:7.
    run: the run that it is of, or None."""

    id: str
    sequence: int
    time: datetime
    type: str
    subject: str
    change: str
    sentence: str
    run: int | None
    links: dict[str, str]


@dataclass(frozen=True)
class Page:
    """Events in order. after: ask after this one next; more: there are more now."""

    events: list[Event]
    after: int
    more: bool


def events(after: int, limit: int) -> Page:
    """What happened after a sequence; at most `limit`."""
    last = head()  # before the question: what comes later has a larger number
    rows = Record.objects.filter(number__gt=after, kind__in=[*STABLE, *OF_RUNS]).order_by("number")
    found = list(rows[: limit + 1])
    more, kept = len(found) > limit, found[:limit]
    told = _told(kept)
    end = kept[-1].number if kept and more else max(after, last.number if last else 0)
    return Page(told, max(end, kept[-1].number if kept else 0), more)


def _told(rows: Sequence[Record]) -> list[Event]:
    around = _Around(rows)
    return [one for row in rows if (one := around.event(row)) is not None]


class _Around:
    """What the records of one page belong to, in four queries."""

    def __init__(self, rows: Sequence[Record]) -> None:
        runs = set(_keys(rows, "run"))
        drills = Drill.objects.filter(Q(run__in=runs) | Q(pk__in=set(_keys(rows, "drill"))))
        self.drills = {pk: run for pk, run in drills.values_list("pk", "run")}
        self.drill_of = {run: pk for pk, run in self.drills.items() if run}
        mine = Q(enter_run__in=runs) | Q(leave_run__in=runs) | Q(pk__in=set(_keys(rows, "window")))
        windows = list(Window.objects.filter(mine).values_list("pk", "enter_run", "leave_run"))
        self.window_of = {run: pk for pk, *both in windows for run in both if run}
        self.windows = {pk: enter for pk, enter, _ in windows}
        every = runs | {run for run in (*self.drills.values(), *self.windows.values()) if run}
        self.changes = dict(Run.objects.filter(pk__in=every).exclude(change="").values_list("pk", "change"))

    def event(self, row: Record) -> Event | None:
        """The record as an event; None for one that another record says better."""
        kind, run, subject = self._kind(row)
        if not kind:
            return None
        change = str(row.body.get("change") or self.changes.get(run or 0, ""))
        said = str(row.body.get("sentence") or row.body.get("why") or row.body.get("reason") or "")
        links = self._links(subject, run)
        return Event(row.sha256, row.number, row.at, kind, subject, change, said, run, links)

    def _kind(self, row: Record) -> tuple[str, int | None, str]:
        what, _, key = row.subject.partition(":")
        number = int(key) if key.isdecimal() else 0
        if row.kind in STABLE:
            run = {"drill": self.drills, "window": self.windows}.get(what, {}).get(number)
            return STABLE[row.kind], run, row.subject
        word = OF_RUNS[row.kind]
        if row.kind == "run.ended":
            word = ENDINGS.get(str(row.body.get("status")), "finished")
        elif word == "failed":
            return "", None, ""  # the undos come first: how it ended says run.ended
        if number in self.drill_of:
            # asked for, approved: the drill's own records say so
            own = word in ("requested", "approved")
            return "" if own else f"drill.{word}", number, f"drill:{self.drill_of[number]}"
        if number in self.window_of:
            own = word in ("requested", "finished")
            return "" if own else f"window.{word}", number, f"window:{self.window_of[number]}"
        return f"run.{word}", number, row.subject

    def _links(self, subject: str, run: int | None) -> dict[str, str]:
        what, _, key = subject.partition(":")
        links = {}
        if what in ("drill", "window", "run") and key.isdecimal():
            links["self"] = reverse(f"api-{what}-detail", args=[int(key)])
        if run:
            links["run"] = reverse("api-run-detail", args=[run])
        if what == "drill":
            links["report"] = reverse("api-drill-report", args=[int(key)])
        return links


def _keys(rows: Iterable[Record], what: str) -> list[int]:
    parts = (row.subject.partition(":") for row in rows)
    return [int(key) for kind, _, key in parts if kind == what and key.isdecimal()]
