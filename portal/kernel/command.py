"""A command for a host: an argv tuple that is quoted once, with its own deadline and output cap."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

DEFAULT_TIMEOUT = 20.0
DEFAULT_CAP = 4_000_000


@dataclass(frozen=True)
class Command:
    """argv to run with LC_ALL=C and no PTY. timeout in seconds (on the host and in the portal); cap in bytes per
    stream. `root` marks a command that needs root: a non-root account runs it through `sudo -n`."""

    argv: tuple[str, ...]
    timeout: float = DEFAULT_TIMEOUT
    cap: int = DEFAULT_CAP
    root: bool = False

    def __post_init__(self) -> None:
        if not self.argv or not all(isinstance(word, str) and "\0" not in word for word in self.argv):
            raise ValueError(f"not an argv: {self.argv!r}")

    def quoted(self) -> str:
        """The command as one line of POSIX sh. The only place where quoting happens."""
        return shlex.join(self.argv)
