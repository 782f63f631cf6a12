"""Copies at other places: which store a destination is, and sending one there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from backups.models import Backup, Copy, Destination
from backups.services import vault
from portal.changes.asked import Asked
from portal.connectors.ssh import Address
from portal.connectors.stores.directory import DirectoryStore
from portal.connectors.stores.s3 import Bucket, Lock, S3Store
from portal.connectors.stores.sftp import SftpStore
from portal.connectors.stores.store import Store
from portal.runs.models import Run
from portal.runs.services import start
from portal.runs.services.refused import Refused, recorded

PLAN = "backup_copy"
RECHECK = "backup_recheck"
VAULT = Destination.Kind.VAULT


def store_of(destination: Destination) -> Store:
    """The store that a destination names. Nothing is asked of it yet."""
    if destination.kind == Destination.Kind.VAULT:
        return vault.store()
    if destination.kind == Destination.Kind.DIRECTORY:
        return DirectoryStore(destination.name, Path(destination.path))
    if destination.kind == Destination.Kind.SFTP:
        return _sftp(destination)
    return _s3(destination)


def push(backup: Backup, destination: Destination, by: str, key: str = "", change: str | Asked = "") -> Run:
    """Starts the Run that copies the vault's encrypted file there and hashes it there; to the vault, from another place
    that holds it. The change under which the backup was taken is not asked again: it may be closed by then. Raises
    Refused, also when a copy is held there: sending it again would count it as missing meanwhile. The key of a Run that
    has ended still gives that Run."""
    held = backup.copies.filter(destination=destination, state=Copy.State.HELD).exists()
    if held and not _known(by, key):
        body = {"wish": "copy", "place": destination.name}
        words = f"{destination.name} holds a copy of {backup.ident} already: nothing is sent again."
        raise recorded(Refused("state", words), by, f"backup:{backup.ident}", body)
    return start(PLAN, {"backup": backup.pk}, f"destination:{destination.pk}", by, change, key)


def _known(by: str, key: str) -> bool:
    return bool(key) and Run.objects.filter(requested_by=by, idempotency_key=key, plan=PLAN).exists()


def places_for(backup: Backup) -> list[Destination]:
    """Where one more copy can go: places that are switched on and neither hold one nor get one now. The vault is among
    them when it lost its copy and another place holds one."""
    copies = list(backup.copies.select_related("destination"))
    taken = {copy.destination_id for copy in copies if copy.state in (Copy.State.HELD, Copy.State.COPYING)}
    held = {copy.destination.kind for copy in copies if copy.state == Copy.State.HELD}
    if not held:
        return []
    rows = Destination.objects.filter(enabled=True).exclude(pk__in=taken).order_by("pk")
    return list(rows.exclude(kind=VAULT) if VAULT in held else rows.filter(kind=VAULT))


def recheck(backup: Backup, destination: Destination, by: str, key: str = "") -> Run:
    """Starts the Run that reads a held copy back and hashes it again. Raises Refused."""
    return start(RECHECK, {"backup": backup.pk}, f"destination:{destination.pk}", by, "", key)


def _sftp(destination: Destination) -> Store:
    address = Address(destination.name, destination.host, destination.port, destination.user, destination.host_key)
    return SftpStore(destination.name, address, destination.secret, destination.path)


def _s3(destination: Destination) -> Store:
    bucket = Bucket(
        endpoint=destination.host,
        bucket=destination.bucket,
        access_key=destination.user,
        secret_key=destination.secret,
        region=destination.region or "us-east-1",
        prefix=destination.path,
        ca_file=_ca_file(destination),
    )
    lock = _lock(destination)
    return S3Store(destination.name, bucket, lock)


def _lock(destination: Destination) -> Lock | None:
    if not destination.lock_mode:
        return None
    return Lock("COMPLIANCE" if destination.lock_mode == "COMPLIANCE" else "GOVERNANCE", destination.lock_days)


def _ca_file(destination: Destination) -> str:
    """The CA as a file, as the library wants it; "" for the system's. Named by its content, so it is written once."""
    if not destination.ca_pem:
        return ""
    content = destination.ca_pem.encode()
    path = vault.folder().parent / "ca" / f"{hashlib.sha256(content).hexdigest()}.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return str(path)
