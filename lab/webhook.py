"""Somebody who listens to webhooks and keeps what comes, with faults: refuse (400), down (503), busy (429 with
Retry-After), slow, reset (the connection is reset after the message was read), deaf (accepts and says nothing), moved
(a redirect), teams (200 with the words by which an Office 365 connector says that it failed). TLS when given."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("", "refuse", "down", "busy", "slow", "reset", "deaf", "moved", "teams")
SLOW = 1.0  # seconds before the answer
STATUSES = {"refuse": 400, "down": 503, "busy": 429, "moved": 302}
TEAMS = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Heard:
    """One message. Names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Listener:
    """Runs in threads of its own between start() and stop(). answer: the body of a good answer; refusal:
    that of any other."""

    tls: ssl.SSLContext | None = None
    fault: str = ""
    answer: str = "ok"
    refusal: str = "not now"
    retry_after: str = "7"
    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    asked: int = 0  # also what was refused
    told: Callable[[Heard], object] = lambda heard: None

    def start(self) -> Listener:
        listener = self

        class Talk(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.take(self)

            def log_message(self, *args: Any) -> None:
                """Nothing: tests read what was heard."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Talk)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="webhook", daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{'127.0.0.1' if self.tls is None else 'localhost'}:{self.port}/hook/secret-word"

    def take(self, talk: BaseHTTPRequestHandler) -> None:
        """One request."""
        length = min(int(talk.headers.get("Content-Length", "0")), LARGEST)
        headers = {name.lower(): value for name, value in talk.headers.items()}
        one = Heard(talk.path, headers, talk.rfile.read(length))
        self.asked += 1
        if self.fault == "deaf":
            talk.connection.settimeout(60)
            with_nobody(talk)
            return
        if self.fault == "reset":
            self.heard.append(one)
            linger = struct.pack("ii", 1, 0)
            talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            talk.close_connection = True
            talk.connection.close()
            return
        if self.fault == "slow":
            time.sleep(SLOW)
        status = STATUSES.get(self.fault, 200)
        if status == 200:
            self.heard.append(one)
            self.told(one)
        self._say(talk, status)

    def _say(self, talk: BaseHTTPRequestHandler, status: int) -> None:
        body = (TEAMS if self.fault == "teams" else self.answer if status == 200 else self.refusal).encode()
        talk.send_response(status)
        if self.fault == "busy":
            talk.send_header("Retry-After", self.retry_after)
        if self.fault == "moved":
            talk.send_header("Location", self.url)
        talk.send_header("Content-Type", "text/plain")
        talk.send_header("Content-Length", str(len(body)))
        talk.end_headers()
        talk.wfile.write(body)


def with_nobody(talk: BaseHTTPRequestHandler) -> None:
    """Says nothing until the caller goes."""
    with contextlib.suppress(OSError):
        talk.rfile.read(1)
    talk.close_connection = True


def main(port: int, fault: str) -> int:
    """Prints what comes, until Ctrl-C."""
    listener = Listener(port=port, fault=fault, told=lambda one: print(one.body.decode("utf-8", "replace"), flush=True))
    print(f"webhook: {listener.start().url}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        listener.stop()
    return 0
