"""The form that chooses what is taken away, and the links that take one thing more, or bring it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.summary import Proof
from inventory.topology.losses import token

ORDER = (
    (Kind.FABRIC, "Fabrics"),
    (Kind.SWITCH, "Switches"),
    (Kind.TRUNK, "Trunks"),
    (Kind.LINK, "Links between switches"),
    (Kind.ARRAY, "Arrays"),
    (Kind.CONTROLLER, "Controllers"),
    (Kind.MODULE, "I/O modules"),
    (Kind.ARRAY_PORT, "Array ports"),
    (Kind.HOST, "Hosts"),
    (Kind.CARD, "Cards"),
    (Kind.HBA, "HBA ports"),
    (Kind.SWITCH_PORT, "Switch ports"),
    (Kind.SITE, "Sites"),
    (Kind.ROOM, "Rooms"),
    (Kind.RACK, "Racks"),
    (Kind.CHASSIS, "Chassis"),
    (Kind.PDU, "PDUs"),
    (Kind.FEED, "Power feeds"),
)


@dataclass(frozen=True)
class Choice:
    """One checkbox."""

    ident: str
    value: str
    label: str
    chosen: bool
    cuts: int


@dataclass(frozen=True)
class Kinds:
    """The checkboxes of one kind. open: something of it is chosen, or it is the first thing that people try."""

    ident: str
    title: str
    choices: Sequence[Choice]
    open: bool


def choices(proof: Proof, chosen: Iterable[Element]) -> list[Kinds]:
    """Every element of an estate by its kind."""
    wanted = set(chosen)
    cuts = {one.element: len(one.cuts) for one in proof.elements}
    by_kind: dict[Kind, dict[Element, None]] = {}
    for element in (*proof.san.wires.elements.everything(), *wanted):
        by_kind.setdefault(element.kind, {})[element] = None
    found = []
    for kind, title in ORDER:
        mine = sorted(by_kind.get(kind, ()), key=proof.label)
        rows = [
            Choice(f"loss-{kind.name.lower()}-{n}", token(one), proof.label(one), one in wanted, cuts.get(one, 0))
            for n, one in enumerate(mine)
        ]
        if rows:
            any_chosen = any(one.chosen for one in rows)
            found.append(Kinds(kind.name.lower(), title, rows, any_chosen or kind is Kind.SWITCH))
    return found


class Toggle:
    """Links that take an element away, or bring it back, and keep the rest of the URL."""

    def __init__(self, path: str, query: QueryDict, chosen: Iterable[Element]) -> None:
        self._path = path
        self._kept = [(name, value) for name, values in query.lists() if name != "without" for value in values]
        self._chosen = list(chosen)

    def __call__(self, element: Element) -> str:
        """The link."""
        left = [one for one in self._chosen if one != element]
        wanted = left if element in self._chosen else [*left, element]
        return self.of(wanted)

    def with_layer(self, layer: str) -> str:
        """The same losses, drawn by another layer."""
        kept = [(name, value) for name, value in self._kept if name != "layer"]
        pairs = [*kept, ("layer", layer), *(("without", token(one)) for one in self._chosen)]
        return f"{self._path}?{urlencode(pairs)}"

    def of(self, elements: Iterable[Element]) -> str:
        """The page without these elements."""
        pairs = [*self._kept, *(("without", token(one)) for one in elements)]
        return f"{self._path}?{urlencode(pairs)}" if pairs else self._path
