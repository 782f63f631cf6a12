"""The portal's own folder of encrypted copies."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from django.conf import settings
from django.db import transaction

from backups.models import Backup, Copy, Destination
from backups.services import recipients
from inventory.models import Site
from portal.connectors.age import AgeSource
from portal.connectors.stores.directory import DirectoryStore
from portal.connectors.stores.store import HeldSource
from portal.runs.models import Run

NAME = "vault"


class NoCopy(Exception):
    """There is no copy that the portal could read. Its text is one sentence."""


def folder() -> Path:
    """Where the vault's copies lie; made when it is not there."""
    path = Path(settings.HOLDFAST_VAULT) / "backups"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def scratch() -> Path:
    """Where scratch servers of rehearsals live; made when it is not there. Raises OSError when it is somebody else's:
    dumps of the engine are laid out in it."""
    path = Path(settings.HOLDFAST_SCRATCH)
    path.mkdir(parents=True, exist_ok=True, mode=0o711)
    if path.lstat().st_uid != os.geteuid() or path.is_symlink():
        raise OSError(errno.EPERM, f"The scratch folder {path} is not the portal's own")
    return path


def destination() -> Destination:
    """The vault as a destination; made at the first use, at the first production site."""
    with transaction.atomic():
        found = Destination.objects.filter(kind=Destination.Kind.VAULT).first()
        if found is None:
            site = Site.objects.order_by("-role", "pk").first()
            if site is None:
                site, _ = Site.objects.get_or_create(name="PROD")
            found, _ = Destination.objects.get_or_create(
                name=NAME, defaults={"kind": Destination.Kind.VAULT, "site": site}
            )
    return found


def store() -> DirectoryStore:
    """The vault as a store. It is no mount point, so it needs no marker."""
    return DirectoryStore(NAME, folder(), marked=False)


def part(name: str, run: str) -> Path:
    """The unfinished file of one run."""
    return folder() / f".{name}.{run}.part"


def sweep() -> None:
    """Removes unfinished files of runs that have ended: their workers were killed and could not."""
    for path in folder().glob(".*.part"):
        ref = path.name.removesuffix(".part").rpartition(".")[2]
        if not Run.objects.filter(ref=ref, status__in=Run.ACTIVE).exists():
            path.unlink(missing_ok=True)


def keep(part: Path, name: str) -> None:
    """Gives a file that was written in the vault's folder its name, for good."""
    part.replace(folder() / name)
    descriptor = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_of(backup: Backup) -> Copy | None:
    """The vault's copy of a backup while it is held."""
    held = backup.copies.select_related("destination").filter(
        destination__kind=Destination.Kind.VAULT, state=Copy.State.HELD
    )
    return held.first()


def opened(backup: Backup) -> AgeSource:
    """The archive, decrypted while it is read. Raises NoCopy."""
    copy = copy_of(backup)
    if copy is None:
        raise NoCopy(f"The vault holds no copy of {backup.ident}: copy it into the vault from another place first.")
    own = recipients.identity()
    if own is None or own.name not in copy.recipients:
        raise NoCopy(
            f"The portal is no recipient of the copy of {backup.ident}, so it cannot open it: a custodian has to verify"
            " and rehearse it, or the portal's own recipient has to be used again."
        )
    return AgeSource(HeldSource(store(), copy.name), own.private_key)
