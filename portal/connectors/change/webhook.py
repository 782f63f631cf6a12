"""A change system that speaks the portal's own form, signed both ways (docs/change-webhook.md).

What is sent is an event with an id, which the other side keeps so that a repeat counts once. What is read is the change
document at a declared address; where signing keys are set, an answer without a good signature counts for nothing."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from portal.connectors.change.https import Answer, Endpoint, Talk, garbled, judged, told
from portal.connectors.change.reading import webhook as reading
from portal.connectors.change.reading.leaves import Unreadable, stamp, tag
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, sign, verify
from portal.kernel.change import ChangeGarbled, ChangeKey, ChangeLogin, ChangeRefused, ChangeSeen, ChangeWanted, Gate
from portal.kernel.secret import Secret

READ_PATH, POST_PATH = "/changes/{number}", "/events"


@dataclass(frozen=True)
class Webhook:
    """read_path: where a change is read, with {number} in it. post_path: where events go. keys: one, or the old and the
    new one while they are changed. limit: seconds for one call."""

    endpoint: Endpoint
    keys: Sequence[Secret]
    limit: float
    read_path: str = READ_PATH
    post_path: str = POST_PATH
    clock: Callable[[], float] = time.time

    def read(self, key: ChangeKey) -> ChangeSeen:
        """The change as it stands now. Raises ChangeFailed."""
        if not key.number.strip() or len(key.number) > 200:
            return ChangeSeen(key, "", Gate.INVALID, "No number of a change is given.")
        try:
            return self._seen(self._document(key), key)
        except ChangeRefused as error:
            if error.status != 404:
                raise
            return ChangeSeen(key, "", Gate.INVALID, f"{self.endpoint.name} knows no change {key.number}.")

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        """Asks for a change; the answer is its document. Raises ChangeFailed."""
        fields = {
            "short": wanted.short,
            "description": wanted.description,
            "plan": wanted.plan,
            "backout": wanted.backout,
            "ci": list(wanted.ci),
            "type": wanted.kind,
            "window": {"start": stamp(wanted.begins), "end": stamp(wanted.ends)},
        }
        mark = wanted.mark or f"create-{stamp(wanted.begins)}".replace("+", "_")
        return self._seen(self._post("create", "", mark, fields), ChangeKey(self.endpoint.name, ""))

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The same event again: the other side knows its id and answers as before, or makes what it did not make.
        Raises ChangeFailed."""
        return self.create(wanted)

    def note(self, key: ChangeKey, text_: str, mark: str) -> None:
        """Sends a work note. Raises ChangeFailed."""
        self._post("note", key.number, mark, {"text": text_})

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Sends a file. Raises ChangeFailed."""
        file = {"name": name, "media_type": media_type, "content": b64encode(content).decode()}
        self._post("attachment", key.number, mark, file)

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Sends times and result. Raises ChangeFailed."""
        fields = {"began": stamp(began), "ended": stamp(ended), "code": code, "notes": notes}
        self._post("close", key.number, f"close-{key.number}-{code}", fields)

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """The conflicts that the document tells. Raises ChangeFailed."""
        found = self._document(key)
        try:
            return reading.clashes(found)
        except Unreadable as error:
            raise garbled(self.endpoint, "GET", error) from None

    def _seen(self, found: object, key: ChangeKey) -> ChangeSeen:
        try:
            return reading.seen(found, key)
        except Unreadable as error:
            raise garbled(self.endpoint, "GET", error) from None

    def _document(self, key: ChangeKey) -> object:
        path = self.read_path.replace("{number}", quote(key.number, safe=""))
        return self._send("GET", path, None, {})

    def _post(self, kind: str, number: str, mark: str, fields: Mapping[str, object]) -> object:
        """One event. Its id is the mark, so a repeat is the same event."""
        tag(mark)
        event = {"id": mark, "kind": kind, "at": stamp(self._now()), "change": number, "data": fields}
        body = json.dumps(event, sort_keys=True).encode()
        return self._send("POST", self.post_path, body, {"Idempotency-Key": mark})

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> object:
        try:
            signed = sign(self.keys, int(self.clock()), body or b"")
        except BadSignature as error:
            raise ChangeLogin(f"{self.endpoint.name} is not asked: {error}") from None
        with Talk(self.endpoint, self.limit) as talk:
            answer = talk.send(method, path, {**headers, **signed}, body)
        failed = judged(self.endpoint, f"{method} {path}", answer)
        missing = isinstance(failed, ChangeRefused) and failed.status == 404
        if failed is not None and not missing:
            raise failed
        found = None if failed is not None else told(self.endpoint, f"{method} {path}", answer)
        self._proved(method, path, answer)
        if failed is not None:
            raise failed
        return found

    def _proved(self, method: str, path: str, answer: Answer) -> None:
        """An empty answer says nothing and needs no proof; every other one does."""
        stamp_, mark = (
            answer.headers.get(TIMESTAMP_HEADER.lower(), ""),
            answer.headers.get(SIGNATURE_HEADER.lower(), ""),
        )
        if not answer.body.strip():
            return
        try:
            verify(self.keys, stamp_, mark, answer.body, self.clock())
        except BadSignature as error:
            raise ChangeGarbled(
                f"The answer of {self.endpoint.name} to {method} {path} is not proved. {error}", sent=method == "POST"
            ) from None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)
