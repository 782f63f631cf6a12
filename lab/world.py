"""The one world that every lab server shows a part of: plain data, changed only by lab/life.py and lab/faults.py.

Times are lab seconds (`Clock.now()`): real seconds since start times the speed factor. Everything that the portal
may learn, it learns over SSH, HTTPS or the control port; `truth` is for tests only.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.san.state import San

ENGINE = "engine"  # the engine VM among the machines, and the engine as the target of a fault
NAMESPACE = uuid.UUID("6f1d6b1e-0000-4000-8000-00000000f457")


def uid(kind: str, name: str) -> str:
    """A stable UUID for a named thing, so that two starts of the lab show the same estate."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{name}"))


@dataclass
class Clock:
    """Lab time. speed 5 = five lab seconds per real second."""

    speed: float = 1.0
    began: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)

    def now(self) -> float:
        """Lab seconds since the lab started."""
        return (time.monotonic() - self.began) * self.speed

    def real(self, lab_seconds: float) -> float:
        """How long a lab duration takes in real seconds."""
        return lab_seconds / self.speed

    def wall_at(self, lab_now: float) -> float:
        """Unix time that the estate's own clocks show at a lab time. Clocks show real time whatever the speed, so that
        a fast estate does not run away from the portal's clock; only durations are shortened."""
        return self.wall + lab_now / self.speed


@dataclass
class Hba:
    """One FC port of a host. fabric is "A" or "B"."""

    scsi_host: int
    wwpn: str  # 16 hex digits
    fabric: str
    online: bool = True
    pci: str = "0000:3b:00.0"  # of its card and function


@dataclass
class TargetPort:
    """One FC port of an array. port: its number on the interface module."""

    wwpn: str
    controller: str  # "0A", "0B"
    fabric: str
    array: str
    online: bool = True
    port: int = 0

    @property
    def location(self) -> str:
        """CTE0.A.IOM0.P0."""
        return f"CTE0.{self.controller[1]}.IOM0.P{self.port}"

    @property
    def module(self) -> str:
        """0A.0."""
        return f"{self.controller}.0"

    @property
    def node(self) -> str:
        """The array's WWN."""
        return f"2100{self.wwpn[4:]}"


@dataclass
class Lun:
    """One LUN. wwid is the multipath name: "3" + 32 hex digits."""

    wwid: str
    name: str
    size: int  # bytes
    lun_number: int
    array: str
    serial: str
    disk_id: str = ""  # Direct LUN disk, "" for others
    domain_id: str = ""  # storage domain that it backs, "" for others
    shareable: bool = False


@dataclass
class Vm:
    """A VM. host is a host name or "" when down."""

    id: str
    name: str
    host: str
    status: str = "up"
    memory: int = 16 << 30
    cores: int = 4
    high_availability: bool = True
    is_engine: bool = False
    luns: list[str] = field(default_factory=list)  # WWIDs, in order
    hugepages_kib: int | None = None
    io_threads: int | None = None
    lease: bool = True
    kind: str = "server"  # server | high_performance


@dataclass
class HeRecord:
    """What one host's agent last wrote to the shared metadata (facts/hosted-engine.md 2)."""

    host_id: int
    host_ts: int
    score: int
    engine_status: dict[str, str] | None
    hostname: str
    maintenance: bool
    stopped: bool
    state: str
    local_conf_timestamp: int
    wall: float  # estate clock when it was written
    timeout: float | None = None  # monotonic seconds of the host, for the 1970 line
    written_at: float = 0.0  # lab time


@dataclass
class VmRecord:
    """What one host's vdsm keeps of the engine VM. A VM that is gone has no record."""

    # WaitForLaunch | Powering up | Up | Powering down | Migration Source | Migration Destination | Paused | Down
    status: str
    since: float
    exit: str = ""  # of Down: migrated | locked | unexpected


@dataclass
class EngineVm:
    """The engine VM as a process, its volume lease and the service inside it. Times are lab seconds."""

    records: dict[str, VmRecord] = field(default_factory=dict)  # host name -> its vdsm's record
    news: set[str] = field(default_factory=set)  # hosts whose vdsm has an event that their broker has not heard yet
    lease_host: str = ""  # who holds the volume lease, "" when it is free
    lease_until: float = 0.0  # when the lease of a dead host ends; meaningless while the holder lives
    service_at: float = -10_000.0  # when the engine service (re)started to boot
    service_stopped: bool = False  # of a dead service: systemctl has stopped it
    generation: int = 1  # counts service starts
    last_phase: str = "up"
    served_since: float = -10_000.0


@dataclass
class Broker:
    """One host's ovirt-ha-broker: what it last read, what its monitors say (facts/hosted-engine.md 2, 3)."""

    records: dict[int, HeRecord] = field(default_factory=dict)
    global_maintenance: bool = False
    alive: tuple[int, ...] = ()
    alive_at: float = -10_000.0  # when the agent last told its alive list
    status: dict[str, str] | None = None  # the engine-health monitor's last word
    sticky_unexpected: bool = False
    next_read: float = 0.0
    next_monitor: float = 0.0
    network_ok: int = 5  # of the last five network tests
    cpu_penalty: int = 0
    stale_socket: bool = False  # how it died: the socket file is left behind
    registered: bool = True  # False after a restart until the agent has registered its monitors again


