"""What a host is and how full it is: release, kernel, memory, load, clock, file systems, versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.reading.parts import Unread, texts, why_not
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

NODES = "/sys/devices/system/node/node*/hugepages/hugepages-*"
COMMANDS: Mapping[str, Command] = {
    "clock": Command(("date", "+%s.%N"), timeout=5),
    "release": Command(("cat", "/etc/os-release"), timeout=5),
    "kernel": Command(("uname", "-r"), timeout=5),
    "memory": Command(("cat", "/proc/meminfo"), timeout=5),
    "processors": Command(("nproc",), timeout=5),
    "load": Command(("cat", "/proc/loadavg"), timeout=5),
    "uptime": Command(("cat", "/proc/uptime"), timeout=5),
    "disks": Command(("df", "-P", "-k", "/", "/var", "/var/log"), timeout=5),
    "nodes": Command(("sh", "-c", f"grep -sH . {NODES}/nr_hugepages {NODES}/free_hugepages; true"), timeout=5),
    "versions": Command(("rpm", "-q", "vdsm", "ovirt-hosted-engine-ha", "device-mapper-multipath"), timeout=10),
}

FULL_WARN, FULL_FAIL = 85, 95  # per cent
MEMORY_WARN = 5  # per cent of memory left
# The look's own time is taken after the last command of the visit, so a host's clock is only known within the time
# that a visit takes; slower visits end in a deadline of their own.
SKEW_WARN, SKEW_FAIL = 30.0, 120.0  # seconds

_NODE = re.compile(
    r"^/sys/devices/system/node/node(\d{1,4})/hugepages/hugepages-(\d{1,9})kB/(nr|free)_hugepages:(\d{1,12})$",
    re.MULTILINE,
)

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class FileSystem:
    """A mount point and how full it is, per cent."""

    mount: str
    used_percent: int


@dataclass(frozen=True)
class Package:
    """An installed package."""

    name: str
    version: str


@dataclass(frozen=True)
class NodePages:
    """Huge pages of one size on one NUMA node."""

    node: int
    kib: int
    total: int | None
    free: int | None


@dataclass(frozen=True)
class HostFacts:
    """None, "" and (): not read, and `unread` says why. Memory in bytes; clock is the host's own, Unix seconds.
    huge pages count the default size only (facts/luns-and-tuning.md 4.1)."""

    release: str
    kernel: str
    memory_total: int | None
    memory_available: int | None
    huge_total: int | None
    huge_free: int | None
    huge_size: int | None
    processors: int | None
    load: float | None
    uptime: float | None
    clock: float | None
    file_systems: tuple[FileSystem, ...]
    packages: tuple[Package, ...]
    unread: tuple[Unread, ...]
    nodes: tuple[NodePages, ...] = ()


def parse(outputs: HostOutputs) -> HostFacts:
    """Every part is read for itself. Raises ParseError when none can be read."""
    # rpm exits with the number of packages that are not installed; its lines count. df likewise for a missing mount.
    read, unread = texts(COMMANDS, outputs, any_code=("versions", "disks"))
    if not any(text.strip() for text in read.values()):
        why = unread[0].why if unread else "Every command printed nothing."
        raise ParseError(f"Nothing of this host can be read. {why}")
    memory = _memory(read.get("memory", ""))
    return HostFacts(
        release=_release(read.get("release", "")),
        kernel=read.get("kernel", "").strip(),
        memory_total=_kilobytes(memory, "MemTotal"),
        memory_available=_kilobytes(memory, "MemAvailable"),
        huge_total=memory.get("HugePages_Total"),
        huge_free=memory.get("HugePages_Free"),
        huge_size=_kilobytes(memory, "Hugepagesize"),
        processors=_whole(read.get("processors", "")),
        load=_first(read.get("load", "")),
        uptime=_first(read.get("uptime", "")),
        clock=_first(read.get("clock", "")),
        file_systems=_file_systems(read.get("disks", "")),
        packages=_packages(read.get("versions", "")),
        unread=tuple(unread),
        nodes=_nodes(read.get("nodes", "")),
    )


def _nodes(text: str) -> tuple[NodePages, ...]:
    """facts/luns-and-tuning.md 4.1."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    for node, kib, name, number in _NODE.findall(text):
        found.setdefault((int(node), int(kib)), {})[name] = int(number)
    return tuple(NodePages(*key, one.get("nr"), one.get("free")) for key, one in sorted(found.items()))


