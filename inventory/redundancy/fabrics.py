"""Which switches are one fabric, and what it knows: logins, zoning, links. A fabric is named by the switches that are
seen together, never by a label (facts/san.md 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from portal.kernel.san import Login, SwitchPort, SwitchSeen, Zoning

LINKS = ("E", "EX", "VE")


@dataclass(frozen=True)
class Cable:
    """A link between two switches; a and b: (switch WWN, port number or None when that end was not read)."""

    a: tuple[str, int | None]
    b: tuple[str, int | None]


@dataclass(frozen=True)
class Fabric:
    """One fabric. switches: WWNs of all members, also of those that were not read. domains: domain id -> switch WWN.
    ports: WWN -> (switch WWN, port). why: section -> sentence, for what no switch of it could tell."""

    switches: frozenset[str]
    seen: tuple[SwitchSeen, ...]
    names: Mapping[str, str]
    logins: Mapping[str, Login]
    zoning: Zoning | None
    domains: Mapping[int, str]
    ports: Mapping[str, tuple[str, SwitchPort]]
    cables: tuple[Cable, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its identity."""
        return ",".join(sorted(self.switches))

    @property
    def name(self) -> str:
        """Its switches: "SWA1 + SWA2"."""
        names = sorted(self.names.get(wwn, wwn) for wwn in self.switches)
        return " + ".join(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more"])

    def switch_of(self, login: Login) -> str:
        """WWN of the switch that a device is logged in to: by the port, else by the domain in its address; "" when it
        cannot be told."""
        if login.fabric_port in self.ports:
            return self.ports[login.fabric_port][0]
        try:
            found = self.domains.get(int(login.fcid[:2], 16), "")
        except ValueError:
            found = ""
        alone = len(self.switches) == 1 and "extent" not in self.why
        return found or (next(iter(self.switches)) if alone else "")


def unread(seen: SwitchSeen, section: str) -> str:
    """Why a section of a switch is not known; "" when it is."""
    return seen.unread.get(section) or seen.unread.get("all") or ""


def fabrics(switches: Iterable[SwitchSeen]) -> tuple[Fabric, ...]:
    """Switches that know each other are one fabric; so are two groups that share a switch."""
    groups: list[tuple[set[str], list[SwitchSeen]]] = []
    for seen in switches:
        wwns, members = _knows(seen), [seen]
        apart = []
        for group in groups:
            if group[0] & wwns:
                wwns, members = wwns | group[0], group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (wwns, members)]
    return tuple(_fabric(frozenset(wwns), tuple(members)) for wwns, members in groups)


def _knows(seen: SwitchSeen) -> set[str]:
    peers = {wwn for port in seen.ports if port.kind in LINKS and port.state == "online" for wwn in port.neighbors[:1]}
    return {seen.wwn} | {member.wwn for member in seen.members} | peers


def _fabric(wwns: frozenset[str], seen: tuple[SwitchSeen, ...]) -> Fabric:
    names = {member.wwn: member.name for one in seen for member in one.members if member.name}
    names |= {one.wwn: one.name for one in seen if one.name}
    domains = {member.domain: member.wwn for one in seen for member in one.members if member.domain is not None}
    domains |= {one.domain: one.wwn for one in seen if one.domain is not None}
    zoned = sorted((one for one in seen if one.zoning and not unread(one, "zoning")), key=lambda one: not one.principal)
    return Fabric(
        wwns,
        seen,
        names,
        {login.wwpn: login for one in seen for login in one.logins},
        zoned[0].zoning if zoned else None,
        domains,
        {port.wwn: (one.wwn, port) for one in seen for port in one.ports},
        tuple(_cables(seen)),
        _why(wwns, seen),
    )


def _why(wwns: frozenset[str], seen: tuple[SwitchSeen, ...]) -> dict[str, str]:
    """Logins and zoning are the whole fabric's: one switch that tells them is enough. Ports are each switch's own, and
    matter where links make routes. A switch that tells neither its ports nor the members may be of another fabric."""
    found = {}
    for section in ("logins", "zoning", "defined"):
        reasons = [unread(one, section) for one in seen]
        if all(reasons):
            found[section] = reasons[0]
    bounds = [unread(one, "members") for one in seen if unread(one, "ports") and unread(one, "members")]
    if bounds:
        found["extent"] = f"Which switches {seen[0].name} is joined with is not known: {bounds[0]}"
    alone = [why for one in seen for part in ("ports", "trunks") if (why := unread(one, part))]
    alone += [
        f"Port {port.number} of {one.name} is a link and does not tell to which switch."
        for one in seen
        for port in one.ports
        if port.kind in LINKS and port.state == "online" and not port.neighbors
    ]
    alone += [f"Switch {wwn} was not read." for wwn in sorted(wwns - {one.wwn for one in seen})]
    if alone and (len(wwns) > 1 or alone[0].startswith("Port ")):
        found["ports"] = alone[0]
    return found


Ends = dict[tuple[str, str], list[SwitchPort]]


def _cables(seen: tuple[SwitchSeen, ...]) -> list[Cable]:
    """Both ends must show a link where both were read. Ends that name their peer's port are matched first, the others
    in their order: two ends of one cable counted as two links would hide that it is the only one."""
    ends: Ends = {}
    for one in seen:
        for port in one.ports:
            if port.kind in LINKS and port.state == "online" and port.neighbors:
                ends.setdefault((one.wwn, port.neighbors[0]), []).append(port)
    read = {one.wwn for one in seen if not unread(one, "ports")}
    found: list[Cable] = []
    for here, there in sorted({(min(pair), max(pair)) for pair in ends}):
        found += _between(here, there, ends, read)
    return found


def _between(here: str, there: str, ends: Ends, read: set[str]) -> list[Cable]:
    near = {port.number: port for port in ends.get((here, there), ())}
    far = {port.number: port for port in ends.get((there, here), ())}
    if there not in read and not far:
        return [Cable((here, number), (there, port.peer_port)) for number, port in sorted(near.items())]
    if here not in read and not near:
        return [Cable((here, port.peer_port), (there, number)) for number, port in sorted(far.items())]
    matched = [
        (number, other)
        for number, port in sorted(near.items())
        for other, peer in sorted(far.items())
        if (other == port.peer_port and peer.peer_port in (None, number))
        or (port.peer_port is None and peer.peer_port == number)
    ]
    rest = zip(_unnamed(near, {a for a, _ in matched}), _unnamed(far, {b for _, b in matched}), strict=False)
    return [Cable((here, a), (there, b)) for a, b in [*matched, *rest]]


def _unnamed(ports: Mapping[int, SwitchPort], taken: set[int]) -> list[int]:
    return [number for number, port in sorted(ports.items()) if port.peer_port is None and number not in taken]
