"""Deleting obsolete backups: each one judged again, recorded, its copies removed one after the other, recorded again.
It may be killed between any two and begun anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F

from backups.models import Backup, Copy, Policy
from backups.services import copies, retain
from backups.services.clock import now as database_now
from backups.services.obstacles import pause
from inventory.services.signal import announce
from portal.connectors.stores.store import StoreFailed
from portal.evidence import services as evidence
from portal.kernel.step import Parameters, WorkFailed, Working
from portal.runs.models import Run

C = Copy.State


def standing(parameters: Parameters) -> dict[str, Any]:
    """Of each backup of the run: deleted, pending, or why it stays."""
    policy = _policy(parameters)
    now = database_now()
    rows = retain.preview(policy, now) if policy else ()
    minimum = policy.minimum_redundancy if policy else 0
    told = []
    for backup in _named(parameters):
        sentence = _why_it_stays(backup, rows, minimum, now)
        word = "deleted" if backup.deleted_at else "stays" if sentence else "pending"
        told.append({"ident": backup.ident, "word": word, "sentence": sentence})
    return {"backups": told}


def work(working: Working) -> None:
    """Deletes what the run names, as far as it may still go. Raises WorkFailed when the policy is gone."""
    policy = _policy(working.parameters)
    if policy is None:
        raise WorkFailed("The policy of this deletion is gone, so nothing says what may go: nothing more is deleted.")
    for backup in _named(working.parameters):
        working.check()
        if backup.deleted_at is None:
            _Deletion(working, policy, backup.pk).go()


class _Deletion:
    """One backup on its way out."""

    def __init__(self, working: Working, policy: Policy, pk: int) -> None:
        self.working, self.policy, self.pk = working, policy, pk
        self.run = Run.objects.get(ref=working.parameters["run"])

    def go(self) -> None:
        """Judge, record, remove, record."""
        if not self._begin():
            return
        for copy in retain.removable(self._backup(), database_now()):
            self.working.check()
            self._remove(copy)
        self._end()

    def _backup(self) -> Backup:
        return retain.entries(self.policy).get(pk=self.pk)

    def _begin(self) -> bool:
        """Under the row's lock, so that a person's hold comes either before or too late."""
        with self.working.writing():
            backup = Backup.objects.select_for_update().get(pk=self.pk)
            now = database_now()
            rows = retain.preview(self.policy, now)
            why = _why_it_stays(backup, rows, self.policy.minimum_redundancy, now)
            if why:
                Backup.objects.filter(pk=self.pk).update(retiring_at=None)
            elif backup.retiring_at is None:
                Backup.objects.filter(pk=self.pk).update(retiring_at=now)
                reason = next(row.why for row in rows if row.backup.pk == self.pk)
                self._record("backup.deleting", {"why": reason, **_described(self._backup())})
        if why:
            self.working.say(f"{backup.ident} stays. {why}")
        return not why

    def _remove(self, copy: Copy) -> None:
        try:
            store = copies.store_of(copy.destination)
            held = store.held(copy.name) if copy.name else None
            if held and held.locked_until and held.locked_until > database_now():
                self._set(copy, locked_until=held.locked_until)
                self.working.say(f"{self._ident} at {copy.destination} stays. {self._why(copy)}")
                return
            # from here on nobody may count on this copy, whatever becomes of this worker
            self._set(copy, state=C.LOST, sentence=f"Run {self.run.pk} removes it.")
            if copy.name:
                store.remove(copy.name)
        except (StoreFailed, ValueError) as error:  # ValueError: the place's secret cannot be opened
            self._failed(copy, str(error))
            return
        self._set(copy, state=C.DELETED, retry_at=None, sentence=f"Run {self.run.pk} removed it.")
        self.working.say(f"{self._ident} is removed from {copy.destination}.")

    @property
    def _ident(self) -> str:
        return str(Backup.objects.values_list("ident", flat=True).get(pk=self.pk))

    def _why(self, copy: Copy) -> str:
        copy.refresh_from_db()
        return retain.stays(copy, database_now())

    def _failed(self, copy: Copy, sentence: str) -> None:
        """Nobody knows whether it is still there, unless the place says so."""
        state = C.LOST
        try:
            if copy.state == C.HELD and copies.store_of(copy.destination).held(copy.name) is not None:
                state = C.HELD
        except (StoreFailed, ValueError):
            pass
        after = database_now() + pause(copy.failures + 1)
        self._set(copy, state=state, sentence=sentence, failures=F("failures") + 1, retry_at=after)
        self.working.say(f"{self._ident} could not be removed from {copy.destination}. {sentence}")

    def _set(self, copy: Copy, **fields: object) -> None:
        with self.working.writing():
            Copy.objects.filter(pk=copy.pk).update(**fields)

    def _end(self) -> None:
        backup = self._backup()
        left = [copy for copy in backup.copies.all() if copy.state != C.DELETED]
        with self.working.writing():
            if left:
                Backup.objects.filter(pk=self.pk).update(retiring_at=None)
            else:
                Backup.objects.filter(pk=self.pk).update(deleted_at=database_now(), retiring_at=None)
                self._record("backup.deleted", _described(backup))
            announce("backups")
        words = f"still at {', '.join(str(copy.destination) for copy in left)}" if left else "deleted"
        self.working.say(f"{backup.ident} is {words}.")

    def _record(self, kind: str, body: dict[str, object]) -> None:
        content = {"run": self.run.pk, "asked_by": self.run.requested_by, "policy": self.policy.name, **body}
        evidence.append(kind, "holdfast", f"backup:{body['ident']}", content)


def _policy(parameters: Parameters) -> Policy | None:
    return Policy.objects.select_related("engine").filter(pk=parameters["policy"]).first()


def _named(parameters: Parameters) -> list[Backup]:
    """The run's backups in its order."""
    engine = int(parameters["target"].partition(":")[2])
    idents = [ident for ident in parameters["backups"].split(",") if ident]
    rows = Backup.objects.filter(engine_id=engine, ident__in=idents).prefetch_related("copies__destination")
    return sorted(rows, key=lambda backup: idents.index(backup.ident))


def _why_it_stays(backup: Backup, rows: tuple[retain.PreviewRow, ...], minimum: int, now: datetime) -> str:
    """ "" for one that may go, now or as far as it has not gone yet."""
    left = [copy for copy in backup.copies.all() if copy.state != C.DELETED]
    if backup.retiring_at and not any(copy.state == C.HELD for copy in left):
        may = ""  # its deletion began and nothing of it can be restored any more: there is nothing left to protect
    else:
        may = retain.why_not(backup, rows, minimum)
    if may or not left:
        return may
    why = [retain.stays(copy, now) for copy in left]
    return " ".join(why) if all(why) else ""


def _described(backup: Backup) -> dict[str, object]:
    return {
        "ident": backup.ident,
        "engine": backup.engine.name,
        "taken": backup.taken.isoformat(),
        "sha256": backup.sha256,
        "size": backup.size,
        "places": [
            {"place": copy.destination.name, "name": copy.name, "sha256": copy.sha256, "size": copy.size,
             "state": copy.state}
            for copy in backup.copies.all()
        ],
    }  # fmt: skip
