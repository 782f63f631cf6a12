"""What is known of each pair in each layer: designed, logged in, seen. Three answers: yes, no, maybe with the
reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inventory.redundancy.estate import CARRIES, Estate, HbaPort, HostSeen
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.mapping import Mappings, unread, up
from inventory.redundancy.places import Place, Places
from inventory.redundancy.wires import Wire, Wires
from inventory.redundancy.zoning import Permits, Zoned


class Layer(StrEnum):
    """designed: cabling, effective and defined zoning, mapping. logged_in: name server and the array's nexuses. seen:
    the host's multipath. live: what all evidence agrees on, by the configuration that is in effect."""

    DESIGNED = "designed"
    LOGGED_IN = "logged_in"
    SEEN = "seen"
    LIVE = "live"


@dataclass
class Known:
    """Pairs as bits: yes, maybe, and which reason covers which pairs."""

    yes: int = 0
    maybe: int = 0
    why: dict[str, int] = field(default_factory=dict)

    def say(self, bit: int, why: str) -> None:
        """Marks a pair with what is not known of it."""
        self.why[why] = self.why.get(why, 0) | bit

    def sure(self, bit: int, why: str) -> None:
        """The pair is live; why: what is not known of what it runs over, "" for nothing."""
        self.yes |= bit
        if why:
            self.say(bit, why)

    def perhaps(self, bit: int, why: str) -> None:
        """The pair may be live: why it is not known."""
        self.maybe |= bit
        self.say(bit, why)


@dataclass(frozen=True)
class San:
    """Everything that is the same for all hosts."""

    estate: Estate
    fabrics: tuple[Fabric, ...]
    permits: tuple[Permits, ...]
    places: Places
    mappings: Mappings
    wires: Wires
    links: Mapping[str, frozenset[tuple[str, str]]]  # array serial -> pairs that it holds for logged in
    blind: str  # why a port that is nowhere may yet be somewhere; "" when every name server and zoning was read
    arrays_missing: str  # why a LUN of no array may yet be on one

    def unread_at(self, place: Place | None, *sections: str) -> str:
        """Why sections of the fabric at a place were not read; "" when they were."""
        if place is None:
            return self.blind
        if place.fabric < 0:
            return f"No switch of fabric {place.name} was read."
        fabric = self.fabrics[place.fabric]
        return next((fabric.why[section] for section in sections if section in fabric.why), "")


class Pairs:
    """All pairs of one host, numbered, with their wires and what is known of them."""

    def __init__(self, san: San, host: HostSeen, targets: tuple[str, ...]) -> None:
        self.host = host
        self.pairs = [(hba.wwpn, target) for hba in host.hbas for target in targets]
        self.number = {pair: n for n, pair in enumerate(self.pairs)}
        self.designed: list[Wire | None] = []
        self.actual: list[Wire | None] = []
        self.effective = Known()
        self.design = Known()
        self.login = Known()
        self.online = 0
        hbas = {hba.wwpn: hba for hba in host.hbas}
        for n, pair in enumerate(self.pairs):
            self._weigh(san, 1 << n, pair, hbas[pair[0]])

    def _weigh(self, san: San, bit: int, pair: tuple[str, str], hba: HbaPort) -> None:
        designed = san.wires.between(*pair, san.places.designed)
        same = all(san.places.designed(wwpn) == san.places.actual(wwpn) for wwpn in pair)
        actual = designed if same else san.wires.between(*pair, san.places.actual)
        self.designed.append(designed)
        self.actual.append(actual)
        if hba.state in CARRIES:
            self.online |= bit
        self._zoned(san, bit, pair, designed, self.design, defined=True)
        self._zoned(san, bit, pair, actual, self.effective, defined=False)
        self._logged_in(san, bit, pair, actual)

    def _zoned(
        self, san: San, bit: int, pair: tuple[str, str], wire: Wire | None, known: Known, *, defined: bool
    ) -> None:
        if wire is None:
            return
        if wire.standing != "here":
            if wire.standing == "maybe" or san.unread_at(wire.place, "logins", "zoning"):
                known.perhaps(bit, wire.why)
            return
        assert wire.place is not None
        permits = san.permits[wire.place.fabric]
        answer = _permitted(permits, pair, defined=defined)
        if answer is None:
            known.perhaps(bit, permits.why)
        elif answer:
            known.sure(bit, wire.why)

    def _logged_in(self, san: San, bit: int, pair: tuple[str, str], wire: Wire | None) -> None:
        if wire is None:
            return
        absent = [wwpn for wwpn in pair if san.places.login(wwpn) is None]
        reasons = [san.unread_at(san.places.actual(wwpn) or wire.place, "logins") for wwpn in absent]
        if not all(reasons):
            return  # a name server that was read does not have it
        held, why = _held(san, pair)
        if held is False:
            return
        unsure = next(filter(None, [*reasons, why]), wire.why if wire.standing != "here" else "")
        if unsure:
            self.login.perhaps(bit, unsure)
        else:
            self.login.sure(bit, wire.why)


def _permitted(permits: Permits, pair: tuple[str, str], *, defined: bool) -> bool | None:
    """Whether zoning lets a pair through: no as soon as one configuration says no."""
    if permits.everything:
        return True
    answers = [_allows(permits.effective, pair)] + ([_allows(permits.defined, pair)] if defined else [])
    if False in answers:
        return False
    return None if None in answers else True


def _allows(zoned: Zoned | None, pair: tuple[str, str]) -> bool | None:
    return None if zoned is None else zoned.allows(*pair)


def _held(san: San, pair: tuple[str, str]) -> tuple[bool | None, str]:
    """Whether the array holds a nexus over a port that is up: (answer, why it is not known)."""
    target = san.wires.targets.get(pair[1])
    if target is None:
        return None, f"Port {pair[1]} belongs to no array that was read."
    if not up(target.port):
        return False, ""
    why = unread(target.array, "links")
    if why:
        return None, f"Array {target.array.name}: {why}"
    return pair in san.links[target.array.serial], ""
