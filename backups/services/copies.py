"""Copies at other places: which store a destination is, and sending one there."""

from __future__ import annotations

from pathlib import Path

from backups.models import Backup, Destination
from backups.services import vault
from portal.connectors.ssh import Address
from portal.connectors.stores.directory import DirectoryStore
from portal.connectors.stores.sftp import SftpStore
from portal.connectors.stores.store import Store, StoreFailed
from portal.runs.models import Run
from portal.runs.services import start

PLAN = "backup_copy"


def store_of(destination: Destination) -> Store:
    """The store that a destination names. Nothing is asked of it yet."""
    if destination.kind == Destination.Kind.VAULT:
        return vault.store()
    if destination.kind == Destination.Kind.DIRECTORY:
        return DirectoryStore(destination.name, Path(destination.path))
    if destination.kind == Destination.Kind.SFTP:
        return _sftp(destination)
    raise StoreFailed(f"{destination.name} is of a kind that is not built yet.", retry=False)


def push(backup: Backup, destination: Destination, by: str, key: str = "") -> Run:
    """Starts the Run that copies the vault's encrypted file there and hashes it there. Raises Refused."""
    return start(PLAN, {"backup": backup.pk}, f"destination:{destination.pk}", by, backup.change, key)


def _sftp(destination: Destination) -> Store:
    address = Address(destination.name, destination.host, destination.port, destination.user, destination.host_key)
    return SftpStore(destination.name, address, destination.secret, destination.path)
