"""BMC Helix by its change calls. facts/drills-and-evidence.md 4.3; what it answers is read in reading/bmc.py, the two
APIs are in bmc_calls.py and bmc_forms.py.

A change ends in steps: Implementation In Progress, Completed after its review, Closed with its result. BMC takes a
result as the reason of Closed only. Where it does not let the portal close, Completed is the end, and the result stands
in the work information."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from portal.connectors.change.bmc_calls import Calls, File, Move, Simple
from portal.connectors.change.reading import bmc as reading
from portal.connectors.change.reading.leaves import NAME, stamp, tag
from portal.connectors.change.session import Door, Session, unknown
from portal.kernel.change import ChangeHeld, ChangeKey, ChangeRefused, ChangeSeen, ChangeWanted, Gate

IMPACTS = ("1000", "2000", "3000", "4000")  # extensive, significant, moderate, minor; urgency: critical to low
SCHEDULED, DOING, DONE, CLOSED = "scheduled", "implementation in progress", "completed", "closed"
WAY = (SCHEDULED, DOING, DONE, CLOSED)


@dataclass(frozen=True)
class Bmc:
    """impact, urgency: codes of the changes that the portal asks for. calls: the API that this server has."""

    door: Door
    impact: str = "4000"
    urgency: str = "4000"
    calls: Calls = field(default_factory=Simple)

    def read(self, key: ChangeKey) -> ChangeSeen:
        """The change as it stands now. Raises ChangeFailed."""
        if flaw := _flaw(key):
            return ChangeSeen(key, "", Gate.INVALID, flaw)
        with self.door.open() as session:
            try:
                return self._read(session, key)
            except ChangeRefused as error:
                if error.status != 404:
                    raise
                return unknown(session, key)

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        """Asks for a change, with the mark as the vendor's ticket number, by which an earlier try is found where BMC
        can be asked for it. Raises ChangeFailed."""
        with self.door.open(2.0) as session:
            asked = bool(wanted.mark and tag(wanted.mark))
            there = self.calls.with_ticket(session, wanted.mark, sure=False) if asked else ""
            if there:
                return self._read(session, ChangeKey(session.talk.endpoint.name, there))
            number = self.calls.create(session, wanted, (self.impact, self.urgency))
            with session.after():
                return self._read(session, ChangeKey(session.talk.endpoint.name, number))

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The change with this vendor ticket. Raises ChangeFailed, also where BMC cannot be asked for it."""
        tag(wanted.mark)
        with self.door.open() as session:
            there = self.calls.with_ticket(session, wanted.mark, sure=True)
            return self._read(session, ChangeKey(session.talk.endpoint.name, there)) if there else None

    def note(self, key: ChangeKey, text_: str, mark: str) -> None:
        """Adds work information unless one with this mark is there. Raises ChangeFailed."""
        with self.door.open(3.0) as session:
            self._work(session, key, text_, tag(mark))

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Adds work information with the file unless one with this mark is there. Raises ChangeFailed."""
        with self.door.open(3.0) as session:
            self._work(session, key, name, tag(f"file-{mark}"[:100]), File(name, media_type, content))

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Writes times and result, and takes the steps to the end. Raises ChangeFailed; what was reached stays."""
        reason = reading.reason_of(code)
        way = (
            Move("Implementation In Progress", began=began),
            Move("Completed", "Final Review Complete", began, ended),
            Move("Closed", reason, began, ended),
        )
        told = f"{notes}\nResult: {reason}. Began {stamp(began)}, ended {stamp(ended)}."
        with self.door.open(4.0) as session:
            here = self._place(session, key)
            if here == CLOSED:
                return
            self._work(session, key, told, tag(f"close-{code}"))
            for step in way[WAY.index(here) :]:
                with suppress(*((ChangeRefused,) if step.status == "Closed" else ())):  # closing is BMC's own right
                    self.calls.move(session, self._record(session, key), step, notes)
            if self._place(session, key) not in (DONE, CLOSED):
                raise self._stuck(session, key, "although it took Completed")

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """Always empty: no call tells BMC's collisions."""
        return ()

    def _read(self, session: Session, key: ChangeKey) -> ChangeSeen:
        record = self.calls.record(session, key.number)
        with session.reading("GET change"):
            return reading.seen(record, key, session.talk.endpoint.base)

    def _record(self, session: Session, key: ChangeKey) -> dict[str, object]:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        return self.calls.record(session, key.number)

    def _place(self, session: Session, key: ChangeKey) -> str:
        """Where on the way a change is. Raises ChangeHeld when it is elsewhere."""
        status = reading.status_of(self._record(session, key))
        if status.lower() not in WAY:
            raise self._stuck(session, key, f"and a close begins at Scheduled, not at {status or 'no status'}")
        return status.lower()

    def _stuck(self, session: Session, key: ChangeKey, why: str) -> ChangeHeld:
        status = reading.status_of(self._record(session, key))
        said = f'{key.number} stays "{status}" in {session.talk.endpoint.name}, {why}.'
        return ChangeHeld(f"{said} Complete it there, or move it on: the portal tries again.", status=409)

    def _work(self, session: Session, key: ChangeKey, text: str, mine: str, file: File | None = None) -> None:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        if not self.calls.works(session, key.number, mine):
            self.calls.work(session, key.number, text, mine, file)


def _flaw(key: ChangeKey) -> str:
    return "" if NAME.fullmatch(key.number) else f"{key.number or 'Nothing'} is no number of a BMC change: CRQ…"
