"""Where a port is plugged in: as the name server says, as people declared, or as the zoning implies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.zoning import Permits


@dataclass(frozen=True)
class Place:
    """fabric: number in Places.fabrics, or -1 with a name for one that no switch told of. switch, port: WWNs, "" when
    not known."""

    fabric: int
    switch: str = ""
    port: str = ""
    name: str = ""  # of a fabric that only a host names
    by: Literal["login", "cabling", "host", "guess"] = "guess"  # what says so


class Places:
    """Answers for every WWPN of the estate."""

    def __init__(
        self,
        fabrics: tuple[Fabric, ...],
        permits: tuple[Permits, ...],
        cabling: Mapping[str, str],
        told: Mapping[str, str],
    ) -> None:
        """cabling: declared; told: WWPN of an HBA -> fabric_name that its host reports."""
        self.fabrics = fabrics
        self._permits = permits
        self._cabling = cabling
        self._told = told
        self._designed: dict[str, Place | None] = {}
        self._actual: dict[str, Place | None] = {}

    def designed(self, wwpn: str) -> Place | None:
        """Where it belongs: declared, else where it is, else where the zoning has it."""
        if wwpn not in self._designed:
            self._designed[wwpn] = self._declared(wwpn) or self._logged_in(wwpn) or self._implied(wwpn)
        return self._designed[wwpn]

    def actual(self, wwpn: str) -> Place | None:
        """Where it is: the name server, else the fabric that the host names, else where it belongs."""
        if wwpn not in self._actual:
            self._actual[wwpn] = self._logged_in(wwpn) or self._by_host(wwpn) or self.designed(wwpn)
        return self._actual[wwpn]

    def login(self, wwpn: str) -> int | None:
        """The fabric whose name server has it."""
        return next((n for n, fabric in enumerate(self.fabrics) if wwpn in fabric.logins), None)

    def _logged_in(self, wwpn: str) -> Place | None:
        number = self.login(wwpn)
        if number is None:
            return None
        login = self.fabrics[number].logins[wwpn]
        return Place(number, self.fabrics[number].switch_of(login), login.fabric_port, by="login")

    def _declared(self, wwpn: str) -> Place | None:
        port = self._cabling.get(wwpn, "")
        for number, fabric in enumerate(self.fabrics):
            if port in fabric.ports:
                return Place(number, fabric.ports[port][0], port, by="cabling")
        return None

    def _implied(self, wwpn: str) -> Place | None:
        """Zoned in one fabric alone: it belongs there, on its only switch or on one that is not known."""
        homes = [
            n for n, one in enumerate(self._permits) if any(z and z.names(wwpn) for z in (one.effective, one.defined))
        ]
        return self._in(homes[0]) if len(homes) == 1 else self._by_host(wwpn)

    def _by_host(self, wwpn: str) -> Place | None:
        name = self._told.get(wwpn, "")
        if not name:
            return None
        home = next((n for n, fabric in enumerate(self.fabrics) if name in fabric.switches), None)
        return Place(-1, name=name, by="host") if home is None else replace(self._in(home), by="host")

    def _in(self, number: int) -> Place:
        switches = self.fabrics[number].switches
        return Place(number, next(iter(switches)) if len(switches) == 1 else "")
