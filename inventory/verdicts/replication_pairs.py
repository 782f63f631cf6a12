"""One replication pair as both arrays tell it, joined. What an array did not say is told apart from what it denies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.kernel.san import ArrayLun, ArraySeen, Pair

_PARTS = {"replication": "pairs", "metro": "metro"}  # kind -> the part of a look that holds it


@dataclass(frozen=True)
class Asked:
    """One array of the estate. seen None: it was not read; why: the sentence of its look."""

    serial: str
    name: str
    seen: ArraySeen | None
    why: str = ""


@dataclass(frozen=True)
class End:
    """A LUN at one end of a pair. wwn and size: from the array that holds it; "" and None when it did not tell."""

    serial: str
    array: str
    lun: str
    name: str = ""
    wwn: str = ""
    size: int | None = None

    @property
    def shown(self) -> str:
        """ "ora_data01 on DORADO-PROD"."""
        return f"{self.name or f'LUN {self.lun}'} on {self.array}"


@dataclass(frozen=True)
class View:
    """What the array at one end tells of the pair. pair None with a why: nothing is known from it; without: it lists
    its pairs and this is none of them. offset: its clock minus ours, seconds."""

    array: str
    pair: Pair | None
    why: str = ""
    offset: float | None = None


@dataclass(frozen=True)
class Joined:
    """A pair: its two ends, ordered by serial number, and each end's view."""

    kind: str
    ends: tuple[End, End]
    views: tuple[View, View]

    @property
    def key(self) -> str:
        """The same whichever array told it: "SN1:2 SN2:2"."""
        return " ".join(f"{end.serial}:{end.lun}" for end in self.ends)

    @property
    def told(self) -> tuple[tuple[int, Pair], ...]:
        """(which end, pair) of the views that know it."""
        return tuple((at, view.pair) for at, view in enumerate(self.views) if view.pair is not None)

    @property
    def primaries(self) -> frozenset[int]:
        """The ends that are called primary, or preferred, by any view."""
        return frozenset(at if pair.primary else 1 - at for at, pair in self.told if pair.primary is not None)

    @property
    def primary(self) -> int | None:
        """The primary end when all views that tell one agree."""
        return next(iter(self.primaries)) if len(self.primaries) == 1 else None

    @property
    def synchronous(self) -> bool | None:
        """The mode, when all views that know the pair agree."""
        modes = {pair.synchronous for _, pair in self.told}
        return next(iter(modes)) if len(modes) == 1 else None


def joined(arrays: Iterable[Asked]) -> tuple[Joined, ...]:
    """Every pair that any array tells, once, ordered by key."""
    asked = {one.serial: one for one in arrays}
    found: dict[tuple[str, frozenset[tuple[str, str]]], None] = {}
    for one in asked.values():
        for pair in one.seen.pairs if one.seen else ():
            other = pair.remote_serial or _only_other(asked, one.serial)
            found[pair.kind, frozenset({(one.serial, pair.local_lun), (other, pair.remote_lun)})] = None
    whole = (_join(asked, kind, ends) for kind, ends in found if len(ends) == 2)
    return tuple(sorted(whole, key=lambda one: (one.key, one.kind)))


def _only_other(asked: Mapping[str, Asked], serial: str) -> str:
    """The array at the other end of a pair that does not name it, where there is only one."""
    others = [one for one in asked if one != serial]
    return others[0] if len(others) == 1 else ""


def _join(asked: Mapping[str, Asked], kind: str, ends: frozenset[tuple[str, str]]) -> Joined:
    first, second = sorted(ends)
    return Joined(
        kind,
        (_end(asked, *first), _end(asked, *second)),
        (_view(asked, kind, first, second), _view(asked, kind, second, first)),
    )


def _end(asked: Mapping[str, Asked], serial: str, ident: str) -> End:
    array = asked.get(serial)
    name = array.name if array else serial or "an array that is not named"
    lun = _lun(array.seen, ident) if array and array.seen else None
    return End(serial, name, ident, lun.name, lun.wwn, lun.size) if lun else End(serial, name, ident)


def _lun(seen: ArraySeen, ident: str) -> ArrayLun | None:
    return next((lun for lun in seen.luns if lun.ident == ident and not lun.snapshot), None)


def _view(asked: Mapping[str, Asked], kind: str, here: tuple[str, str], there: tuple[str, str]) -> View:
    array = asked.get(here[0])
    if array is None:
        return View(
            here[0] or "an array", None, f"Array {here[0] or 'without a name'} is not known to the portal. Enter it."
        )
    if array.seen is None:
        return View(array.name, None, array.why or f"{array.name} was not read.")
    part = _PARTS.get(kind, kind)
    why = array.seen.unread.get(part) or array.seen.unread.get("all") or ""
    mine = (pair for pair in array.seen.pairs if pair.kind == kind and pair.local_lun == here[1])
    pair = next((one for one in mine if one.remote_lun == there[1] and one.remote_serial in (there[0], "")), None)
    return View(array.name, pair, "" if pair else why, array.seen.offset)
