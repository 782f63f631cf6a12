"""Keeps one scratch PostgreSQL alive and within its bounds. A program of its own, standard library only: scratch.py
starts it as `python -I -S scratch_keeper.py`.

stdin brings one JSON line (Order), then nothing: it is the lifeline, and its end, also by the death of the portal, is
the end of the server. stdout brings JSON lines: {"isolated": bool}, {"ready": true}, {"ended": why}. Where the kernel
allows it the server lives in name spaces of its own (network, processes, IPC), so that the end of this program is the
end of every process of it; elsewhere the processes are looked for and ended one by one."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

_NEWUSER, _NEWNET, _NEWPID, _NEWIPC = 0x10000000, 0x40000000, 0x20000000, 0x08000000
_PDEATHSIG, _SUBREAPER, _NO_NEW_PRIVS = 1, 36, 38
_GIB = 1024**3
_START = 60.0  # seconds that initdb, and the start, may take
_QUIT = 5.0  # seconds that a server gets to end by itself
_TICK = 0.2
Order = dict[str, Any]


class Ended(Exception):
    """The server has to end, or has. Its text is a word or a sentence."""


def say(**words: object) -> None:
    """One line to the portal, if there still is one."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(words).encode() + b"\n")


def isolate() -> bool:
    """Own name spaces for network, processes and IPC; an account without rights takes a user name space for it."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare((0 if uid == 0 else _NEWUSER) | _NEWNET | _NEWPID | _NEWIPC) != 0:
        return False
    if uid != 0:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(line)
    return True


def control(option: int, value: int) -> None:
    """prctl(2)."""
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def spawn(order: Order, argv: list[str]) -> int:
    """Starts a program of PostgreSQL without rights, with limits and with no way to get more. Its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        null, log = os.open(os.devnull, os.O_RDONLY), os.open(order["log"], os.O_WRONLY | os.O_APPEND)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        seconds = int(order["seconds"]) + 1
        for kind, limit in (
            (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 1024), (resource.RLIMIT_FSIZE, 2 * _GIB),
            (resource.RLIMIT_AS, order["memory"]), (resource.RLIMIT_CPU, seconds),
        ):  # fmt: skip
            resource.setrlimit(kind, (limit, limit))
        if order["uid"] is not None:
            os.setgroups([])
            os.setgid(order["uid"])
            os.setuid(order["uid"])
        control(_NO_NEW_PRIVS, 1)
        control(_PDEATHSIG, signal.SIGQUIT)  # after the change of account, which clears it
        os.chdir(order["folder"])
        os.umask(0o077)
        os.execve(argv[0], argv, {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"})
    finally:
        os._exit(127)


def lifeline(seconds: float) -> None:
    """Waits, at most so long; raises Ended when the portal has let go."""
    if select.select([0], [], [], seconds)[0] and not os.read(0, 4096):
        raise Ended("the portal ended it")


def reap(pid: int) -> int | None:
    """The exit code of `pid` when it has ended. Others that were left to this program are laid to rest."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            found, status = os.waitpid(-1, os.WNOHANG)
            if found == 0:
                break
            if found == pid:
                code = os.waitstatus_to_exitcode(status)
    return code


def size_of(folder: str) -> int:
    """Bytes on disk below a folder. What vanishes meanwhile counts nothing; links are not followed."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(entry.path)
    return total


def broken_bounds(order: Order) -> Iterator[str]:
    """Every step looks once: "" while all is within bounds, or which one is broken. The folder is walked through for at
    most a hundredth of the time: its CPU is the restore's."""
    until, next_walk = time.monotonic() + order["seconds"], 0.0
    while True:
        now = time.monotonic()
        found = ""
        if now > until:
            found = "deadline"
        space = os.statvfs(order["folder"])
        if space.f_bavail * space.f_frsize < order["spare"]:
            found = "spare"
        if not found and now >= next_walk:
            found = "disk" if size_of(order["folder"]) > order["disk"] else ""
            next_walk = time.monotonic() + max(_TICK, 100 * (time.monotonic() - now))
        yield found


def ready(folder: str) -> bool:
    """postmaster.pid says so in its eighth line."""
    with contextlib.suppress(OSError), open(f"{folder}/data/postmaster.pid", encoding="utf-8") as file:
        lines = file.read().split("\n")
        return len(lines) > 7 and lines[7].strip() == "ready"
    return False


def initialise(order: Order) -> None:
    """initdb. The superuser's password goes through a file that is gone afterwards."""
    word = f"{order['folder']}/word"
    with open(os.open(word, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(order["password"] + "\n")
    if order["uid"] is not None:
        os.chown(word, order["uid"], order["uid"])
    argv = [f"{order['bin']}/initdb", "-D", f"{order['folder']}/data", "-U", order["superuser"], f"--pwfile={word}",
            "-A", "scram-sha-256", "--locale=C", "-E", "UTF8", "--no-sync", "--no-instructions"]  # fmt: skip
    pid, until = spawn(order, argv), time.monotonic() + _START
    while (code := reap(pid)) is None:
        lifeline(0.01)
        if time.monotonic() > until:
            raise Ended("initdb took longer than a minute")
    os.unlink(word)
    if code:
        raise Ended("initdb failed")


def serve(order: Order) -> None:
    """Starts the server and stays with it until something ends it. Raises Ended."""
    bounds = broken_bounds(order)
    initialise(order)
    options = [word for name, value in order["options"].items() for word in ("-c", f"{name}={value}")]
    pid = spawn(order, [f"{order['bin']}/postgres", "-D", f"{order['folder']}/data", *options])
    until, told = time.monotonic() + _START, False
    try:
        while True:
            lifeline(_TICK if told else 0.01)
            if reap(pid) is not None:
                raise Ended("server")
            if not told and (told := ready(order["folder"])):
                say(ready=True)
            if not told and time.monotonic() > until:
                raise Ended("the server did not start within a minute")
            if found := next(bounds):
                raise Ended(found)
    finally:
        if order["tame"]:
            stop(pid)


def stop(pid: int) -> None:
    """Ends a server that shares the machine's processes by its own means."""
    until = time.monotonic() + _QUIT
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        while reap(pid) is None and time.monotonic() < until:
            select.select([], [], [], 0.02)


def clear() -> None:
    """Ends every process that came from here, to the last."""
    while children := offspring(os.getpid()):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def offspring(pid: int) -> list[int]:
    """Every process that descends from `pid`."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return [*found, *(deeper for child in found for deeper in offspring(child))]


def keep(order: Order) -> int:
    """Serves until the end and says why it came."""
    control(_PDEATHSIG, signal.SIGKILL)
    control(_SUBREAPER, 1)
    try:
        serve(order)
    except Ended as end:
        say(ended=str(end))
    except OSError as error:
        say(ended=f"{error.strerror or type(error).__name__}: {error.filename or ''}")
    if order["tame"]:
        clear()
    return 0


def main() -> int:
    """Reads the order, goes into name spaces of its own, and serves there."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 65536)):
        line += piece
    order = json.loads(line)
    alone = not order["share"] and isolate()
    order["tame"] = not alone
    say(isolated=alone)
    if not alone:
        return keep(order)
    child = os.fork()
    if child == 0:
        os._exit(keep(order))  # the first process of its name space: the kernel ends all others with it
    os.waitpid(child, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
