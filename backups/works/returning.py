"""Brings a copy back into the vault from another place that holds it, since the vault's own was lost or changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from backups.models import Backup, Copy, Destination
from backups.services import vault
from backups.services.copies import store_of
from portal.connectors.stores.store import StoreFailed, prove
from portal.kernel.step import WorkFailed, Working

CHUNK = 256 * 1024
ASIDE = ".changed"  # what stays of a file that somebody changed, for those who find out who


def source_of(backup: Backup) -> Copy:
    """A copy that another place holds; one that was read back last comes first. Raises WorkFailed."""
    rows = backup.copies.select_related("destination").filter(state=Copy.State.HELD, destination__enabled=True)
    found = rows.exclude(destination__kind=Destination.Kind.VAULT).order_by("-checked_at", "pk").first()
    if found is None:
        raise WorkFailed(f"No other place holds a copy of {backup.ident}, so there is nothing to bring back.")
    return found


def bring(working: Working, source: Copy) -> None:
    """The source's bytes under their name in the vault, read back there. Raises StoreFailed and WorkFailed."""
    part = vault.part(source.name, str(working.parameters["run"]))
    try:
        found = _fetched(working, source, part)
        if found != source.sha256:
            raise StoreFailed(
                f"{source.destination.name} gave other bytes than were sent there (SHA-256 {found[:12]} instead of "
                f"{source.sha256[:12]}). Bring it back from another place.",
                retry=False,
            )
        _aside(working, source)
        vault.keep(part, source.name)
        prove(vault.store(), source.name, source.sha256, lambda done: working.check())
    finally:
        part.unlink(missing_ok=True)


def _fetched(working: Working, source: Copy, part: Path) -> str:
    """SHA-256 of what came."""
    digest = hashlib.sha256()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, store_of(source.destination).open(source.name) as stream:
        while piece := stream.read(CHUNK):
            working.check()
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _aside(working: Working, source: Copy) -> None:
    there = vault.folder() / source.name
    if there.exists():
        there.replace(there.with_name(source.name + ASIDE))
        working.say(f"The vault's changed file stays as {source.name}{ASIDE}: find out who changed it, then remove it.")
