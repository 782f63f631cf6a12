"""systemctl, journalctl and the small system tools of a lab host."""

from __future__ import annotations

import time

from lab import life_agent, life_broker
from lab.command import Program, Real, Reply
from lab.host_files import KERNEL
from lab.world import Host, World

DISK_SIZE = 100 << 30


def state_of(world: World, host: Host, unit: str) -> str:
    """systemd's word for a unit: active | inactive | failed."""
    return host.units.get(unit.removesuffix(".service"), "inactive")


def systemctl(world: World, host: Host, argv: list[str]) -> Reply:
    """is-active, is-enabled, is-failed, show, status, start, stop, restart, list-timers."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    verb, units = (words[0], words[1:]) if words else ("", [])
    states = [state_of(world, host, unit) for unit in units]
    if verb == "show":
        return _show(world, host, argv)
    if verb in ("start", "stop", "restart"):
        return _change(world, host, units, verb)
    if verb == "list-timers":
        timers = sorted(unit for unit in host.transient if unit.endswith(".timer"))
        return Reply(out="".join(f"n/a n/a n/a n/a {unit} {unit.removesuffix('.timer')}.service\n" for unit in timers))
    return _tell(verb, units, states)


def _tell(verb: str, units: list[str], states: list[str]) -> Reply:
    lines = "".join(f"{state}\n" for state in states)
    status = "".join(f"* {unit}\n   Active: {state}\n" for unit, state in zip(units, states, strict=True))
    answers = {
        "is-active": Reply(out=lines, rc=0 if "active" in states else 3),
        "is-failed": Reply(out=lines, rc=0 if "failed" in states else 1),
        "is-enabled": Reply(out="enabled\n" * len(units)),
        "status": Reply(out=status, rc=0 if all(state == "active" for state in states) else 3),
        "daemon-reload": Reply(),
        "reset-failed": Reply(),
    }
    return answers.get(verb, Reply(err=f"Unknown operation {verb}.\n", rc=1))


def _show(world: World, host: Host, argv: list[str]) -> Reply:
    """Blocks of NAME=VALUE lines, one block per unit; the words after -p are no units."""
    wanted = [word.split("=", 1)[1] for word in argv if word.startswith("--property=")]
    wanted += [argv[i + 1] for i, word in enumerate(argv[:-1]) if word == "-p"]
    units = [word for word in argv[2:] if not word.startswith("-") and word not in wanted]
    names = ",".join(wanted).split(",") if wanted else ["Id", "LoadState", "ActiveState", "SubState", "UnitFileState"]
    blocks = []
    for unit in units:
        known = _properties(world, host, unit)
        plain = "--value" in argv
        blocks.append("".join((known[n] if plain else f"{n}={known[n]}") + "\n" for n in names if n in known))
    return Reply(out="\n".join(blocks))


def _properties(world: World, host: Host, unit: str) -> dict[str, str]:
    state = state_of(world, host, unit)
    name = unit.removesuffix(".service")
    since = host.unit_since.get(name, host.booted + 20.0) - host.booted if state == "active" else 0.0
    wall = time.gmtime(world.clock.wall_at(world.at) - (world.at - host.booted - since) / world.clock.speed)
    return {
        "Id": unit if "." in unit else f"{unit}.service",
        "LoadState": "loaded" if name in host.units else "not-found",
        "ActiveState": state,
        "SubState": {"active": "running", "failed": "failed"}.get(state, "dead"),
        "UnitFileState": "enabled" if name in host.units else "",
        "MainPID": str(1000 + sum(name.encode())) if state == "active" else "0",
        "NRestarts": "0",
        "ActiveEnterTimestamp": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", wall) if state == "active" else "",
        "ActiveEnterTimestampMonotonic": str(int(since * 1_000_000)),
    }


def _change(world: World, host: Host, units: list[str], verb: str) -> Reply:
    complaints = []
    for unit in (unit.removesuffix(".service") for unit in units):
        if unit not in host.units:
            full = unit if "." in unit else f"{unit}.service"
            why = "not loaded" if verb == "stop" else "not found"
            complaints.append(f"Failed to {verb} {full}: Unit {full} {why}.\n")
            continue
        if verb in ("stop", "restart"):
            stop_unit(world, host, unit)
        if verb in ("start", "restart"):
            start_unit(world, host, unit)
    return Reply(err="".join(complaints), rc=5 if complaints else 0)


def stop_unit(world: World, host: Host, unit: str) -> None:
    """systemctl stop. A stopped broker ends the agent's loop too; the agent's restart wants it back."""
    if unit == "ovirt-ha-agent":
        if host.units.get(unit) == "active":
            life_agent.stop(world, host)
        return
    if unit in host.transient:
        host.units.pop(unit)
        host.transient.discard(unit)
        return
    host.units[unit] = "inactive"
    if unit == "ovirt-ha-broker":
        life_broker.reset(world, host)


def start_unit(world: World, host: Host, unit: str) -> None:
    """systemctl start; a unit that runs already stays as it is."""
    if host.units.get(unit) == "active":
        return
    if unit == "ovirt-ha-agent" and host.he_host_id is not None:
        life_agent.start(world, host)
    elif unit in host.units:
        host.units[unit] = "active"
        host.unit_since[unit] = world.at
        if unit == "ovirt-ha-broker":
            life_broker.reset(world, host)


def journalctl(world: World, host: Host, argv: list[str]) -> Reply:
    """The agent's lines, as journald would show them; empty for other units."""
    number = next((int(argv[i + 1]) for i, word in enumerate(argv[:-1]) if word == "-n" and argv[i + 1].isdigit()), 50)
    stamp = time.strftime("%b %d %H:%M:%S", time.gmtime(world.clock.wall_at(world.at)))
    lines = host.log[-number:] if any("ovirt-ha-agent" in word for word in argv) else []
    text = [f"{stamp} {host.name} ovirt-ha-agent[2211]: {line.split('::', 6)[-1]}\n" for line in lines]
    return Reply(out="".join(text) or "-- No entries --\n")


