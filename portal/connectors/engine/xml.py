"""Reading an engine's XML: objects one by one, every leaf by a reader that gives None for what it cannot read, so
that one odd number does not lose a collection (facts/engine-api.md 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, TypeAlias

from lxml import etree

Node: TypeAlias = Any  # lxml's element; its stubs know no iterparse with a tag
Children: TypeAlias = dict[str, Node]

LARGEST = 2**63 - 1  # a bigint column
LARGEST_SMALL = 2**31 - 1  # an integer column


class Unreadable(Exception):
    """The body is not the XML that was asked for; its text says what is wrong with it."""


def objects(body: bytes, root: str, tag: str) -> Iterator[Node]:
    """The direct children of the root, one after the other; each is gone after its turn. Raises Unreadable on
    broken XML, another root, or an object without an id."""
    # huge_tree: a hundred-megabyte answer of a large estate is no attack; entities stay unresolved
    events = etree.iterparse(
        BytesIO(body), events=("end",), tag=tag, huge_tree=True, resolve_entities=False, no_network=True
    )
    try:
        for _, node in events:
            parent = node.getparent()
            if parent is None or parent.getparent() is not None:
                continue  # a reference of the same name deeper down
            if not node.get("id"):
                raise Unreadable(f"a <{tag}> has no id")
            yield node
            node.clear()
            while node.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"the XML breaks off or is malformed: {error.msg}") from None
    if events.root is None or events.root.tag != root:
        raise Unreadable(f"<{root}> was expected, not <{getattr(events.root, 'tag', 'nothing')}>")


def document(body: bytes, root: str) -> Node:
    """A small body as a whole. Raises Unreadable."""
    try:
        node = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"the XML breaks off or is malformed: {error}") from None
    if node.tag != root:
        raise Unreadable(f"<{root}> was expected, not <{node.tag}>")
    return node


def children(node: Node | None) -> Children:
    """Children by tag (the last of each name); {} for None."""
    return {} if node is None else {child.tag: child for child in node}


def under(kids: Children, *path: str) -> Node | None:
    """The descendant at a path of tags below these children, or None."""
    node = kids.get(path[0])
    for tag in path[1:]:
        if node is None:
            return None
        node = node.find(tag)
    return node


def text(node: Node | None) -> str:
    """Stripped text; "" when absent or empty."""
    return "" if node is None or node.text is None else node.text.strip()


def reference(node: Node | None) -> str:
    """The id attribute of a reference; "" when absent."""
    return "" if node is None else node.get("id") or ""


def boolean(node: Node | None) -> bool | None:
    """true or false; None for anything else."""
    return {"true": True, "false": False}.get(text(node).lower())


def integer(node: Node | None, largest: int = LARGEST) -> int | None:
    """A whole number, decimal text included ("412.0"); None when absent, not a number or out of range."""
    raw = text(node)
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


def count(node: Node | None) -> int | None:
    """A number of things: 0 or more, fits an integer column."""
    number = integer(node, LARGEST_SMALL)
    return number if number is not None and number >= 0 else None


def moment(node: Node | None) -> datetime | None:
    """An ISO time with offset, in UTC. Without offset it is taken as UTC; None when it cannot be read."""
    raw = text(node)
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
