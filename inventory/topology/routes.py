"""The ways of the links: straight from a port to its switch where it stands over it, else around in its own lane."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.topology.parts import Box, Picture, Port, Trunk
from inventory.topology.place import OUTER, RAIL, SPAN, Layout, Rect

EDGE, SLOT, PLUG, LONG = 18, 26, 16, 23  # px: from a switch's corner, from plug to plug, a plug, one of 3 digits
LANE_FROM, LANE_TO = 18, 40  # px from the rail, between which lanes lie

Point = tuple[float, float]


@dataclass(frozen=True)
class Link:
    """From a port's chip to its switch. points: corners of the way; plug: the small box at the switch."""

    box: str
    port: Port
    points: tuple[Point, ...]
    plug: Rect

    @property
    def straight(self) -> bool:
        return len(self.points) == 2


@dataclass(frozen=True)
class Run:
    """All links between two switches. double: they are drawn as two lines; at: where the words stand."""

    trunk: Trunk
    lines: tuple[tuple[Point, ...], ...]
    at: Point


def links(picture: Picture, layout: Layout) -> list[Link]:
    """A way for each port that is plugged into a switch of the picture. No two end at one plug."""
    ends = [(box, port) for box in picture.boxes for port in box.ports if port.switch in layout.switches]
    ends.sort(key=lambda end: layout.chips[end[0].key, end[1].key].middle)
    taken: dict[str, list[float]] = {}
    found: list[Link] = []
    bent: list[tuple[Box, Port]] = []
    for box, port in ends:
        chip, switch = layout.chips[box.key, port.key], layout.switches[port.switch]
        if switch.x + EDGE <= chip.middle <= switch.right - EDGE and _free(taken, port.switch, chip.middle):
            taken.setdefault(port.switch, []).append(chip.middle)
            found.append(_link(box, port, chip, switch, chip.middle, 0.0))
        else:
            bent.append((box, port))
    bent = _sideways(bent, layout, found)
    lanes = _lanes(bent, layout)
    for key in dict.fromkeys(port.switch for _, port in bent):
        mine, rect = [end for end in bent if end[1].switch == key], layout.switches[key]
        slots = _slots(taken.get(key, []), rect, mine, layout)
        for (box, port), x in zip(mine, slots, strict=True):
            found.append(_link(box, port, layout.chips[box.key, port.key], rect, x, lanes[port.key]))
    return found


def _free(taken: dict[str, list[float]], switch: str, x: float) -> bool:
    return all(abs(x - other) >= SLOT for other in taken.get(switch, ()))


End = tuple[Box, Port]
STACK = 3  # links that have room at the side of a switch


def _sideways(ends: list[End], layout: Layout, found: list[Link]) -> list[End]:
    """Links from beyond a switch's side, with nothing between, end at that side; returns those that do not."""
    rest: list[End] = []
    for switch in dict.fromkeys(port.switch for _, port in ends):
        rect = layout.switches[switch]
        mine = [end for end in ends if end[1].switch == switch]
        for right in (True, False):
            beyond = [end for end in mine if _beyond(layout.chips[end[0].key, end[1].key].middle, rect, right)]
            mine = [end for end in mine if end not in beyond]
            if len(beyond) > STACK or not _clear(beyond, rect, right, layout):
                rest += beyond
            else:
                beyond.sort(key=lambda end: layout.chips[end[0].key, end[1].key].middle, reverse=not right)
                found += [_side(box, port, layout, rect, right, number) for number, (box, port) in enumerate(beyond)]
        rest += mine
    return sorted(rest, key=lambda end: layout.chips[end[0].key, end[1].key].middle)


def _beyond(x: float, switch: Rect, right: bool) -> bool:
    return x > switch.right + PLUG if right else x < switch.x - PLUG


def _clear(ends: list[End], switch: Rect, right: bool, layout: Layout) -> bool:
    """No other switch of the row stands in the way."""
    xs = [layout.chips[box.key, port.key].middle for box, port in ends]
    reach = (switch.right, max(xs, default=switch.right)) if right else (min(xs, default=switch.x), switch.x)
    return not any(
        other is not switch and other.y == switch.y and other.x < reach[1] and reach[0] < other.right
        for other in layout.switches.values()
    )


