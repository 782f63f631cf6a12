"""A tar reader for archives that nobody vouches for. It streams, keeps nothing, and never writes to disk.

Python's tarfile reads the long names and PAX records of a hostile archive into memory whole and takes a missing end
marker for the end; both matter here (docs/adr/0011). Formats read: ustar, PAX, GNU with its sparse members, since
engine-backup packs with `tar -S`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from backups.catalog.streams import CHUNK, Broken, Hostile, Limits, Read, drain, exactly

_BLOCK = 512
_NAME_LIMIT = 64 * 1024
_PATH_LIMIT = 4096
_SIZE = re.compile(r"[0-9]{1,19}")
_PAX = re.compile(rb"(\d+) ([^=\n]+)=")


class Kind(StrEnum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hard link"
    DEVICE = "device"


_KINDS = {
    b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"S": Kind.FILE, b"5": Kind.FOLDER, b"2": Kind.SYMLINK,
    b"1": Kind.HARDLINK, b"3": Kind.DEVICE, b"4": Kind.DEVICE, b"6": Kind.DEVICE,
}  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One header. name without "./" and trailing "/" ("" is the top folder); size in bytes; target of a link."""

    name: str
    kind: Kind
    size: int
    target: str


class Body:
    """The content of the member at hand, with the holes of a sparse one as zeros. A tar that ends inside is Broken."""

    def __init__(self, read: Read, spans: list[tuple[bool, int]], what: str) -> None:
        self._read, self._what = read, what
        self._spans = [span for span in spans if span[1]]
        self.packed = sum(size for stored, size in spans if stored)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        if self._spans:
            stored, left = self._spans[0]
            take = min(size, left, CHUNK)
            piece = self._read(take) if stored else bytes(take)
            if not piece:
                raise Broken(f"{self._what} is truncated: it ends inside a member.")
            self._spans[:1] = [(stored, left - len(piece))] if left > len(piece) else []
            return piece
        return b""

    def skip(self) -> None:
        """Passes over what is left, without making up holes."""
        self._spans = [span for span in self._spans if span[0]]
        drain(self.read)


def members(read: Read, limits: Limits, what: str) -> Iterator[tuple[Member, Body]]:
    """Every member with its body, in order; an unread body is skipped. Raises Broken when the tar does not end with
    its end marker, and Hostile for names and kinds that have no place in any backup."""
    count = 0
    while (header := _header(read, what)) is not None:
        count += 1
        if count > limits.members:
            raise Hostile(f"{what} holds more than {limits.members} members.")
        member, body = header
        packed = body.packed
        yield _checked(member, what), body
        body.skip()
        _padding(read, packed, what)
    while piece := read(CHUNK):
        if piece.strip(b"\0"):
            raise Broken(f"Something follows the end marker of {what}.")


def _header(read: Read, what: str) -> tuple[Member, Body] | None:
    """The next real header with its long names applied; None at the end marker (two blocks of zeros)."""
    long: dict[str, str] = {}
    while True:
        block = _whole(read, _BLOCK, what)
        if not block.strip(b"\0"):
            if _whole(read, _BLOCK, what).strip(b"\0"):
                raise Broken(f"{what} is damaged: its end marker is torn.")
            return None
        size, flag = _size(block, what), block[156:157]
        if flag in b"LKxg" and flag != b"\0":
            long |= _long(flag, _extra(read, size, what), what)
            continue
        if flag not in _KINDS:
            raise Hostile(f"{what} holds a member of the unknown kind {flag!r}.")
        spans = _sparse(read, block, what) if flag == b"S" else [(True, _stored(size, flag, long, what))]
        member = _named(block, _KINDS[flag], sum(size for _, size in spans), long)
        return member, Body(read, spans, what)


def _stored(size: int, flag: bytes, long: dict[str, str], what: str) -> int:
    """Bytes that follow a header: only files have any."""
    told = long.get("size", str(size))
    if not _SIZE.fullmatch(told):
        raise Broken(f"{what} is damaged: a size is no number.")
    return int(told) if _KINDS[flag] is Kind.FILE else 0


