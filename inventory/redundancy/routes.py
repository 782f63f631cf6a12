"""The switches of a fabric and the links between them: what every route needs, and what is left when things die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Edge = tuple[str, str, int]  # switch, switch, what the link needs


class Routes:
    """nodes: switch WWN -> what it needs itself. A frame may take any route, so what all routes share is needed."""

    def __init__(self, nodes: Mapping[str, int], edges: Sequence[Edge]) -> None:
        self._nodes = nodes
        self._next: dict[str, list[tuple[str, int]]] = {name: [] for name in nodes}
        for one, other, mask in edges:
            self._next[one].append((other, mask))
            self._next[other].append((one, mask))
        self._from: dict[str, dict[str, int]] = {}

    def needed(self, begin: str, end: str) -> int | None:
        """The elements of every route from switch to switch, both included; None: there is no route."""
        if begin not in self._from:
            self._from[begin] = self._spread(begin)
        return self._from[begin].get(end)

    def node(self, switch: str) -> int:
        """What a switch needs itself."""
        return self._nodes[switch]

    def _spread(self, begin: str) -> dict[str, int]:
        """Intersects over all routes at once: what a switch needs is what all its neighbours need in common, the link
        and itself. Begins with everything and shrinks until nothing changes, so that also long detours count."""
        found = {begin: self._nodes[begin]}
        waiting = [begin]
        while waiting:
            here = waiting.pop()
            for there, link in self._next[here]:
                over = found[here] | link | self._nodes[there]
                before = found.get(there)
                now = over if before is None else before & over
                if there != begin and now != before:
                    found[there] = now
                    waiting.append(there)
        return found

    def parts(self, dead: int) -> dict[str, int]:
        """Switch -> number of the island it stands on when the dead elements are gone; dead switches are left out."""
        found: dict[str, int] = {}
        for number, root in enumerate(self._nodes):
            if root in found or self._nodes[root] & dead:
                continue
            waiting = [root]
            while waiting:
                here = waiting.pop()
                if here in found:
                    continue
                found[here] = number
                waiting += [
                    there for there, link in self._next[here] if not link & dead and not self._nodes[there] & dead
                ]
        return found
