"""What the picture shows, before it has a place: boxes, switches, links, each with its state and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# of a box: "" says nothing good or bad, as for an array that no host uses
State = Literal["ok", "warn", "fail", "unknown", ""]
# live: paths run over it; idle: logged in and nothing runs over it; down: known to be dead; unknown: not read;
# gone: taken away by the reader
Wire = Literal["live", "idle", "down", "unknown", "gone"]
# one declared or designed path of a LUN, as in the matrix of the LUN pages
Path = Literal["active", "faulty", "unknown"]


@dataclass(frozen=True)
class Port:
    """A port, or several of one kind in one switch. key: a WWPN. rail: number of its fabric, None when not known.
    switch: key of the switch that it is plugged into, "" when not known. toggle: link that takes it away, or back.
    cuts: which of it and of what holds it is a single point of failure, as a sentence; "" for none."""

    key: str
    label: str
    rail: int | None
    switch: str
    plug: str
    tail: str
    wire: Wire
    words: str
    toggle: str = ""
    count: int = 1
    cuts: str = ""


@dataclass(frozen=True)
class Item:
    """A line inside a box: a VM, a group of LUNs, a host of a group. small: it is drawn as one of a grid."""

    key: str
    title: str
    about: str
    state: State
    words: str
    url: str = ""
    paths: tuple[tuple[str, tuple[Path, ...]], ...] = ()  # fabric's letter -> its marks
    gone: bool = False


@dataclass(frozen=True)
class Part:
    """A controller of an array: a small box under its title."""

    key: str
    title: str
    state: State
    words: str
    toggle: str = ""
    gone: bool = False
    cuts: bool = False


@dataclass(frozen=True)
class Box:
    """A host, a group of hosts alike, or an array. alike: items are hosts, drawn as a grid. foot: what stands at its
    lower edge."""

    key: str
    kind: Literal["host", "hosts", "array"]
    name: str
    site: str
    state: State
    about: str
    words: str
    ports: tuple[Port, ...]
    items: tuple[Item, ...] = ()
    parts: tuple[Part, ...] = ()
    foot: str = ""
    url: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Switch:
    """A switch on its fabric's rail. word: its state as it says it."""

    key: str
    name: str
    rail: int
    site: str
    state: State
    word: str
    about: str
    words: str
    url: str = ""
    gone: bool = False
    cuts: bool = False


@dataclass(frozen=True)
class Rail:
    """A fabric."""

    number: int
    name: str
    about: str
    state: State


@dataclass(frozen=True)
class Trunk:
    """All links between two switches."""

    one: str
    other: str
    label: str
    wire: Wire
    words: str


@dataclass(frozen=True)
class Copy:
    """Replication from array to array."""

    source: str
    target: str
    label: str
    wire: Wire
    words: str


@dataclass(frozen=True)
class Picture:
    """Everything. sites: in the order in which they stand beside each other."""

    sites: tuple[str, ...] = ()
    rails: tuple[Rail, ...] = ()
    switches: tuple[Switch, ...] = ()
    boxes: tuple[Box, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    copies: tuple[Copy, ...] = ()
    loose: tuple[str, ...] = field(default=())  # sentences: what belongs here and cannot be drawn