def uname(world: World, host: Host, argv: list[str]) -> Reply:
    """-r, -n, -s, -m, -a."""
    known = {"-s": "Linux", "-n": host.hostname, "-r": KERNEL, "-m": "x86_64", "-o": "GNU/Linux"}
    if "-a" in argv:
        return Reply(out=f"Linux {host.hostname} {KERNEL} #2 SMP x86_64 x86_64 x86_64 GNU/Linux\n")
    return Reply(out=(" ".join(known[word] for word in argv[1:] if word in known) or "Linux") + "\n")


def hostname(world: World, host: Host, argv: list[str]) -> Reply:
    """The OS's own name; -s short, -f full."""
    return Reply(out=(host.hostname.split(".")[0] if "-s" in argv else host.hostname) + "\n")


def uptime(world: World, host: Host, argv: list[str]) -> Reply:
    """-s gives the boot time, otherwise the usual line."""
    seconds = int(world.at - host.booted)
    if "-s" in argv:
        boot = world.clock.wall_at(world.at) - seconds
        return Reply(out=time.strftime("%Y-%m-%d %H:%M:%S\n", time.gmtime(boot)))
    days, rest = divmod(seconds, 86_400)
    now = time.strftime("%H:%M:%S", time.gmtime(world.clock.wall_at(world.at)))
    load = host.cores * host.penalties.get("cpu-load-percent", 7) / 100
    text = f" {now} up {days} days, {rest // 3600:2d}:{rest % 3600 // 60:02d},  0 users,  load average: "
    return Reply(out=f"{text}{load:.2f}, {load:.2f}, {load * 0.9:.2f}\n")


def date(world: World, host: Host, argv: list[str]) -> Real:
    """The real date, at the host's own idea of now."""
    if not host.clock_offset or any(word.startswith(("-d", "--date")) for word in argv):
        return Real(argv)
    return Real(["date", "-d", f"@{world.clock.wall_at(world.clock.now()) + host.clock_offset:.9f}", *argv[1:]])


def nproc(world: World, host: Host, argv: list[str]) -> Reply:
    """The number of CPUs."""
    return Reply(out=f"{host.cores}\n")


def sudo(world: World, host: Host, argv: list[str]) -> Real | Reply:
    """Runs the command: the account of a lab host is root."""
    rest = argv[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in ("-u", "-g") else rest[1:]
    return Real(rest, on_path=True) if rest else Reply(err="usage: sudo -n command\n", rc=1)


def df(world: World, host: Host, argv: list[str]) -> Reply:
    """Two file systems, / and /var, equally full; -P, -k, -B1."""
    unit, title = (1, "1-blocks") if any(word in ("-B1", "--block-size=1") for word in argv) else (1024, "1024-blocks")
    used = DISK_SIZE * host.disk_used_percent // 100
    numbers = f"{DISK_SIZE // unit} {used // unit} {(DISK_SIZE - used) // unit} {host.disk_used_percent}%"
    paths = [word for word in argv[1:] if not word.startswith("-")] or ["/", "/var"]
    mounts = ["/var" if path == "/var" or path.startswith("/var/") else "/" for path in paths]
    rows = "".join(f"/dev/mapper/ol-{'var' if mount == '/var' else 'root'} {numbers} {mount}\n" for mount in mounts)
    return Reply(out=f"Filesystem {title} Used Available Capacity Mounted on\n{rows}")


def chronyc(world: World, host: Host, argv: list[str]) -> Reply:
    """`chronyc tracking`."""
    if host.units.get("chronyd") != "active":
        return Reply(out="506 Cannot talk to daemon\n", rc=1)
    offset = host.clock_offset
    return Reply(
        out="Reference ID    : 0A140001 (ntp1.bank.example)\nStratum         : 3\n"
        f"System time     : {abs(offset) or 0.000012:.9f} seconds {'fast' if offset >= 0 else 'slow'} of NTP time\n"
        f"Last offset     : {offset or 0.000003:+.9f} seconds\nLeap status     : Normal\n"
    )


PROGRAMS: dict[str, Program] = {
    "systemctl": systemctl,
    "journalctl": journalctl,
    "uname": uname,
    "hostname": hostname,
    "uptime": uptime,
    "date": date,
    "nproc": nproc,
    "sudo": sudo,
    "df": df,
    "chronyc": chronyc,
}
