"""One pass over an archive: every byte is read once, hashed, and given to the reader that understands it.

Nothing is unpacked to disk, `config` is read as text and never run, and memory does not grow with the archive
(facts/engine-backup.md 2, layout)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backups.catalog.dumps import Dump, read_dump
from backups.catalog.parts import LABELS, PART_OF_MEMBER, Part
from backups.catalog.ports import Dumps, Source
from backups.catalog.streams import CHUNK, Broken, Hostile, Limits, Read, Unpacked, drain, exactly
from backups.catalog.tar import Body, Kind, Member, members
from backups.catalog.tree import Tree, read_tree

NEEDED = ("config", "version", "sha256sum")  # without which engine-backup ends its restore
SMALL = (*NEEDED, "os_version")  # 4.3 wrote none; then the restore takes the system for another one
_CONFIG = re.compile(r"(?:[A-Z]{1,30}_)?DB_DUMP_(?:COMPRESSOR|FORMAT)=\"?[A-Za-z0-9]*\"?")
_HASH_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Seen:
    """One regular member: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Survey:
    """All that one reading of an archive told. broken, hostile: one sentence, or ""; a hostile archive is read no
    further. sha256 is that of the whole file."""

    size: int
    sha256: str = ""
    compressor: str = ""
    broken: str = ""
    hostile: str = ""
    members: Mapping[str, Seen] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    dumps: Mapping[Part, Dump] = field(default_factory=dict)
    tree: Tree | None = None

    @property
    def listed(self) -> Mapping[str, str]:
        """Member -> SHA-256 as the archive's own list says."""
        lines = self.texts.get("sha256sum", "").splitlines()
        return {found[2].removeprefix("./"): found[1] for line in lines if (found := _HASH_LINE.fullmatch(line))}


class _Reading:
    """The state of one pass."""

    def __init__(self, dumps: Dumps, limits: Limits) -> None:
        self._dumps, self._limits = dumps, limits
        self.members: dict[str, Seen] = {}
        self.texts: dict[str, str] = {}
        self.found: dict[Part, Dump] = {}
        self.tree: Tree | None = None
        self.compressor = ""
        self.broken = self.hostile = ""

    def run(self, read: Read) -> None:
        """Reads members until the end or until something is wrong."""
        try:
            stream = Unpacked(read, self._limits, "The archive")
            self.compressor = stream.compressor.value
            for member, body in members(stream.read, self._limits, "The archive"):
                self._take(member, body)
            drain(stream.read)
        except Broken as error:
            self.broken = str(error)
        except Hostile as error:
            self.hostile = str(error)

    def _take(self, member: Member, body: Body) -> None:
        if member.kind is Kind.FOLDER:
            return
        if member.kind is not Kind.FILE:
            raise Hostile(f"The archive holds the {member.kind} {member.name!a}; engine-backup makes none.")
        if len(self.members) >= self._limits.outer:
            raise Hostile(f"The archive holds more than {self._limits.outer} members; engine-backup makes a dozen.")
        if member.name in self.members:
            raise Hostile(f"The archive holds {member.name!a} twice, so two readers may see two contents.")
        if member.size > max(self._limits.floor, self._limits.ratio * body.packed):
            raise Hostile(f"The archive holds {member.name!a} of {member.size} bytes, nearly all of it holes.")
        hashed = hashlib.sha256()

        def tee(size: int) -> bytes:
            piece = body.read(size)
            hashed.update(piece)
            return piece

        self._content(member, tee)
        drain(tee)
        self.members[member.name] = Seen(member.size, hashed.hexdigest())

    def _content(self, member: Member, read: Read) -> None:
        part = PART_OF_MEMBER.get(member.name)
        if member.name in SMALL:
            self._small(member, read)
        elif part is Part.FILES:
            self.tree = read_tree(read, self._limits)
        elif part:
            label = LABELS[part]
            self.found[part] = read_dump(read, self._dumps.of(part), self._limits, f"The dump of {label}")

    def _small(self, member: Member, read: Read) -> None:
        if member.size > self._limits.small:
            raise Hostile(f"The archive holds {member.name} of {member.size} bytes; it has a few lines.")
        text = exactly(read, member.size).decode("utf-8", "replace")
        if member.name == "config" and (line := shell_in(text)):
            raise Hostile(f"The archive's config holds {line[:80]!a}, which engine-backup would run as shell.")
        self.texts[member.name] = text


def shell_in(config: str) -> str:
    """The first line of `config` that is more than one of engine-backup's own plain assignments; "" for none."""
    lines = (line.strip() for line in config.split("\n"))
    return next((line for line in lines if line and not _CONFIG.fullmatch(line)), "")


def survey(source: Source, dumps: Dumps, limits: Limits) -> Survey:
    """Reads an archive once. Raises OSError when its place stops answering: that says nothing about the archive."""
    reading, hashed = _Reading(dumps, limits), hashlib.sha256()
    size = 0
    with source.open() as stream:

        def tee(wanted: int) -> bytes:
            nonlocal size
            piece = stream.read(wanted)
            size += len(piece)
            hashed.update(piece)
            return piece

        reading.run(tee)
        while tee(CHUNK):  # the hash is that of the whole file, whatever stopped the reading
            pass
    return Survey(
        size, hashed.hexdigest(), reading.compressor, reading.broken, reading.hostile,
        reading.members, reading.texts, reading.found, reading.tree,
    )  # fmt: skip
