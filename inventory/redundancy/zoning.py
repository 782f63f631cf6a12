"""Which initiator may talk to which target, by the effective and by the defined configuration (facts/san.md 1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.redundancy.fabrics import Fabric
from portal.kernel.san import Zone, Zoning


@dataclass(frozen=True)
class Zoned:
    """WWPN -> the zones in which it may begin (heads) and be met (members), one bit a zone. A zone of hundreds costs no
    more than its members this way."""

    heads: Mapping[str, int]
    members: Mapping[str, int]

    def allows(self, one: str, other: str) -> bool:
        """Whether the two may talk; the order does not matter."""
        return bool(
            self.heads.get(one, 0) & self.members.get(other, 0) or self.heads.get(other, 0) & self.members.get(one, 0)
        )

    def names(self, wwpn: str) -> bool:
        """Whether any zone has it."""
        return wwpn in self.heads or wwpn in self.members


@dataclass(frozen=True)
class Permits:
    """What may talk by each configuration. None: not known. why: the sentence for that."""

    effective: Zoned | None
    defined: Zoned | None
    everything: bool = False  # no configuration is in effect and everybody may talk
    why: str = ""


def permits(fabric: Fabric) -> Permits:
    """What the fabric's zoning lets through."""
    zoning = fabric.zoning
    if zoning is None:
        return Permits(None, None, why=fabric.why.get("zoning") or f"The zoning of {fabric.name} was not read.")
    if not zoning.cfg_effective and zoning.all_access is None and not zoning.effective:
        return Permits(
            None, None, why=f"No configuration is in effect on {fabric.name}, and what is then allowed is unknown."
        )
    everything = bool(zoning.all_access) and not zoning.effective
    effective = _zoned(zoning.effective, {}, fabric)
    if fabric.why.get("defined") or not (zoning.defined or zoning.cfgs or zoning.aliases):
        why = fabric.why.get("defined") or f"The defined configuration of {fabric.name} was not read."
        return Permits(effective, None, everything, why)
    return Permits(effective, _zoned(meant(zoning), zoning.aliases, fabric), everything)


def meant(zoning: Zoning) -> tuple[Zone, ...]:
    """The defined zones that the next enabling of the effective configuration would bring."""
    names = set(zoning.cfgs.get(zoning.cfg_effective, ()))
    return tuple(zone for zone in zoning.defined if zone.name in names)


def resolve(member: str, aliases: Mapping[str, tuple[str, ...]], fabric: Fabric) -> tuple[str, ...]:
    """WWPNs behind a member: itself, an alias' members, or what is logged in at "domain,port"."""
    found = []
    for one in aliases.get(member, (member,)):
        domain, comma, number = one.partition(",")
        found += _at(domain, number, fabric) if comma else [one]
    return tuple(found)


def _at(domain: str, number: str, fabric: Fabric) -> list[str]:
    if not (domain.strip().isdigit() and number.strip().isdigit()):
        return []
    switch = fabric.domains.get(int(domain))
    ports = {wwn for wwn, (owner, port) in fabric.ports.items() if owner == switch and port.number == int(number)}
    return [wwpn for wwpn, login in fabric.logins.items() if login.fabric_port in ports]


def sides(zone: Zone, aliases: Mapping[str, tuple[str, ...]], fabric: Fabric) -> tuple[frozenset[str], frozenset[str]]:
    """Who may talk to whom: everybody with everybody in a plain zone, principals with members in a peer zone."""
    members = frozenset(wwpn for member in zone.members for wwpn in resolve(member, aliases, fabric))
    if zone.kind == "zone":
        return members, members
    heads = frozenset(wwpn for member in zone.principals for wwpn in resolve(member, aliases, fabric))
    return heads, members - heads


def _zoned(zones: Iterable[Zone], aliases: Mapping[str, tuple[str, ...]], fabric: Fabric) -> Zoned:
    heads: dict[str, int] = {}
    members: dict[str, int] = {}
    for number, zone in enumerate(zones):
        first, second = sides(zone, aliases, fabric)
        for wwpn in first:
            heads[wwpn] = heads.get(wwpn, 0) | 1 << number
        for wwpn in second:
            members[wwpn] = members.get(wwpn, 0) | 1 << number
    return Zoned(heads, members)
