"""What the prechecks of a drill are made of, besides the sight of the hosts. None: it could not be seen, and `why` says
why in one sentence. Plain values, so that the checks stay pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover.catalog.sight import Sight
from failover.verdicts.room import HostRoom, VmNeed


@dataclass(frozen=True)
class RestHost:
    """A hosted-engine host as the engine's API tells it now."""

    name: str
    status: str
    active: bool | None
    score: int | None
    spm: str
    power_management: bool | None


@dataclass(frozen=True)
class EngineSaid:
    """The engine's API. hosts: those of the pair. migrating: names of VMs. jobs: descriptions of jobs that run."""

    hosts: tuple[RestHost, ...] | None
    migrating: tuple[str, ...] | None
    jobs: tuple[str, ...] | None
    why: str = ""


@dataclass(frozen=True)
class PathsSaid:
    """One host's declared paths. declared 0: nobody has declared any. missing: declared paths that are not up, one
    line each. None when the host's maps could not be read."""

    declared: int
    missing: tuple[str, ...] | None
    why: str = ""


@dataclass(frozen=True)
class BackupSaid:
    """The newest backup that is proven restorable and held off the engine VM. age in seconds; name "" when there is
    none. most: how old it may be, seconds."""

    name: str
    age: float
    most: float


@dataclass(frozen=True)
class PortalSaid:
    """The portal's own records. busy: sentences about runs and windows in the way. cooling: seconds that the cool-down
    still lasts, 0 when it is over. blackout: title and end of the one that covers now, or ""."""

    busy: tuple[str, ...] = ()
    cooling: float = 0.0
    after: str = ""
    blackout: str = ""


@dataclass(frozen=True)
class RoomSaid:
    """What the engine tells of memory: its hosts, and its VMs that run. None: it could not be asked."""

    hosts: tuple[HostRoom, ...] | None
    vms: tuple[VmNeed, ...] | None
    why: str = ""


@dataclass(frozen=True)
class Inputs:
    """Everything. sight None: the plan does not touch the hosts, so they were not asked. fences: the name of the host
    that is to be fenced, "" when none. plan: which guard rails are asked."""

    sight: Sight | None
    engine: EngineSaid
    paths: Mapping[str, PathsSaid]
    backup: BackupSaid
    portal: PortalSaid = field(default_factory=PortalSaid)
    fences: str = ""
    plan: str = ""
    room: RoomSaid = RoomSaid(None, None, "It was not asked.")
