"""What is known of each pair in each layer: designed, logged in, seen. Three answers: yes, no, maybe with the
reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inventory.redundancy.elements import Kind
from inventory.redundancy.estate import CARRIES, Estate, HbaPort, HostSeen
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.mapping import Mappings, unread, up
from inventory.redundancy.places import Places
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
    dark: str  # why a port that no name server has may yet be logged in; "" when all of them were read
    unzoned: str  # the same, or a zoning that was not read: a port that is in no zone may yet be zoned
    arrays_missing: str  # why a LUN of no array may yet be on one

    def ignored(self, host: str, wwid: str) -> int:
        """Elements whose loss says nothing about a LUN's paths: the host, and the array unless two serve the LUN. Of a
        LUN whose array is not known, every array."""
        homes = self.mappings.homes.get(wwid, ())
        found = self.wires.hosts[host]
        if wwid not in self.mappings.metro:
            for serial in homes or self.wires.arrays:
                found |= self.wires.arrays[serial]
            found |= 0 if homes else self.wires.elements.holding(Kind.ARRAY)
        return found

    def unsettled(self, wwid: str) -> bool:
        """Whether another array than those that are known may serve a LUN: then an array may be what it hangs on."""
        given = self.mappings
        elsewhere = bool(self.arrays_missing) or any("luns" in parts for parts in given.dark.values())
        return wwid not in given.homes or (elsewhere and wwid in given.perhaps - given.metro)


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
        self._design(san, bit, pair, designed)
        self._actual(san, bit, pair, actual)

    def _design(self, san: San, bit: int, pair: tuple[str, str], wire: Wire | None) -> None:
        places = [san.places.designed(wwpn) for wwpn in pair]
        if (wire is None or wire.standing == "lost") and san.unzoned:
            if any(place is None or place.by in ("host", "guess") for place in places):
                self.design.perhaps(bit, san.unzoned)
        elif wire is not None and wire.standing != "lost":
            self._zoned(san, bit, pair, wire, self.design, defined=True)

    def _actual(self, san: San, bit: int, pair: tuple[str, str], wire: Wire | None) -> None:
        """Both ends stand in one name server, or nothing is live. When the name servers were not all read, two ends
        that stand in none may stand together in one of the others."""
        present = [number for wwpn in pair if (number := san.places.login(wwpn)) is not None]
        if len(present) == 2:
            if wire is not None:
                self._zoned(san, bit, pair, wire, self.effective, defined=False)
                self._logged_in(san, bit, pair, wire)
            return
        why = san.fabrics[present[0]].why.get("logins", "") if present else san.dark
        if why:
            self.effective.perhaps(bit, why)
            if _held(san, pair)[0] is not False:
                self.login.perhaps(bit, why)

    def _zoned(self, san: San, bit: int, pair: tuple[str, str], wire: Wire, known: Known, *, defined: bool) -> None:
        if wire.standing == "maybe":
            known.perhaps(bit, wire.why)
            return
        assert wire.place is not None
        permits = san.permits[wire.place.fabric]
        answer = _permitted(permits, pair, defined=defined)
        if answer is None:
            known.perhaps(bit, permits.why)
        elif answer:
            known.sure(bit, wire.why)

    def _logged_in(self, san: San, bit: int, pair: tuple[str, str], wire: Wire) -> None:
        held, why = _held(san, pair)
        if held is False:
            return
        unsure = why or (wire.why if wire.standing == "maybe" else "")
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
    why = unread(target.array, "links") or unread(target.array, "hosts")  # links are asked for host by host
    if why:
        return None, why
    return pair in san.links[target.array.serial], ""
