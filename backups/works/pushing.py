"""Sends the vault's encrypted copy of a backup to another place and hashes it there, or brings one back from there."""

from __future__ import annotations

from django.utils import timezone

from backups.models import Backup, Copy, Destination
from backups.services import vault
from backups.services.copies import store_of
from backups.services.telling import of_run
from backups.works import returning
from portal.connectors.stores.store import StoreFailed, prove
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working

STEP = 32 * 1024 * 1024  # bytes between two lines about progress


def work(working: Working) -> None:
    """A copy that is held, or one that failed with a sentence; a partial stays there to go on from."""
    backup = of_run(working.parameters)
    place = Destination.objects.get(pk=int(working.parameters["target"].partition(":")[2]))
    back = place.kind == Destination.Kind.VAULT
    source = returning.source_of(backup) if back else vault.copy_of(backup)
    if source is None:
        raise WorkFailed(f"The vault holds no copy of {backup.ident}, so there is nothing to send to {place.name}.")
    with working.writing():
        copy, _ = Copy.objects.update_or_create(
            backup=backup,
            destination=place,
            defaults={
                "state": Copy.State.COPYING, "name": source.name, "size": source.size, "sha256": source.sha256,
                "recipients": source.recipients, "sentence": f"It is being sent to {place.name}.", "sent": 0,
            },
        )  # fmt: skip
    try:
        locked = None
        if back:
            returning.bring(working, source)
        else:
            locked = _send(working, copy, place)
    except StoreFailed as error:
        _failed(working, copy, error)
        raise WorkFailed(str(error)) from None
    _held(working, backup, copy, locked)


def _send(working: Working, copy: Copy, place: Destination) -> object:
    """Until when the far end locks it, or None. Raises StoreFailed."""
    store = store_of(place)
    told = 0

    def progress(done: int) -> None:
        nonlocal told
        working.check()
        if done - told >= STEP:
            told = done
            Copy.objects.filter(pk=copy.pk).update(sent=done)
            working.say(f"{done // 1024**2} of {(copy.size or 0) // 1024**2} MiB are at {place.name}.")

    held = store.put(vault.folder() / copy.name, copy.name, copy.sha256, progress)
    working.say(f"It is read back from {place.name} to be compared.")
    prove(store, copy.name, copy.sha256, lambda done: working.check())
    return held.locked_until


def _failed(working: Working, copy: Copy, error: StoreFailed) -> None:
    with working.writing():
        Copy.objects.filter(pk=copy.pk).update(state=Copy.State.FAILED, sentence=str(error), failures=copy.failures + 1)
        append(
            "backup.copy_failed",
            "holdfast",
            f"backup:{copy.backup.ident}",
            {"place": copy.destination.name, "why": str(error)},
        )


def _held(working: Working, backup: Backup, copy: Copy, locked: object) -> None:
    now = timezone.now()
    with working.writing():
        Copy.objects.filter(pk=copy.pk).update(
            state=Copy.State.HELD, sentence="Read back and compared.", held_at=now, checked_at=now, sent=copy.size or 0,
            locked_until=locked, failures=0, retry_at=None,
        )  # fmt: skip
        body = {"place": copy.destination.name, "name": copy.name, "size": copy.size, "sha256": copy.sha256}
        append("backup.copied", "holdfast", f"backup:{backup.ident}", body)
