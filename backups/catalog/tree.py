"""The `files` member: a tar of the engine's own files, read once, with only the PKI and the configuration kept."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from backups.catalog import pki
from backups.catalog.streams import Broken, Hostile, Limits, Read, Unpacked, drain, exactly
from backups.catalog.tar import Kind, Member, members

_LINK_LIMIT = 20_000  # their names are held in memory
_KEPT_LIMIT = 500  # files of engine.conf.d and the PKI that are held in memory


@dataclass(frozen=True)
class Tree:
    """What `files` holds. broken, hostile: a sentence or "". No content of any file is in here."""

    compressor: str = ""
    count: int = 0
    size: int = 0
    broken: str = ""
    hostile: str = ""
    pki: pki.Pki | None = None


def read_tree(read: Read, limits: Limits) -> Tree:
    """Reads the member to its end. Symbolic links are normal in there (the PKI has some); a member that would be
    written through one is not."""
    found: dict[str, bytes] = {}
    compressor, count, size, broken, hostile = "", 0, 0, "", ""
    what = "The member files"
    try:
        stream = Unpacked(read, limits, what)
        compressor = stream.compressor.value
        links: set[str] = set()
        for member, body in members(stream.read, limits, what):
            count, size = count + 1, size + member.size
            _not_through_a_link(member, links)
            if member.kind is Kind.FILE and pki.kept(member.name):
                found[member.name] = _content(body.read, member, limits, len(found))
        drain(stream.read)
    except Broken as error:
        broken = str(error)
    except Hostile as error:
        hostile = str(error)
    return Tree(compressor, count, size, broken, hostile, None if broken or hostile else pki.judge(found))


def _not_through_a_link(member: Member, links: set[str]) -> None:
    folder = posixpath.dirname(member.name)
    while folder:
        if folder in links:
            raise Hostile(f"The member files holds {member.name[:120]!a}, which is written through a symbolic link.")
        folder = posixpath.dirname(folder)
    if len(links) > _LINK_LIMIT:
        raise Hostile(f"The member files holds more than {_LINK_LIMIT} symbolic links.")
    if member.kind is Kind.SYMLINK:
        links.add(member.name)
    else:
        links.discard(member.name)


def _content(read: Read, member: Member, limits: Limits, held: int) -> bytes:
    if member.size > limits.small or held > _KEPT_LIMIT:
        raise Hostile(f"The member files holds {member.name!a} of {member.size} bytes, too much for configuration.")
    return exactly(read, member.size)
