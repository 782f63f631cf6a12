"""Where everything of a picture stands: sites beside each other, hosts and arrays between the rails of the fabrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from inventory.topology.parts import Box, Item, Picture, Port, Switch

# px
PAD, SITE_PAD, SITE_GAP, COLUMN_GAP = 1, 18, 64, 14
HEAD, LABEL, RAIL, SPAN = 32, 26, 54, 78  # a site's head, a fabric's label, a rail, the way from rail to box
CHIP_H, CHIP_GAP, CHIP_SIDE = 22, 8, 12
HOST_CHIP, ARRAY_CHIP = 62, 84
TITLE, PART_H, PART_W = 46, 24, 52
ITEM_H, ITEM_GAP, CELL_W, CELL_H = 44, 6, 92, 22
FOOT = 22
SWITCH_LEAST, SWITCH_GAP = 176, 62
OUTER = 22  # above the rails, for links between switches that do not stand beside each other
COLUMNS = 5  # of a group's grid
MARKS = 12  # paths of one fabric that are drawn


@dataclass(frozen=True)
class Rect:
    """x, y: the upper left corner."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def middle(self) -> float:
        return self.x + self.w / 2

    def overlaps(self, other: Rect) -> bool:
        """Whether they share more than an edge."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, other: Rect) -> bool:
        """Whether the other lies within."""
        inside = self.x <= other.x and other.right <= self.right
        return inside and self.y <= other.y and other.bottom <= self.bottom


@dataclass
class Layout:
    """Everything by its key. chips: (box, port); tops: which rails lie above the boxes; labels: rail -> x, y."""

    width: float = 0
    height: float = 0
    sites: dict[str, Rect] = field(default_factory=dict)
    switches: dict[str, Rect] = field(default_factory=dict)
    boxes: dict[str, Rect] = field(default_factory=dict)
    chips: dict[tuple[str, str], Rect] = field(default_factory=dict)
    items: dict[tuple[str, str], Rect] = field(default_factory=dict)
    parts: dict[tuple[str, str], Rect] = field(default_factory=dict)
    rails: dict[int, float] = field(default_factory=dict)  # rail -> y of its boxes
    labels: dict[int, tuple[float, float]] = field(default_factory=dict)
    band: tuple[float, float] = (0, 0)  # upper and lower edge of the boxes
    outer: float = 0  # room beyond a rail for links around it

    def above(self, rail: int) -> bool:
        """Whether a rail lies above the boxes."""
        return self.rails[rail] < self.band[0]


def above(rail: int | None) -> bool:
    """Fabrics lie above and below by turns; a port of no known fabric stands at the upper edge."""
    return rail is None or rail % 2 == 0


def placed(picture: Picture) -> Layout:
    """Gives everything its place. Nothing overlaps, whatever comes."""
    layout = Layout()
    tops = [rail.number for rail in picture.rails if above(rail.number)]
    bottoms = [rail.number for rail in picture.rails if not above(rail.number)]
    layout.outer = OUTER if any(_crowded(picture, one.number) for one in picture.rails) else 0
    deep = layout.outer + LABEL + RAIL
    first = PAD + HEAD + len(tops) * deep + SPAN
    high = max((height(box) for box in picture.boxes), default=120)
    layout.band = (first, first + high)
    for depth, number in enumerate(reversed(tops)):  # the first fabric lies outermost
        layout.rails[number] = first - SPAN - RAIL - depth * deep
    for depth, number in enumerate(reversed(bottoms)):
        layout.rails[number] = first + high + SPAN + depth * deep
    layout.height = first + high + (SPAN if bottoms else 0) + len(bottoms) * deep + 12
    _columns(picture, layout)
    for rail in picture.rails:
        _switches(picture, layout, rail.number)
    return layout


def _crowded(picture: Picture, rail: int) -> bool:
    """Whether switches of a rail may be joined past others."""
    return sum(one.rail == rail for one in picture.switches) > 2


# --- sites and boxes --------------------------------------------------------------------------------------------------
def _columns(picture: Picture, layout: Layout) -> None:
    x: float = PAD
    top, bottom = layout.band
    for site in picture.sites:
        begin = x
        x += SITE_PAD
        for box in (one for one in picture.boxes if one.site == site):
            rect = Rect(x, top, width(box), bottom - top)
            layout.boxes[box.key] = rect
            _inside(box, rect, layout)
            x = rect.right + COLUMN_GAP
        x = max(x - COLUMN_GAP, begin + SITE_PAD + _rails_width(picture, site)) + SITE_PAD
        layout.sites[site] = Rect(begin, PAD, x - begin, layout.height - 2 * PAD)
        x += SITE_GAP
    layout.width = max(x - SITE_GAP + PAD, 320)


def _rails_width(picture: Picture, site: str) -> float:
    """What the switches of a site need at least."""
    counts = [sum(one.rail == rail.number and one.site == site for one in picture.switches) for rail in picture.rails]
    most = max(counts, default=0)
    return max(most * SWITCH_LEAST + (most - 1) * SWITCH_GAP, 150)


def _sides(box: Box) -> tuple[list[Port], list[Port]]:
    return [one for one in box.ports if above(one.rail)], [one for one in box.ports if not above(one.rail)]


def chip(box: Box) -> int:
    """The width of a port's chip in a box."""
    return ARRAY_CHIP if box.kind == "array" else HOST_CHIP + 14 if box.kind == "hosts" else HOST_CHIP


