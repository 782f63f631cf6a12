"""The virtual commands of the engine VM. All others are the machine's own, over the VM's files (lab/backup/place.c)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from lab import engine_vm, engine_vm_service, ip_cli, programs_system, rpm, runtime
from lab.backup import cluster, faults
from lab.command import Program, Real, Reply, fail
from lab.world import ENGINE, Host, World

_TOOLS = ("pg_dump", "psql", "pg_restore", "pg_isready", "vacuumdb")


def systemctl(world: World, host: Host, argv: list[str]) -> Reply:
    """As on a host; services that a fault keeps down are failed."""
    engine_vm.refresh_units(world, host)
    reply = programs_system.systemctl(world, host, argv)
    verb, *units = [word for word in argv[1:] if not word.startswith("-")] or [""]
    if verb in ("start", "stop", "restart"):
        engine_vm_service.act(world, verb, units)
    return reply


# --- processes


@dataclass(frozen=True)
class Process:
    """One process of the VM. args: its command line as the VM knows it."""

    pid: int
    parent: int
    group: int
    name: str
    args: str


_DAEMONS = {
    "postgresql": Process(1101, 1, 1101, "postmaster", "/usr/bin/postmaster -D /var/lib/pgsql/data"),
    "ovirt-engine": Process(
        1420,
        1,
        1420,
        "ovirt-engine.py",
        "/usr/bin/python3 /usr/share/ovirt-engine/services/ovirt-engine/ovirt-engine.py start",
    ),
    "httpd": Process(1205, 1, 1205, "httpd", "/usr/sbin/httpd -DFOREGROUND"),
    "sshd": Process(980, 1, 980, "sshd", "/usr/sbin/sshd -D"),
}


def processes(programs: Path | None) -> list[Process]:
    """The VM's real processes, oldest first. programs: a folder whose name stands in no command line of the VM."""
    found = []
    for pid in runtime.processes_of(ENGINE):
        try:
            folder = Path(f"/proc/{pid}")
            name = (folder / "comm").read_text("utf-8", "replace").strip()
            words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] == "Z":
            continue
        shown = " ".join(words).replace(f"{programs}/", "/usr/bin/") if programs else " ".join(words)
        found.append(Process(pid, int(fields[1]), int(fields[2]), name, shown))
    return sorted(found, key=lambda one: one.pid)


def _everything(host: Host) -> list[Process]:
    own = [one for one in processes(cluster.programs()) if one.name not in ("pgrep", "ps", "pidof")]
    return [one for unit, one in _DAEMONS.items() if host.units.get(unit) == "active"] + own


def pgrep(world: World, host: Host, argv: list[str]) -> Reply:
    """`pgrep [-f] [-x] [-a|-l] [-c] PATTERN`."""
    letters = "".join(word[1:] for word in argv[1:] if word.startswith("-") and not word.startswith("--"))
    patterns = [word for word in argv[1:] if not word.startswith("-")]
    if len(patterns) != 1:
        return fail("pgrep: only one pattern can be provided", 2)
    text = f"(?:{patterns[0]})"
    match = re.compile(f"^{text}$" if "x" in letters else text)
    hits = [one for one in _everything(host) if match.search(one.args if "f" in letters else one.name[:15])]
    lines = [f"{one.pid}{_beside(one, letters)}\n" for one in hits]
    return Reply(out=f"{len(hits)}\n" if "c" in letters else "".join(lines), rc=0 if hits else 1)


def _beside(one: Process, letters: str) -> str:
    return f" {one.args}" if "a" in letters else f" {one.name}" if "l" in letters else ""


def ps(world: World, host: Host, argv: list[str]) -> Reply:
    """All processes as `ps -ef` shows them; with -o the columns pid, ppid, comm and args."""
    given = [argv[at + 1] for at, word in enumerate(argv[:-1]) if word.startswith("-") and word.endswith("o")]
    wanted = re.split(r"[ ,]+", " ".join(given))
    columns = [word.partition("=")[0] for word in wanted if word] or ["user", "pid", "ppid", "args"]
    rows = [_row(one, columns) for one in _everything(host)]
    head = "" if any("=" in word for word in wanted) else " ".join(word.upper() for word in columns) + "\n"
    return Reply(out=head + "".join(rows))