@dataclass
class Agent:
    """One host's ovirt-ha-agent."""

    phase: str = "running"  # running | waiting (in local maintenance at its start) | starting | failing | stopped
    next_tick: float = 0.0
    started: float = -10_000.0
    starts: int = 0
    grace: float = 60.0  # seconds of own history before it may start the VM
    seen: dict[int, tuple[int, float, float]] = field(default_factory=dict)  # id -> (host-ts, first seen, last change)
    entered: float = -10_000.0  # when the present state was entered
    timeout: float | None = None  # lab time at which the state times out
    published: bool = False
    conf_at: float = 0.0
    failed_starts: list[float] = field(default_factory=list)


@dataclass
class Host:
    """A KVM host, with its own agent, broker, flags and devices."""

    id: str
    name: str  # engine's name
    hostname: str  # the OS's name
    address: str  # 127.0.x.y
    he_host_id: int | None  # None: not a hosted-engine host
    booted: float  # lab time; negative for hosts that run long
    memory: int = 512 << 30
    free_memory: int = 64 << 30
    powered: bool = True
    hanging: bool = False  # accepts TCP, answers nothing
    engine_status: str = "up"  # the engine's host status word
    spm: bool = False
    units: dict[str, str] = field(default_factory=dict)  # unit name -> active | inactive | failed
    unit_since: dict[str, float] = field(default_factory=dict)  # lab time of a unit's last start; absent: with the boot
    transient: set[str] = field(default_factory=set)  # of units: made by systemd-run, lost with the power
    local_maintenance: bool = False  # the two flags of ha.conf
    local_maintenance_manual: bool = False
    state: str = "EngineDown"  # the agent's state machine
    score: int = 3400
    penalties: dict[str, int] = field(default_factory=dict)
    hbas: list[Hba] = field(default_factory=list)
    # (hba wwpn, target wwpn, wwid) -> lab time at which the path failed; a path fails, and vanishes 80 s later
    failed_paths: dict[tuple[str, str, str], float] = field(default_factory=dict)
    # the same key -> how often the path has failed and come back before anybody looked
    flapped: dict[tuple[str, str, str], int] = field(default_factory=dict)
    offline: dict[str, float] = field(default_factory=dict)  # SCSI address -> lab time at which it was set offline
    corrupt: dict[str, str] = field(default_factory=dict)  # command name -> truncate | binary | ansi | huge | html
    hang: set[str] = field(default_factory=set)  # command names that never return
    idle: set[str] = field(default_factory=set)  # beginnings of command lines that end with 0 and do nothing
    broker_view: dict[int, tuple[int, float]] = field(default_factory=dict)  # host id -> (host-ts, lab time seen new)
    agent: Agent = field(default_factory=Agent)
    broker: Broker = field(default_factory=Broker)
    vm_conf: bool = True  # vm.conf has been fetched from the shared storage
    ready_at: float = -10_000.0  # lab time from which sshd and the units answer (after a boot)
    boot_id: str = ""
    host_key: str = ""  # "ssh-ed25519 AAAA...", as the engine recorded it when the host was added
    ssh_port: int = 22
    group: int = 0  # hosts of one group see the same LUNs
    clock_offset: float = 0.0  # seconds that this host's clock is wrong
    disk_used_percent: int = 41
    cores: int = 112  # as the engine tells: 2 sockets, 28 cores, 2 threads
    log: list[str] = field(default_factory=list)  # agent.log, newest last


@dataclass
class Fault:
    """One fault that is in force."""

    name: str
    target: str
    at: float
    args: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """The whole estate."""

    clock: Clock
    hosts: dict[str, Host]  # by engine name
    vms: dict[str, Vm]  # by id
    luns: dict[str, Lun]  # by WWID
    targets: list[TargetPort]
    cluster_id: str
    data_center_id: str
    domains: dict[
        str, dict[str, object]
    ]  # storage domain id -> {name, status, type, available, used, committed, wwids, master}
    records: dict[int, HeRecord] = field(default_factory=dict)
    global_maintenance: bool = False
    engine_health: str = "good"  # of the engine service inside its VM: good | dead | booting
    fabrics: dict[str, bool] = field(default_factory=lambda: {"A": True, "B": True})
    events: list[dict[str, object]] = field(default_factory=list)  # the engine's audit log, oldest first
    jobs: dict[str, dict[str, object]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    ledger: list[dict[str, object]] = field(default_factory=list)  # every command really executed
    truth: dict[str, object] = field(default_factory=dict)  # outage intervals and the like, for tests
    engine_faults: dict[str, object] = field(default_factory=dict)  # what the engine server itself must do wrong
    engine: EngineVm = field(default_factory=EngineVm)
    at: float = 0.0  # lab time up to which life has been lived
    quick: bool = False  # commands answer at once
    engine_fqdn: str = "engine.bank.example"
    migrations: dict[str, tuple[str, str, float]] = field(default_factory=dict)  # VM id -> (from, to, ends at)
    lun_groups: dict[str, int] = field(default_factory=dict)  # WWID -> host group that sees it; absent: every host
    engine_machine: Host | None = None  # the engine VM as an SSH host (lab/engine_vm.py)
    oracle_machines: dict[str, Host] = field(default_factory=dict)  # Oracle VMs as SSH hosts (lab/oracle_vm.py)
    san: San | None = None  # switches and arrays (lab/san)
    # (HBA, target) that the SAN does not carry -> lab time since when; pulled fabrics and cables of hosts come on top
    severed: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def machines(self) -> dict[str, Host]:
        """Everything with an SSH server, by name: the hosts, the engine VM, the Oracle VMs."""
        engine = {} if self.engine_machine is None else {ENGINE: self.engine_machine}
        return {**self.hosts, **engine, **self.oracle_machines}

    def machine(self, name: str) -> Host:
        """One of them. Raises KeyError."""
        return self.machines[name]
