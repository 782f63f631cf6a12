"""What a virtual command of a lab host is: a function of the world, the host and argv that gives a Reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.world import Host, World


@dataclass(frozen=True)
class Reply:
    """What a command prints and its exit code. took: real seconds that it takes."""

    out: str = ""
    err: str = ""
    rc: int = 0
    took: float = 0.0


@dataclass(frozen=True)
class Real:
    """Run the real tool instead (found on PATH behind the lab's own names). Absolute paths that are files of the lab
    host are read from `files`: path on the host -> content."""

    argv: Sequence[str]
    files: dict[str, bytes] = field(default_factory=dict)
    on_path: bool = False  # the program is looked up on the host's PATH, so that a virtual command is found (sudo)
    env: dict[str, str] = field(default_factory=dict)  # more of its environment
    database: bool = False  # it needs the engine VM's PostgreSQL
    reports: bool = False  # it tells the lab its exit code when it ends (lab-ended)


Program = Callable[[World, Host, list[str]], Reply | Real]


def fail(text: str, rc: int = 1) -> Reply:
    """A one-line complaint on stderr."""
    return Reply(err=text + "\n", rc=rc)
