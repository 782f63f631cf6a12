"""The crash matrix as a table: its rows are made from the plans that are registered, its cells from what was run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from portal.kernel.plan import Plan
from portal.runs import registry

# How a Run is disturbed at a step -> the column's head, and what was really done.
KINDS = {
    "before": ("kill -9 before the act", "the worker's process ends itself with SIGKILL: intent written, nothing sent"),
    "after": ("kill -9 after it, unrecorded", "SIGKILL when the act was taken, before the portal has written that"),
    "settle": ("kill -9 while it settles", "SIGKILL after a look, before its verdict is written"),
    "drop": (
        "SSH drop",
        "every SSH connection is reset: before a look, before the act, and after it without its answer",
    ),
    "hang": (
        "command hang",
        "a command that is looked with hangs until its time-out; the act's own command never ends",
    ),
    "idle": ("exit 0, no effect", "the lab's command answers 0 and does nothing, its undo's likewise"),
    "rest": ("engine REST down", "every page and answer of the engine is HTTP 500, then its sessions are gone"),
    "redis": ("Redis flushed", "FLUSHALL under a real Celery worker and beat"),
    "postgres": ("PostgreSQL restarted", "an immediate stop under a real worker, without a checkpoint, and a start"),
    "reboot": ("portal host rebooted", "worker, beat, Redis and PostgreSQL killed at once and started anew"),
}
KILLS, WAYS, NEVER, STACK = (
    ("before", "after", "settle"),
    ("drop", "rest", "hang"),
    ("idle", "hang"),
    ("redis", "postgres", "reboot"),
)
OK, NOT, FAILED = "ok", "n.a.", "FAILED"
_WEIGHT = {NOT: 0, OK: 1, FAILED: 2}
Key = tuple[str, str, str]  # plan, row, kind


@dataclass(frozen=True)
class Cell:
    """word: ok | n.a. | FAILED. why: one phrase, needed unless ok."""

    word: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


@dataclass
class Table:
    """What was run. figures: counted over all of it."""

    cells: dict[Key, Cell] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    def put(self, plan: str, row: str, kind: str, cell: Cell) -> None:
        """A cell that several scenes fill is as bad as the worst, and applies when it does in one of them."""
        old = self.cells.get((plan, row, kind))
        if old is None or _WEIGHT[cell.word] > _WEIGHT[old.word]:
            self.cells[plan, row, kind] = cell

    def count(self, what: str, number: int = 1) -> None:
        self.figures[what] = self.figures.get(what, 0) + number

    def missing(self) -> list[Key]:
        """What has not been run."""
        return [(plan, row, kind) for plan, row in rows() for kind in KINDS if (plan, row, kind) not in self.cells]

    def words(self, word: str) -> int:
        return sum(1 for cell in self.cells.values() if cell.word == word)


TABLE = Table()


def guarded() -> list[Plan]:
    """The plans that act on a hosted-engine pair, in the order in which they are registered."""
    return [plan for plan in registry.plans().values() if "she" in plan.targets]


def others() -> list[Plan]:
    """The plans of other rooms."""
    return [plan for plan in registry.plans().values() if "she" not in plan.targets]


def rows() -> list[tuple[str, str]]:
    """Plan and row: every step, and the undo of every step that has one."""
    found = []
    for plan in guarded():
        for step in plan.steps:
            found.append((plan.name, step.name))
            if not isinstance(step.undo, str):
                found.append((plan.name, undo_of(step.name)))
    return found


def undo_of(step: str) -> str:
    """How the row of a step's undo is called."""
    return f"{step}, undone"


def lines(table: Table) -> list[str]:
    """The table for a terminal: one line per row, the reasons of what does not apply and what failed below it."""
    names = [f"{plan}.{row}" for plan, row in rows()]
    wide = max(len(name) for name in names)
    out = ["".ljust(wide) + "  " + "  ".join(kind.ljust(8) for kind in KINDS)]
    for (plan, row), name in zip(rows(), names, strict=True):
        words = [table.cells[plan, row, kind].word if (plan, row, kind) in table.cells else "-" for kind in KINDS]
        out.append(name.ljust(wide) + "  " + "  ".join(word.ljust(8) for word in words).rstrip())
    out += [
        "",
        *(f"{plan}.{row}, {kind}: {cell}" for (plan, row, kind), cell in table.cells.items() if cell.word == FAILED),
    ]
    return [*out, figures(table)]


def figures(table: Table) -> str:
    """One sentence."""
    told = (
        f"{len(table.cells)} cells: {table.words(OK)} ok, {table.words(NOT)} do not apply, {table.words(FAILED)} failed"
    )
    rest = len(table.missing())
    more = f"; {rest} were not run" if rest else ""
    counted = ", ".join(f"{number} {what}" for what, number in sorted(table.figures.items()))
    return f"{told}{more}. {counted}." if counted else f"{told}{more}."


def page(table: Table) -> str:
    """docs/crash-matrix.md."""
    head = "| plan.step | " + " | ".join(title for title, _ in KINDS.values()) + " |"
    body = []
    for plan, row in rows():
        cells = [str(table.cells.get((plan, row, kind), Cell("-"))) for kind in KINDS]
        body.append(f"| {plan}.{row} | " + " | ".join(cells) + " |")
    how = [f"- **{title}**: {done}." for title, done in KINDS.values()]
    return "\n".join(
        [*_TOP, figures(table), "", *how, "", *_HOW, "", head, "|---" * (len(KINDS) + 1) + "|", *body, "", *_rest()]
    )


_TOP = (
    "# The crash matrix",
    "",
    "Written by `./holdfast test matrix` when the whole of it has run. Every step of every plan on a hosted-engine",
    "pair, in the lab over real SSH and HTTPS, disturbed in every way; docs/adr/0022 says how.",
    "",
)  # fmt: skip
_HOW = (
    "ok: the run ended in a right state with a sentence; no host executed an act twice (the lab's ledger, requests",
    "to the engine among it); no flag, stopped unit, dark path, release, folder or process was left behind.",
    "The first seven columns are run with the engine of Runs in worker processes of their own, the last three with",
    "Celery's worker and beat, a Redis and a PostgreSQL of their own. Disturbances that a run survives follow one",
    "another in one run.",
)


def _rest() -> list[str]:
    told = ["## Plans that act on no pair", ""]
    told += [f"- {plan.name}: {', '.join(step.name for step in plan.steps)}." for plan in others()]
    return [
        *told,
        "",
        "Their steps are killed in tests/backups/test_kill_works.py, test_kill_redis_services.py and tests/runs/.",
        "",
    ]


def write(table: Table, path: Path) -> bool:
    """Writes the page when the whole was run; False when it was not."""
    if table.missing():
        return False
    path.write_text(page(table), "utf-8")
    return True
