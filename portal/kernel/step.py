"""A step: what to look at, when it may act, what it does, when it has settled, how it is undone. Pure.

A step never loops, sleeps, opens connections or touches the database: the runner (portal.runs) does that around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from portal.kernel.command import Command
from portal.kernel.output import Output
from portal.kernel.verdict import Verdict, done, failed, go, wait

# The run's frozen parameters, plus "run": the run's public id (text), which names its folders on hosts, and "target".
Parameters = Mapping[str, Any]
# Section name -> what came back. ACT is the step's own command, once the host has started it; its exit_code is None
# until it has ended, and stays None when it ended without a result (the host went down, somebody killed it): then LOST
# is seen, too.
Seen = Mapping[str, Output]
ACT = "act"
LOST = "lost"


@dataclass(frozen=True)
class Kept:
    """A look at a file that the run has brought into the vault: stdout is its SHA-256 in hex, exit_code 1 when the
    file is not there."""

    name: str

    def __post_init__(self) -> None:
        _plain(self.name)


@dataclass(frozen=True)
class Fetch:
    """An act: copy a file from the target into the run's folder in the vault under `name`. Repeating it is harmless:
    the file appears there only when it is whole."""

    remote: str
    name: str

    def __post_init__(self) -> None:
        _plain(self.name)


@dataclass(frozen=True)
class On:
    """A look at another target than the step's own ("host:7"). One that does not answer gives exit_code None with one
    sentence on stderr: that a host is silent is something that was seen, too."""

    target: str
    command: Command


@dataclass(frozen=True)
class Told:
    """A look at the portal's own records: `question` names who answers (settings.HOLDFAST_TELLINGS). stdout is JSON,
    exit_code 0."""

    question: str


@dataclass(frozen=True)
class Work:
    """An act of the portal itself: it reads an archive, copies it, restores it in scratch. `name` names who does it
    (settings.HOLDFAST_WORKS). A worker may die in the middle and another one begins again, so the work looks first at
    what is there already, and repeating it is harmless."""

    name: str


class WorkFailed(Exception):
    """The work cannot be done and trying again is no use. Its text is one sentence."""


class WorkStopped(Exception):
    """Somebody asked for the run's end, or its patience ended: the work lets go where it is."""


class Working(Protocol):
    """What a work is given."""

    @property
    def parameters(self) -> Parameters: ...
    @property
    def folder(self) -> Path:
        """The run's folder in the vault; it may have to be made."""

    def say(self, text: str) -> None:
        """One line in the run's log."""

    def look(self, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """Read-only commands on the run's target. Raises LookFailed."""

    def pull(self, remote: str, sink: Callable[[bytes], object], limit: int) -> int:
        """A file of the run's target, piece by piece; returns its bytes. Raises LookFailed."""

    def output_of(self, step: str) -> Output:
        """What the run's step of that name printed on the target, as bytes. Raises LookFailed."""

    def writing(self) -> AbstractContextManager[None]:
        """A transaction that commits only while this worker still has the run."""

    def check(self) -> None:
        """To be called often. Raises WorkStopped, or ends the work because another worker has the run."""


Look = Command | Kept | Told | On
Act = Command | Fetch | Work


@dataclass(frozen=True)
class Step:
    """One step of a plan.

    looks: parameters in, section name -> look out; asked before and after the act, so they must not change anything.
    ready: go | wait | failed, from what was seen before the act.
    act: the commands, run once, in order, detached on the target, until one fails; or what the portal itself does, and
    then there is no undo by commands; () for a step that only waits.
    settled: done | wait | failed, from what was seen; asked first of all, so what is already there is not done again.
    where: the target that its looks, acts and undos run on; "" is the Run's own. One step acts on one target.
    undo: the commands that take the act back and are harmless when it never happened, or the words "No undo: ...".
    patience, every: seconds until the step gives up, and between looks. expected: seconds it usually takes."""

    name: str
    title: str
    mutating: bool
    settled: Callable[[Seen, Parameters], Verdict]
    patience: float
    undo: Callable[[Parameters], tuple[Command, ...]] | str
    looks: Callable[[Parameters], Mapping[str, Look]] = lambda parameters: {}
    ready: Callable[[Seen, Parameters], Verdict] = lambda seen, parameters: go("Nothing has to be waited for.")
    act: Callable[[Parameters], tuple[Act, ...]] = lambda parameters: ()
    where: Callable[[Parameters], str] = lambda parameters: ""
    every: float = 2.0
    expected: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.undo, str) and not self.undo.startswith("No undo: "):
            raise ValueError(f"step {self.name}: an undo is commands or words that begin with 'No undo: '")
        if self.patience <= 0 or self.every <= 0:
            raise ValueError(f"step {self.name}: patience and every are seconds above zero")


def act_ended(seen: Seen, subject: str) -> Verdict:
    """Judges a step by its command alone: done at exit 0, failed at any other. `subject` begins the sentence."""
    act = seen.get(ACT)
    if act is None or act.exit_code is None:
        return wait(f"{subject} has not ended.")
    if act.exit_code == 0:
        return done(f"{subject} ended with exit code 0.")
    why = act.error_line()
    return failed(f"{subject} ended with exit code {act.exit_code}{': ' + why if why else '.'}")


class Shell(Protocol):
    """The way to a kind of target. Every method takes the target's key ("host:7") and raises LookFailed, with one
    sentence, when the target cannot be asked or its answer did not come whole."""

    def name(self, target: str) -> str:
        """The target's name for people. Raises LookFailed when there is no such target."""

    def look(self, target: str, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """Runs read-only commands in one round trip and gives each its output."""

    def run(self, target: str, command: Command) -> Output:
        """Runs one command once, without retrying it over a new connection."""

    def fetch(self, target: str, remote: str, local: Path) -> None:
        """Copies a file from the target to `local`, which is replaced."""

    def pull(
        self, target: str, remote: str, sink: Callable[[bytes], object], limit: int, waiting: Callable[[], object]
    ) -> int:
        """Gives a file's bytes to `sink`, at most `limit`; returns how many. A lost link is made anew and goes on where
        it was; `waiting` is called before each one and may raise to stop."""


def _plain(name: str) -> None:
    if not name or name.startswith(".") or not set(name) <= _PLAIN:
        raise ValueError(f"not a plain file name: {name!r}")


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
