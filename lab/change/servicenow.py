"""ServiceNow's Change Management API, as far as a client of changes sees it (facts/drills-and-evidence.md 4.1).

Quirks kept: numbers are floats, display times are in another zone, a query ignores parts that it does not know, the
conflict status says "Conflict" without one, and a journal that may not be read is empty and not refused."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from lab.change import desk as desks
from lab.change.counter import Ask, Refusal, Reply, basic, by_token, new_token
from lab.change.desk import Change, Desk, NotSo

LABEL = {
    desks.NEW: ("-5", "New"),
    desks.ASSESS: ("-4", "Assess"),
    desks.AUTHORIZE: ("-3", "Authorize"),
    desks.SCHEDULED: ("-2", "Scheduled"),
    desks.IMPLEMENT: ("-1", "Implement"),
    desks.REVIEW: ("0", "Review"),
    desks.CLOSED: ("3", "Closed"),
    desks.CANCELED: ("4", "Canceled"),
}
BY_VALUE = {value: state for state, (value, _) in LABEL.items()}
CODES = ("successful", "successful_issues", "unsuccessful")
SHOWN_IN = ZoneInfo("America/Los_Angeles")
TIME = "%Y-%m-%d %H:%M:%S"
_CI = re.compile(r"[a-z][a-z0-9.-]{1,60}")  # names that the CMDB knows
_CHANGE = re.compile(r"/api/sn_chg_rest(?:/v\d)?/change(?:/(.*))?")


class ServiceNow:
    """The instance. old: whether it is a release that names the call nextstate."""

    def __init__(self, desk: Desk, *, old: bool = False) -> None:
        self.desk, self.old = desk, old
        self.cis: dict[str, str] = {}  # name of a configuration item by its sys_id, once it was asked for

    def sort(self, ask: Ask) -> str:
        if ask.path == "/oauth_token.do":
            return "login"
        if ask.method == "GET":
            return "read"
        if ask.path.startswith("/api/now/attachment"):
            return "attach"
        if ask.method == "POST":
            return "create"
        return "note" if b"work_notes" in ask.body else "close" if b'"state"' in ask.body else "write"

    def login(self, ask: Ask) -> Reply | None:
        if ask.path != "/oauth_token.do":
            return None
        form = {name: values[0] for name, values in parse_qs(ask.body.decode("utf-8", "replace")).items()}
        good = (form.get("client_id"), form.get("client_secret")) == (self.desk.user, self.desk.password)
        if form.get("grant_type") != "client_credentials" or not good or "login-refused" in self.desk.faults:
            return Reply(401, {"error": "server_error", "error_description": "access_denied"})
        token = secrets.token_urlsafe(48)
        seconds = new_token(self.desk, token)
        return Reply(
            200, {"access_token": token, "token_type": "Bearer", "expires_in": int(seconds), "scope": "useraccount"}
        )

    def known(self, ask: Ask) -> bool:
        return basic(self.desk, ask) or by_token(self.desk, ask, "Bearer")

    def refusal(self, status: int, message: str) -> object:
        return {"error": {"message": message, "detail": f"Lab instance, HTTP {status}"}, "status": "failure"}

    def seal(self, reply: Reply) -> Reply:
        return reply

    def perform(self, ask: Ask) -> Reply:
        found = _CHANGE.fullmatch(ask.path)
        if found:
            return self._change(ask, (found.group(1) or "").strip("/"))
        if ask.path.startswith("/api/now/table/sys_journal_field"):
            return Reply(200, {"result": self._journal(ask)})
        if ask.path == "/api/now/table/cmdb_ci":
            return Reply(200, {"result": self._cis(ask)})
        if ask.path.startswith("/api/now/table/change_request/"):
            return self._row(ask.path.rsplit("/", 1)[1])
        if ask.path == "/api/now/attachment" and ask.method == "GET":
            return Reply(200, {"result": self._files(ask)})
        if ask.path == "/api/now/attachment/file" and ask.method == "POST":
            return self._attach(ask)
        raise Refusal(400, "Requested URI does not represent any resource")

    # --- changes

    def _change(self, ask: Ask, rest: str) -> Reply:
        if ask.method == "GET" and not rest:
            return Reply(200, {"result": [self._record(one) for one in self._query(ask)]})
        if ask.method == "POST" and rest.partition("/")[0] in ("normal", "emergency", "standard"):
            return self._create(ask, rest.partition("/")[0])
        sys_id, _, part = rest.partition("/")
        change = self._by_sys_id(sys_id)
        if ask.method == "GET" and part == ("nextstate" if self.old else "nextstates"):
            return Reply(200, {"result": self._next(change)})
        if ask.method == "GET" and part == "conflict":
            return Reply(200, {"result": self._conflict(change)})
        if part:
            raise Refusal(400, "Requested URI does not represent any resource")
        if ask.method in ("PATCH", "PUT"):
            self._update(change, {name: str(value) for name, value in ask.fields().items()})
        return Reply(200, {"result": self._record(change)})

    def _by_sys_id(self, sys_id: str) -> Change:
        found = next((one for one in self.desk.changes.values() if one.sys_id == sys_id), None)
        if found is None:
            raise Refusal(404, "No Record found")
        return found

    def _query(self, ask: Ask) -> list[Change]:
        rows = list(self.desk.changes.values())
        for part in ask.query.get("sysparm_query", "").split("^"):
            name, _, value = part.partition("=")
            if name == "number":
                rows = [one for one in rows if one.number == value]
            elif name == "correlation_id":
                rows = [one for one in rows if one.mark == value]
        return rows[: int(ask.query.get("sysparm_limit", "500"))]

    def _create(self, ask: Ask, kind: str) -> Reply:
        fields = {name: str(value) for name, value in ask.fields().items()}
        if not fields.get("short_description"):
            raise Refusal(400, "Data Policy Exception: Short description is mandatory")
        change = self.desk.open(fields["short_description"], kind=kind, mark=fields.get("correlation_id", ""))
        change.begins, change.ends = _utc(fields.get("start_date", "")), _utc(fields.get("end_date", ""))
        name = self.cis.get(fields.get("cmdb_ci", ""))  # a reference takes a sys_id; another value names no record
        change.ci = [name] if name else []
        change.texts = {name: fields.get(name, "") for name in ("description", "implementation_plan", "backout_plan")}
        if kind == "standard":
            change.state = desks.SCHEDULED
        self.desk.enter("create", change.number, mark=change.mark)
        return Reply(201, {"result": self._record(change)})

    def _update(self, change: Change, fields: dict[str, str]) -> None:
        if "state" in fields:
            self._to(change, fields)
        if fields.get("work_notes") and "notes-ignored" not in self.desk.faults:
            change.notes.append(fields["work_notes"])
            self.desk.enter("note", change.number, text=fields["work_notes"])
        self.desk.touch(change)

    def _to(self, change: Change, fields: dict[str, str]) -> None:
        state = BY_VALUE.get(fields["state"])
        if state is None:
            raise Refusal(400, f"{fields['state']} is no choice of State")
        if state == desks.CLOSED and (fields.get("close_code") not in CODES or not fields.get("close_notes")):
            raise Refusal(400, "Data Policy Exception: Close code and Close notes are mandatory")
        try:
            self.desk.move(change, state)
        except NotSo as error:
            raise Refusal(400, f"Invalid update: {error}") from None
        self.desk.enter("state", change.number, state=state)
        if state == desks.CLOSED:
            change.code, change.close_notes = fields["close_code"], fields["close_notes"]
            change.began, change.ended = fields.get("work_start", ""), fields.get("work_end", "")
            self.desk.enter("close", change.number, code=change.code, began=change.began, ended=change.ended)

    def _record(self, change: Change) -> dict[str, object]:
        value, label = LABEL[change.state]
        if odd := self.desk.faults.get("odd-state"):
            value, label = "7", odd["word"]
        record: dict[str, object] = {
            "sys_id": _same(change.sys_id),
            "number": _same(change.number),
            "short_description": _same(change.short),
            "state": {"display_value": label, "value": float(value)},
            "approval": {"display_value": change.approval.capitalize(), "value": change.approval},
            "type": {"display_value": change.kind.capitalize(), "value": change.kind},
            "on_hold": {"display_value": str(bool(change.hold)).lower(), "value": bool(change.hold)},
            "on_hold_reason": _same(change.hold),
            "active": {"display_value": "true", "value": change.state not in (desks.CLOSED, desks.CANCELED)},
            "start_date": _time(change.begins),
            "end_date": _time(change.ends),
            "cmdb_ci": {"display_value": change.ci[0], "value": _md5(change.ci[0])} if change.ci else _same(""),
            "correlation_id": _same(change.mark),
            "close_code": {"display_value": change.code.capitalize(), "value": change.code},
            "close_notes": _same(change.close_notes),
            "sys_mod_count": {"display_value": str(change.sequence), "value": float(change.sequence)},
            "sys_updated_on": _time(change.changed),
            "conflict_status": _same("Conflict" if change.conflicts else "Not Run"),
            "work_notes": _same(""),
        }
        return record | {name: _same(text) for name, text in change.texts.items()}

    def _next(self, change: Change) -> dict[str, object]:
        there = [change.state, *desks.NEXT[change.state]]
        if change.state == desks.AUTHORIZE:
            there.insert(1, desks.SCHEDULED)
        ways = [
            [
                {
                    "sys_id": _md5(f"{change.state}{to}"),
                    "display_value": f"{LABEL[change.state][1]} to {LABEL[to][1]}",
                    "from_state": LABEL[change.state][0],
                    "to_state": LABEL[to][0],
                    "transition_available": to in desks.NEXT[change.state] and not change.hold,
                    "automatic_transition": False,
                    "conditions": [
                        {"passed": not change.hold, "condition": {"name": "Not On hold", "description": None}},
                        {"passed": to != desks.SCHEDULED, "condition": {"name": "Change is approved"}},
                    ],
                }
            ]
            for to in there[1:]
        ]
        labels = {LABEL[one][0]: LABEL[one][1] for one in there}
        return {"available_states": list(labels), "state_transitions": ways, "state_label": labels}

    def _conflict(self, change: Change) -> dict[str, object]:
        listed = [
            {"change": {"display_value": change.number, "value": change.sys_id}, "type": _same(one)}
            for one in change.conflicts
        ]
        return {
            "status": "Conflict",
            "last_run": change.changed.strftime(TIME),
            "record_count": "1",
            "job_status": "2",
            "conflicts": listed,
        }

    def _cis(self, ask: Ask) -> list[dict[str, str]]:
        name = ask.query.get("sysparm_query", "").removeprefix("name=")
        if not _CI.fullmatch(name):
            return []
        self.cis[_md5(name)] = name
        return [{"sys_id": _md5(name), "name": name}]

    # --- journal and files

    def _journal(self, ask: Ask) -> list[dict[str, str]]:
        query = dict(part.partition("=")[::2] for part in ask.query.get("sysparm_query", "").split("^"))
        change = next((one for one in self.desk.changes.values() if one.sys_id == query.get("element_id")), None)
        hidden = change is None or "no-journal" in self.desk.faults
        return [] if hidden or change is None else [{"value": one} for one in reversed(change.notes)]

    def _row(self, sys_id: str) -> Reply:
        change = self._by_sys_id(sys_id)
        shown = "\n\n".join(f"2026-01-01 00:00:00 - Holdfast (Work notes)\n{one}" for one in reversed(change.notes))
        return Reply(200, {"result": {"work_notes": shown}})

    def _files(self, ask: Ask) -> list[dict[str, str]]:
        sys_id = ask.query.get("sysparm_query", "").removeprefix("table_sys_id=")
        change = next((one for one in self.desk.changes.values() if one.sys_id == sys_id), None)
        return [_file(name, media, raw) for name, media, raw in (change.files if change else [])]

    def _attach(self, ask: Ask) -> Reply:
        if ask.query.get("table_name") != "change_request":
            raise Refusal(400, "Invalid table")
        change = self._by_sys_id(ask.query.get("table_sys_id", ""))
        name, media = ask.query.get("file_name", ""), ask.headers.get("content-type", "")
        change.files.append((name, media, ask.body))
        self.desk.enter("file", change.number, name=name, bytes=len(ask.body))
        return Reply(201, {"result": _file(name, media, ask.body)})


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def called(change: Change) -> bytes:
    """What a business rule of the customer's sends."""
    value, label = LABEL[change.state]
    told = {
        "number": change.number,
        "sys_id": change.sys_id,
        "state": label,
        "state_value": value,
        "approval": change.approval,
        "sequence": change.sequence,
        "sys_updated_on": change.changed.strftime(TIME),
    }
    return json.dumps(told).encode()


def _same(text: str) -> dict[str, str]:
    return {"display_value": text, "value": text}


def _time(moment: datetime | None) -> dict[str, str]:
    if moment is None:
        return {"display_value": "", "value": "", "display_value_internal": ""}
    shown = moment.astimezone(SHOWN_IN).strftime(TIME)
    return {"display_value": shown, "value": moment.astimezone(UTC).strftime(TIME), "display_value_internal": shown}


def _utc(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise Refusal(400, f"{text} is no date and time") from None


def _file(name: str, media: str, raw: bytes) -> dict[str, str]:
    digest = hashlib.sha256(raw).hexdigest()
    return {
        "sys_id": secrets.token_hex(16),
        "file_name": name,
        "content_type": media,
        "size_bytes": str(len(raw)),
        "hash": digest,
    }
