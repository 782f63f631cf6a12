"""What a self-hosted engine host says of itself: maintenance flags on its disk, units, uptime, its agent's log
(facts/hosted-engine.md 4, 5, 7). vm-status does not tell these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.reading.agent_log import AgentLog, read_agent_log
from inventory.probes.reading.parts import Unread, texts, why_not
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

HA_CONF = "/var/lib/ovirt-hosted-engine-ha/ha.conf"
HE_CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
AGENT_LOG = "/var/log/ovirt-hosted-engine-ha/agent.log"
NEEDED = ("ovirt-ha-agent", "ovirt-ha-broker", "vdsmd", "supervdsmd", "sanlock", "wdmd", "multipathd")
# EL8 runs libvirtd, EL9 the modular daemons; either may be started by its socket only when it is needed (5).
LIBVIRT = ("libvirtd", "virtqemud", "libvirtd.socket", "virtqemud.socket")
UNITS = NEEDED + LIBVIRT
WORDS = {
    "active",
    "reloading",
    "refreshing",
    "inactive",
    "failed",
    "activating",
    "deactivating",
    "maintenance",
    "unknown",
}
FLAGS = frozenset({"local_maintenance", "local_maintenance_manual"})
DAY = 86400
UPTIME_LIMIT = 90.9 * DAY  # the broker compares time stamps as strings and drops health updates from here (7)
UPTIME_WARN = 85 * DAY
SETTLED = 70  # seconds after an agent start until it knows who is alive (2.4)

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class Unit:
    """A systemd unit and systemctl's word for it."""

    name: str
    word: str


@dataclass(frozen=True)
class HaState:
    """None and () mean: not read, and `unread` says why. Seconds for uptime and agent_age. configured_host_id is the
    host_id of hosted-engine.conf. log None: no agent.log, or not readable."""

    local_maintenance: bool | None
    local_maintenance_manual: bool | None
    units: tuple[Unit, ...]
    uptime: float | None
    boot_id: str
    agent_age: float | None
    configured_host_id: int | None
    log: AgentLog | None
    unread: tuple[Unread, ...]

    def unit(self, name: str) -> str | None:
        """systemctl's word for a unit, None when it was not read."""
        return next((unit.word for unit in self.units if unit.name == name), None)

    @property
    def maintenance(self) -> bool | None:
        """True when either flag is set: that is local maintenance (4). None: not known."""
        flags = (self.local_maintenance, self.local_maintenance_manual)
        return True if True in flags else None if None in flags else False

    def why_not(self, part: str) -> str:
        """Why a part was not read; "" when it was."""
        return why_not(self.unread, part)


def parse(outputs: HostOutputs) -> HaState:
    """Every part is read for itself. Raises ParseError when none can be read."""
    # `systemctl is-active` exits 3 when a unit is inactive; its words count, not its code.
    read, unread = texts(COMMANDS, outputs, any_code=("units",))
    if not read:
        raise ParseError(f"Nothing of this host's HA state can be read: {unread[0].why}")
    if "ha_conf" not in read and _absent(outputs.get("ha_conf")):
        unread = [one for one in unread if one.part != "ha_conf"]
        read["ha_conf"] = "local_maintenance=False\n"
    flags = _flags(read.get("ha_conf", ""))
    units = _units(read.get("units", ""))
    if "units" in read and not units:
        unread.append(Unread("units", "systemctl did not name one state per unit, so the units are not known."))
    uptime = _first_number(read.get("uptime", ""))
    return HaState(
        local_maintenance=flags.get("local_maintenance"),
        local_maintenance_manual=flags.get("local_maintenance_manual"),
        units=units,
        uptime=uptime,
        boot_id=read.get("boot_id", "").strip(),
        agent_age=_agent_age(read.get("agent_start", ""), uptime),
        configured_host_id=_host_id(read.get("he_conf", "")),
        log=read_agent_log(read.get("agent_log", "")),
        unread=tuple(unread),
    )


def _absent(output: Output | None) -> bool:
    """The file was looked for and is not there: the agent takes that as no flag set, as on a host that never was in
    maintenance. A file that cannot be read is something else."""
    return output is not None and output.exit_code == 1 and output.error_line().endswith("No such file or directory")


