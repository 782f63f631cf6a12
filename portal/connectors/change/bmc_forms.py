"""BMC Helix and Remedy by the forms of the AR System: entries of CHG:ChangeInterface and CHG:WorkLog below
/api/arsys/v1/entry. What every server has, whether or not the simplified API is deployed on it.

Names are those of the forms' fields: a change is made on another form than it is read from, and there its number is
"Infrastructure Change Id". An entry is changed by its Request ID, which has a bar in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from portal.connectors.change.bmc_calls import File, Move
from portal.connectors.change.https import multipart, plain_name
from portal.connectors.change.reading import bmc as reading
from portal.connectors.change.reading.leaves import stamp
from portal.connectors.change.session import Session
from portal.kernel.change import ChangeRefused, ChangeWanted

ENTRY = "/api/arsys/v1/entry"
CHANGES, MADE, WORKS = f"{ENTRY}/CHG:ChangeInterface", f"{ENTRY}/CHG:ChangeInterface_Create", f"{ENTRY}/CHG:WorkLog"
NUMBER, TICKET, ABOUT = "Infrastructure Change ID", "Vendor Ticket Number", "Description"
LONGEST = 100  # characters of a summary; longer ones are refused
FILE = "z2AF Work Log01"  # a work log has three places for files; the first is used
IMPACTS = {
    "1000": "1-Extensive/Widespread",
    "2000": "2-Significant/Large",
    "3000": "3-Moderate/Limited",
    "4000": "4-Minor/Localized",
}
URGENCIES = {"1000": "1-Critical", "2000": "2-High", "3000": "3-Medium", "4000": "4-Low"}


@dataclass(frozen=True)
class Forms:
    """own: fields of a new change that only this bank knows, such as Company; "" takes a usual one out."""

    own: Mapping[str, str] = field(default_factory=dict)

    def record(self, session: Session, number: str) -> dict[str, object]:
        """The entry of CHG:ChangeInterface with this number."""
        found = session.get(_query(CHANGES, {NUMBER: number}))
        with session.reading("GET CHG:ChangeInterface"):
            listed = reading.listed(found)
            if listed:
                return reading.record_of(found)
        raise ChangeRefused(f"{session.talk.endpoint.name} knows no change {number}.", status=404)

    def with_ticket(self, session: Session, mark: str, *, sure: bool) -> str:
        """The number of the entry with this vendor ticket."""
        path = _query(CHANGES, {TICKET: mark})
        return reading.with_ticket(session.get(path) if sure else session.look(path), mark)

    def create(self, session: Session, wanted: ChangeWanted, codes: tuple[str, str]) -> str:
        """An entry of CHG:ChangeInterface_Create. Servers before 9.1 do not answer its number; it is looked up then."""
        asked = quote("values(Infrastructure Change Id)", safe="()")
        made = session.send("POST", f"{MADE}?fields={asked}", {"values": self._fields(wanted, codes)})
        with session.after():
            number = "" if made is None and wanted.mark else None
            if number is not None:
                number = self.with_ticket(session, wanted.mark, sure=True)
            with session.reading("POST CHG:ChangeInterface_Create"):
                return number or reading.number_of(reading.record_of(made))

    def move(self, session: Session, record: dict[str, object], to: Move, notes: str) -> None:
        """PUT of the entry: only the fields that are given change."""
        fields = {
            "z1D_Action": "MODIFY",
            "Change Request Status": to.status,
            "Status Reason": to.reason,
            "Actual Start Date": stamp(to.began) if to.began else "",
            "Actual End Date": stamp(to.ended) if to.ended else "",
        }
        told = {name: value for name, value in fields.items() if value}
        with session.reading("GET CHG:ChangeInterface"):
            entry = reading.entry_of(record)
        session.send("PUT", f"{CHANGES}/{quote(entry, safe='')}", {"values": told})

    def works(self, session: Session, number: str, mine: str) -> bool:
        """Asked by the summary, which holds the tag's digest: a bracket in LIKE stands for any of its signs."""
        return bool(reading.listed(session.look(_query(WORKS, {NUMBER: number, ABOUT: _about(mine)}))))

    def work(self, session: Session, number: str, text: str, mine: str, file: File | None) -> None:
        """An entry of CHG:WorkLog, with a file as a part of its own."""
        values = {
            NUMBER: number,
            "Work Log Type": "General Information",
            ABOUT: _about(mine),
            "Detailed Description": f"{text}\n{mine}",
            "View Access": "Internal",
            "Secure Work Log": "No",
            "Status": "Enabled",
        }
        if file is None:
            session.send("POST", WORKS, {"values": values})
            return
        entry = json.dumps({"values": values | {FILE: plain_name(file.name)}}).encode()
        body, media = multipart(file.name, file.media, file.content, f"attach-{FILE}", {"entry": entry})
        session.put_file(WORKS, body, media)

    def _fields(self, wanted: ChangeWanted, codes: tuple[str, str]) -> dict[str, str]:
        """Plans have no field of their own on this form."""
        about = f"{wanted.description}\n\nPlan: {wanted.plan}\n\nBack-out: {wanted.backout}"
        usual = {
            "z1D_Action": "CREATE",
            ABOUT: " ".join(wanted.short.split())[:LONGEST],
            "Detailed Description": about,
            "Status": "Draft",
            "Impact": IMPACTS[codes[0]],
            "Urgency": URGENCIES[codes[1]],
            "Change Type": "Change",
            "Timing": wanted.kind.capitalize(),
            "Risk Level": "Risk Level 1",
            "Scheduled Start Date": stamp(wanted.begins),
            "Scheduled End Date": stamp(wanted.ends),
            "ServiceCI": wanted.ci[0] if wanted.ci else "",
            TICKET: wanted.mark,
        }
        return {name: value for name, value in (usual | dict(self.own)).items() if value}


def own_fields(told: str) -> dict[str, str]:
    """The option `fields`: "Company: Calbro; First Name: Allen". Raises ValueError with a sentence."""
    found = {}
    for part in told.split(";"):
        name, colon, value = part.partition(":")
        if part.strip() and (not colon or not name.strip()):
            raise ValueError(f"fields has {part.strip()!r}, which is no name: value.")
        if part.strip():
            found[name.strip()] = value.strip()
    return found


def _about(mine: str) -> str:
    return f"Holdfast {hashlib.sha256(mine.encode()).hexdigest()[:16]}"


def _query(form: str, wanted: Mapping[str, str]) -> str:
    """Entries whose fields have these values; a quote within a value is doubled."""
    parts = [f"'{name}' = \"{value.replace(chr(34), chr(34) * 2)}\"" for name, value in wanted.items()]
    return f"{form}?q={quote(' AND '.join(parts), safe='')}&limit=10"
