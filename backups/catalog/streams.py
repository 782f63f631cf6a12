"""Pull streams over what an archive holds: decompressed in small pieces, bounded, and read to their very last byte."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Read = Callable[[int], bytes]  # at most n bytes; b"" at the end
CHUNK = 256 * 1024
MIB = 1024 * 1024
_XZ_MEMORY = 128 * MIB  # xz -9 needs 65 MiB to read; a header may ask for 4 GiB


class Broken(Exception):
    """It cannot be read to its end: truncated or damaged. Its text is one sentence."""


class Hostile(Exception):
    """It could harm whoever unpacks it, so it is read no further. Its text is one sentence."""


@dataclass(frozen=True)
class Limits:
    """What is still believed to be a backup. Sizes in bytes. An unpacked stream may be `ratio` times its packed
    size, and `floor` in any case: gzip reaches 1032 with zeros, real dumps and files stay below 100."""

    ratio: int = 400
    floor: int = 64 * MIB
    total: int = 4 * 1024 * 1024 * MIB
    members: int = 2_000_000
    outer: int = 1000  # members of the archive itself
    small: int = MIB  # a member that is kept in memory


class Compressor(StrEnum):
    """The compressors engine-backup knows (facts/engine-backup.md 1)."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"


_MAGIC = ((b"\x1f\x8b", Compressor.GZIP), (b"BZh", Compressor.BZIP2), (b"\xfd7zXZ\x00", Compressor.XZ))


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's gzip reader under the names that bz2 and lzma use. Checks the CRC and length at the end."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def _decompressor(compressor: Compressor) -> _Decompressor:
    if compressor is Compressor.GZIP:
        return _Gzip()
    if compressor is Compressor.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def compressor_of(head: bytes) -> Compressor:
    """The compressor by its magic bytes: names and `config` may lie."""
    return next((compressor for magic, compressor in _MAGIC if head.startswith(magic)), Compressor.NONE)


class Unpacked:
    """The decompressed side of a stream, whatever its compressor. Several streams in a row count as one (pigz,
    pbzip2, pxz); zeros may follow the last (tapes); anything else is Broken. More than the limits: Hostile."""

    def __init__(self, read: Read, limits: Limits, what: str) -> None:
        self._read, self._limits, self._what = read, limits, what
        self._head = exactly(read, 6)
        self.compressor = compressor_of(self._head)
        self.packed, self.unpacked = len(self._head), 0
        self._ahead = b""
        self._engine = None if self.compressor is Compressor.NONE else _decompressor(self.compressor)
        self._over = False

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, or fewer at the end, without taking them."""
        while len(self._ahead) < size and (piece := self._piece(size)):
            self._ahead += piece
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b"" only at the end, which is the true end: checksums have held."""
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        return self._piece(size)

    def _piece(self, size: int) -> bytes:
        piece = self._raw(size) if self._engine is None else self._inflate(self._engine, min(size, CHUNK))
        self.unpacked += len(piece)
        allowed = max(self._limits.floor, self._limits.ratio * self.packed)
        if self.unpacked > min(allowed, self._limits.total):
            raise Hostile(
                f"{self._what} unpacks to more than {min(allowed, self._limits.total) // MIB} MiB, as a bomb does."
            )
        return piece

    def _raw(self, size: int) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        piece = self._read(size)
        self.packed += len(piece)
        return piece

    def _inflate(self, engine: _Decompressor, size: int) -> bytes:
        while not self._over:
            if engine.eof:
                engine = self._next_stream(engine.unused_data)
                continue
            fresh = self._raw(CHUNK) if engine.needs_input else b""
            starved = engine.needs_input and not fresh
            try:
                piece = engine.decompress(fresh, size)
            except (zlib.error, OSError, lzma.LZMAError) as error:
                raise Broken(f"{self._what} is damaged: {self.compressor} says {str(error).strip()}.") from None
            if piece:
                return piece
            if starved and not engine.eof:
                raise Broken(f"{self._what} is truncated: its {self.compressor} stream ends early.")
        return b""

    def _next_stream(self, rest: bytes) -> _Decompressor:
        """What follows the end of one compressed stream: another one, padding, or the end."""
        rest = rest.lstrip(b"\0")
        while not rest and (fresh := self._raw(CHUNK)):
            rest = fresh.lstrip(b"\0")
        self._over = not rest
        while len(rest) < 6 and (fresh := self._raw(6)):
            rest += fresh
        if rest and compressor_of(rest) is not self.compressor:
            raise Broken(f"Something else follows the end of the {self.compressor} stream in {self._what}.")
        self._head = rest
        self._engine = _decompressor(self.compressor)
        return self._engine


def exactly(read: Read, size: int) -> bytes:
    """`size` bytes, or what is left before the end."""
    taken = b""
    while len(taken) < size and (piece := read(size - len(taken))):
        taken += piece
    return taken


def drain(read: Read) -> int:
    """Reads to the end, keeps nothing; returns how many bytes went by."""
    passed = 0
    while piece := read(CHUNK):
        passed += len(piece)
    return passed
