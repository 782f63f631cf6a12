"""Requests of one call with a login: JSON in, JSON out, failures as the kernel's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from portal.connectors.change.https import JSON, Answer, Endpoint, Talk, garbled, told
from portal.connectors.change.login import Login
from portal.connectors.change.reading.leaves import Unreadable
from portal.kernel.change import ChangeFailed, ChangeKey, ChangeRefused, ChangeSeen, Gate

NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Session:
    """One call's requests. Every method raises ChangeFailed."""

    talk: Talk
    login: Login

    def get(self, path: str, headers: Mapping[str, str] = NONE) -> object:
        """The JSON at a path."""
        return self._told("GET", path, self._send("GET", path, headers, None, JSON))

    def look(self, path: str, headers: Mapping[str, str] = NONE) -> object:
        """The JSON at a path; None when the system refuses to show it or does not have it."""
        try:
            return self.get(path, headers)
        except ChangeRefused as error:
            if error.status == 401:
                raise
            return None

    def send(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """The answer to a JSON body."""
        return self._told(method, path, self._send(method, path, NONE, json.dumps(fields).encode(), JSON))

    def put_file(self, path: str, content: bytes, media: str, headers: Mapping[str, str] = NONE) -> object:
        """The answer to a file that is posted."""
        return self._told("POST", path, self._send("POST", path, headers, content, media))

    @contextmanager
    def reading(self, asked: str) -> Iterator[None]:
        """What cannot be read within counts as a garbled answer to `asked`."""
        try:
            yield
        except Unreadable as error:
            raise garbled(self.talk.endpoint, asked, error) from None

    @contextmanager
    def after(self) -> Iterator[None]:
        """What fails within comes after something was made over there."""
        try:
            yield
        except ChangeFailed as error:
            error.sent = True
            raise

    def _told(self, method: str, path: str, answer: Answer) -> object:
        return told(self.talk.endpoint, f"{method} {path.partition('?')[0]}", answer)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, media: str) -> Answer:
        """A token that has ended is renewed once; any status is an answer."""
        talk, login = self.talk, self.login
        answer = talk.send(method, path, {**headers, **login.headers(talk)}, body, media)
        if answer.status == 401 and login.renewable:
            answer = talk.send(method, path, {**headers, **login.headers(talk, fresh=True)}, body, media)
        return answer


@dataclass(frozen=True)
class Door:
    """Opens sessions to one system. limit: seconds for one call, all its requests together."""

    endpoint: Endpoint
    login: Login
    limit: float

    @contextmanager
    def open(self, times: float = 1.0) -> Iterator[Session]:
        """A session; times: how much more time than usual it may take."""
        with Talk(self.endpoint, self.limit * times) as talk:
            yield Session(talk, self.login)


def once(find: Callable[[], bool], act: Callable[[], object]) -> None:
    """Acts unless the result of an earlier try is found (delivery is at least once)."""
    if not find():
        act()


def unknown(session: Session, key: ChangeKey) -> ChangeSeen:
    """A change that the system does not find: it is not there, or the account may not see it."""
    said = (
        f"{session.talk.endpoint.name} knows no change {key.number or key.sys_id}, or does not show it to this account."
    )
    return ChangeSeen(key, "", Gate.INVALID, said)
