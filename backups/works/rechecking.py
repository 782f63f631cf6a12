"""A held copy, read back: it is still what was sent there, or it is lost."""

from __future__ import annotations

from typing import Any

from backups.models import Copy, Destination
from backups.services.clock import now as database_now
from backups.services.copies import store_of
from backups.services.telling import of_run
from inventory.services.signal import announce
from portal.connectors.stores.store import StoreFailed
from portal.evidence.services import append
from portal.kernel.step import Parameters, WorkFailed, Working
from portal.runs.models import Run


def standing(parameters: Parameters) -> dict[str, Any]:
    """state and sentence of the copy; checked: it was read back since this run began."""
    copy = _copy(parameters)
    place = Destination.objects.get(pk=_place(parameters)).name
    if copy is None:
        return {"place": place, "checked": True, "state": "", "sentence": f"{place} was never sent this backup."}
    began = Run.objects.values_list("created", flat=True).get(ref=parameters["run"])
    checked = copy.state == Copy.State.LOST or (copy.checked_at is not None and copy.checked_at >= began)
    return {"place": place, "checked": checked, "state": copy.state, "sentence": copy.sentence}


def work(working: Working) -> None:
    """Reads it back. A place that cannot be asked says nothing about the copy. Raises WorkFailed then."""
    copy = _copy(working.parameters)
    if copy is None or copy.state != Copy.State.HELD:
        raise WorkFailed("No copy is held there any more, so there is nothing to read back.")
    read_back(working, copy)


def read_back(working: Working, copy: Copy) -> None:
    """Reads a held copy back and writes down what was found. Raises WorkFailed when its place does not answer."""
    place = copy.destination.name
    try:
        store = store_of(copy.destination)
        there = store.held(copy.name) is not None
        found = store.rehash(copy.name, lambda done: working.check()) if there else ""
    except (StoreFailed, ValueError) as error:  # ValueError: the place's secret cannot be opened
        raise WorkFailed(f"{error} Whether the copy is still whole is not known.") from None
    if found == copy.sha256:
        _write(working, copy, Copy.State.HELD, f"{place} still holds the copy; read back, its SHA-256 is {found}.")
        return
    what = f"other bytes under the name {copy.name}: SHA-256 {found}" if there else f"no file {copy.name} any more"
    if copy.destination.kind == Destination.Kind.VAULT:
        todo = "Find out who did it, and copy it into the vault from another place"
    else:
        todo = "Find out who changed it, and move it away" if there else "It is sent again; find out who removed it"
    _write(working, copy, Copy.State.LOST, f"{place} holds {what}. {todo}.")


def _write(working: Working, copy: Copy, state: str, sentence: str) -> None:
    with working.writing():
        fields = {"state": state, "sentence": sentence, "checked_at": database_now()}
        Copy.objects.filter(pk=copy.pk, state=Copy.State.HELD).update(**fields)
        announce("backups")
        body = {"place": copy.destination.name, "name": copy.name, "state": state, "sentence": sentence}
        append("backup.copy_read_back", "holdfast", f"backup:{copy.backup.ident}", body)


def _place(parameters: Parameters) -> int:
    return int(parameters["target"].partition(":")[2])


def _copy(parameters: Parameters) -> Copy | None:
    rows = Copy.objects.select_related("backup", "destination")
    return rows.filter(backup=of_run(parameters), destination_id=_place(parameters)).first()
