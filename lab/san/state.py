"""What the SAN remembers beyond its wiring: counters, times, sessions. One object of the world (world.san)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.san.design import Design, Volume
from lab.san.live import Live
from lab.world import Host, Lun, World


@dataclass
class Account:
    """A user of a switch or an array. failures: wrong passwords in a row."""

    username: str
    password: str
    role: str
    failures: int = 0


@dataclass
class Session:
    """A login that is in use. Times are lab seconds."""

    token: str
    username: str
    opened: float
    used: float
    cookie: str = ""


@dataclass
class Device:
    """A switch or an array as a thing to log in to. once: answers 503 so many times more."""

    accounts: dict[str, Account] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    once: int = 0
    expired_at: float = -1.0  # the session-expired fault that was served last


@dataclass(frozen=True)
class Entry:
    """A line of a switch's error log."""

    at: float
    fabric: str
    ident: str
    severity: str
    text: str


@dataclass
class Recovery:
    """What replication did last. synced: lab time of the last moment at which both sides were the same."""

    broken: float | None = None
    synced: float = 0.0
    until: float = -1.0  # the resynchronisation ends


@dataclass
class San:
    """design: wiring and configuration with every fault in force."""

    design: Design
    isl: bool = False
    devices: dict[str, Device] = field(default_factory=dict)
    alarms: dict[str, float] = field(default_factory=dict)  # key -> lab time since when
    settled: float = 0.0  # lab time of the last change
    errors: dict[str, float] = field(default_factory=dict)  # WWN of a switch port -> errors counted until then
    drops: dict[str, int] = field(default_factory=dict)  # WWN of a switch port -> how often its link was lost
    was_up: frozenset[str] = frozenset()  # WWNs of the switch ports that were online then
    volumes: dict[str, Volume] = field(default_factory=dict)  # by WWN
    recovery: Recovery = field(default_factory=Recovery)
    log: list[Entry] = field(default_factory=list)  # of all switches, oldest first

    def mapped(self, host: Host, lun: Lun) -> bool:
        """Whether a host sees a LUN. After a remap its number means another volume; the host does not notice."""
        volume = self.volumes.get(self.design.remapped.get(lun.wwid, lun.wwid[1:]))
        return volume is not None and volume.seen_by(host.name, host.group)

    def device(self, name: str) -> Device:
        """The switch or array as a thing to log in to."""
        return self.devices.setdefault(name, Device())

    def live(self, world: World) -> Live:
        """This moment."""
        return Live(world, self.design)
