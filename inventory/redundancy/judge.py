"""What a set of live pairs is worth: the single points of failure, what each single loss leaves, how even it is
(facts/san.md 3.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from inventory.redundancy.elements import Element, Elements
from inventory.redundancy.wires import Wire
from portal.kernel.outcome import Outcome


class Word(StrEnum):
    """green: two pairs are left whatever dies, and they are even. pass: one is left. fail: something cuts it. no_path:
    there is nothing to cut. unknown: what was not read could change the answer."""

    GREEN = "green"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NO_PATH = "no_path"
    UNKNOWN = "unknown"


OUTCOMES = {
    Word.GREEN: Outcome.OK,
    Word.PASS: Outcome.WARN,
    Word.FAIL: Outcome.FAIL,
    Word.NO_PATH: Outcome.FAIL,
    Word.UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(frozen=True)
class Judged:
    """One (host, LUN) in one layer. bits: its live pairs, as the host numbers them. points: elements that all of them
    need. residual: pairs that the worst single loss leaves. worst: the elements that leave so few. uneven: in which
    way the pairs are not symmetric, "" when they are. why: what was not read."""

    word: Word
    bits: int = 0
    pairs: int = 0
    points: tuple[Element, ...] = ()
    residual: int = 0
    worst: tuple[Element, ...] = ()
    uneven: str = ""
    why: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """As the rest of the portal speaks."""
        return OUTCOMES[self.word]


@dataclass(frozen=True)
class Evidence:
    """yes: pairs that are live. maybe: pairs that may be. loose: pairs may exist that cannot even be counted. why:
    what was not read, each a sentence. ignored: elements whose loss says nothing, the host and the LUN's only
    array."""

    yes: int
    maybe: int
    loose: bool
    why: tuple[str, ...]
    ignored: int


def judge(evidence: Evidence, wires: Sequence[Wire | None], traits: Sequence[Trait], elements: Elements) -> Judged:
    """The verdict. Whatever was not read makes it unknown, unless what is known already cuts the LUN off."""
    live = [wire.needed if wire else 0 for wire in picked(evidence.yes, wires)]
    points = common(live) & ~evidence.ignored
    residual, worst = weakest(live, evidence.ignored)
    uneven = unevenness([traits[n] for n in numbers(evidence.yes)])
    word = _word(evidence, wires, points, residual, uneven)
    return Judged(
        word, evidence.yes, len(live), elements.of(points), residual, elements.of(worst), uneven, evidence.why
    )


def _word(evidence: Evidence, wires: Sequence[Wire | None], points: int, residual: int, uneven: str) -> Word:
    if evidence.why:
        return _unread_word(evidence, wires)
    if not evidence.yes:
        return Word.NO_PATH
    if points:
        return Word.FAIL
    return Word.GREEN if residual >= 2 and not uneven else Word.PASS


def _unread_word(evidence: Evidence, wires: Sequence[Wire | None]) -> Word:
    """More pairs can only help: when even with all that may be live something is shared, it fails whatever was
    unread."""
    every = picked(evidence.yes | evidence.maybe, wires)
    certain = common(wire.sure if wire else 0 for wire in every) & ~evidence.ignored
    return Word.FAIL if certain and not evidence.loose else Word.UNKNOWN


@dataclass(frozen=True)
class Trait:
    """Where a pair runs, for symmetry."""

    hba: str
    fabric: str
    controller: str


def unevenness(traits: Sequence[Trait]) -> str:
    """In which way pairs are not even: per fabric, per controller, or an HBA that misses a controller; "" when they
    are."""
    by_fabric = Counter(trait.fabric for trait in traits)
    if len(set(by_fabric.values())) > 1:
        return "the fabrics carry different numbers of paths"
    by_controller = Counter(trait.controller for trait in traits)
    if len(set(by_controller.values())) > 1:
        return "the controllers carry different numbers of paths"
    seen: dict[str, set[str]] = {}
    for trait in traits:
        seen.setdefault(trait.hba, set()).add(trait.controller)
    if any(len(controllers) < len(by_controller) for controllers in seen.values()):
        return "an HBA port does not reach every controller"
    return ""


def weakest(needed: Iterable[int], ignored: int) -> tuple[int, int]:
    """(pairs that the worst single loss leaves, the elements that leave so few). Counts in binary, all elements at
    once: planes[k] holds bit k of every element's count."""
    masks = [mask & ~ignored for mask in needed]
    planes: list[int] = []
    for mask in masks:
        carry = mask
        for k in range(len(planes)):
            planes[k], carry = planes[k] ^ carry, planes[k] & carry
        if carry:
            planes.append(carry)
    most, worst = 0, -1
    for k in reversed(range(len(planes))):
        if worst & planes[k]:
            worst &= planes[k]
            most |= 1 << k
    return len(masks) - most, worst if most else 0


def common(masks: Iterable[int]) -> int:
    """What all have; nothing when there are none."""
    found = -1
    for mask in masks:
        found &= mask
    return 0 if found == -1 else found


def picked(bits: int, wires: Sequence[Wire | None]) -> list[Wire | None]:
    """The wires of these pairs."""
    return [wires[n] for n in numbers(bits)]


def numbers(bits: int) -> list[int]:
    """The positions of a set's bits."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found
