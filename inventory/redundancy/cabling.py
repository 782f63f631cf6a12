"""The declared cabling and power as a table that people write, a line per fact, and its canonical form.

Columns: kind, name, port, at, at_port, card.
  hba     kvm01, its WWPN, a switch, the switch's port, the card's PCI address if known
  array   DORADO, a port's WWPN, a switch, the switch's port
  link    a switch and its port, another switch and its port
  fabric  a switch, -, the fabric that it belongs to
  site    a host, -, the site where it stands
  rack, chassis, room   a thing, -, what holds it
  pdu, feed             a thing, -, what feeds it; two lines are two supplies
A thing is a host, a switch, an array, a controller ("DORADO/0A"), or something that holds or feeds others."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from portal.kernel.san import wwn

HEAD = ("kind", "name", "port", "at", "at_port", "card")
CABLES, HOLDS, FEEDS = ("hba", "array"), ("rack", "chassis", "room"), ("pdu", "feed")
KINDS = (*CABLES, "link", "fabric", "site", *HOLDS, *FEEDS)
MOST, LARGEST, LONGEST = 5000, 1 << 20, 80  # lines, bytes, characters of a name
_CARD = re.compile(r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-7])?")
_PORT = re.compile(r"(?:[0-9]{1,2}/)?([0-9]{1,4})")


@dataclass(frozen=True, order=True)
class Line:
    """One fact. port: a WWPN of 16 hex digits, or of a link a switch's port number; at_port: a switch's port number."""

    kind: str
    name: str
    port: str
    at: str
    at_port: str = ""
    card: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        return (self.kind, self.name, self.port, self.at, self.at_port, self.card)


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a line of the table, for whoever wrote it. number: from 1, with the head; 0: the whole."""

    number: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.number}: {self.sentence}" if self.number else self.sentence


