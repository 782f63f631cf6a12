"""What the engine knows of itself: accounts, sessions, what it last saw of hosts and VMs, what it will do later."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from lab import life_hosts
from lab.world import Host, Vm, World

IDLE_SECONDS = 1800.0  # UserSessionTimeOutInterval (facts/engine-api.md 1.3), lab seconds


@dataclass(frozen=True)
class Account:
    """A person or program that may log in. role: SuperUser | ReadOnlyAdmin | UserRole."""

    username: str  # as typed at the SSO: user@profile, split at the last @
    password: str
    role: str
    id: str

    @property
    def admin(self) -> bool:
        """Any admin-type role makes reads unfiltered (facts/engine-api.md 0.18)."""
        return self.role != "UserRole"

    @property
    def shown(self) -> str:
        """How events name the person: the Keycloak profile shows its authz name."""
        if self.username.endswith("@internalsso"):
            return self.username.removesuffix("internalsso") + "internalkeycloak-authz"
        return self.username + "-authz"


@dataclass
class Session:
    """One token and when it was last used (lab seconds)."""

    account: Account
    used: float
    opened: bool = False  # an engine session exists, i.e. the login event is written


@dataclass
class Engine:
    """One running lab engine."""

    world: World
    accounts: dict[str, Account]
    version: str = "4.5.5-1.73.el8"
    jwt: bool = False
    tokens: dict[str, Session] = field(default_factory=dict)
    generation: int | None = None
    started: float = -10_000.0  # lab time of the engine service's start
    expire_seen: object = None
    ha: dict[str, dict[str, object]] = field(default_factory=dict)  # host id -> haStats as VDSM last told them
    vm_seen: dict[str, tuple[str, str]] = field(default_factory=dict)  # VM id -> (status, host name) as last reported
    vm_since: dict[str, float] = field(default_factory=dict)  # VM id -> wall time of start (or stop, when down)
    lost_since: dict[str, float] = field(default_factory=dict)  # host id -> lab time of the first missed answer
    back_to: dict[str, str] = field(default_factory=dict)  # host id -> status to return to
    maps_seen: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    domains_seen: dict[str, str] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)  # VM id -> host it leaves
    drained: dict[str, str] = field(default_factory=dict)  # host id being emptied -> correlation id
    fenced_at: dict[str, float] = field(default_factory=dict)
    no_spm_since: float | None = None
    engine_host_before: str = ""  # name of the host that ran the engine VM before the present one
    engine_host_now: str = ""
    running: dict[str, Callable[[], str]] = field(default_factory=dict)  # job id -> how to know its end
    cleaned_at: float = 0.0
    backup_check: float = 0.0  # lab time of the next look for a full backup
    tried_at: dict[str, float] = field(default_factory=dict)  # host id -> last try to empty it
    stopping: set[str] = field(default_factory=set)  # VMs that were asked to stop
    not_before: dict[str, float] = field(default_factory=dict)  # VM id -> earliest next restart
    domain_lost_since: dict[str, float] = field(default_factory=dict)  # host id -> lab time
    custom_ids: set[tuple[str, int]] = field(default_factory=set)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _later: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def now(self) -> float:
        """Lab seconds."""
        return self.world.clock.now()

    @property
    def wall(self) -> float:
        """Unix seconds on the engine's own clock."""
        return self.world.clock.wall_at(self.now) + float(self.fault("clock_skew") or 0.0)  # type: ignore[arg-type]

    def fault(self, name: str) -> object:
        """The value of one engine fault, None when it is not in force.

        html_500: names of collections that break ("api": the root). hang, sso_hang: nothing is answered. db_down: the
        health page says so, SSO says server_error, the API breaks. clock_skew: seconds. expire: a new value ends all
        tokens. storage_delay: real seconds that a live device list takes longer. bmc_dead: names of hosts whose fence
        agent does not answer. auto_fence: the engine's own fencing works: a lost host of a larger cluster restarts."""
        return self.world.engine_faults.get(name)

    def later(self, lab_seconds: float, act: Callable[[], None]) -> None:
        """Do `act` at the first tick after a delay."""
        heapq.heappush(self._later, (self.now + lab_seconds, next(self._order), act))

    def due(self) -> list[Callable[[], None]]:
        """Take what is due now, in order."""
        acts = []
        while self._later and self._later[0][0] <= self.now:
            acts.append(heapq.heappop(self._later)[2])
        return acts

    def forget(self) -> None:
        """A restart of the engine service: sessions, health maps and running threads are memory only."""
        self.tokens.clear()
        self.maps_seen.clear()
        self._later.clear()
        self.lost_since.clear()

    def host(self, host_id: str) -> Host | None:
        """The host with this id."""
        return next((host for host in self.world.hosts.values() if host.id == host_id), None)

    def reachable(self, host: Host) -> bool:
        """Whether VDSM on the host answers the engine."""
        return life_hosts.reachable(self.world, host)

    def seen(self, vm: Vm) -> tuple[str, str]:
        """(status, host name) of a VM in the engine's eyes; the host is "" for a VM that is down."""
        status, name = self.vm_seen.get(vm.id, (vm.status, vm.host))
        if name and name in self.world.hosts and self.world.hosts[name].engine_status == "non_responsive":
            return "unknown", name
        return status, "" if status == "down" else name

    def lock(self, host_id: str) -> asyncio.Lock:
        """Live device lists are made one at a time per host."""
        return self._locks.setdefault(host_id, asyncio.Lock())

    def pause(self, lab_seconds: float) -> float:
        """Real seconds of a lab delay."""
        return self.world.clock.real(lab_seconds)

    def touch(self, token: str) -> Session | None:
        """The live session of a token, refreshed; an idle one is revoked (facts/engine-api.md 1.3)."""
        session = self.tokens.get(token)
        if session is None:
            return None
        if self.now - session.used > IDLE_SECONDS:
            del self.tokens[token]
            return None
        session.used = self.now
        return session