def _sparse(read: Read, block: bytes, what: str) -> list[tuple[bool, int]]:
    """The spans of an old GNU sparse member: (stored, length), holes included, in order."""
    raw, more = block[386:482], block[482]
    while more:
        if len(raw) > _NAME_LIMIT:
            raise Hostile(f"{what} holds a sparse member of more than {_NAME_LIMIT // 24} pieces.")
        extension = _whole(read, _BLOCK, what)
        raw, more = raw + extension[:504], extension[504]
    spans: list[tuple[bool, int]] = []
    at, end = 0, _number(block[483:495], what)
    for place in range(0, len(raw), 24):
        if not raw[place : place + 24].strip(b"\0"):
            break
        begin, size = _number(raw[place : place + 12], what), _number(raw[place + 12 : place + 24], what)
        if begin < at or begin + size > end:
            raise Broken(f"{what} is damaged: the map of a sparse member does not fit.")
        spans += [(False, begin - at), (True, size)]
        at = begin + size
    spans.append((False, end - at))
    if sum(size for stored, size in spans if stored) != _number(block[124:136], what):
        raise Broken(f"{what} is damaged: the map of a sparse member does not fit.")
    return spans


def _named(block: bytes, kind: Kind, size: int, long: dict[str, str]) -> Member:
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        name = f"{prefix}/{name}"
    return Member(long.get("path", name), kind, size, long.get("linkpath", _text(block[157:257])))


def _whole(read: Read, size: int, what: str) -> bytes:
    block = exactly(read, size)
    if len(block) < size:
        raise Broken(f"{what} is truncated: it ends without the tar end marker.")
    return block


def _extra(read: Read, size: int, what: str) -> bytes:
    if size > _NAME_LIMIT:
        raise Hostile(f"{what} holds a name of {size} bytes.")
    raw = _whole(read, size, what)
    _padding(read, size, what)
    return raw


def _padding(read: Read, size: int, what: str) -> None:
    _whole(read, -size % _BLOCK, what)


def _size(block: bytes, what: str) -> int:
    """The size in a header, whose checksum must hold."""
    blanked = block[:148] + b" " * 8 + block[156:]
    if sum(blanked) != _number(block[148:156], what):
        raise Broken(f"{what} is damaged: the checksum of a tar header does not hold.")
    return _number(block[124:136], what)


def _number(raw: bytes, what: str) -> int:
    """A number of a header: octal, or base 256 above 8 GiB."""
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b"\0 ")
    if digits.strip(b"01234567"):
        raise Broken(f"{what} is damaged: it holds something that is no tar header.")
    return int(digits or b"0", 8)


def _long(flag: bytes, raw: bytes, what: str) -> dict[str, str]:
    if flag == b"L":
        return {"path": _text(raw)}
    if flag == b"K":
        return {"linkpath": _text(raw)}
    return {} if flag == b"g" else _pax(raw, what)


def _pax(raw: bytes, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    while raw:
        match = _PAX.match(raw)
        length = int(match[1]) if match and len(match[1]) < 8 else 0
        if match is None or length <= match.end() or raw[length - 1 : length] != b"\n":
            raise Broken(f"{what} is damaged: a PAX record is malformed.")
        key = match[2].decode("utf-8", "replace")
        if key.startswith("GNU.sparse"):
            raise Hostile(f"{what} holds a sparse member, which engine-backup never makes.")
        found[key] = raw[match.end() : length - 1].decode("utf-8", "surrogateescape")
        raw = raw[length:]
    return found


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _checked(member: Member, what: str) -> Member:
    """The member under its clean name. Raises Hostile for absolute names, "..", control characters and devices."""
    shown = ascii(member.name[:120])
    if len(member.name) > _PATH_LIMIT:
        raise Hostile(f"{what} holds the member {shown} and so on, with a name longer than any path.")
    steps = [step for step in member.name.split("/") if step not in ("", ".")]
    if member.name.startswith("/") or ".." in steps:
        raise Hostile(f"{what} holds the member {shown}, which leads outside of the folder it is unpacked in.")
    if any(ord(letter) < 32 for letter in member.name):
        raise Hostile(f"{what} holds the member {shown} with control characters in its name.")
    if member.kind is Kind.DEVICE:
        raise Hostile(f"{what} holds the device {shown}.")
    if member.kind is Kind.HARDLINK and (member.target.startswith("/") or ".." in member.target.split("/")):
        raise Hostile(f"{what} holds a hard link {shown} to a file outside of it.")
    return replace(member, name="/".join(steps))