def _flags(text: str) -> dict[str, bool]:
    """ha.conf's flags. A line that says neither True nor False leaves its flag unknown. A flag without a line is not
    set, as for the agent itself: hosts deployed long ago know no manual flag. No flag at all, or a file that breaks
    off, says nothing more."""
    found: dict[str, bool] = {}
    garbled: set[str] = set()
    for line in text.splitlines():
        key, _, word = line.partition("=")
        value = {"true": True, "false": False}.get(word.strip().lower())
        if value is not None:
            found[key.strip()] = value
        else:
            garbled.add(key.strip())
    if FLAGS.isdisjoint(found) or not text.endswith("\n"):
        return found
    return {name: found.get(name, False) for name in FLAGS - garbled}


def _units(text: str) -> tuple[Unit, ...]:
    words = text.split()
    if len(words) != len(UNITS) or not WORDS.issuperset(words):
        return ()
    return tuple(Unit(name, word) for name, word in zip(UNITS, words, strict=True))


def _first_number(text: str) -> float | None:
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s", text)
    return float(match[1]) if match else None


def _agent_age(text: str, uptime: float | None) -> float | None:
    """Seconds since systemd saw the agent become active, from microseconds since boot; 0 means never."""
    match = re.search(r"^ActiveEnterTimestampMonotonic=(\d+)$", text, re.MULTILINE)
    if match is None or uptime is None or match[1] == "0":
        return None
    age = uptime - int(match[1]) / 1_000_000
    return age if age >= 0 else None


def _host_id(text: str) -> int | None:
    ids = set(re.findall(r"^host_id=([1-9]\d{0,3})\s*$", text, re.MULTILINE))
    return int(ids.pop()) if len(ids) == 1 else None


def judge(seen: HaState, declared: Declared) -> list[Finding]:
    """Flags, each unit, uptime, the agent's start, its log and the host id."""
    subject = Subject("host", declared.name)
    said: dict[str, Said] = {"maintenance_flags": _maintenance(seen, declared.name)}
    for name in NEEDED:
        said[name.replace("-", "_")] = _unit(seen, name, declared.name)
    said["libvirt"] = _libvirt(seen, declared.name)
    said["uptime"] = _uptime(seen, declared.name)
    said["agent_start"] = _agent_start(seen, declared.name)
    said["agent_log"] = _agent_log(seen, declared.name)
    said["host_id"] = _id(seen, declared)
    return [Finding(check, outcome, subject, words) for check, (outcome, words) in said.items()]


def _maintenance(seen: HaState, name: str) -> Said:
    if seen.maintenance is None:
        why = seen.why_not("ha_conf") or "ha.conf does not hold its flags."
        return Outcome.UNKNOWN, f"Whether {name} is in local maintenance is not known: {why}"
    if not seen.maintenance:
        return Outcome.OK, f"No maintenance flag is set in ha.conf of {name}."
    if seen.log is not None and seen.log.waiting:
        return Outcome.WARN, (
            f"{name} is in local maintenance and its agent waits since a restart: it publishes nothing, so vm-status "
            "shows it as stopped, not in maintenance. End it there with `hosted-engine --set-maintenance --mode=none`."
        )
    if not seen.local_maintenance:
        return Outcome.WARN, (
            f"{name} is in local maintenance by the manual flag alone: activating the host in the engine does not end "
            "it. Run `hosted-engine --set-maintenance --mode=none` there; it also ends global maintenance."
        )
    by = "from its command line" if seen.local_maintenance_manual else "by the engine"
    return Outcome.WARN, f"{name} is in local maintenance, set {by}: it cannot take over the engine VM."


def _unit(seen: HaState, unit: str, name: str) -> Said:
    word = seen.unit(unit)
    if word is None:
        return Outcome.UNKNOWN, f"Whether {unit} runs on {name} is not known: {seen.why_not('units')}"
    if word in ("active", "reloading", "refreshing"):
        return Outcome.OK, f"{unit} is active on {name}."
    if word in ("activating", "deactivating"):
        return Outcome.WARN, f"{unit} is {word} on {name}: look again in some seconds."
    if word == "unknown":
        return Outcome.UNKNOWN, f"systemd on {name} does not know the state of {unit}."
    return Outcome.FAIL, f"{unit} is {word} on {name}: see `systemctl status {unit}` and start it."


def _libvirt(seen: HaState, name: str) -> Said:
    words = {unit: word for unit in LIBVIRT if (word := seen.unit(unit)) is not None}
    if not words:
        return Outcome.UNKNOWN, f"Whether libvirt runs on {name} is not known: {seen.why_not('units')}"
    active = [unit for unit, word in words.items() if word == "active"]
    if active:
        return Outcome.OK, f"{active[0]} is active on {name}."
    return Outcome.FAIL, f"Neither libvirtd nor virtqemud is active on {name}: no VM can be started or seen there."