def _side(box: Box, port: Port, layout: Layout, switch: Rect, right: bool, number: int) -> Link:
    """The nearest comes in nearest to the boxes, so that none crosses another."""
    chip = layout.chips[box.key, port.key]
    up = switch.y < chip.y
    away = 11 + number * (PLUG + 0.5)
    y = switch.bottom - away if up else switch.y + away
    edge = switch.right if right else switch.x
    begin = (chip.middle, chip.y if up else chip.bottom)
    plug = Rect(edge - PLUG / 2, y - PLUG / 2, PLUG, PLUG)
    return Link(box.key, port, (begin, (chip.middle, y), (edge, y)), plug)


def _lanes(ends: list[End], layout: Layout) -> dict[str, float]:
    """Port -> distance of its lane from the rail; the links of one rail share the room evenly. Of links that run to
    the left, the leftmost keeps farthest from the rail, and the other way round: so none of them cross."""
    found: dict[str, float] = {}
    by_rail: dict[int | None, list[tuple[float, Port]]] = {}
    for box, port in ends:
        x, switch = layout.chips[box.key, port.key].middle, layout.switches[port.switch]
        by_rail.setdefault(port.rail, []).append((-x if x > switch.middle else x, port))
    for mine in by_rail.values():
        mine.sort(key=lambda one: one[0])
        for number, (_, port) in enumerate(mine):
            found[port.key] = LANE_FROM + (LANE_TO - LANE_FROM) * (number + 1) / (len(mine) + 1)
    return found


def _slots(taken: list[float], switch: Rect, ends: list[End], layout: Layout) -> list[float]:
    """A free place for each, near to where they come from and in their order. Where a switch is full, plugs stand
    closer."""
    wish = sum(layout.chips[box.key, port.key].middle for box, port in ends) / len(ends)
    step = float(SLOT)
    while True:
        count = int((switch.w - 2 * EDGE) // step) + 1
        slots = [switch.x + EDGE + step * n for n in range(count)]
        free = [one for one in slots if all(abs(one - other) >= step - 0.01 for other in taken)]
        if len(free) >= len(ends):
            return sorted(sorted(free, key=lambda one: abs(one - wish))[: len(ends)])
        step /= 2


def _link(box: Box, port: Port, chip: Rect, switch: Rect, x: float, lane: float) -> Link:
    """lane 0: straight."""
    up = switch.y < chip.y
    edge = switch.bottom if up else switch.y
    begin = (chip.middle, chip.y if up else chip.bottom)
    wide = LONG if len(port.plug) > 2 else PLUG
    plug = Rect(x - wide / 2, edge - PLUG / 2, wide, PLUG)
    if not lane or abs(chip.middle - x) < 0.5:
        return Link(box.key, port, (begin, (begin[0], edge)), plug)
    y = edge + lane if up else edge - lane
    return Link(box.key, port, (begin, (begin[0], y), (x, y), (x, edge)), plug)


def runs(picture: Picture, layout: Layout) -> list[Run]:
    """Neighbours are joined side to side, others around the outer side of the rail."""
    found = []
    outer: dict[int, int] = {}
    rails = {one.key: one.rail for one in picture.switches}
    for trunk in picture.trunks:
        if trunk.one not in layout.switches or trunk.other not in layout.switches:
            continue
        ends = sorted((layout.switches[trunk.one], layout.switches[trunk.other]), key=lambda one: one.x)
        rail = rails[trunk.one]
        between = [
            rect
            for key, rect in layout.switches.items()
            if rails[key] == rail and ends[0].right <= rect.x and rect.right <= ends[1].x
        ]
        if not between:
            found.append(_beside(trunk, ends[0], ends[1]))
            continue
        number = outer[rail] = outer.get(rail, 0) + 1
        found.append(_around(trunk, ends[0], ends[1], layout.above(rail), 6 + number * 5 % (OUTER - 6)))
    return found


def _beside(trunk: Trunk, left: Rect, right: Rect) -> Run:
    lines = tuple(((left.right, left.y + dy), (right.x, left.y + dy)) for dy in (RAIL / 2 - 9, RAIL / 2 + 9))
    return Run(trunk, lines, ((left.right + right.x) / 2, left.y + RAIL / 2 + 4))


def _around(trunk: Trunk, left: Rect, right: Rect, above: bool, away: float) -> Run:
    edge = left.y if above else left.bottom
    y = edge - away if above else edge + away
    begin, end = left.right - 24 - away, right.x + 24 + away
    line = ((begin, edge), (begin, y), (end, y), (end, edge))
    return Run(trunk, (line,), ((begin + end) / 2, y - 4 if above else y + 12))


assert LANE_TO < SPAN
