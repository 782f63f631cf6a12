"""BMC Helix's change requests, read. Pure. facts/drills-and-evidence.md 4.3.

Names of fields differ by release ("Change Request Status", change_request_status, status), so they are compared by
their letters alone. A status may come as its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from portal.connectors.change.reading.leaves import Row, Unreadable, instant, kind_of, row, short, text
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

NUMBER = re.compile(r"CRQ[0-9]{1,15}", re.ASCII)
_ENTRY = re.compile(r"[A-Za-z0-9|_-]{1,255}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

_WAITING = (
    "draft",
    "request for authorization",
    "request for change",
    "planning in progress",
    "scheduled for review",
    "scheduled for approval",
)
_GOING = ("scheduled", "implementation in progress")
# by their numbers in the field's definition; changes made by the simplified API are told so
_NUMBERED = (
    "Draft",
    "Request For Authorization",
    "Request For Change",
    "Planning In Progress",
    "Scheduled For Review",
    "Scheduled For Approval",
    "Scheduled",
    "Implementation In Progress",
    "Pending",
    "Rejected",
    "Completed",
    "Closed",
    "Cancelled",
)
_OVER = ("rejected", "completed", "closed", "cancelled", "canceled")
_ID = ("changeid", "infrastructurechangeid", "changenumber", "displayid", "id")
_STATUS = ("changerequeststatus", "status")
_HOLDERS = ("values", "data", "change", "result")
_CODES = {"successful": "Successful", "successful_issues": "Successful with Issues", "unsuccessful": "Unsuccessful"}


def flat(record: Row) -> dict[str, object]:
    """The record with the letters of its names alone."""
    return {"".join(sign for sign in name.lower() if sign.isalnum()): value for name, value in record.items()}


def record_of(body: object) -> dict[str, object]:
    """The change of an answer, whatever envelope it is in. Raises Unreadable."""
    found = body
    for _ in range(4):
        if isinstance(found, list):
            found = _only(found)
        entries = found.get("entries") if isinstance(found, Mapping) else None
        inner = entries if isinstance(entries, list) else _inner(found)
        if inner is None:
            break
        found = inner
    return flat(row(found, "the change"))


def _only(found: list[object]) -> object:
    if len(found) != 1:
        raise Unreadable(f"{len(found)} records where one should be")
    return found[0]


def _inner(found: object) -> object | None:
    if not isinstance(found, Mapping) or leaf(flat(found), _STATUS):
        return None
    return next((found[name] for name in _HOLDERS if isinstance(found.get(name), Mapping | list)), None)


def leaf(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    """The first of these fields that tells something. A field may be an object with a value or label."""
    for name in names:
        value = record.get(name)
        if isinstance(value, Mapping):
            value = value.get("label") or value.get("value") or value.get("name")
        if told := text(value):
            return told
    return ""


def number_of(record: Mapping[str, object]) -> str:
    """The CRQ number. Raises Unreadable when there is none."""
    found = leaf(record, _ID)
    if not NUMBER.fullmatch(found):
        raise Unreadable(f'the change "{short(found)}", which has no CRQ number')
    return found


def status_of(record: Mapping[str, object]) -> str:
    """The status in BMC's own words."""
    told = leaf(record, _STATUS)
    by_number = told.isascii() and told.isdigit() and len(told) < 3 and int(told) < len(_NUMBERED)
    return _NUMBERED[int(told)] if by_number else told


def entry_of(record: Mapping[str, object]) -> str:
    """The id of an AR System entry, as it stands in a path. Raises Unreadable when there is none."""
    found = leaf(record, ("requestid",))
    if not _ENTRY.fullmatch(found):
        raise Unreadable(f'the entry "{short(found)}", which has no Request ID')
    return found


def gate(number: str, status: str) -> tuple[Gate, str]:
    """Whether the change may go on, and why."""
    known, shown = status.lower(), short(status)
    if known in _WAITING:
        return Gate.AWAITING, f'{number} is in the status "{shown}": nobody has approved it yet.'
    if known in _GOING:
        return Gate.ALLOWED, f'{number} is approved and in the status "{shown}".'
    if known in _OVER:
        return Gate.PREVENTED, f'{number} is in the status "{shown}", so nothing is done under it.'
    if known == "pending":
        return Gate.PREVENTED, f"{number} is pending, which is BMC's word for on hold."
    return Gate.PREVENTED, f'{number} is in the status "{shown}", which the portal does not know.'


def seen(record: Mapping[str, object], key: ChangeKey, base: str) -> ChangeSeen:
    """A change as the portal keeps it. Raises Unreadable when it is another one than asked for."""
    number = number_of(record)
    if key.number and number != key.number:
        raise Unreadable(f"the change {number}, which was not asked for")
    status = status_of(record)
    opened, why = gate(number, status)
    begins = ends = None
    try:
        begins = instant(leaf(record, ("scheduledstartdate", "requestedstartdate")))
        ends = instant(leaf(record, ("scheduledenddate", "requestedenddate")))
    except Unreadable as error:
        opened, why = Gate.INVALID, f"The planned window of {number} holds {error}."
    if begins and ends and begins >= ends:
        opened, why = Gate.INVALID, f"The planned window of {number} ends before it begins."
    ci = leaf(record, ("serviceci", "ci", "configurationitem"))
    changed = _time(leaf(record, ("lastmodifieddate", "modifieddate")))
    return ChangeSeen(
        key=ChangeKey(key.system, number),  # BMC knows a change by its number alone
        state=status,
        gate=opened,
        sentence=why,
        kind=kind_of(leaf(record, ("changetiming", "class", "timing", "changeclass"))),
        begins=begins,
        ends=ends,
        ci=(ci,) if ci else (),
        url=f"{base}/change/{number}",
        sequence=int(changed.timestamp() * 1000) if changed else 0,
        changed=changed,
    )


def _time(told: str) -> datetime | None:
    try:
        return instant(told)
    except Unreadable:
        return None


def token_of(body: bytes) -> str:
    """The AR-JWT that a login answers: the bare token as text. Raises Unreadable."""
    found = body.decode("ascii", "replace").strip().strip('"')
    if len(found) > 8192 or not _TOKEN.fullmatch(found):
        raise Unreadable("no AR-JWT where one should be")
    return found


def reason_of(code: str) -> str:
    """BMC's status reason for a result."""
    return _CODES.get(code, code)


def notes_of(body: object) -> list[str]:
    """The texts of a list of work notes, whatever its form; empty when there is none to be read."""
    found = [leaf(one, ("detaileddescription", "notes", "text", "worknote")) for one in listed(body)]
    return [one for one in found if one]


def with_ticket(body: object, mark: str) -> str:
    """The number of the change whose vendor ticket is the mark; "" when none of the list has it."""
    same = [one for one in listed(body) if leaf(one, ("vendorticketnumber",)) == mark]
    return next((number for one in same if NUMBER.fullmatch(number := leaf(one, _ID))), "")


def listed(body: object) -> list[dict[str, object]]:
    """The records of a list, whatever its form."""
    holder = body
    if isinstance(body, Mapping):
        holder = next((body[name] for name in ("entries", "worklogs", "data", "values") if name in body), [])
    found: list[dict[str, object]] = []
    for one in holder if isinstance(holder, list) else []:
        if isinstance(one, Mapping):
            values = one.get("values")
            found.append(flat(values if isinstance(values, Mapping) else one))
    return found
