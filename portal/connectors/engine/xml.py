"""Reading an engine's XML: objects one by one, every leaf by a reader that gives None for what it cannot read, so
that one odd number does not lose a collection (facts/engine-api.md 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, TypeAlias

from lxml import etree

Node: TypeAlias = Any  # lxml's element; its stubs know no iterparse with a tag
Leaves: TypeAlias = dict[str, str | None]

LARGEST = 2**63 - 1  # a bigint column
LARGEST_SMALL = 2**31 - 1  # an integer column
LONGEST_WWID = 256  # of any device that a host may have
LONGEST_ID = 64  # a key column; UUIDs and WWIDs of FC LUNs are shorter

# Bytes of a body that is read as one tree, which takes six times as many. libxml2 then works without the interpreter's
# lock; while it streams it takes the lock for each element.
WHOLE = 4 * 1024 * 1024
# Entities stay unresolved. Blank text and a table of ids are never asked for, and cost a sixth of the time.
_OPTIONS: Any = {"resolve_entities": False, "no_network": True, "remove_blank_text": True, "collect_ids": False}


class Unreadable(Exception):
    """The body is not the XML that was asked for; its text says what is wrong with it."""


def objects(body: bytes, root: str, tag: str, *, longest: int = LONGEST_ID) -> Iterator[Node]:
    """The direct children of the root, one after the other; use each in its turn only. Raises Unreadable on
    broken XML, another root, or an object without an id."""
    found = document(body, root).iterchildren(tag) if len(body) <= WHOLE else _streamed(body, root, tag)
    for node in found:
        if not 0 < len(node.get("id", "")) <= longest:
            raise Unreadable(f"a <{tag}> has no id, or one of more than {longest} characters")
        yield node


def _streamed(body: bytes, root: str, tag: str) -> Iterator[Node]:
    """Children of the root out of a body that is too large to stand in memory as a tree."""
    # huge_tree: a hundred-megabyte answer of a large estate is no attack
    events = etree.iterparse(BytesIO(body), events=("end",), tag=tag, huge_tree=True, **_OPTIONS)
    try:
        for _, node in events:
            parent = node.getparent()
            if parent is None or parent.getparent() is not None:
                continue  # a reference of the same name deeper down
            while node.getprevious() is not None:
                del parent[0]
            yield node
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"the XML breaks off or is malformed: {error.msg}") from None
    if events.root is None or events.root.tag != root:
        raise Unreadable(f"<{root}> was expected, not <{getattr(events.root, 'tag', 'nothing')}>")


def document(body: bytes, root: str) -> Node:
    """A body as a whole. Raises Unreadable."""
    try:
        node = etree.fromstring(body, etree.XMLParser(**_OPTIONS))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"the XML breaks off or is malformed: {error}") from None
    if node.tag != root:
        raise Unreadable(f"<{root}> was expected, not <{node.tag}>")
    return node


def leaves(node: Node | None) -> Leaves:
    """The text of each child by tag (the last of each name), as it stands; {} for None."""
    return {} if node is None else {child.tag: child.text for child in node}


def under(node: Node | None, path: str) -> Node | None:
    """The first element at a path of tags ("cpu/topology"); None when it is not there. Four times as fast as find."""
    for tag in path.split("/"):
        if node is None:
            return None
        node = next(node.iterchildren(tag), None)
    return node


def inside(node: Node | None, path: str) -> list[Node]:
    """The children of the element at a path of tags; [] when it is not there."""
    found = under(node, path)
    return [] if found is None else list(found)


def at(node: Node | None, path: str) -> str | None:
    """The text at a path of tags, as it stands; None when it is not there."""
    found = under(node, path)
    return None if found is None else found.text


def reference(node: Node, path: str) -> str:
    """The id of the reference at a path of tags; "" when it is not there."""
    found = under(node, path)
    return "" if found is None else found.get("id") or ""


def text(raw: str | None) -> str:
    """Stripped text; "" for nothing."""
    return raw.strip() if raw else ""


_WORDS = {"true": True, "false": False}


def boolean(raw: str | None) -> bool | None:
    """true or false; None for anything else."""
    return _WORDS.get(raw.strip().lower()) if raw else None


def integer(raw: str | None, largest: int = LARGEST) -> int | None:
    """A whole number, decimal text included ("412.0"); None when absent, not a number or out of range."""
    if not raw:
        return None
    number: int | None
    try:
        number = int(raw)
    except ValueError:
        number = _whole(raw)
    return number if number is not None and -largest <= number <= largest else None


def _whole(raw: str) -> int | None:
    try:
        number = float(raw)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < LARGEST else None


def count(raw: str | None) -> int | None:
    """A number of things: 0 or more, fits an integer column."""
    number = integer(raw, LARGEST_SMALL)
    return number if number is not None and number >= 0 else None


def processors(topology: Leaves) -> int | None:
    """Cores times sockets times threads of a VM or a host; None when one of them is not told."""
    product = 1
    for part in ("cores", "sockets", "threads"):
        number = count(topology.get(part))
        if number is None:
            return None
        product *= number
    return product if product <= LARGEST_SMALL else None


def moment(raw: str | None) -> datetime | None:
    """An ISO time with offset, in UTC. Without offset it is taken as UTC; None when it cannot be read."""
    try:
        at = datetime.fromisoformat(text(raw))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
