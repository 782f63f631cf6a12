"""The picture as marks: rectangles, lines, words and shapes with classes, in groups that lead somewhere. What draws
them, a template, an SVG file or a PNG file, knows nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from inventory.topology.parts import Box, Item, Part, Picture, Port, Rail, Switch
from inventory.topology.place import CHIP_H, CHIP_SIDE, MARKS, Layout, Rect, path_room, placed
from inventory.topology.routes import Link, Run, links, runs

WORDS = {"ok": "OK", "warn": "Warning", "fail": "Failed", "unknown": "Not known", "": ""}
SIGN = 14
WIDE, BOLD, FIXED = 0.57, 0.69, 0.605  # of a letter's size: how wide it is, at most, by face


@dataclass(frozen=True)
class Mark:
    """kind rect: x, y, w, h, r; line: d and points; words: x, y, text; sign: a shape of the sprite at x, y, w wide."""

    kind: Literal["rect", "line", "words", "sign"]
    classes: str
    x: float = 0
    y: float = 0
    w: float = 0
    h: float = 0
    r: float = 0
    d: str = ""
    text: str = ""
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Group:
    """Marks that are one thing. title: what it is and how it stands, in words."""

    key: str
    title: str
    marks: tuple[Mark, ...]
    url: str = ""
    hint: str = ""  # the class of the whole


@dataclass(frozen=True)
class Drawing:
    """The whole picture. groups: in the order of drawing."""

    width: int
    height: int
    groups: tuple[Group, ...]


def drawn(picture: Picture) -> Drawing:
    """The picture with everything in its place."""
    layout = placed(picture)
    groups = [*_sites(layout), *_links(picture, layout), *_copies(picture, layout)]
    groups += [_run(run) for run in runs(picture, layout)]
    for switch in picture.switches:
        groups.append(_switch(switch, layout.switches[switch.key]))
    groups += [_label(rail, layout) for rail in picture.rails if rail.number in layout.labels]
    for box in picture.boxes:
        groups += _box(box, layout)
    groups += [_plug(link) for link in links(picture, layout)]
    return Drawing(round(layout.width), round(layout.height), tuple(groups))


# --- words ------------------------------------------------------------------------------------------------------------
def fit(text: str, room: float, size: float, factor: float = WIDE) -> str:
    """As much of a text as has room, px; the rest is an ellipsis."""
    most = int(room / (size * factor))
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "…"


def _words(x: float, y: float, text: str, classes: str = "") -> Mark:
    return Mark("words", classes, x, y, text=text)


def _rect(rect: Rect, classes: str, r: float = 4) -> Mark:
    return Mark("rect", classes, rect.x, rect.y, rect.w, rect.h, r)


def _line(points: tuple[tuple[float, float], ...], classes: str) -> Mark:
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Mark("line", classes, d=d, points=points)


def _sign(x: float, y: float, state: str, size: float = SIGN) -> Mark:
    return Mark("sign", state, x, y, size)


def _strike(rect: Rect) -> Mark:
    """What the reader took away is struck through."""
    return _line(((rect.x, rect.bottom), (rect.right, rect.y)), "strike")


# --- sites, fabrics, switches -----------------------------------------------------------------------------------------
def _sites(layout: Layout) -> Iterator[Group]:
    for name, rect in layout.sites.items():
        title = f"Site {name}" if name else "Site not declared"
        words = _words(rect.x + 18, rect.y + 22, fit(title, rect.w - 36, 13, BOLD), "strong")
        yield Group(f"site:{name}", title, (_rect(rect, "site", 8), words))


def _label(rail: Rail, layout: Layout) -> Group:
    x, y = layout.labels[rail.number]
    state = f"state {rail.state}" if rail.state in ("fail", "unknown") else ""
    name = _words(x, y, rail.name, f"strong {state}")
    about = _words(x + len(rail.name) * 13 * BOLD + 14, y, rail.about, f"small {state}")
    return Group(f"fabric:{rail.number}", f"{rail.name}: {rail.about}", (name, about))


def _switch(switch: Switch, rect: Rect) -> Group:
    state = "gone" if switch.gone else switch.state
    marks = [_rect(rect, f"switch {state}{' cuts' if switch.cuts else ''}", 5)]
    if switch.state:
        marks.append(_sign(rect.x + 14, rect.y + 20, switch.state))
    room = rect.w - 48 - len(switch.word) * 12 * BOLD - 16
    name = fit(switch.name, room, 14, BOLD)
    marks.append(_words(rect.x + 36, rect.y + 32, name, "name struck" if switch.gone else "name"))
    after = 36 + len(name) * 14 * BOLD + 14
    left = rect.w - after - len(switch.word) * 12 * BOLD - 28
    if left > len(switch.about) * 11 * FIXED:
        marks.append(_words(rect.x + after, rect.y + 31, switch.about, "fixed"))
    marks.append(_words(rect.right - 14, rect.y + 32, switch.word, f"small strong end state {switch.state}"))
    if switch.gone:
        marks.append(_strike(rect))
    about = "single point of failure. " if switch.cuts else ""
    return Group(
        f"switch:{switch.key}", f"Switch {switch.name}, {switch.word}: {about}{switch.words}", tuple(marks), switch.url
    )


# --- links ------------------------------------------------------------------------------------------------------------
def _links(picture: Picture, layout: Layout) -> Iterator[Group]:
    found = links(picture, layout)
    xs = sorted(link.points[0][0] for link in found)
    for link in found:
        yield _link(link, min((x - link.points[0][0] for x in xs if x > link.points[0][0] + 1), default=999.0))


def _link(link: Link, room: float) -> Group:
    port = link.port
    marks = [_line(link.points, f"wire {port.wire}{' many' if port.count > 1 else ''}")]
    x, y = link.points[0]
    toward = -1 if link.points[1][1] < y else 1
    middle = y + toward * 30
    if port.wire in ("down", "gone"):
        marks.append(_cross(x, middle, port.wire))
    elif port.wire == "unknown":
        marks.append(Mark("rect", "blank", x - 8, middle - 8, 16, 16, 8))
        marks.append(_sign(x - 7, middle - 7, "unknown"))
    if port.tail and room > len(port.tail) * 10.5 * FIXED + 20:
        marks.append(_words(x + 11, middle + 4, port.tail, f"fixed {'state fail' if port.wire == 'down' else ''}"))
    return Group(f"link:{port.key}", port.words, tuple(marks))


def _cross(x: float, y: float, wire: str) -> Mark:
    d = f"M{x - 5:.1f} {y - 5:.1f}L{x + 5:.1f} {y + 5:.1f}M{x + 5:.1f} {y - 5:.1f}L{x - 5:.1f} {y + 5:.1f}"
    return Mark("line", f"cross {wire}", d=d, points=((x - 5, y - 5), (x + 5, y + 5), (x + 5, y - 5), (x - 5, y + 5)))


def _plug(link: Link) -> Group:
    port, rect = link.port, link.plug
    marks = [_rect(rect, f"plug {port.wire}", 2)]
    if port.plug:
        marks.append(
            _words(rect.middle, rect.y + 12, port.plug, f"tiny middle {'state fail' if port.wire == 'down' else ''}")
        )
    where = f"port {port.plug}" if port.plug not in ("", "?") else "a port whose number is not known"
    return Group(f"plug:{port.key}", f"Plugged into {where}. {port.words}", tuple(marks))


def _run(run: Run) -> Group:
    trunk = run.trunk
    marks = [_line(points, f"wire {trunk.wire}") for points in run.lines]
    state = "state fail" if trunk.wire == "down" else ""
    marks.append(
        _words(
            *run.at, trunk.label, f"small middle struck {state}" if trunk.wire == "gone" else f"small middle {state}"
        )
    )
    return Group(f"trunk:{trunk.one}:{trunk.other}", trunk.words, tuple(marks))


def _copies(picture: Picture, layout: Layout) -> Iterator[Group]:
    """An arrow between neighbours; replication past other boxes stands in the list alone."""
    order = [box.key for box in picture.boxes]
    for copy in picture.copies:
        if copy.source not in order or copy.target not in order:
            continue
        if order.index(copy.target) - order.index(copy.source) != 1:
            continue
        one, other = layout.boxes[copy.source], layout.boxes[copy.target]
        y = (layout.band[0] + layout.band[1]) / 2
        x, end = one.right, other.x
        marks = [_line(((x, y + dy), (end - 8, y + dy)), f"wire {copy.wire}") for dy in (-3, 3)]
        tip = ((end - 9, y - 8), (end, y), (end - 9, y + 8), (end - 9, y - 8))
        marks.append(_line(tip, f"tip {copy.wire}"))
        if copy.wire in ("down", "gone"):
            marks.append(_cross((x + end) / 2, y, copy.wire))
        middle = (x + end) / 2
        marks.append(_words(middle, y - 14, copy.label, "small strong middle"))
        yield Group(f"copy:{copy.source}", copy.words, tuple(marks))


# --- hosts and arrays -------------------------------------------------------------------------------------------------
def _box(box: Box, layout: Layout) -> Iterator[Group]:
    rect = layout.boxes[box.key]
    state = "gone" if box.gone else box.state
    marks = [_rect(rect, f"box {state}", 5)]
    top = rect.y + CHIP_H + 12
    sign = 20 if box.state else 0
    name = fit(box.name, rect.w - 2 * CHIP_SIDE - sign, 15, BOLD)
    if box.state:
        marks.append(_sign(rect.x + CHIP_SIDE, top + 3, box.state))
    marks.append(_words(rect.x + CHIP_SIDE + sign, top + 15, name, "name struck" if box.gone else "name"))
    marks.append(_words(rect.x + CHIP_SIDE, top + 34, fit(box.about, rect.w - 2 * CHIP_SIDE, 12), "small"))
    if box.foot:
        y = rect.bottom - CHIP_H - 10
        marks.append(_words(rect.x + CHIP_SIDE, y, fit(box.foot, rect.w - 2 * CHIP_SIDE, 10.5, FIXED), "fixed"))
    if box.gone:
        marks.append(_strike(rect))
    about = f"{box.name}, {WORDS[box.state] or box.about}: {box.words}"
    yield Group(f"box:{box.key}", about, tuple(marks), box.url)
    yield from _parts(box, layout)
    for item in box.items:
        yield _item(box, item, layout.items[box.key, item.key])
    for port in box.ports:
        yield _chip(port, layout.chips[box.key, port.key])


def _parts(box: Box, layout: Layout) -> Iterator[Group]:
    for part in box.parts:
        if (box.key, part.key) in layout.parts:
            yield _part(part, layout.parts[box.key, part.key])


def _part(part: Part, rect: Rect) -> Group:
    state = "gone" if part.gone else part.state
    marks = [_rect(rect, f"part {state}{' cuts' if part.cuts else ''}", 3)]
    if part.state:
        marks.append(_sign(rect.x + 7, rect.y + 6, part.state, 12))
    marks.append(
        _words(
            rect.x + 24,
            rect.y + 16,
            fit(part.title, 26, 12, BOLD),
            "small strong struck" if part.gone else "small strong",
        )
    )
    if part.gone:
        marks.append(_strike(rect))
    cuts = "single point of failure. " if part.cuts else ""
    return Group(f"part:{part.key}", f"Controller {part.title}: {cuts}{part.words}", tuple(marks), part.toggle, "try")


def _chip(port: Port, rect: Rect) -> Group:
    marks = [_rect(rect, f"chip {port.wire}{' cuts' if port.cuts else ''}", 2)]
    room = rect.w - 6
    text = fit(port.label, room, 11)
    classes = (
        "tag middle struck" if port.wire == "gone" else f"tag middle {'state fail' if port.wire == 'down' else ''}"
    )
    marks.append(_words(rect.middle, rect.y + 15, text, classes))
    if port.rail is None:
        marks.append(_sign(rect.right - 15, rect.y + 5, "unknown", 12))
    return Group(f"chip:{port.key}", f"{port.cuts} {port.words}".strip(), tuple(marks), port.toggle, "try")


def _item(box: Box, item: Item, rect: Rect) -> Group:
    about = f"{item.title}, {WORDS[item.state] or 'no verdict'}: {item.words}" if item.words else item.title
    if box.kind == "hosts":
        return Group(f"item:{item.key}", about, tuple(_cell(item, rect)), item.url)
    marks = [_rect(rect, f"item {item.state}", 3)]
    x = rect.x + 10
    if item.state:
        marks.append(_sign(x, rect.y + 8, item.state, 13))
        x += 19
    paths = tuple(_paths(item, rect))
    room = rect.right - x - 8 - (path_room(item) + 8 if paths else 0)
    marks.append(_words(x, rect.y + 19, fit(item.title, room, 13, BOLD), "strong"))
    marks.append(_words(rect.x + 10, rect.y + 36, fit(item.about, rect.w - 18, 12), "small"))
    return Group(f"item:{box.key}:{item.key}", about, (*marks, *paths), item.url)


def _cell(item: Item, rect: Rect) -> Iterator[Mark]:
    """A host of a group."""
    if item.state:
        yield _sign(rect.x, rect.y + 4, item.state, 12)
    yield _words(rect.x + 17, rect.y + 14, fit(item.title, rect.w - 22, 12), "small struck" if item.gone else "small")


def _paths(item: Item, rect: Rect) -> Iterator[Mark]:
    x = rect.right - path_room(item)
    for _, marks in item.paths:
        for mark in marks[:MARKS]:
            place = Rect(x, rect.y + 7, 8, 14)
            yield replace(_rect(place, f"path {mark}", 1.5))
            if mark == "faulty":
                yield Mark(
                    "line",
                    "path-cross",
                    d=f"M{x + 2:.1f} {place.y + 3:.1f}l4 8m0 -8l-4 8",
                    points=((x + 2, place.y + 3), (x + 6, place.y + 11), (x + 6, place.y + 3), (x + 2, place.y + 11)),
                )
            x += 10
        x += 8
