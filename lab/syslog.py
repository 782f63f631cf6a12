"""A syslog server that keeps what it gets: TCP and TLS with octet counting (RFC 6587, 5425), UDP (RFC 5426). Faults:
reset (the connection is reset when something was read), deaf (it is kept open and nothing is read), slow."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAULTS = ("", "reset", "deaf", "slow")
SLOW = 1.0  # seconds before anything is read
_FRAME = re.compile(rb"([1-9][0-9]{0,6}) ")
_LINE = re.compile(
    rb"<(?P<pri>[0-9]{1,3})>1 (?P<at>\S+) (?P<host>\S+) (?P<app>\S+) (?P<process>\S+) (?P<kind>\S+) "
    rb"(?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?P<text>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Line:
    """One message, taken apart as RFC 5424 has it. text without the mark of UTF-8."""

    priority: int
    at: str
    host: str
    app: str
    kind: str
    data: str
    text: str


class Malformed(ValueError):
    """What came is no message of RFC 5424."""


def read(raw: bytes) -> Line:
    """Takes one message apart. Raises Malformed."""
    found = _LINE.fullmatch(raw)
    if found is None or int(found["pri"]) > 191:
        raise Malformed(raw[:200].decode("utf-8", "replace"))
    text = found["text"].removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    at, host, app, kind, data = (found[name].decode("ascii") for name in ("at", "host", "app", "kind", "data"))
    return Line(int(found["pri"]), at, host, app, kind, data, text)


def frames(raw: bytes) -> list[bytes]:
    """What stands between the counts of octets. Raises Malformed for a count that does not fit."""
    found = []
    while raw:
        count = _FRAME.match(raw)
        if count is None or len(raw) < count.end() + int(count[1]):
            raise Malformed(raw[:80].decode("utf-8", "replace"))
        end = count.end() + int(count[1])
        found.append(raw[count.end() : end])
        raw = raw[end:]
    return found


@dataclass
class Collector:
    """Runs in threads of its own between start() and stop()."""

    transport: str = "tcp"
    tls: ssl.SSLContext | None = None
    fault: str = ""
    port: int = 0
    lines: list[Line] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    told: Callable[[Line], object] = lambda line: None

    def start(self) -> Collector:
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        run = self._datagrams if kind == socket.SOCK_DGRAM else self._accept
        self._thread = threading.Thread(target=run, name="syslog", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    @property
    def address(self) -> str:
        return f"{'localhost' if self.tls is not None else '127.0.0.1'}:{self.port}"

    def _datagrams(self) -> None:
        while not self._over.is_set():
            try:
                self._keep([self._socket.recv(65_536)])
            except TimeoutError:
                continue

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                link, _ = self._socket.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=(link,), name="syslog-link", daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        link.settimeout(30)
        try:
            talk = self.tls.wrap_socket(link, server_side=True) if self.tls is not None else link
            self._read(talk)
        except (OSError, Malformed) as error:
            self.malformed.append(str(error))
        finally:
            link.close()

    def _read(self, talk: socket.socket) -> None:
        if self.fault == "deaf":
            self._over.wait(30)
            return
        if self.fault == "slow":
            time.sleep(SLOW)
        if self.fault == "reset":
            talk.recv(1)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            talk.close()
            return
        raw = b""
        while piece := talk.recv(65_536):
            raw += piece
        self._keep(frames(raw))
        if isinstance(talk, ssl.SSLSocket):
            talk.close()

    def _keep(self, messages: list[bytes]) -> None:
        for one in messages:
            line = read(one)
            self.lines.append(line)
            self.told(line)


def main(port: int, transport: str, fault: str) -> int:
    """Prints what comes, until Ctrl-C."""
    collector = Collector(transport, port=port, fault=fault, told=lambda line: print(line, flush=True)).start()
    print(f"syslog: {collector.address} over {transport}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        collector.stop()
    return 0