def _release(text: str) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', text, re.MULTILINE)
    return match[1].strip() if match else ""


def _memory(text: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"^(\w+):\s+(\d{1,18})(?: kB)?$", text, re.MULTILINE)}


def _kilobytes(memory: Mapping[str, int], name: str) -> int | None:
    return memory[name] * 1024 if name in memory else None


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,6}\s*", text) else None


def _first(text: str) -> float | None:
    match = re.match(r"\s*([0-9]{1,12}(?:\.[0-9]+)?)(?:\s|$)", text)
    return float(match[1]) if match else None


def _file_systems(text: str) -> tuple[FileSystem, ...]:
    """`df -P` lines; one file system that carries both mounts is listed once."""
    found = re.findall(r"^\S.*\s([0-9]{1,3})%\s+(/\S*)\s*$", text, re.MULTILINE)
    return tuple(dict.fromkeys(FileSystem(mount, int(percent)) for percent, mount in found))


def _packages(text: str) -> tuple[Package, ...]:
    found = re.findall(r"^(vdsm|ovirt-hosted-engine-ha|device-mapper-multipath)-(\d\S*)$", text, re.MULTILINE)
    return tuple(Package(name, version) for name, version in found)


def judge(seen: HostFacts, declared: Declared) -> list[Finding]:
    """File systems, memory and clock."""
    subject = Subject("host", declared.name)
    said: dict[str, Said] = {
        "disk": _disk(seen, declared.name),
        "memory": _free_memory(seen, declared.name),
        "clock": _clock(seen, declared),
    }
    return [Finding(check, outcome, subject, words) for check, (outcome, words) in said.items()]


def _disk(seen: HostFacts, name: str) -> Said:
    if not seen.file_systems:
        return Outcome.UNKNOWN, f"How full {name} is, is not known. {why_not(seen.unread, 'disks')}".strip()
    fullest = max(seen.file_systems, key=lambda one: one.used_percent)
    words = f"{fullest.mount} of {name} is {fullest.used_percent} % full"
    if fullest.used_percent >= FULL_FAIL:
        return Outcome.FAIL, f"{words}: free space now, vdsm and the HA agent stop working without it."
    if fullest.used_percent >= FULL_WARN:
        return Outcome.WARN, f"{words}: free space."
    return Outcome.OK, f"{words}."


def _free_memory(seen: HostFacts, name: str) -> Said:
    if not seen.memory_total or seen.memory_available is None:
        return Outcome.UNKNOWN, f"The free memory of {name} is not known. {why_not(seen.unread, 'memory')}".strip()
    percent = 100 * seen.memory_available // seen.memory_total
    words = f"{name} has {percent} % of {seen.memory_total // 2**30} GiB memory available"
    if percent < MEMORY_WARN:
        return Outcome.WARN, f"{words}: it may not be able to take over a VM."
    return Outcome.OK, f"{words}."


def _clock(seen: HostFacts, declared: Declared) -> Said:
    if seen.clock is None or not declared.checked_at:
        return Outcome.UNKNOWN, f"The clock of {declared.name} is not known. {why_not(seen.unread, 'clock')}".strip()
    skew = seen.clock - declared.checked_at
    if abs(skew) <= SKEW_WARN:
        return Outcome.OK, f"The clock of {declared.name} agrees with the portal's within {SKEW_WARN:.0f} s."
    way = "ahead of" if skew > 0 else "behind"
    outcome = Outcome.FAIL if abs(skew) > SKEW_FAIL else Outcome.WARN
    return outcome, f"The clock of {declared.name} is {abs(skew):.0f} s {way} the portal's: see chronyd there."


def numbers(seen: HostFacts) -> Mapping[str, float]:
    """Load and memory left."""
    found: dict[str, float] = {}
    if seen.load is not None:
        found["load"] = seen.load
    if seen.memory_available is not None:
        found["memory_available"] = float(seen.memory_available)
    return found


PROBE = Probe(
    name="host_facts",
    title="Host",
    every=60,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
)
