"""Whether a running value survives the next boot: "live ok, not persistent" is a warning of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from inventory.tuning.facts import OracleFacts, numbers
from inventory.tuning.row import Row
from portal.kernel.outcome import Outcome

Holds = Callable[[tuple[int, ...]], bool]


def lasting(row: Row, holds: Holds, seen: OracleFacts, own: tuple[str, ...] = (), *, tuned: bool = False) -> Row:
    """The row with what the files set. A running value that is right and would be lost at the next boot is a warning of
    its own; whether it would be is only known when the files were read. holds: the rule as a function of fields."""
    if any(one.part == "files" for one in seen.unread):
        return row
    file = seen.assigned(row.parameter)
    if file is None:
        if row.outcome is not Outcome.OK or row.severity == "info" or row.running in own:
            return row
        if tuned and "oracle" in seen.profile:
            return replace(row, persistent=f"tuned {seen.profile}")
        words = f"{row.parameter} is {row.running}, which is right, but no file sets it: it is lost at the next boot."
        return replace(row, outcome=Outcome.WARN, sentence=words, fleeting=True)
    row = replace(row, persistent=f"{file.value} ({file.file})")
    if row.outcome is Outcome.OK and not holds(numbers(file.value)):
        words = f"{row.parameter} is {row.running}, which is right, but {file.file} sets {file.value} at the next boot."
        return replace(row, outcome=Outcome.WARN, sentence=words, fleeting=True)
    return row
