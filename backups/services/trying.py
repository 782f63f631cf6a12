"""Trying a destination: a small file goes there, is read back and is removed."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from backups.models import Destination
from backups.services import copies, vault
from inventory.templatetags.holdfast import size
from portal.connectors.stores.directory import mark
from portal.connectors.stores.store import Store, StoreFailed
from portal.evidence import services as evidence
from portal.runs.services.refused import Refused

SIZE = 4096  # bytes of the probe


def attempt(place: Destination, by: str, marking: bool = False) -> list[str]:
    """What was found, one sentence each. marking: the folder gets the marker first. Raises Refused with what went
    wrong. Recorded either way."""
    try:
        if marking and place.kind == Destination.Kind.DIRECTORY:
            _mark(place)
        told = _tried(copies.store_of(place), place)
    except (StoreFailed, ValueError) as error:
        _record(place, by, str(error), good=False)
        raise Refused("state", str(error)) from None
    _record(place, by, " ".join(told), good=True)
    return told


def _mark(place: Destination) -> None:
    try:
        mark(Path(place.path))
    except OSError as error:
        words = f"The marker cannot be written into {place.path} ({error.strerror}). Mount it and let the portal write."
        raise StoreFailed(words, retry=False) from None


def _tried(store: Store, place: Destination) -> list[str]:
    told = []
    space = store.space()
    if space is not None:
        told.append(f"{place.name} has {size(space.free)} free.")
    name = f"holdfast-probe-{secrets.token_hex(6)}.txt"
    content = secrets.token_bytes(SIZE)
    sha256 = hashlib.sha256(content).hexdigest()
    local = vault.folder() / f".{name}"
    try:
        local.write_bytes(content)
        store.put(local, name, sha256, _silent)
        found = store.rehash(name, _silent)
        if found != sha256:
            raise StoreFailed(f"{place.name} gave other bytes back than were written there.", retry=False)
        told.append(f"{SIZE} bytes were written there and read back unchanged.")
    finally:
        local.unlink(missing_ok=True)
    told.append(_cleared(store, place, name))
    return told


def _cleared(store: Store, place: Destination, name: str) -> str:
    """A lock may keep the probe: then it stays until the lock ends, and that is said."""
    try:
        store.remove(name)
    except StoreFailed as error:
        if not place.lock_mode:
            raise
        return f"Its lock keeps the probe {name} there: {error}"
    return "The probe was removed again."


def _silent(done: int) -> None:
    """Nobody watches the progress of so few bytes."""


def _record(place: Destination, by: str, told: str, *, good: bool) -> None:
    evidence.append(
        "destination.tried", by, f"destination:{place.pk}", {"name": place.name, "good": good, "told": told}
    )
