"""Handing out the vault's encrypted file: recorded first, then streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from backups.models import Backup, Copy
from backups.services import vault
from portal.connectors.stores.store import StoreFailed
from portal.evidence import services as evidence

CHUNK = 256 * 1024


class NoFile(Exception):
    """There is nothing to hand out. Its text is one sentence."""


@dataclass(frozen=True)
class Parcel:
    """An open file on its way out: at most `size` bytes."""

    name: str
    size: int
    file: BinaryIO
    closing: ExitStack

    def pieces(self) -> Iterator[bytes]:
        """The bytes in order; the file is closed at the end, also when the reader goes away."""
        with self.closing:
            while piece := self.file.read(CHUNK):
                yield piece


def copy_of(backup: Backup) -> Copy | None:
    """The vault's copy while it is held."""
    return vault.copy_of(backup)


def begin(backup: Backup, by: str, trace: Mapping[str, object]) -> Parcel:
    """Opens the vault's file and records that `by` takes it. Raises NoFile, and then nothing is recorded."""
    copy = copy_of(backup)
    if copy is None:
        raise NoFile(f"The vault holds no copy of {backup.ident}: copy it into the vault from another place first.")
    store, closing = vault.store(), ExitStack()
    try:
        held = store.held(copy.name)
        if held is None:
            raise NoFile(f"The vault's file of {backup.ident} is gone. Use the copy of another place.")
        file = closing.enter_context(store.open(copy.name))
    except StoreFailed as error:
        closing.close()
        raise NoFile(str(error)) from None
    try:
        body = {"ident": backup.ident, "file": copy.name, "size": held.size, "sha256": copy.sha256, **trace}
        evidence.append("backup.downloaded", by, f"backup:{backup.pk}", body)
    except BaseException:
        closing.close()
        raise
    return Parcel(copy.name, held.size, file, closing)
