"""BMC Helix's change calls (facts/drills-and-evidence.md 4.3): AR-JWT by a login at the host's root, changes below
/api/itsm, and the forms of the AR System beside them (bmc_forms.py). Times are ISO with +0000; a refusal is a list of
messages. A request that writes without X-Requested-By is refused."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from datetime import datetime
from urllib.parse import parse_qs

from lab.change import bmc_forms
from lab.change import desk as desks
from lab.change.bmc_forms import REASONS, Forms
from lab.change.counter import Ask, Refusal, Reply, by_token, new_token
from lab.change.desk import Change, Desk, NotSo

BASE = "/api/itsm"
STATUS = {
    desks.NEW: "Draft",
    desks.ASSESS: "Request For Authorization",
    desks.AUTHORIZE: "Scheduled For Approval",
    desks.SCHEDULED: "Scheduled",
    desks.IMPLEMENT: "Implementation In Progress",
    desks.REVIEW: "Completed",
    desks.CLOSED: "Closed",
    desks.CANCELED: "Cancelled",
}
BY_STATUS = {status: state for state, status in STATUS.items()}
CODES = ("1000", "2000", "3000", "4000")
_PATH = re.compile(re.escape(BASE) + r"/change(?:/(CRQ\d+)(/worklog)?)?")


class Bmc:
    """The server."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.forms = Forms(desk, self._record, self._update, _moment)

    def sort(self, ask: Ask) -> str:
        if ask.path == "/api/jwt/login":
            return "login"
        if bmc_forms.is_form(ask.path):
            return bmc_forms.sort(ask)
        if ask.method == "GET":
            return "read"
        if ask.path.endswith("/worklog"):
            return "attach" if b'"attachment"' in ask.body else "note"
        return "create" if ask.method == "POST" else "close"

    def login(self, ask: Ask) -> Reply | None:
        if ask.path != "/api/jwt/login":
            return None
        form = {name: values[0] for name, values in parse_qs(ask.body.decode("utf-8", "replace")).items()}
        good = (form.get("username"), form.get("password")) == (self.desk.user, self.desk.password)
        if not good or "login-refused" in self.desk.faults:
            return Reply(401, self.refusal(401, "Authentication failed"))
        part = [
            base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (b'{"alg":"HS256"}', secrets.token_bytes(40))
        ]
        token = f"{part[0]}.{part[1]}.{secrets.token_urlsafe(24)}"
        new_token(self.desk, token)
        return Reply(200, token.encode(), "text/plain")

    def known(self, ask: Ask) -> bool:
        return by_token(self.desk, ask, "AR-JWT")

    def refusal(self, status: int, message: str) -> object:
        number = 623 if status == 401 else 92 if message.startswith("The lab refuses") else 45_000 + status
        return [{"messageType": "ERROR", "messageText": message, "messageNumber": number, "messageAppendedText": None}]

    def seal(self, reply: Reply) -> Reply:
        return reply

    def perform(self, ask: Ask) -> Reply:
        if ask.method != "GET" and not ask.headers.get("x-requested-by"):
            raise Refusal(403, "The request has no X-Requested-By")
        if bmc_forms.is_form(ask.path):
            return self.forms.perform(ask)
        found = _PATH.fullmatch(ask.path)
        if found is None:
            raise Refusal(404, "Resource not found")
        return self._simple(ask, *found.groups())

    def _simple(self, ask: Ask, number: str | None, worklog: str | None) -> Reply:
        if number is None:
            if ask.method == "POST":
                return self._create(ask)
            mark = ask.query.get("vendor_ticket_number", "")
            found_ = [one for one in self.desk.changes.values() if mark and one.mark == mark]
            return Reply(200, {"entries": [{"values": self._record(one)} for one in found_]})
        change = self.desk.changes.get(number)
        if change is None:
            raise Refusal(404, "No tickets found")
        if worklog:
            return self._worklog(change, ask)
        if ask.method == "PATCH":
            self._update(change, {name: str(value) for name, value in ask.fields().items()})
            return Reply(204)
        return Reply(200, {"values": self._record(change)})

    def _create(self, ask: Ask) -> Reply:
        fields = ask.fields()
        for name in ("impact", "urgency"):
            if str(fields.get(name)) not in CODES:
                raise Refusal(400, f"{name} must be one of {', '.join(CODES)}")
        change = self.desk.open(
            str(fields.get("summary", "")),
            kind=str(fields.get("change_timing", "Normal")).lower(),
            mark=str(fields.get("vendor_ticket_number", "")),
        )
        change.begins, change.ends = (
            _moment(fields.get("scheduled_start_date")),
            _moment(fields.get("scheduled_end_date")),
        )
        change.ci = [str(fields["service_ci"])] if fields.get("service_ci") else []
        change.texts = {
            name: str(fields.get(name, "")) for name in ("description", "implementation_plan", "backout_plan")
        }
        self.desk.enter("create", change.number, mark=change.mark)
        return Reply(201, {"values": {"Infrastructure Change ID": change.number}})

    def _record(self, change: Change) -> dict[str, object]:
        status = "Pending" if change.hold else "Rejected" if change.approval == "rejected" else STATUS[change.state]
        if odd := self.desk.faults.get("odd-state"):
            status = odd["word"]
        return {
            "Infrastructure Change ID": change.number,
            "Description": change.short,
            "Change Request Status": status,
            "Scheduled Start Date": _iso(change.begins),
            "Scheduled End Date": _iso(change.ends),
            "ServiceCI": change.ci[0] if change.ci else None,
            "Change Timing": change.kind.capitalize(),
            "Last Modified Date": _iso(change.changed),
            "Vendor Ticket Number": change.mark or None,
        }

    def _update(self, change: Change, fields: dict[str, str]) -> None:
        state = BY_STATUS.get(fields.get("status", ""))
        if state is None:
            raise Refusal(400, "Invalid field: status")
        if change.hold:
            raise Refusal(400, "The change request is pending")
        reason = fields.get("status_reason", "")
        if reason not in REASONS.get(fields["status"], ("",)):
            raise Refusal(400, f"An incorrect combination of status and reason: {fields['status']}, {reason}")
        try:
            self.desk.move(change, state)
        except NotSo as error:
            raise Refusal(400, f"The status transition is not valid: {error}") from None
        self.desk.enter("state", change.number, state=state)
        change.began = fields.get("actual_start_date", change.began)
        change.ended = fields.get("actual_end_date", change.ended)
        if state == desks.CLOSED:
            change.code, change.close_notes = reason, fields.get("close_notes", "")
            self.desk.enter("close", change.number, code=change.code, began=change.began, ended=change.ended)

    def _worklog(self, change: Change, ask: Ask) -> Reply:
        if ask.method == "GET":
            hidden = "no-journal" in self.desk.faults
            entries = [] if hidden else [{"values": {"Detailed Description": one}} for one in change.notes]
            return Reply(200, {"entries": entries})
        fields = ask.fields()
        text, file = str(fields.get("detailed_description", "")), fields.get("attachment")
        change.notes.append(text)
        if isinstance(file, dict):
            raw = base64.b64decode(str(file.get("content", "")))
            change.files.append((str(file.get("name")), str(file.get("content_type")), raw))
            self.desk.enter("file", change.number, name=str(file.get("name")), bytes=len(raw))
        else:
            self.desk.enter("note", change.number, text=text)
        self.desk.touch(change)
        return Reply(201, {"values": {"Work Log ID": f"WLG{int(time.time() * 1000)}"}})


def called(change: Change) -> bytes:
    """What an outbound integration sends."""
    told = {
        "Infrastructure Change ID": change.number,
        "Change Request Status": STATUS[change.state],
        "sequence": change.sequence,
    }
    return json.dumps(told).encode()


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if moment else None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        raise Refusal(400, f"{value} is no date") from None
