"""The SDK's connections as a small pool: bounded, counted, each used by one thread at a time.

One ovirtsdk4.Connection holds its lock during a whole transfer (facts/engine-api.md 0.12), and reports the failure of
one transfer to whoever waits for another; so there is one connection per request in flight, at most CONNECTIONS, and
one that failed is thrown away. The SDK's own renewal of a token is switched off: without a password it would post
"None" as the user (facts/engine-api.md 6)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import ovirtsdk4
import pycurl
from ovirtsdk4.http import Request

from portal.connectors.engine import wire
from portal.connectors.engine.errors import Unreachable, bad_body, from_sdk
from portal.connectors.engine.tickets import Credentials, Ticket
from portal.kernel.secret import Secret

CONNECTIONS = 4


@dataclass
class _Line:
    """One SDK connection and the token that it was made with."""

    connection: Any
    token: Secret


@dataclass
class Transport:
    """Requests under /api with a token. Thread-safe; `requests` counts what was sent, logins excluded."""

    credentials: Credentials
    ticket: Ticket
    requests: int = 0
    _idle: list[_Line] = field(default_factory=list)
    _slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(CONNECTIONS))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def send(self, request: Callable[[], Request], asked: str, timeout: float) -> wire.Answer:
        """One request; a 401 gets one new token and one more try. `request` makes a fresh SDK request each time.
        Raises EngineFailed when no answer comes; any answer, whatever its status, is returned."""
        if self._closed:
            shown = self.credentials.shown
            raise Unreachable(f"The portal's session with engine {shown} ended before {asked} was sent. Ask again.")
        token = self.ticket.current(timeout)
        answer = self._once(token, request(), asked, timeout)
        if answer.status != 401 or self._closed:
            return answer
        return self._once(self.ticket.after(token, timeout), request(), asked, timeout)

    def close(self) -> None:
        """Closes every idle connection; those in use close when they come back, and nothing more is sent, not even a
        login. Never waits."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for line in idle:
            _shut(line)

    def _once(self, token: Secret, request: Request, asked: str, timeout: float) -> wire.Answer:
        with self._line(token) as line:
            body = BytesIO()
            with self._lock:
                self.requests += 1
            try:
                context = line.connection.send(request)
                wire.bound(context[0], timeout=timeout, ca_pem=self.credentials.ca_pem, sink=body)
                wire.packed(context[0])
                response = line.connection.wait(context, failed_auth=True)
            except (ovirtsdk4.Error, pycurl.error, UnicodeDecodeError) as error:
                raise from_sdk(self.credentials.shown, asked, error) from None
        headers = wire.header_map(response.headers)
        try:
            return wire.Answer(int(response.code), headers, wire.unpacked(body.getvalue(), headers))
        except ValueError as error:
            raise bad_body(self.credentials.shown, asked, str(error)) from None

    @contextmanager
    def _line(self, token: Secret) -> Iterator[_Line]:
        with self._slots:
            line = self._take(token)
            try:
                yield line
            except BaseException:
                _shut(line)
                raise
            self._give_back(line)

    def _take(self, token: Secret) -> _Line:
        with self._lock:
            line = self._idle.pop() if self._idle else None
        if line is not None and line.token == token:
            return line
        if line is not None:
            _shut(line)
        return _Line(ovirtsdk4.Connection(url=self.credentials.url.rstrip("/"), token=token.reveal()), token)

    def _give_back(self, line: _Line) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(line)
                return
        _shut(line)


def _shut(line: _Line) -> None:
    # logout=False: the token is shared, and the SDK's own revocation has no deadline
    line.connection.close(logout=False)


def get(path: str, query: Mapping[str, str]) -> Callable[[], Request]:
    """Makes GET requests; path is relative to /ovirt-engine/api, "" for the root."""
    return lambda: Request(method="GET", path=path, query=dict(query), headers={})


def post(path: str, body: str, headers: Mapping[str, str]) -> Callable[[], Request]:
    """Makes POST requests with an XML body."""
    return lambda: Request(method="POST", path=path, query={}, headers=dict(headers), body=body)
