"""The state of a SCSI device as the kernel keeps it: `offline` and `running` written to its file in /sys take a path
away and give it back. The writing is `tee`, since a shell's own redirection reaches the machine's files."""

from __future__ import annotations

import re
from pathlib import Path

from lab import multipath
from lab.command import Program, Reply
from lab.world import Host, World

_STATE = re.compile(r"/sys/class/scsi_device/(\d+:\d+:\d+:\d+)/device/state")
_WORDS = ("offline", "running")


def tee(world: World, host: Host, argv: list[str]) -> Reply:
    """`tee PATH...`; lab/shim.c adds what came on stdin as the last word. Other files are the machine's own."""
    text = argv[-1]
    complaints = []
    for path in argv[1:-1]:
        found = _STATE.fullmatch(path)
        if path.startswith("/sys/"):
            why = _write(world, host, found[1], text.strip()) if found else "No such file or directory"
            complaints += [f"tee: {path}: {why}\n"] if why else []
        elif not path.startswith("-"):
            Path(path).write_text(text, "utf-8")
    return Reply(out=text, err="".join(complaints), rc=1 if complaints else 0)


def _write(world: World, host: Host, hctl: str, word: str) -> str:
    """ "" or the kernel's complaint."""
    key = next((key for key, there in multipath.addresses(world, host).items() if there == hctl), None)
    if key is None:
        return "No such file or directory"
    if word not in _WORDS:
        return "Invalid argument"
    if word == "offline":
        host.offline.setdefault(hctl, world.at)
        host.failed_paths.setdefault(key, world.at)
    elif host.offline.pop(hctl, None) is not None:
        multipath.mend(world, host)
    return ""


def read(world: World, host: Host, path: str) -> str | None:
    """The content of a state file; None for any other path."""
    found = _STATE.fullmatch(path)
    if found is None or found[1] not in multipath.addresses(world, host).values():
        return None
    return f"{'offline' if found[1] in host.offline else 'running'}\n"


PROGRAMS: dict[str, Program] = {"tee": tee}
