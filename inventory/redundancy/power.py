"""What dies with what, as people declared it. A rack, a chassis, a room or a site takes all that it holds; power is
another matter: a thing with two supplies lives on one of them, so it dies only when all its inputs are dead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from inventory.redundancy.elements import Domain, Element

Holders = Mapping[Element, frozenset[Element]]


@dataclass(frozen=True)
class Power:
    """within: thing -> what holds it, any of which takes it along. inputs: thing -> what feeds it, all of which must be
    gone. Things may be domains: a PDU in a rack, a PDU fed by a feed."""

    within: Holders = field(default_factory=dict)
    inputs: Holders = field(default_factory=dict)

    def dies_with(self, gone: Iterable[Element]) -> frozenset[Element]:
        """Everything that dies when these die together, these included."""
        dead = set(gone)
        waiting = list(dead)
        while waiting:
            cause = waiting.pop()
            for thing in self._touched.get(cause, ()):
                if thing not in dead and self._dies(thing, dead):
                    dead.add(thing)
                    waiting.append(thing)
        return frozenset(dead)

    def _dies(self, thing: Element, dead: set[Element]) -> bool:
        inputs = self.inputs.get(thing, frozenset())
        return bool(self.within.get(thing, frozenset()) & dead) or (bool(inputs) and inputs <= dead)

    @cached_property
    def _touched(self) -> Mapping[Element, list[Element]]:
        """Cause -> things that it may take along."""
        found: dict[Element, list[Element]] = {}
        for relation in (self.within, self.inputs):
            for thing, causes in relation.items():
                for cause in causes:
                    found.setdefault(cause, []).append(thing)
        return found

    @cached_property
    def causes(self) -> frozenset[Element]:
        """Everything that holds or feeds something."""
        relations = (self.within, self.inputs)
        return frozenset(cause for relation in relations for causes in relation.values() for cause in causes)

    def domains(self) -> tuple[Domain, ...]:
        """Every domain with all that dies when it alone dies."""
        return tuple(Domain(one, self.dies_with([one]) - {one}) for one in sorted(self.causes))

    def fed(self, thing: Element) -> bool:
        """Whether anybody declared where a thing, or something that holds it, gets its power."""
        waiting, seen = [thing], {thing}
        while waiting:
            one = waiting.pop()
            if one in self.inputs:
                return True
            fresh = self.within.get(one, frozenset()) - seen
            seen |= fresh
            waiting += fresh
        return False
