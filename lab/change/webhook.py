"""A change system that speaks the portal's own signed form (docs/change-webhook.md). It signs and checks by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from lab.change import desk as desks
from lab.change.counter import Ask, Refusal, Reply
from lab.change.desk import Change, Desk

GATE = {
    desks.NEW: "awaiting",
    desks.ASSESS: "awaiting",
    desks.AUTHORIZE: "awaiting",
    desks.SCHEDULED: "allowed",
    desks.IMPLEMENT: "allowed",
}
STAMP, MARK = "x-holdfast-timestamp", "x-holdfast-signature"
TOLERANCE = 300


class Webhook:
    """The other side of the portal's webhook."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def sort(self, ask: Ask) -> str:
        if ask.method == "GET":
            return "read"
        kinds = {"note": "note", "attachment": "attach", "close": "close", "create": "create"}
        try:
            return kinds.get(json.loads(ask.body)["kind"], "write")
        except (ValueError, KeyError, TypeError):
            return "write"

    def login(self, ask: Ask) -> Reply | None:
        return None

    def known(self, ask: Ask) -> bool:
        stamp = ask.headers.get(STAMP, "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE:
            return False
        given = [one.strip().removeprefix("v1=") for one in ask.headers.get(MARK, "").split(",")]
        return any(hmac.compare_digest(signature(key, stamp, ask.body), one) for key in self.desk.keys for one in given)

    def refusal(self, status: int, message: str) -> object:
        return {"type": "about:blank", "title": message, "status": status}

    def seal(self, reply: Reply) -> Reply:
        raw = reply.raw()
        if "unsigned-answer" in self.desk.faults:
            return reply
        return replace(reply, body=raw, headers={**reply.headers, **signed(self.desk.keys, raw, int(time.time()))})

    def perform(self, ask: Ask) -> Reply:
        if ask.method == "GET" and ask.path.startswith("/changes/"):
            change = self.desk.find(unquote(ask.path.removeprefix("/changes/")))
            if change is None:
                raise Refusal(404, "There is no such change")
            return Reply(200, self._document(change))
        if ask.method == "POST" and ask.path == "/events":
            return self._event(ask.fields())
        raise Refusal(404, "There is nothing here")

    def _document(self, change: Change) -> dict[str, object]:
        refused = change.approval == "rejected" or bool(change.hold)
        state = "prevented" if refused else GATE.get(change.state, "prevented")
        if odd := self.desk.faults.get("odd-state"):
            state = odd["word"]
        return {
            "number": change.number,
            "sys_id": change.sys_id,
            "state": state,
            "word": change.state.capitalize(),
            "sentence": f"{change.number} is {change.state}, its approval {change.approval}.",
            "type": change.kind,
            "window": {"start": _iso(change.begins), "end": _iso(change.ends)},
            "ci": change.ci,
            "url": f"{self.desk.url}/changes/{change.number}",
            "sequence": change.sequence,
            "changed": _iso(change.changed),
            "conflicts": change.conflicts,
        }

    def _event(self, event: dict[str, object]) -> Reply:
        mark, kind, data = str(event.get("id", "")), str(event.get("kind", "")), event.get("data")
        if not mark or not isinstance(data, dict):
            raise Refusal(422, "An event has an id and data")
        if mark in self.desk.extra:
            before = self.desk.extra[mark].get("number")
            change = self.desk.find(str(before))
            return Reply(200, self._document(change)) if change else Reply(204)
        change = self._taken(kind, str(event.get("change", "")), data, mark)
        self.desk.extra[mark] = {"number": change.number}
        return Reply(200, self._document(change))

    def _taken(self, kind: str, number: str, data: Mapping[str, object], mark: str) -> Change:
        if kind == "create":
            return self._create(data, mark)
        change = self.desk.find(number)
        if change is None:
            raise Refusal(404, "There is no such change")
        if kind == "note":
            change.notes.append(str(data.get("text")))
            self.desk.enter("note", number, text=str(data.get("text")), mark=mark)
        elif kind == "attachment":
            raw = base64.b64decode(str(data.get("content", "")))
            change.files.append((str(data.get("name")), str(data.get("media_type")), raw))
            self.desk.enter("file", number, name=str(data.get("name")), bytes=len(raw))
        elif kind == "close":
            self._close(change, data)
        else:
            raise Refusal(422, f"{kind} is no kind of event")
        self.desk.touch(change)
        return change

    def _create(self, data: Mapping[str, object], mark: str) -> Change:
        change = self.desk.open(str(data.get("short")), kind=str(data.get("type", "normal")), mark=mark)
        window, ci = data.get("window"), data.get("ci")
        if isinstance(window, dict):
            change.begins, change.ends = (datetime.fromisoformat(str(window.get(one))) for one in ("start", "end"))
        change.ci = [str(one) for one in ci] if isinstance(ci, list) else []
        change.texts = {name: str(data.get(name, "")) for name in ("description", "plan", "backout")}
        self.desk.enter("create", change.number, mark=mark)
        return change

    def _close(self, change: Change, data: Mapping[str, object]) -> None:
        if change.state not in (desks.SCHEDULED, desks.IMPLEMENT, desks.REVIEW):
            raise Refusal(409, f"The change is {change.state}")
        change.state, change.code = desks.CLOSED, str(data.get("code"))
        change.began, change.ended = str(data.get("began")), str(data.get("ended"))
        change.close_notes = str(data.get("notes"))
        self.desk.enter("close", change.number, code=change.code, began=change.began, ended=change.ended)


def signature(key: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over "<timestamp>.<body>"."""
    return hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed(keys: list[str], body: bytes, at: int) -> dict[str, str]:
    """The two headers of a message."""
    marks = ",".join(f"v1={signature(key, str(at), body)}" for key in keys)
    return {"X-Holdfast-Timestamp": str(at), "X-Holdfast-Signature": marks}


def called(change: Change) -> bytes:
    """What it sends of itself."""
    told = {"number": change.number, "state": GATE.get(change.state, "prevented"), "sequence": change.sequence}
    return json.dumps(told).encode()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
