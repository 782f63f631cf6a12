"""One scene of the crash matrix, run until it has been disturbed everywhere; what came of it becomes cells."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db.models.functions import Now

from portal.kernel.command import Command
from portal.kernel.step import Step
from portal.runs import registry, services
from portal.runs.models import Run
from tests.failover import matrix_scenes as scenes
from tests.failover.matrix_cuts import Cuts, hooked
from tests.failover.matrix_scenes import Scene
from tests.failover.matrix_table import FAILED, NEVER, NOT, OK, Cell, Table, undo_of
from tests.fixtures_drill_lab import Pair, told
from tests.fixtures_gate import worker

UNDO = "undo "
MOST = 16  # runs of one scene


@dataclass
class Attempt:
    """One run, and what was wrong with it. marks: the points that it was disturbed at, "position kind point"."""

    run: Run
    wrong: list[str]
    marks: set[str] = field(default_factory=set)


@dataclass
class Trial:
    """kinds: as the cuts know them. A run that a disturbance ends is followed by another one, until nothing is left."""

    pair: Pair
    scene: Scene
    kinds: frozenset[str]
    folder: Path
    table: Table
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def plan(self) -> str:
        return self.scene.plan

    @property
    def steps(self) -> tuple[Step, ...]:
        return registry.plans()[self.plan].steps

    @property
    def undoing(self) -> bool:
        return any(kind.startswith(UNDO) for kind in self.kinds)

    def go(self) -> list[str]:
        """Everything that was wrong, in words."""
        for _ in range(MOST):
            attempt = self._attempt()
            self.attempts.append(attempt)
            if not attempt.marks or not self._left(attempt):
                break
        self._fill()
        return [line for attempt in self.attempts for line in attempt.wrong]

    def _left(self, attempt: Attempt) -> bool:
        """Whether something can be disturbed still that this run did not come to."""
        if not self.undoing and not self.kinds <= set(NEVER):
            return attempt.run.status != "succeeded"
        acted = set(attempt.run.steps.filter(intended_at__isnull=False).values_list("position", flat=True))
        whole = attempt.run.status == "succeeded" or self.undoing
        for position, step in enumerate(self.steps, 1):
            missing = any(not (self.folder / f"{position} {kind} start").exists() for kind in self.kinds)
            if (
                missing
                and (not whole or position in acted)
                and (self._undone(step) if self.undoing else self._commands(step))
            ):
                return not self.undoing or self.kinds <= {f"{UNDO}{kind}" for kind in NEVER}
        return False

    def _undone(self, step: Step) -> bool:
        return not isinstance(step.undo, str)

    def _commands(self, step: Step) -> bool:
        parameters = self.attempts[-1].run.parameters | {"run": "", "target": ""} if self.attempts else {}
        return bool(parameters) and any(isinstance(act, Command) for act in step.act(parameters))

    def _attempt(self) -> Attempt:
        scenes.forget(self.pair)
        scenes.restore(self.pair)
        before = scenes.stands(self.pair)
        run = self.scene.begin(self.pair)
        before = scenes.stands(self.pair) if self.scene.open else before
        self.pair.ledger = self._last()
        for name in ("spoiled", "lost"):
            (self.folder / name).unlink(missing_ok=True)
        for path in (*self.folder.glob("* abort"), *self.folder.glob("* never")):
            path.unlink()
        was = self._marks()
        with hooked(self._cuts(run)):
            run = drive(self.pair, run)
        self.pair.lab.http("DELETE", "/faults")
        if (
            run.status == "needs_attention"
            and not scenes.safe(run)
            and self.kinds & {"idle", "hang", "undo idle", "undo hang"}
        ):
            run = self._repaired(run)
        wrong = [*self._ended(run), *self._left_behind(run, before)]
        twice = scenes.doubled(self.pair, run)
        self.table.count("acts executed twice", len(twice))
        self.table.count("runs")
        why = told(run) if wrong or twice else ""
        return Attempt(run, [f"{self.scene.name}: {line}. {why}" for line in (*wrong, *twice)], self._marks() - was)

    def _cuts(self, run: Run) -> Cuts:
        machines = {f"host:{host.pk}": host.name for host in self.pair.hosts} | {
            f"engine:{self.pair.engine.pk}": "engine"
        }
        at = 0
        if self.undoing:
            at = 1 + max(number for number, step in enumerate(self.steps, 1) if not isinstance(step.undo, str))
        return Cuts(self.folder, self.pair.lab, self.kinds, machines, at, self.scene.lost)

    def _repaired(self, run: Run) -> Run:
        """What a person does who reads that an undo failed."""
        assert "retry that undo" in run.sentence, run.sentence
        services.retry(run.pk, run.steps.get(state="undo_failed").position, "anna")
        return drive(self.pair, run)

    def _ended(self, run: Run) -> list[str]:
        """A run ends well; where its command did nothing, it says so and takes back what it did."""
        right = {"succeeded"} if not self.undoing else {"aborted"}
        if self.kinds & {"idle", "hang", "rest", "undo idle", "undo hang"}:
            right |= {"rolled_back", "failed"}
        wrong = [] if run.status in right or scenes.safe(run) else [f"it ended {run.status}"]
        return wrong if run.sentence else [*wrong, "it says nothing"]

    def _left_behind(self, run: Run, before: dict[str, object]) -> list[str]:
        """Nothing, within what HA and the hosts need to come round."""
        end = time.monotonic() + 60
        while True:
            lines = scenes.differs(before, scenes.stands(self.pair))
            left = [line for line in lines if not scenes.meant(run, line)] + scenes.processes(run)
            if not left or time.monotonic() > end:
                break
            time.sleep(0.1)
        if run.status in ("succeeded", "aborted", "rolled_back"):
            left += scenes.folders(self.pair, run)
        self.table.count("leftovers", len(left))
        return [f"left behind: {line}" for line in left]

    def _marks(self) -> set[str]:
        return {
            path.name
            for path in self.folder.iterdir()
            if " " in path.name and not path.name.endswith((" abort", " never"))
        }

    def _last(self) -> int:
        rows = self.pair.lab.http("GET", "/ledger")
        return int(rows[-1]["n"]) if rows else 0

    # --- cells

    def _fill(self) -> None:
        for position, step in enumerate(self.steps, 1):
            for kind in self.kinds:
                row = undo_of(step.name) if kind.startswith(UNDO) else step.name
                if kind.startswith(UNDO) and isinstance(step.undo, str):
                    continue
                self.table.put(self.plan, row, kind.removeprefix(UNDO), self._cell(position, step, kind))
                if kind.startswith(UNDO):
                    self.table.put(self.plan, row, "rest", Cell(NOT, "it asks the host alone"))

    def _cell(self, position: int, step: Step, kind: str) -> Cell:
        begins = f"{position} {kind} "
        mine = [one for one in self.attempts if any(mark.startswith(begins) for mark in one.marks)]
        bad = [one for one in mine if one.wrong and self._blamed(one, position)]
        if bad:
            return Cell(FAILED, bad[0].wrong[0][:200])
        points = {mark.removeprefix(begins) for one in mine for mark in one.marks if mark.startswith(begins)}
        if not points or ("none" in points and points <= {"none", "look", "tried"}):
            return Cell(NOT, self._why_not(step, kind))
        ends = sorted({one.run.status for one in mine if one.run.steps.get(position=position).state == "failed"})
        return Cell(OK, f"ends {' and '.join(ends)}" if ends else "")

    def _blamed(self, attempt: Attempt, position: int) -> bool:
        """A run that stopped in a step blames that one alone."""
        stopped = attempt.run.steps.filter(state__in=("failed", "undo_failed", "running", "held")).values_list(
            "position", flat=True
        )
        return not stopped or position in stopped

    def _why_not(self, step: Step, kind: str) -> str:
        acts = step.act(self.attempts[-1].run.parameters | {"run": "", "target": ""})
        if kind == "drop" or (kind == "hang" and "drop" in self.kinds):
            return "it asks no host"
        if not acts:
            return "it acts nothing"
        if kind in ("idle", "hang") and not any(isinstance(act, Command) for act in acts):
            return "it starts no command"
        return "it found nothing to do"


def drive(pair: Pair, run: Run, seconds: float = 150) -> Run:
    """Worker after worker, each a process of its own, until the run has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        run.steps.filter(state="held").update(deadline=Now())  # nobody decides
        with worker(run.pk) as one:
            while not one.ended and time.monotonic() < end:
                scenes.person(pair, run)
                time.sleep(0.03)
        run.refresh_from_db()
        if run.status not in Run.ACTIVE:
            break
    return run
