"""What is up, who is logged in and who reaches whom in the SAN now, from wiring, zoning and the hosts' own state.

Nothing is remembered here. `gone` are elements that are thought away, by their names of lab/san/elements.py, so that
the truth can try out the loss of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lab.san import elements
from lab.san.design import Array, Design, Fabric, Port, Switch, colons
from lab.world import Hba, Host, TargetPort, World

Place = tuple[Switch, Port]
EQUAL, MEMBER, PRINCIPAL = "equal", "member", "principal"
_PARTNERS = {EQUAL: EQUAL, MEMBER: PRINCIPAL, PRINCIPAL: MEMBER}


@dataclass(frozen=True)
class Login:
    """A device that is logged in to a fabric. host or target is None."""

    wwpn: str
    node: str
    switch: Switch
    port: Port
    host: Host | None = None
    target: TargetPort | None = None

    @property
    def fcid(self) -> int:
        return self.switch.port_fcid(self.port)


class Live:
    """One moment of the SAN."""

    def __init__(self, world: World, design: Design, gone: frozenset[str] = frozenset()) -> None:
        self.world, self.design, self._gone = world, design, gone

    # --- links

    def switch_up(self, switch: Switch) -> bool:
        """Whether a switch carries traffic."""
        lost = {elements.switch(switch), elements.fabric(switch.fabric)} & self._gone
        return switch.power and not switch.disabled and not lost

    def link_up(self, switch: Switch, port: Port) -> bool:
        """Whether a port has light and is online."""
        if not self.switch_up(switch) or not self.port_on(port):
            return False
        if port.isl is not None:
            far = self.design.switches[port.isl[0]]
            other = far.ports[port.isl[1]]
            cut = elements.isl(port, other) in self._gone
            return not cut and self.switch_up(far) and self.port_on(other)
        return bool(port.peer) and self.plugged(port.peer) and self.world.fabrics.get(switch.fabric, True)

    def port_on(self, port: Port) -> bool:
        """Whether the port itself works: enabled, with a module and a cable."""
        return port.enabled and port.module and port.cabled and elements.port(port) not in self._gone

    def plugged(self, wwpn: str) -> bool:
        """Whether the device at the other end of a cable sends light."""
        if wwpn in self._hbas:
            host, hba = self._hbas[wwpn]
            return hba.online and not ({elements.hba(hba), elements.card(host, hba)} & self._gone)
        target = self._targets.get(wwpn)
        return target is not None and self.target_on(target)

    def target_on(self, target: TargetPort) -> bool:
        """Whether an array's port works: its controller, its cable."""
        array = self.design.arrays[target.array]
        lost = set(elements.of_target(target)) & self._gone
        return target.online and not lost and target.controller not in array.dead and target.wwpn not in array.pulled

    @cached_property
    def _hbas(self) -> dict[str, tuple[Host, Hba]]:
        return {hba.wwpn: (host, hba) for host in self.world.hosts.values() for hba in host.hbas}

    @cached_property
    def _targets(self) -> dict[str, TargetPort]:
        return {target.wwpn: target for target in self.world.targets}

    @cached_property
    def places(self) -> dict[str, Place]:
        """WWPN of a device -> where it is plugged in."""
        return {port.peer: (switch, port) for switch, port in self.design.ports() if port.peer and port.isl is None}

    # --- the fabric

    @cached_property
    def components(self) -> dict[str, frozenset[str]]:
        """Switch -> the switches that it can reach, itself among them."""
        found: dict[str, frozenset[str]] = {}
        for switch in self.design.switches.values():
            seen, todo = {switch.name}, [switch]
            while todo:
                for other in self.neighbors(todo.pop()):
                    if other.name not in seen:
                        seen.add(other.name)
                        todo.append(other)
            found[switch.name] = frozenset(seen)
        return found

    def neighbors(self, switch: Switch) -> list[Switch]:
        """The switches at the far ends of its working ISLs."""
        ends = [port.isl[0] for port in switch.ports if port.isl is not None and self.link_up(switch, port)]
        return [self.design.switches[name] for name in dict.fromkeys(ends)]

    @cached_property
    def up(self) -> frozenset[str]:
        """WWPNs of the devices whose link to their switch works."""
        return frozenset(wwpn for wwpn, (switch, port) in self.places.items() if self.link_up(switch, port))

    def logins(self, switch: Switch) -> list[Login]:
        """What a switch's name server lists, in the order of FCIDs. A host without power is not logged in."""
        if not self.switch_up(switch):
            return []
        found = [self._login(wwpn) for wwpn in self.up if self.places[wwpn][0].name in self.components[switch.name]]
        return sorted((one for one in found if one.host is None or one.host.powered), key=lambda one: one.fcid)

    def _login(self, wwpn: str) -> Login:
        switch, port = self.places[wwpn]
        if wwpn in self._hbas:
            return Login(wwpn, f"20{wwpn[2:]}", switch, port, host=self._hbas[wwpn][0])
        target = self._targets[wwpn]
        return Login(wwpn, target.node, switch, port, target=target)

    def logged_in(self, switch: Switch, port: Port) -> Login | None:
        """The device at a port, when its link is up and it has power."""
        if port.peer not in self.up or self.places.get(port.peer) != (switch, port):
            return None
        login = self._login(port.peer)
        return login if login.host is None or login.host.powered else None

    # --- pairs

    @cached_property
    def _zones(self) -> dict[tuple[str, str], set[tuple[int, str]]]:
        """(fabric, WWPN with colons) -> the effective zones that hold it: number, and the role that it has there."""
        found: dict[tuple[str, str], set[tuple[int, str]]] = {}
        for fabric in self.design.fabrics.values():
            for number, zone in enumerate(fabric.effective):
                role = MEMBER if zone.principals else EQUAL
                for names, word in ((zone.members, role), (zone.principals, PRINCIPAL)):
                    for name in names:
                        found.setdefault((fabric.name, name), set()).add((number, word))
        return found

    def zoned(self, fabric: Fabric, first: str, second: str) -> bool:
        """Whether the effective configuration lets two WWPNs talk; in a peer zone only a principal and a member do."""
        one, other = (self._zones.get((fabric.name, colons(wwpn)), set()) for wwpn in (first, second))
        return any((number, _PARTNERS[role]) in other for number, role in one)

    def reach(self, hba: Hba, target: TargetPort) -> bool:
        """Whether an initiator and a target may log in to each other, its host's power aside."""
        if hba.wwpn not in self.up or target.wwpn not in self.up:
            return False
        here, there = self.places[hba.wwpn][0], self.places[target.wwpn][0]
        joined = there.name in self.components[here.name]
        return joined and self.zoned(self.design.fabrics[here.fabric], hba.wwpn, target.wwpn)

    def carries(self, hba: Hba, target: TargetPort) -> bool:
        """Whether LUNs come through: the pair reaches each other and the array's port group lets it."""
        return self.allowed(target) and self.reach(hba, target)

    def allowed(self, target: TargetPort) -> bool:
        """Whether the array's port group has the port, or there is no port group."""
        ports = self.design.arrays[target.array].port_group
        return not ports or target.wwpn in ports

    def nexuses(self, array: Array, host: Host) -> list[tuple[Hba, TargetPort]]:
        """The live I-T nexuses of a host at an array, as the array sees them."""
        if not host.powered:
            return []
        targets = [target for target in self.world.targets if target.array == array.name]
        pairs = [(hba, target) for hba in host.hbas for target in targets if target.fabric == hba.fabric]
        return [pair for pair in pairs if self.reach(*pair)]
