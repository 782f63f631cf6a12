"""What is owed to changes, looked up from the rows at every tick, so nothing hangs on a hook that a dying worker skips;
the key of each note keeps it from being queued twice (docs/adr/0033)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Exists, OuterRef, Q

from failover.catalog import noting
from failover.models import Drill, Prompt, Window
from failover.services import change_files
from portal.changes import services as changes
from portal.changes.models import Change, ChangeNote
from portal.evidence.models import Record
from portal.runs.models import Run, RunStep
from portal.runs.states import ENDED

log = logging.getLogger(__name__)

PAST = timedelta(days=7)  # so long after its end a run may still owe something
APART = timedelta(seconds=20)  # between two notes about groups of one run
S, CLOSE = ChangeNote.State, ChangeNote.Kind.CLOSE
UNENDED = (*Run.ACTIVE, Run.Status.DRAFT, Run.Status.AWAITING_APPROVAL, Run.Status.NEEDS_ATTENTION)
# why a run stands still or is turned, each its own note: kind of record -> what it says
STOPS = {
    "run.held": "It is held.",
    "run.resumed": "It goes on.",
    "run.step_held": "It waits for a decision.",
    "run.retried": "",
    "run.step_ignored": "",
    "run.abort_asked": "",
    "drill.glass_broken": "The glass is broken: the gates are lifted.",
}


@dataclass(frozen=True)
class Owed:
    """A run with its change, and the keys of what was queued for it before."""

    run: Run
    change: Change
    keys: frozenset[str]
    now: datetime

    @property
    def about(self) -> str:
        """As the evidence names it."""
        return f"run:{self.run.pk}"

    def note(self, key: str, text: str) -> int:
        """Queues a note once; gives how many are new."""
        name = f"{self.about}:{key}"
        return int(name not in self.keys and changes.note(self.change, name, self.about, text, self.now))


def tick(now: datetime) -> int:
    """Queues what is owed and not queued yet; gives how many are new. Harmless to repeat."""
    _reopen(now)
    new = 0
    for _, runs in groupby(_runs(now), key=lambda run: run.bound_id):
        new += _of_change(list(runs), now)
    return new


def _reopen(now: datetime) -> None:
    """A close that waits is taken back when something of its change is under way again, or still to come: what that
    owes could not be told to a closed change."""
    again = Run.objects.filter(bound=OuterRef("change"), status__in=UNENDED)
    waiting = ChangeNote.objects.filter(Exists(again), kind=CLOSE, state__in=(S.QUEUED, *ChangeNote.LOST))
    for pk in waiting.values_list("pk", flat=True):
        changes.withdraw(pk, "Something of this change is under way again: it is closed after that.", now)


def _runs(now: datetime) -> Iterator[Run]:
    """By change: those under way, and those that ended lately under a change that is not closed."""
    done = ChangeNote.objects.filter(change=OuterRef("bound"), kind=CLOSE).exclude(state=S.WITHDRAWN)
    rows = Run.objects.filter(bound__isnull=False, started__isnull=False).filter(
        Q(status__in=Run.ACTIVE) | Q(ended__gte=now - PAST)
    )
    rows = rows.annotate(closed=Exists(done)).filter(Q(closed=False) | Q(status__in=Run.ACTIVE))
    yield from rows.select_related("bound__system").order_by("bound", "pk")


def _of_change(runs: Sequence[Run], now: datetime) -> int:
    """What all runs of one change owe to it; its close comes after everything that any of them owes."""
    new, told = 0, []
    for run in runs:
        try:
            some, whole = _of(run, now)
        except Exception:  # one that breaks stops no other one, but the change is not closed over it
            log.exception("What run %s owes to its change could not be worked out.", run.pk)
            continue
        new += some
        told += [run.pk] if whole else []
    change = runs[0].bound
    assert change is not None
    if len(told) == len(runs) and change.system.closes and _finished(change, told, now):
        new += _close(change, now)
    return new


def _of(run: Run, now: datetime) -> tuple[int, bool]:
    """How many are new, and whether that is all that the run will ever owe."""
    assert run.bound is not None
    keys = ChangeNote.objects.filter(change=run.bound_id, about=f"run:{run.pk}").values_list("key", flat=True)
    owed = Owed(run, run.bound, frozenset(keys), now)
    new = _start(owed) + _stops(owed) + _groups(owed)
    if run.status not in ENDED:
        return new, False
    some, whole = _end(owed)
    return new + some, whole


def _start(owed: Owed) -> int:
    run = owed.run
    people = f"asked for by {run.requested_by}" + (f", approved by {run.approved_by}" if run.approved_by else "")
    assert run.started is not None
    text = noting.start_note(run.title, run.target_name, run.pk, people, run.started, run.request_id)
    return owed.note("start", text)


def _groups(owed: Owed) -> int:
    """One note for all groups that are over since the last one; not more often than people read."""
    said = [int(key.rpartition(":")[2]) for key in owed.keys if ":group:" in key]
    over = owed.run.status in ENDED
    if said and not over and _lately(owed):
        return 0
    steps = [
        noting.Step(row.position, row.title, row.mutating, row.state, row.sentence, row.ended)
        for row in owed.run.steps.order_by("position")
    ]
    told = noting.unsaid(steps, max(said, default=0))
    return owed.note(f"group:{told[-1].position}", noting.group_note(told, len(steps))) if told else 0


def _lately(owed: Owed) -> bool:
    mine = ChangeNote.objects.filter(change=owed.change.pk, key__startswith=f"{owed.about}:group:")
    return mine.filter(queued_at__gt=owed.now - APART).exists()


def _stops(owed: Owed) -> int:
    drill = Drill.objects.filter(run=owed.run.pk).values_list("pk", flat=True).first()
    subjects = [owed.about, *([f"drill:{drill}"] if drill else [])]
    rows = Record.objects.filter(subject__in=subjects, kind__in=list(STOPS)).order_by("number")
    new = 0
    for row in rows:
        said = str(row.body.get("sentence") or row.body.get("question") or row.body.get("reason") or "")
        text = f"{noting.stamp(row.at)}{STOPS[row.kind]} {said}"
        new += owed.note(f"stop:{row.number}", text)
    for prompt in Prompt.objects.filter(drill=drill).order_by("pk") if drill else ():
        words = f"{noting.stamp(prompt.asked_at)}It waits for a person: {prompt.question}"
        new += owed.note(f"ask:{prompt.pk}", words)
    return new


def _end(owed: Owed) -> tuple[int, bool]:
    run, drill = owed.run, Drill.objects.filter(run=owed.run.pk).first()
    assert run.ended is not None
    new = owed.note(f"end:{run.ended:%Y%m%dT%H%M%S}", _last_words(run, drill))
    if drill is None:
        return new, True
    if not change_files.ready(drill, run, owed.now):
        return new, False  # its report comes first
    return new + change_files.owe(owed.change, owed.about, drill, owed.keys, owed.now), True


def _last_words(run: Run, drill: Drill | None) -> str:
    assert run.ended is not None
    text = noting.end_note(run.title, run.status, run.sentence, run.started, run.ended)
    told = [str(one.get("sentence", "")) for one in drill.verdicts] if drill else []
    return " ".join([text, *told])


def _finished(change: Change, told: Iterable[int], now: datetime) -> bool:
    """Whether the change has done what it was for: a drill has ended, a maintenance was left, or its window is over;
    and nothing of it is under way or still to come. told: the runs that owe nothing more."""
    if ChangeNote.objects.filter(change=change.pk, kind=CLOSE).exclude(state=S.WITHDRAWN).exists():
        return False
    mine = Run.objects.filter(bound=change.pk)
    late = mine.filter(started__isnull=False, ended__gte=now - PAST).exclude(pk__in=told)
    if mine.filter(status__in=UNENDED).exists() or late.exists():
        return False
    if Window.objects.filter(enter_run__in=mine, state__in=Window.OPEN).exists():
        return False
    main = Drill.objects.filter(run__in=mine).exists() or Window.objects.filter(enter_run__in=mine).exists()
    return main or (change.ends is not None and now >= change.ends)


def _close(change: Change, now: datetime) -> int:
    mine = list(Run.objects.filter(bound=change.pk, started__isnull=False, ended__isnull=False).order_by("ended", "pk"))
    began = min(run.started for run in mine if run.started)
    ended = max(run.ended for run in mine if run.ended)
    words = {noting.code(run.status, _ignored(run), _verdicts(run)) for run in mine}
    worst = next(each for each in (noting.UNSUCCESSFUL, noting.ISSUES, noting.SUCCESSFUL) if each in words)
    text = " ".join(f"{run.title}: {run.sentence}" for run in mine)
    about = f"run:{mine[-1].pk}"
    earlier = ChangeNote.objects.filter(change=change.pk, kind=CLOSE).count()  # withdrawn ones
    key = f"{about}:close" if not earlier else f"{about}:close:{earlier + 1}"
    return int(changes.close(change, key, about, changes.Result(began, ended, worst, text), now))


def _ignored(run: Run) -> bool:
    return run.steps.filter(state=RunStep.State.IGNORED).exists()


def _verdicts(run: Run) -> list[str]:
    drill = Drill.objects.filter(run=run.pk).first()
    return [str(one.get("word")) for one in drill.verdicts] if drill else []