def _uptime(seen: HaState, name: str) -> Said:
    if seen.uptime is None:
        return Outcome.UNKNOWN, f"The uptime of {name} is not known: {seen.why_not('uptime') or 'it is no number.'}"
    days = int(seen.uptime // DAY)
    if seen.uptime >= UPTIME_LIMIT:
        return Outcome.WARN, (
            f"{name} is up for {days} days: from 90.9 days on its HA broker may drop engine health updates. Restart "
            "ovirt-ha-broker in a quiet moment, or reboot the host."
        )
    if seen.uptime > UPTIME_WARN:
        return (
            Outcome.WARN,
            f"{name} is up for {days} days; its HA broker may drop engine health updates from 90.9 days on.",
        )
    return Outcome.OK, f"{name} is up for {days} days."


def _agent_start(seen: HaState, name: str) -> Said:
    age = seen.agent_age
    if age is None and seen.log is not None:
        shown = seen.log.started_ago
        age = seen.log.span if shown is None and seen.log.span >= SETTLED else shown
    if seen.unit("ovirt-ha-agent") != "active":
        return Outcome.UNKNOWN, f"The HA agent of {name} is not known to run, so neither is when it started."
    if age is None:
        return Outcome.UNKNOWN, f"When the HA agent of {name} started is not known."
    if age < SETTLED:
        return Outcome.WARN, (
            f"The HA agent of {name} started less than {SETTLED} s ago: until then it shows other hosts as not live, "
            "and it may try one start of the engine VM."
        )
    return Outcome.OK, f"The HA agent of {name} runs for more than {SETTLED} s."


def _agent_log(seen: HaState, name: str) -> Said:
    if seen.log is None:
        return Outcome.UNKNOWN, f"agent.log of {name} is not readable: {seen.why_not('agent_log') or 'no line fits.'}"
    if seen.unit("ovirt-ha-agent") != "active":
        return Outcome.UNKNOWN, f"The HA agent of {name} is not known to run, so its log says nothing about now."
    if seen.log.penalties:
        named = ", ".join(f"{one.points} due to {one.reason}" for one in seen.log.penalties)
        return Outcome.WARN, f"The score of {name} is lowered by {named}."
    if seen.log.alarms:
        return Outcome.WARN, f"The HA agent of {name} says: {seen.log.alarms[-1]}"
    return (
        Outcome.OK,
        f"The HA agent of {name} names no penalty and no alarm; last state {seen.log.state or 'not shown'}.",
    )


def _id(seen: HaState, declared: Declared) -> Said:
    if seen.configured_host_id is None:
        why = seen.why_not("he_conf") or "hosted-engine.conf names no single host_id."
        return Outcome.UNKNOWN, f"The hosted-engine host id of {declared.name} is not read: {why}"
    if declared.he_host_id not in (None, seen.configured_host_id):
        return Outcome.FAIL, (
            f"{declared.name} is configured with host id {seen.configured_host_id}, declared is {declared.he_host_id}: "
            "two hosts with one id corrupt each other's leases. Correct the one that is wrong."
        )
    return Outcome.OK, f"{declared.name} has host id {seen.configured_host_id}."


def numbers(seen: HaState) -> Mapping[str, float]:
    """The score that the agent last logged."""
    return {} if seen.log is None or seen.log.score is None else {"agent_score": float(seen.log.score)}


COMMANDS: Mapping[str, Command] = {
    "ha_conf": Command(("cat", HA_CONF), timeout=5, root=True),
    "units": Command(("systemctl", "is-active", *UNITS), timeout=5),
    "uptime": Command(("cat", "/proc/uptime"), timeout=5),
    "boot_id": Command(("cat", "/proc/sys/kernel/random/boot_id"), timeout=5),
    "agent_start": Command(
        ("systemctl", "show", "--property=ActiveEnterTimestampMonotonic", "ovirt-ha-agent"), timeout=5
    ),
    "he_conf": Command(("grep", "-E", "^host_id=", HE_CONF), timeout=5, root=True),
    "agent_log": Command(("tail", "-n", "60", AGENT_LOG), timeout=5, root=True),
}

PROBE = Probe(
    name="ha_state",
    title="HA state of the host",
    every=2,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
    applies=lambda traits: traits.hosted_engine,
)
