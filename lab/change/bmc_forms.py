"""The AR System's forms of BMC Helix: entries of CHG:ChangeInterface, its form for new ones, and CHG:WorkLog. A query
is fields with values, joined by AND; a rule that refuses says 500 with the number of its message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import unquote

from lab.change.counter import Ask, Refusal, Reply
from lab.change.desk import Change, Desk

ENTRY = "/api/arsys/v1/entry"
_PATH = re.compile(re.escape(ENTRY) + r"/(CHG:ChangeInterface_Create|CHG:ChangeInterface|CHG:WorkLog)(?:/(.+))?")
_TERM = re.compile(r"\s*'([^']+)'\s*=\s*\"((?:[^\"]|\"\")*)\"\s*(?:AND|$)")
NEEDED = ("Description", "Status", "Impact", "Urgency", "Change Type", "Timing", "Risk Level")
NEEDED_HERE = ("Company", "Location Company", "First Name", "Last Name")
# which reasons a status takes
REASONS: Mapping[str, tuple[str, ...]] = {
    "Completed": ("", "Final Review Required", "Final Review Complete"),
    "Closed": ("", "Successful", "Successful with Issues", "Unsuccessful", "Backed Out"),
}


def is_form(path: str) -> bool:
    """Whether a path is below the forms."""
    return path.startswith(ENTRY + "/")


def sort(ask: Ask) -> str:
    """What a request to a form is for."""
    if ask.method == "GET":
        return "read"
    if "CHG:WorkLog" in ask.path:
        return "attach" if b'name="attach-' in ask.body else "note"
    return "create" if ask.method == "POST" else "close"


class Forms:
    """record: a change's fields; update: writes a status. Both are the other API's as well."""

    def __init__(
        self,
        desk: Desk,
        record: Callable[[Change], dict[str, object]],
        update: Callable[[Change, dict[str, str]], None],
        moment: Callable[[object], object],
    ) -> None:
        self.desk, self._record, self._update, self._moment = desk, record, update, moment

    def perform(self, ask: Ask) -> Reply:
        """Any request to a form. Raises Refusal."""
        found = _PATH.fullmatch(unquote(ask.path))
        if found is None:
            raise Refusal(404, "Form does not exist on server")
        form, entry = found.groups()
        if form == "CHG:WorkLog":
            return self._works(ask)
        if form.endswith("_Create"):
            return self._create(ask)
        if ask.method == "PUT":
            return self._put(entry or "", _values(ask.fields()))
        return self._query(ask)

    def _query(self, ask: Ask) -> Reply:
        wanted = _terms(ask.query.get("q", ""))
        entries = [self._entry(one) for one in self.desk.changes.values()]
        return _entries(one for one in entries if all(one.get(name) == value for name, value in wanted.items()))

    def _entry(self, change: Change) -> dict[str, object]:
        return {"Request ID": f"{change.number}|{change.number}", **self._record(change)}

    def _create(self, ask: Ask) -> Reply:
        fields = _values(ask.fields())
        if missing := [name for name in (*NEEDED, *NEEDED_HERE) if not fields.get(name)]:
            raise Refusal(500, f"Required field (without a default) not specified: {missing[0]}")
        if len(fields["Description"]) > 100:
            raise Refusal(500, "Character string exceeds maximum size allowed: Description")
        if not re.fullmatch(r"[1-4]-.+", fields["Impact"]) or not re.fullmatch(r"[1-4]-.+", fields["Urgency"]):
            raise Refusal(500, "Value does not fall within the limits specified for the field")
        ticket = fields.get("Vendor Ticket Number", "")
        change = self.desk.open(fields["Description"], kind=fields["Timing"].lower(), mark=ticket)
        begins, ends = (self._moment(fields.get(f"Scheduled {one} Date")) for one in ("Start", "End"))
        change.begins, change.ends = begins, ends  # type: ignore[assignment]
        change.ci = [fields["ServiceCI"]] if fields.get("ServiceCI") else []
        change.texts = {"description": fields.get("Detailed Description", "")}
        self.desk.enter("create", change.number, mark=change.mark)
        at = {"Location": f"{ENTRY}/CHG:ChangeInterface_Create/CRQ{change.sys_id[:12]}"}
        if "fields" not in ask.query or "no-fields" in self.desk.faults:
            return Reply(201, None, headers=at)
        return Reply(201, {"values": {"Infrastructure Change Id": change.number}, "_links": {}}, headers=at)

    def _put(self, entry: str, fields: dict[str, str]) -> Reply:
        number, bar, again = entry.partition("|")
        change = self.desk.changes.get(number)
        if change is None or not bar or again != number:
            raise Refusal(404, "Entry does not exist in database")
        status, reason = fields.get("Change Request Status", ""), fields.get("Status Reason", "")
        if reason not in REASONS.get(status, ("",)):
            raise Refusal(500, f"The Status Reason {reason} is not valid for the Status {status}")
        if status == "Closed" and "no-close" in self.desk.faults:
            raise Refusal(500, "You do not have the role to close this change request")
        told = {"status": status, "status_reason": reason}
        told |= {
            name: fields[f"Actual {word} Date"]
            for name, word in (("actual_start_date", "Start"), ("actual_end_date", "End"))
            if f"Actual {word} Date" in fields
        }
        self._update(change, told)
        return Reply(204)

    def _works(self, ask: Ask) -> Reply:
        if ask.method == "GET":
            return self._worked(_terms(ask.query.get("q", "")))
        files: list[tuple[str, str, bytes]] = []
        if "multipart/form-data" in ask.headers.get("content-type", ""):
            fields, files = _parts(ask)
        else:
            fields = _values(ask.fields())
        change = self.desk.changes.get(fields.get("Infrastructure Change ID", ""))
        if change is None:
            raise Refusal(500, "The change request does not exist")
        change.notes.append(fields.get("Detailed Description", ""))
        self.desk.extra.setdefault(change.number, {})[fields.get("Description", "")] = True
        for name, media, raw in files:
            change.files.append((name, media, raw))
            self.desk.enter("file", change.number, name=name, bytes=len(raw))
        if not files:
            self.desk.enter("note", change.number, text=change.notes[-1])
        self.desk.touch(change)
        return Reply(201, None, headers={"Location": f"{ENTRY}/CHG:WorkLog/WLG{len(change.notes):012d}"})

    def _worked(self, wanted: Mapping[str, str]) -> Reply:
        hidden = "no-journal" in self.desk.faults
        there = self.desk.extra.get(wanted.get("Infrastructure Change ID", ""), {})
        return _entries({"Description": one} for one in there if not hidden and one == wanted.get("Description"))


def _entries(found: object) -> Reply:
    assert hasattr(found, "__iter__")
    return Reply(200, {"entries": [{"values": one, "_links": {}} for one in found], "_links": {}})


def _terms(query: str) -> dict[str, str]:
    """Raises Refusal for what is no query."""
    found, at = {}, 0
    while at < len(query):
        term = _TERM.match(query, at)
        if term is None:
            raise Refusal(400, "Format of qualification line is invalid")
        found[term.group(1)] = term.group(2).replace('""', '"')
        at = term.end()
    return found


def _values(body: Mapping[str, object]) -> dict[str, str]:
    values = body.get("values")
    if not isinstance(values, dict):
        raise Refusal(400, "An entry has values")
    return {str(name): str(value) for name, value in values.items()}


def _parts(ask: Ask) -> tuple[dict[str, str], list[tuple[str, str, bytes]]]:
    """The entry and its files. A file whose field the entry does not name is lost, as on the real server."""
    head = f"Content-Type: {ask.headers['content-type']}\r\n\r\n".encode()
    parts = {str(one.get_param("name", header="content-disposition")): one for one in _walk(head + ask.body)}
    entry = parts.pop("entry", None)
    if entry is None:
        raise Refusal(400, "A part named entry is needed")
    fields = _values(json.loads(_raw(entry)))
    files = []
    for name, one in parts.items():
        place = name.removeprefix("attach-")
        if fields.get(place) == one.get_filename():
            files.append((str(one.get_filename()), one.get_content_type(), _raw(one)))
    return fields, files


def _walk(raw: bytes) -> list[EmailMessage]:
    whole = BytesParser(EmailMessage, policy=HTTP).parsebytes(raw)
    return [one for one in whole.iter_parts() if isinstance(one, EmailMessage)]


def _raw(part: EmailMessage) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
