"""What a path runs over, and sets of it as integers: one bit an element, so that an intersection is one `&`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The value is the word that people read."""

    HOST = "host"
    CARD = "card"
    HBA = "HBA port"
    SWITCH_PORT = "port"
    SWITCH = "switch"
    LINK = "link"
    TRUNK = "trunk"
    FABRIC = "fabric"
    ARRAY_PORT = "array port"
    MODULE = "I/O module"
    CONTROLLER = "controller"
    ARRAY = "array"
    RACK = "rack"
    PDU = "PDU"
    ROOM = "room"
    FEED = "power feed"
    CHASSIS = "chassis"
    SITE = "site"


SHARED = (Kind.RACK, Kind.PDU, Kind.ROOM, Kind.FEED, Kind.CHASSIS, Kind.SITE)


@dataclass(frozen=True, order=True)
class Element:
    """One thing that can die. key: unique inside its kind.

    host: its name; card: "<host>/<PCI address>"; hba, array port: WWPN; switch port: its WWN; switch: WWN; link: the
    WWNs of its two ports; trunk: "<switch WWN>/<master port>" of the lower end; fabric: WWNs of its switches; module
    and controller: "<array serial>/<ident>"; array: its serial; shared domains: their declared name."""

    kind: Kind
    key: str


@dataclass(frozen=True)
class Domain:
    """What dies together, as people declared it: a rack, a chassis, a PDU, a feed, a room, a site. Members may be
    domains."""

    element: Element
    members: frozenset[Element]


class Elements:
    """Numbers elements as they come, names them, and knows which shared domains each one hangs on."""

    def __init__(self, domains: Iterable[Domain] = ()) -> None:
        self._bits: dict[Element, int] = {}
        self._list: list[Element] = []
        self._labels: dict[Element, str] = {}
        self._within: dict[Element, list[Element]] = {}
        for domain in domains:
            for member in domain.members:
                self._within.setdefault(member, []).append(domain.element)

    def bit(self, element: Element) -> int:
        """The element alone."""
        found = self._bits.get(element)
        if found is None:
            found = self._bits[element] = 1 << len(self._list)
            self._list.append(element)
        return found

    def mask(self, *elements: Element) -> int:
        """The elements and every domain whose loss takes one of them."""
        found, waiting = 0, list(elements)
        while waiting:
            one = waiting.pop()
            if not found & self.bit(one):
                found |= self.bit(one)
                waiting += self._within.get(one, ())
        return found

    def holding(self, kind: Kind) -> int:
        """Every domain whose loss takes some element of a kind, also of those that were not read."""
        found = 0
        for member in [one for one in self._within if one.kind is kind]:
            found |= self.mask(member)
        return found

    def of(self, mask: int) -> tuple[Element, ...]:
        """The elements of a mask, those that came first first."""
        found = []
        while mask:
            low = mask & -mask
            found.append(self._list[low.bit_length() - 1])
            mask ^= low
        return tuple(found)

    def known(self, element: Element) -> bool:
        """Whether anything runs over it."""
        return element in self._bits

    def everything(self) -> tuple[Element, ...]:
        """All elements that were numbered."""
        return tuple(self._list)

    def call(self, element: Element, label: str) -> Element:
        """Gives an element the words that people know it by."""
        self._labels[element] = label
        return element

    def label(self, element: Element) -> str:
        """Words for it: "card 0000:3b:00 of olvm-h1"."""
        said = self._labels.get(element)
        if said is None and element.kind in SHARED:
            word = element.kind.split()[-1].casefold()
            said = element.key if element.key.casefold().startswith(word) else None  # "PDU-1" says what it is
        return said or f"{element.kind} {element.key}"
