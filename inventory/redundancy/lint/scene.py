"""What the rules look at: the estate, the look before, the proof, and who owns which WWPN."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from inventory.redundancy.estate import Estate
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.fabrics import fabrics as grouped
from inventory.redundancy.summary import Proof
from inventory.redundancy.zoning import Permits, meant, resolve
from portal.kernel.san import ArrayPort, ArraySeen, Login, SwitchPort, SwitchSeen, Zone, Zoning


class Scene:
    """Read only. before: the estate of an earlier look, for what only two looks can tell."""

    def __init__(self, proof: Proof, before: Estate | None) -> None:
        self.proof = proof
        self.estate = proof.estate
        self.before = before
        self.fabrics = proof.fabrics

    @cached_property
    def owners(self) -> dict[str, str]:
        """WWPN of an HBA port -> its host: as the host tells; else as an array has it."""
        found = {
            one.wwpn: array.hosts[one.host]
            for array in self.estate.arrays
            for one in array.initiators
            if one.host in array.hosts
        }
        return found | self.hbas

    @cached_property
    def hbas(self) -> dict[str, str]:
        """WWPN -> host, as hosts tell."""
        return {hba.wwpn: host.name for host in self.estate.hosts for hba in host.hbas}

    @cached_property
    def targets(self) -> dict[str, tuple[ArraySeen, ArrayPort]]:
        """WWPN -> array and port."""
        return {port.wwpn: (array, port) for array in self.estate.arrays for port in array.ports}

    def is_target(self, wwpn: str, fabric: Fabric) -> bool:
        """By an array that was read, or by what the name server says."""
        return wwpn in self.targets or self._device(wwpn, fabric) == "target"

    def is_initiator(self, wwpn: str, fabric: Fabric) -> bool:
        """By a host or an array, or by what the name server says."""
        return wwpn in self.owners or self._device(wwpn, fabric) == "initiator"

    def _device(self, wwpn: str, fabric: Fabric) -> str:
        login = fabric.logins.get(wwpn)
        return login.device if login else ""

    def name(self, wwpn: str) -> str:
        """A WWPN with its owner, for sentences."""
        if wwpn in self.targets:
            array, port = self.targets[wwpn]
            return f"port {port.location or wwpn} of {array.name} ({wwpn})"
        return f"{wwpn} of {self.owners[wwpn]}" if wwpn in self.owners else wwpn

    def logged_in(self) -> Iterator[tuple[Fabric, Login]]:
        """Every entry of every name server that was read."""
        for fabric in self.fabrics:
            if "logins" not in fabric.why:
                for login in fabric.logins.values():
                    yield fabric, login

    def zonings(self) -> Iterator[tuple[Fabric, Zoning]]:
        """Every zoning that was read."""
        for fabric in self.fabrics:
            if fabric.zoning is not None:
                yield fabric, fabric.zoning

    def permits(self, fabric: Fabric) -> Permits:
        """Who may talk on a fabric."""
        return self.proof.san.permits[self.fabrics.index(fabric)]

    def effective(self) -> Iterator[tuple[Fabric, Zone, tuple[str, ...]]]:
        """Every effective zone with the WWPNs of its members."""
        for fabric, zoning in self.zonings():
            for zone in zoning.effective:
                yield fabric, zone, self.members(fabric, zone)

    def defined(self) -> Iterator[tuple[Fabric, Zoning]]:
        """Every zoning whose defined half was read."""
        for fabric, zoning in self.zonings():
            if self.permits(fabric).defined is not None:
                yield fabric, zoning

    def members(self, fabric: Fabric, zone: Zone) -> tuple[str, ...]:
        """WWPNs of a zone's members, aliases and ports resolved; each once."""
        aliases = fabric.zoning.aliases if fabric.zoning else {}
        every = (*zone.principals, *zone.members)
        return tuple(dict.fromkeys(wwpn for member in every for wwpn in resolve(member, aliases, fabric)))

    def meant(self, zoning: Zoning) -> tuple[Zone, ...]:
        """The defined zones of the configuration that is in effect."""
        return meant(zoning)

    def ports(self) -> Iterator[tuple[SwitchSeen, SwitchPort]]:
        """Every port of every switch that was read."""
        for switch in self.estate.switches:
            for port in switch.ports:
                yield switch, port

    @cached_property
    def fabrics_before(self) -> tuple[Fabric, ...]:
        """The fabrics of the look before."""
        return grouped(self.before.switches) if self.before else ()

    @cached_property
    def earlier_switches(self) -> dict[str, SwitchSeen]:
        """The look before, by WWN."""
        return {switch.wwn: switch for switch in self.before.switches} if self.before else {}

    @cached_property
    def earlier_arrays(self) -> dict[str, ArraySeen]:
        """The look before, by serial."""
        return {array.serial: array for array in self.before.arrays} if self.before else {}
