"""BMC Helix by its simplified REST API: changes at /change, work information below each."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

from portal.connectors.change.reading import bmc as reading
from portal.connectors.change.reading.leaves import stamp
from portal.connectors.change.session import Session
from portal.kernel.change import ChangeWanted


@dataclass(frozen=True)
class File:
    """What is attached. media: its MIME type."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True)
class Move:
    """A step of a change's status. reason, began, ended: told with it; "" and None are not."""

    status: str
    reason: str = ""
    began: datetime | None = None
    ended: datetime | None = None


class Calls(Protocol):
    """One of BMC's two APIs. Every method raises ChangeFailed; ChangeRefused with 404 when there is no such change."""

    def record(self, session: Session, number: str) -> dict[str, object]:
        """The change, its fields by the letters of their names."""
        ...

    def with_ticket(self, session: Session, mark: str, *, sure: bool) -> str:
        """The number of the change with this vendor ticket, "" when there is none. sure: a refusal is raised; else it
        counts as none."""
        ...

    def create(self, session: Session, wanted: ChangeWanted, codes: tuple[str, str]) -> str:
        """Asks for a change; gives its number. codes: impact and urgency, 1000 to 4000."""
        ...

    def move(self, session: Session, record: dict[str, object], to: Move, notes: str) -> None:
        """Writes a status."""
        ...

    def works(self, session: Session, number: str, mine: str) -> bool:
        """Whether work information with this tag is there; False as well when the account may not look."""
        ...

    def work(self, session: Session, number: str, text: str, mine: str, file: File | None) -> None:
        """Adds work information."""
        ...


@dataclass(frozen=True)
class Simple:
    """The simplified API (facts/drills-and-evidence.md 4.3)."""

    def record(self, session: Session, number: str) -> dict[str, object]:
        """GET /change/{id}."""
        found = session.get(f"/change/{number}")
        with session.reading("GET /change"):
            return reading.record_of(found)

    def with_ticket(self, session: Session, mark: str, *, sure: bool) -> str:
        """GET /change?vendor_ticket_number=."""
        path = f"/change?{urlencode({'vendor_ticket_number': mark})}"
        return reading.with_ticket(session.get(path) if sure else session.look(path), mark)

    def create(self, session: Session, wanted: ChangeWanted, codes: tuple[str, str]) -> str:
        """POST /change."""
        made = session.send("POST", "/change", _fields(wanted, codes))
        with session.after(), session.reading("POST /change"):
            return reading.number_of(reading.record_of(made))

    def move(self, session: Session, record: dict[str, object], to: Move, notes: str) -> None:
        """PATCH /change/{id}."""
        fields = {
            "status": to.status,
            "status_reason": to.reason,
            "actual_start_date": stamp(to.began) if to.began else "",
            "actual_end_date": stamp(to.ended) if to.ended else "",
            "close_notes": notes if to.reason else "",
        }
        told = {name: value for name, value in fields.items() if value}
        session.send("PATCH", f"/change/{reading.number_of(record)}", told)

    def works(self, session: Session, number: str, mine: str) -> bool:
        """GET /change/{id}/worklog."""
        return any(mine in one for one in reading.notes_of(session.look(f"/change/{number}/worklog")))

    def work(self, session: Session, number: str, text: str, mine: str, file: File | None) -> None:
        """POST /change/{id}/worklog."""
        fields: dict[str, object] = {
            "summary": file.name if file else "Holdfast",
            "detailed_description": f"{text}\n{mine}",
        }
        if file:
            content = b64encode(file.content).decode()
            fields["attachment"] = {"name": file.name, "content_type": file.media, "content": content}
        session.send("POST", f"/change/{number}/worklog", fields)


def _fields(wanted: ChangeWanted, codes: tuple[str, str]) -> dict[str, object]:
    return {
        "summary": wanted.short,
        "description": wanted.description,
        "implementation_plan": wanted.plan,
        "backout_plan": wanted.backout,
        "scheduled_start_date": stamp(wanted.begins),
        "scheduled_end_date": stamp(wanted.ends),
        "service_ci": wanted.ci[0] if wanted.ci else "",
        "change_timing": wanted.kind.capitalize(),
        "impact": codes[0],
        "urgency": codes[1],
        "vendor_ticket_number": wanted.mark,
    }
