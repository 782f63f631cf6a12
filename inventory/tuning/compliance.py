"""The compliance table of one VM, what changed since it was approved, and its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.tuning import hugepages, kernel_rows, other_rows
from inventory.tuning.facts import OracleFacts, TuningDeclared
from inventory.tuning.row import Row
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome, worst

AREAS = ("hugepages", "kernel", "limits", "storage", "system")
# counters and what is in use change by themselves; only what somebody sets can drift
MOVING = {"PageTables", "HugePages in use", "idle HugePages", "HugePages_Surp", "swap", "aio in use", "AMM"}


def table(seen: OracleFacts, declared: TuningDeclared) -> tuple[Row, ...]:
    """Every row, in the order of areas."""
    found = [*hugepages.rows(seen, declared), *kernel_rows.rows(seen, declared), *other_rows.rows(seen, declared)]
    return tuple(sorted(found, key=lambda row: AREAS.index(row.area)))


@dataclass(frozen=True)
class Drift:
    """A parameter whose running value is another one than the approved. was or now "": not known then or now."""

    parameter: str
    was: str
    now: str

    @property
    def sentence(self) -> str:
        """For a person."""
        return f"{self.parameter} is {self.now or 'not known'} and was {self.was or 'not set'} when it was approved."


def approved_values(rows: Iterable[Row]) -> dict[str, str]:
    """What a person approves: parameter -> running value."""
    return {row.parameter: row.running for row in rows if row.parameter not in MOVING and row.running}


def drift(approved: Mapping[str, str], rows: Iterable[Row]) -> tuple[Drift, ...]:
    """What is different from the approved values. A value that cannot be read now is no drift: its row is unknown."""
    now = approved_values(rows)
    changed = [Drift(name, approved.get(name, ""), value) for name, value in now.items() if approved.get(name) != value]
    return tuple(changed)


def findings(rows: Iterable[Row], name: str) -> list[Finding]:
    """One finding per area about the VM: the sentences of its worst rows. Rows of information say nothing."""
    subject, found = Subject("vm", name), []
    for area in AREAS:
        mine = [row for row in rows if row.area == area and row.severity != "info"]
        outcome = worst(row.outcome for row in mine)
        shown = [row.sentence for row in mine if row.outcome is outcome]
        if outcome is Outcome.OK:
            words = f"{len(mine)} settings of {area} on {name} are as wanted."
        else:
            more = f" And {len(shown) - 2} more of that kind." if len(shown) > 2 else ""
            words = f"{name}: {' '.join(shown[:2])}{more}"
        found.append(Finding(f"tuning_{area}", outcome, subject, words))
    return found
