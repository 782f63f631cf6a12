"""What the proof takes in: hosts, switches, arrays, what was declared, who uses which LUN. Every WWPN is 16 lower-case
hex digits, a WWID is multipath's ("3" and the LUN's 32 digits)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from inventory.redundancy.elements import Domain
from inventory.redundancy.plan import Plan
from inventory.redundancy.power import Power
from portal.kernel.san import ArraySeen, SwitchSeen

Standing = Literal["up", "down", "unclear"]
Pair = tuple[str, str]  # WWPN of the initiator, WWPN of the target

# fc_host words that carry traffic; "" is not told (facts/luns-and-tuning.md 2.1)
CARRIES = ("", "Online", "Marginal")


@dataclass(frozen=True)
class HbaPort:
    """A port of an HBA. card: its PCI address without the function ("0000:3b:00"), "" when not known, since the two
    ports of one card differ in the function alone. state: fc_host's port_state. fabric: fabric_name, "" for none."""

    wwpn: str
    card: str = ""
    state: str = ""
    gbit: float | None = None
    fabric: str = ""
    errors: Mapping[str, int] = field(default_factory=dict)  # fc_host statistics


@dataclass(frozen=True)
class DmPath:
    """A path of a multipath map; state as PathFact.standing says it. WWPNs "" where the transport has none. priority:
    what multipath's prioritiser gives it, None when not told."""

    wwid: str
    hba: str
    target: str
    state: Standing
    priority: int | None = None


@dataclass(frozen=True)
class HostSeen:
    """One host. unread: "hbas" or "paths" -> why, for what could not be read."""

    name: str
    hbas: tuple[HbaPort, ...] = ()
    paths: tuple[DmPath, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Declared:
    """What people approved. cabling: WWPN -> WWN of the switch port it is plugged into. paths: (host, WWID) -> pairs
    that must exist. domains: what dies together. power: what that rests on, for losses of several at once. plan: the
    cabling as it was written; None: nobody declared one."""

    cabling: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[tuple[str, str], frozenset[Pair]] = field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    power: Power = field(default_factory=Power)
    plan: Plan | None = None


@dataclass(frozen=True)
class Use:
    """A VM, or a storage domain, and its LUNs. hosts: where it may run; None: wherever one of its LUNs is. runs_on:
    where it runs now, "" when it does not. hosted_engine: it carries the engine, so it stands first."""

    name: str
    wwids: tuple[str, ...]
    hosts: tuple[str, ...] | None = None
    runs_on: str = ""
    hosted_engine: bool = False
    kind: Literal["vm", "domain"] = "vm"


@dataclass(frozen=True)
class Missing:
    """Something that belongs to the estate and gave no answer at all. why: one sentence."""

    kind: Literal["host", "switch", "array"]
    name: str
    why: str


@dataclass(frozen=True)
class Estate:
    """Everything at one time. at: Unix seconds. The `unread` of switches and arrays: name of a field ("defined",
    "trunks", "snapshots" and "metro" for halves of one), or "all", -> a whole sentence. last_seen: WWPN -> Unix
    seconds when it was last in a name server, as far as that was kept. production_hosts: hosts that must never see a
    secondary; empty: nobody declared it."""

    at: float
    hosts: tuple[HostSeen, ...] = ()
    switches: tuple[SwitchSeen, ...] = ()
    arrays: tuple[ArraySeen, ...] = ()
    declared: Declared = field(default_factory=Declared)
    uses: tuple[Use, ...] = ()
    missing: tuple[Missing, ...] = ()
    last_seen: Mapping[str, float] = field(default_factory=dict)
    production_hosts: frozenset[str] = frozenset()