def _row(one: Process, columns: list[str]) -> str:
    known = {"user": "root", "uid": 0, "pid": one.pid, "ppid": one.parent, "pgid": one.group, "comm": one.name,
             "args": one.args, "cmd": one.args, "command": one.args}  # fmt: skip
    return " ".join(str(known.get(word, "-")) for word in columns) + "\n"


# --- other accounts and the databases


def sudo(world: World, host: Host, argv: list[str]) -> Real | Reply:
    """`sudo [-n] [-u USER] COMMAND...`: PostgreSQL knows the account postgres by its name."""
    rest, user = argv[1:], "root"
    while rest and rest[0].startswith("-"):
        if rest[0] in ("-u", "-g") and len(rest) > 1:
            user, rest = (rest[1] if rest[0] == "-u" else user), rest[1:]
        rest = rest[1:]
    return _as(user, rest) if rest else Reply(err="usage: sudo -n command\n", rc=1)


def runuser(world: World, host: Host, argv: list[str]) -> Real | Reply:
    """`runuser -u USER [--] COMMAND...`, `runuser|su [-] USER -c COMMAND`."""
    words = [word for word in argv[1:] if word not in ("-", "-l", "--login", "--")]
    if "-u" in words:
        at = words.index("-u")
        return _as(words[at + 1], words[at + 2 :])
    if "-c" not in words:
        return fail(f"{argv[0]}: the lab knows it with -c only")
    at = words.index("-c")
    names = words[:at] + words[at + 2 :]
    return _as(names[0] if names else "root", ["sh", "-c", words[at + 1]])


def _as(user: str, command: list[str]) -> Real:
    return Real(["env", f"PGUSER={user}", *command] if user != "root" else command, on_path=True)


def database_tool(world: World, host: Host, argv: list[str]) -> Real | Reply:
    """psql, pg_dump and the like: the real ones, against the VM's PostgreSQL."""
    place = cluster.programs()
    if place is None:
        return fail(f"{argv[0]}: PostgreSQL's programs are not on this machine", 127)
    down = engine_vm.database_down(world)
    return Real([str(place / argv[0]), *argv[1:]], env={"LAB_POSTGRES": "/"} if down else {}, database=not down)


def engine_backup(world: World, host: Host, argv: list[str]) -> Real | Reply:
    """The program itself, told which faults are in force (lab/backup/program)."""
    return Real(
        ["bash", "/usr/bin/engine-backup", *argv[1:]],
        env={
            "LAB_STEP": f"{faults.step(world):.3f}",
            "LAB_FAULTS": " ".join(faults.told(world, argv)),
            "LAB_VERSION": rpm.ENGINE["ovirt-engine"][0],
        },
        reports=True,
    )


def timedatectl(world: World, host: Host, argv: list[str]) -> Reply:
    """`timedatectl [show -p Timezone]`: UTC, synchronised while chronyd runs."""
    if "show" in argv:
        return Reply(out="Timezone=UTC\n")
    now = time.strftime("%a %Y-%m-%d %H:%M:%S", time.gmtime(world.clock.wall_at(world.at) + host.clock_offset))
    synced = "yes" if host.units.get("chronyd") == "active" and not host.clock_offset else "no"
    return Reply(out=f"Universal time: {now} UTC\nTime zone: UTC (UTC, +0000)\nSystem clock synchronized: {synced}\n")


PROGRAMS: dict[str, Program] = {
    **{
        name: programs_system.PROGRAMS[name]
        for name in ("journalctl", "uname", "hostname", "uptime", "date", "nproc", "df", "chronyc")
    },
    "systemctl": systemctl,
    "rpm": rpm.rpm,
    "pgrep": pgrep,
    "ps": ps,
    "sudo": sudo,
    "runuser": runuser,
    "su": runuser,
    "timedatectl": timedatectl,
    **ip_cli.PROGRAMS,
    "engine-backup": engine_backup,
    **dict.fromkeys(_TOOLS, database_tool),
}
