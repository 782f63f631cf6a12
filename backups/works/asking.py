"""Looks of a work that must have come whole: a cut answer says nothing, and the work is tried again."""

from __future__ import annotations

from collections.abc import Mapping

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.step import Working


def whole(working: Working, commands: Mapping[str, Command]) -> Mapping[str, Output]:
    """The outputs, when every command was seen to its end. Raises LookFailed."""
    seen = working.look(commands)
    cut = sorted(name for name, output in seen.items() if output.exit_code is None)
    if cut:
        raise LookFailed(f"The answer of the engine VM did not come whole ({', '.join(cut)}); it is asked again.")
    return seen
