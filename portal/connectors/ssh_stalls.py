"""Commands that do not end, not even when timeout(1) kills them: they hang in the kernel on storage that is gone.

One of them must not hide what the others on its host have to say, and it must not be started again and again, since
each try leaves one more process that nobody can kill (facts/luns-and-tuning.md 2.2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.connectors.ssh_address import Address
from portal.kernel.command import Command
from portal.kernel.output import Output

FIRST_PAUSE = 60.0  # seconds before a stalled command is tried again; doubled each time
LONGEST_PAUSE = 900.0


@dataclass(frozen=True)
class _Stall:
    times: int
    again_at: float  # the caller's monotonic clock


class Stalls:
    """What stalled on which host, in this process. now: the caller's monotonic clock, seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._known: dict[tuple[Address, tuple[str, ...]], _Stall] = {}

    def plan(self, address: Address, commands: Mapping[str, Command]) -> tuple[dict[str, Command], dict[str, Output]]:
        """What to run, with the commands that stalled before at the end, and an answer for each that is left out."""
        if not self._known:
            return dict(commands), {}
        first: dict[str, Command] = {}
        last: dict[str, Command] = {}
        held: dict[str, Output] = {}
        now = self._clock()
        for name, command in commands.items():
            stall = self._known.get((address, command.argv))
            if stall is None:
                first[name] = command
            elif stall.again_at <= now:
                last[name] = command
            else:
                held[name] = Output(b"", _sentence(stall, stall.again_at - now).encode(), None)
        return {**first, **last}, held

    def learn(
        self, address: Address, commands: Mapping[str, Command], outputs: Mapping[str, Output], cut: bool
    ) -> None:
        """Takes what a visit brought. cut: the portal gave up waiting, so the section under way has stalled."""
        if not cut and not self._known:
            return
        with self._guard:
            for name, command in commands.items():
                key, output = (address, command.argv), outputs[name]
                if output.exit_code is not None:
                    self._known.pop(key, None)
                elif cut and output.truncated:
                    times = self._known[key].times + 1 if key in self._known else 1
                    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (times - 1))
                    self._known[key] = _Stall(times, self._clock() + pause)


def _sentence(stall: _Stall, left: float) -> str:
    tries = "its last try" if stall.times == 1 else f"its last {stall.times} tries"
    return (
        f"The command did not end at {tries}, not even when killed, so it is tried again only in {left:.0f} s. "
        "Look for processes in state D and for storage that does not answer."
    )
