"""The tools that read files: the host's virtual files where they are meant, the real tool for everything else."""

from __future__ import annotations

from lab import host_files
from lab.command import Program, Real, Reply
from lab.world import Host, World

# the names that lab/shim.c knows too; the others, head and wc among them, stay real for speed
READERS = ("cat", "tail", "grep", "egrep", "fgrep", "stat", "ls", "sha256sum")


def reader(world: World, host: Host, argv: list[str]) -> Reply | Real:
    """cat, grep, stat and the like."""
    files: dict[str, bytes] = {}
    for word in argv[1:]:
        if word.startswith("/"):
            files |= host_files.below(world, host, word)
    if argv[0] == "cat" and all(word.startswith("/") for word in argv[1:]) and argv[1:]:
        reply = _cat(argv[1:], files)
        if reply is not None:
            return reply
    if not files and (missing := [w for w in argv[1:] if host_files.virtual_only(w)]):
        return Reply(
            err=f"{argv[0]}: {missing[0]}: No such file or directory\n", rc=2 if argv[0].endswith("grep") else 1
        )
    return Real(argv, files)


def _cat(paths: list[str], files: dict[str, bytes]) -> Reply | None:
    """cat of virtual files alone needs no process. None when another path is among them."""
    if not all(path in files for path in paths):
        return None
    return Reply(out=b"".join(files[path] for path in paths).decode())


PROGRAMS: dict[str, Program] = dict.fromkeys(READERS, reader)