def width(box: Box) -> float:
    """How wide a box has to be."""
    most = max((len(side) for side in _sides(box)), default=0)
    chips = most * (chip(box) + CHIP_GAP) - CHIP_GAP + 2 * CHIP_SIDE
    if box.kind == "hosts":
        return max(chips, _across(box) * CELL_W + 2 * CHIP_SIDE)
    names = 160 + max((path_room(item) for item in box.items), default=0)
    return max(chips, 272 if box.kind == "array" and box.items else 176, names)


def path_room(item: Item) -> float:
    """How wide the marks of an item's paths are."""
    return sum(8 + min(len(marks), MARKS) * 10 for _, marks in item.paths)


def _across(box: Box) -> int:
    return max(2, min(COLUMNS, -(-len(box.items) // 6)))


def height(box: Box) -> float:
    """How high a box has to be."""
    if box.kind == "hosts":
        inner: float = -(-len(box.items) // _across(box)) * CELL_H
    else:
        inner = len(box.items) * (ITEM_H + ITEM_GAP)
    parts = PART_H + 8 if box.parts else 0
    return CHIP_H + 12 + TITLE + parts + inner + (FOOT if box.foot else 6) + CHIP_H + 8


def _inside(box: Box, rect: Rect, layout: Layout) -> None:
    for side, y in zip(_sides(box), (rect.y, rect.bottom - CHIP_H), strict=True):
        step = rect.w / (len(side) or 1)
        for number, port in enumerate(side):
            middle = rect.x + step * (number + 0.5)
            layout.chips[box.key, port.key] = Rect(middle - chip(box) / 2, y, chip(box), CHIP_H)
    y = rect.y + CHIP_H + 12 + TITLE
    for number, part in enumerate(box.parts):
        across = max(1, int((rect.w - 2 * CHIP_SIDE + 6) // (PART_W + 6)))
        if number < across:
            layout.parts[box.key, part.key] = Rect(rect.x + CHIP_SIDE + number * (PART_W + 6), y, PART_W, PART_H)
    y += PART_H + 8 if box.parts else 0
    for number, item in enumerate(box.items):
        if box.kind == "hosts":
            row, column = divmod(number, _across(box))
            cell = (rect.w - 2 * CHIP_SIDE) / _across(box)
            place = Rect(rect.x + CHIP_SIDE + column * cell, y + row * CELL_H, cell, CELL_H)
        else:
            place = Rect(rect.x + CHIP_SIDE, y + number * (ITEM_H + ITEM_GAP), rect.w - 2 * CHIP_SIDE, ITEM_H)
        layout.items[box.key, item.key] = place


# --- switches ---------------------------------------------------------------------------------------------------------
def _switches(picture: Picture, layout: Layout, rail: int) -> None:
    y = layout.rails[rail]
    first = True
    for site in picture.sites:
        mine = [one for one in picture.switches if one.rail == rail and one.site == site]
        if not mine:
            continue
        frame = layout.sites[site]
        left, right = frame.x + SITE_PAD, frame.right - SITE_PAD
        means = _means(picture, layout, mine, (left + right) / 2)
        mine.sort(key=lambda one: (means[one.key], one.name))
        for one, (begin, end) in zip(mine, _shares([means[one.key] for one in mine], left, right), strict=True):
            layout.switches[one.key] = Rect(begin, y, end - begin, RAIL)
        if first:
            away = layout.outer
            layout.labels[rail] = (left, y - 10 - away if layout.above(rail) else y + RAIL + 19 + away)
            first = False


def _means(picture: Picture, layout: Layout, switches: Sequence[Switch], middle: float) -> Mapping[str, float]:
    """Where the things stand that a switch is joined with."""
    found: dict[str, list[float]] = {one.key: [] for one in switches}
    for box in picture.boxes:
        for port in box.ports:
            if port.switch in found:
                found[port.switch].append(layout.chips[box.key, port.key].middle)
    return {key: sum(xs) / len(xs) if xs else middle for key, xs in found.items()}


def _shares(means: Sequence[float], left: float, right: float) -> list[tuple[float, float]]:
    """Cuts the room between left and right into one stretch for each, around its mean where there is room for that."""
    count = len(means)
    cuts = [left - SWITCH_GAP / 2]
    for number in range(1, count):
        wish = (means[number - 1] + means[number]) / 2
        least = cuts[-1] + SWITCH_LEAST + SWITCH_GAP
        most = right + SWITCH_GAP / 2 - (count - number) * (SWITCH_LEAST + SWITCH_GAP)
        cuts.append(min(max(wish, least), max(most, least)))
    cuts.append(right + SWITCH_GAP / 2)
    return [(one + SWITCH_GAP / 2, other - SWITCH_GAP / 2) for one, other in pairwise(cuts)]
