"""BMC Helix by its change calls. facts/drills-and-evidence.md 4.3; what it answers is read in reading/bmc.py.

Where BMC permits a status it takes it, and where not it says so: there is no call that lists the permitted ones, so a
close tries the end first and what lies before it only when that is refused."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from portal.connectors.change.reading import bmc as reading
from portal.connectors.change.reading.leaves import NAME, stamp, tag
from portal.connectors.change.session import Door, Session, unknown
from portal.kernel.change import ChangeHeld, ChangeKey, ChangeRefused, ChangeSeen, ChangeWanted, Gate

END, BEFORE = "Completed", "Implementation In Progress"
IMPACTS = ("1000", "2000", "3000", "4000")  # extensive, significant, moderate, minor; urgency: critical to low
_ENDED = ("completed", "closed")


@dataclass(frozen=True)
class Bmc:
    """impact, urgency: codes of the changes that the portal asks for."""

    door: Door
    impact: str = "4000"
    urgency: str = "4000"

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
            there = self._made(session, wanted.mark) if wanted.mark and tag(wanted.mark) else ""
            if there:
                return self._read(session, ChangeKey(session.talk.endpoint.name, there))
            made = session.send("POST", "/change", self._fields(wanted))
            with session.after():
                with session.reading("POST /change"):
                    number = reading.number_of(reading.record_of(made))
                return self._read(session, ChangeKey(session.talk.endpoint.name, number))

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The change with this vendor ticket. Raises ChangeFailed, also where BMC cannot be asked for it."""
        tag(wanted.mark)
        with self.door.open() as session:
            there = reading.with_ticket(session.get(_by_ticket(wanted.mark)), wanted.mark)
            return self._read(session, ChangeKey(session.talk.endpoint.name, there)) if there else None

    def note(self, key: ChangeKey, text_: str, mark: str) -> None:
        """Adds work information unless one with this mark is there. Raises ChangeFailed."""
        mine = tag(mark)
        self._work(key, mine, {"summary": "Holdfast", "detailed_description": f"{text_}\n{mine}"})

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Adds work information with the file unless one with this mark is there. Raises ChangeFailed."""
        mine = tag(f"file-{mark}"[:100])
        file = {"name": name, "content_type": media_type, "content": b64encode(content).decode()}
        self._work(key, mine, {"summary": name, "detailed_description": f"{name}\n{mine}", "attachment": file})

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Writes times and result and completes the change; what lies between is gone through where BMC asks for it.
        Raises ChangeFailed."""
        with self.door.open(3.0) as session:
            status = self._status(session, key)
            if status.lower() in _ENDED:
                return
            end = {
                "status": END,
                "status_reason": reading.reason_of(code),
                "actual_start_date": stamp(began),
                "actual_end_date": stamp(ended),
                "close_notes": notes,
            }
            try:
                session.send("PATCH", f"/change/{key.number}", end)
            except ChangeRefused as error:
                if error.status not in (400, 422) or status.lower() == BEFORE.lower():
                    raise
                session.send("PATCH", f"/change/{key.number}", {"status": BEFORE, "actual_start_date": stamp(began)})
                session.send("PATCH", f"/change/{key.number}", end)
            reached = self._status(session, key)
            if reached.lower() not in _ENDED:
                why = f'{key.number} stays "{reached}" in {session.talk.endpoint.name} although it took {END}.'
                raise ChangeHeld(f"{why} Complete it there, or move it on: the portal tries again.", status=409)

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """Always empty: no call tells BMC's collisions."""
        return ()

    def _made(self, session: Session, mark: str) -> str:
        """The number of the change with this mark; "" when there is none or no such question is taken."""
        return reading.with_ticket(session.look(_by_ticket(mark)), mark)

    def _read(self, session: Session, key: ChangeKey) -> ChangeSeen:
        found = session.get(f"/change/{key.number}")
        with session.reading("GET /change"):
            return reading.seen(reading.record_of(found), key, session.talk.endpoint.base)

    def _status(self, session: Session, key: ChangeKey) -> str:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        found = session.get(f"/change/{key.number}")
        with session.reading("GET /change"):
            return reading.status_of(reading.record_of(found))

    def _work(self, key: ChangeKey, mine: str, fields: dict[str, object]) -> None:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        with self.door.open(3.0) as session:
            path = f"/change/{key.number}/worklog"
            if not any(mine in one for one in reading.notes_of(session.look(path))):
                session.send("POST", path, fields)

    def _fields(self, wanted: ChangeWanted) -> dict[str, object]:
        return {
            "summary": wanted.short,
            "description": wanted.description,
            "implementation_plan": wanted.plan,
            "backout_plan": wanted.backout,
            "scheduled_start_date": stamp(wanted.begins),
            "scheduled_end_date": stamp(wanted.ends),
            "service_ci": wanted.ci[0] if wanted.ci else "",
            "change_timing": wanted.kind.capitalize(),
            "impact": self.impact,
            "urgency": self.urgency,
            "vendor_ticket_number": wanted.mark,
        }


def _flaw(key: ChangeKey) -> str:
    return "" if NAME.fullmatch(key.number) else f"{key.number or 'Nothing'} is no number of a BMC change: CRQ…"


def _by_ticket(mark: str) -> str:
    return f"/change?{urlencode({'vendor_ticket_number': mark})}"
