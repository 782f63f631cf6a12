"""A watcher as healthchecks is one: a real HTTP server that keeps what it was told, and misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

UUID = "9f8c2b1e-4a77-4c1c-8d0d-b1d2f8f3a901"


class Watcher(ThreadingHTTPServer):
    """Keeps what it was told; `how` is a status, or "hang", "cut" or "endless"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.told: list[tuple[str, str, str]] = []
        self.how: int | str = 200
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ping/{UUID}"


class _Asked(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.told.append((self.command, self.path, body))
        how = self.server.how
        if how == "hang":
            self.server.ending.wait(20)
        elif how == "endless":
            self.send_response(200)
            self.end_headers()
            while not self.server.ending.is_set():
                try:
                    self.wfile.write(b"x" * 65536)
                except OSError:
                    return
        elif isinstance(how, int):
            self.send_response(how)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    server = Watcher()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.ending.set()
    server.shutdown()
    thread.join()
    server.server_close()