@dataclass(frozen=True)
class Sheet:
    """A table that was read. lines are sorted, and whole only where there are no mistakes."""

    lines: tuple[Line, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class Wrong(ValueError):
    """One line cannot be taken; the text says why."""


def written(lines: Iterable[Line]) -> str:
    """The canonical form: a head and sorted lines, comma-separated. What is equal has the same text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(one.cells for one in sorted(set(lines)))
    return out.getvalue()


def decoded(raw: bytes) -> str:
    """The text of a file. Raises Wrong for what is no UTF-8 text; a spreadsheet's byte order mark is taken off."""
    if len(raw) > LARGEST:
        raise Wrong(f"The file has more than {LARGEST >> 20} MiB: a cabling of {MOST} lines is smaller.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Wrong("The file is no UTF-8 text: save it as CSV UTF-8.") from None


def read(text: str) -> Sheet:
    """Takes comma, semicolon or tab, any order of columns, any case. Every mistake is told, not only the first."""
    if len(text) > LARGEST or "\0" in text:
        return Sheet((), (Mistake(0, f"This is no table of at most {MOST} lines of text."),))
    try:
        rows = [(number, row) for number, row in enumerate(_rows(text), 1) if _says(row)]
    except csv.Error as error:
        return Sheet((), (Mistake(0, f"The table cannot be read ({error}): see its quotes."),))
    if not rows:
        return Sheet()
    try:
        order = _order(rows[0][1])
    except Wrong as wrong:
        return Sheet((), (Mistake(rows[0][0], str(wrong)),))
    if len(rows) > MOST + 1:
        return Sheet((), (Mistake(0, f"The table has {len(rows) - 1} lines; {MOST} are the most."),))
    return _sheet(rows[1:], order)


def _rows(text: str) -> Iterator[list[str]]:
    bare = text.removeprefix("\ufeff")
    head = next((line for line in bare.splitlines() if line.strip() and not line.startswith("#")), "")
    return csv.reader(io.StringIO(bare), delimiter=max(",;\t", key=head.count), strict=True)


def _says(row: Sequence[str]) -> bool:
    """Not for an empty line, nor for a remark."""
    return any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")


def _order(head: Sequence[str]) -> tuple[int, ...]:
    """Where each column stands; -1: it is left out, which only `card` may be."""
    names = [cell.strip().lower().replace(" ", "_") for cell in head]
    missing = [name for name in HEAD if name not in names and name != "card"]
    if missing:
        raise Wrong(f"The head names no column {missing[0]}. It reads: {','.join(HEAD)}")
    return tuple(names.index(name) if name in names else -1 for name in HEAD)


def _sheet(rows: Iterable[tuple[int, list[str]]], order: tuple[int, ...]) -> Sheet:
    lines: dict[Line, int] = {}
    mistakes = []
    for number, row in rows:
        cells = [row[at].strip() if 0 <= at < len(row) else "" for at in order]
        try:
            lines.setdefault(_line(*cells), number)
        except Wrong as wrong:
            mistakes.append(Mistake(number, str(wrong)))
    mistakes += _together(lines)
    return Sheet(tuple(sorted(lines)), tuple(sorted(mistakes, key=lambda one: one.number)))


# --- one line ---------------------------------------------------------------------------------------------------------
def _line(kind: str, name: str, port: str, at: str, at_port: str, card: str) -> Line:
    word = kind.lower()
    if word not in KINDS:
        raise Wrong(f"{kind or 'An empty word'} is no kind: {', '.join(KINDS)}.")
    name, at = _name(name, "name"), _name(at, "at")
    if word in CABLES:
        return Line(word, name, _wwpn(port), at, _number(at_port, at), _card(card) if word == "hba" else "")
    if word == "link":
        near, far = (name, _number(port, name)), (at, _number(at_port, at))
        (name, port), (at, at_port) = sorted((near, far))
        if name == at:
            raise Wrong(f"The link begins and ends at {name}.")
        return Line(word, name, port, at, at_port)
    if name == at:
        raise Wrong(f"{name} cannot hold or feed itself.")
    return Line(word, name, "", at)


def _name(text: str, column: str) -> str:
    if not text:
        raise Wrong(f"The column {column} is empty.")
    if len(text) > LONGEST or not text.isprintable():
        raise Wrong(f"The column {column} holds no name of at most {LONGEST} characters.")
    if text[0] in "=+-@":
        raise Wrong(f"{text} begins with {text[0]}, which a spreadsheet takes for a formula: leave it out.")
    return text


def _wwpn(text: str) -> str:
    found = wwn(text.replace("-", ":"))
    if not found or len(text.lower().removeprefix("0x").replace(":", "").replace("-", "")) != 16:
        raise Wrong(f"{text or 'An empty port'} is no WWPN: 16 hex digits, with or without colons.")
    return found


def _number(text: str, switch: str) -> str:
    found = _PORT.fullmatch(text)
    if not found:
        raise Wrong(f"{text or 'An empty word'} is no port of {switch}: a number, or slot/number.")
    return str(int(found[1]))


def _card(text: str) -> str:
    """A PCI address without its function, as the hosts tell cards: the ports of one card differ in it alone."""
    if not text:
        return ""
    found = text.lower()
    if not _CARD.fullmatch(found):
        raise Wrong(f"{text} is no PCI address: 0000:3b:00.")
    found = found.split(".")[0]
    return found if found.count(":") == 2 else f"0000:{found}"


# --- all lines --------------------------------------------------------------------------------------------------------
def _together(lines: dict[Line, int]) -> Iterator[Mistake]:
    yield from _twice(lines)
    yield from _kinds(lines)
    yield from _circles(lines)


def _twice(lines: dict[Line, int]) -> Iterator[Mistake]:
    """A port has one end, a host one site, a switch one fabric."""
    taken: dict[tuple[str, ...], int] = {}
    for line, number in lines.items():
        for key, words in _claims(line):
            if key in taken:
                yield Mistake(number, f"{words} stands in line {taken[key]} already.")
            taken.setdefault(key, number)


def _claims(line: Line) -> Iterator[tuple[tuple[str, ...], str]]:
    if line.kind in CABLES:
        yield ("wwpn", line.port), f"Port {line.port}"
        yield ("port", line.at.casefold(), line.at_port), f"Port {line.at_port} of {line.at}"
    elif line.kind == "link":
        for switch, port in ((line.name, line.port), (line.at, line.at_port)):
            yield ("port", switch.casefold(), port), f"Port {port} of {switch}"
    elif line.kind in ("site", "fabric"):
        yield (line.kind, line.name.casefold()), f"The {line.kind} of {line.name}"


def _kinds(lines: dict[Line, int]) -> Iterator[Mistake]:
    """One name means one thing."""
    known: dict[str, tuple[str, int]] = {}
    for line, number in lines.items():
        if line.kind in (*HOLDS, *FEEDS):
            kind, first = known.setdefault(line.at.casefold(), (line.kind, number))
            if kind != line.kind:
                yield Mistake(number, f"{line.at} is a {line.kind} here and a {kind} in line {first}.")


def _circles(lines: dict[Line, int]) -> Iterator[Mistake]:
    """Nothing holds or feeds what holds or feeds it."""
    above: dict[str, list[tuple[str, int]]] = {}
    for line, number in lines.items():
        if line.kind in (*HOLDS, *FEEDS):
            above.setdefault(line.name.casefold(), []).append((line.at.casefold(), number))
    for line, number in lines.items():
        if line.kind in (*HOLDS, *FEEDS) and _reaches(line.at.casefold(), line.name.casefold(), above):
            yield Mistake(number, f"{line.name} holds or feeds {line.at}, which holds or feeds {line.name}.")


def _reaches(start: str, goal: str, above: dict[str, list[tuple[str, int]]]) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        for one, _ in above.get(waiting.pop(), ()):
            if one == goal:
                return True
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return False


# --- two versions -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Change:
    """What a new version adds to an old one, drops from it and keeps."""

    added: tuple[Line, ...]
    dropped: tuple[Line, ...]
    kept: tuple[Line, ...]


def change(old: Iterable[Line], new: Iterable[Line]) -> Change:
    """Line by line."""
    before, after = set(old), set(new)
    return Change(tuple(sorted(after - before)), tuple(sorted(before - after)), tuple(sorted(after & before)))


def told(line: Line) -> str:
    """One line as a sentence."""
    if line.kind in CABLES:
        card = f", card {line.card}" if line.card else ""
        return f"{line.port} of {line.name}{card} is plugged into port {line.at_port} of {line.at}."
    if line.kind == "link":
        return f"Port {line.port} of {line.name} is linked with port {line.at_port} of {line.at}."
    verb = {"fabric": "belongs to fabric", "site": "stands at site"}.get(line.kind)
    if verb is None:
        verb = f"is fed by {line.kind}" if line.kind in FEEDS else f"is in {line.kind}"
    return f"{line.name} {verb} {line.at}."
