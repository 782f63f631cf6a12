"""A lab engine on a loop of its own, and raw HTTPS to it, for tests of lab/engine."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from lab import estate
from lab.engine import server
from lab.world import Clock, World

SAMPLES = Path(__file__).resolve().parent / "samples" / "engine-api"
API = "/ovirt-engine/api"
SSO = "/ovirt-engine/sso/oauth/token"


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]
    raw: int = 0

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)


class LabEngine:
    """One running lab engine. world may be changed with do(); everything else goes over HTTPS."""

    def __init__(self, world: World, folder: Path, **options: Any) -> None:
        self.world = world
        self.loop = asyncio.new_event_loop()
        self.folder = folder
        self.server = self._run(server.start(world, 0, folder, **options), start=True)
        self.facts = self.server.facts
        self.context = ssl.create_default_context(cadata=self.facts["ca_pem"])
        self._token = ""

    def _run(self, work: Any, start: bool = False) -> Any:
        if start:
            self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
            self.thread.start()
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def do(self, act: Callable[[], Any]) -> Any:
        """Runs a change of the world where the engine's own rounds run."""

        async def work() -> Any:
            return act()

        return self._run(work())

    def close(self) -> None:
        self._run(self.server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def ask(self, method: str, path: str, body: str = "", timeout: float = 10, **headers: str) -> Reply:
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=timeout, context=self.context)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            raw = answer.read()
        kept = {name.lower(): value for name, value in answer.getheaders()}
        plain = gzip.decompress(raw) if kept.get("content-encoding") == "gzip" else raw
        return Reply(answer.status, plain, kept, len(raw))

    def login(self, who: str = "", **form: str) -> Reply:
        """who: "" the administrator, readonly_ or user_."""
        fields = {"grant_type": "password", "scope": "ovirt-app-api", "username": self.facts[f"{who}username"],
                  "password": self.facts[f"{who}password"], **form}  # fmt: skip
        return self.ask("POST", SSO, urlencode(fields), Accept="application/json",
                        Content_Type="application/x-www-form-urlencoded")  # fmt: skip

    def token(self, who: str = "") -> str:
        return str(json.loads(self.login(who).body)["access_token"])

    def get(self, path: str, token: str = "", **headers: str) -> Reply:
        if not token:
            self._token = token = self._token or self.token()
        return self.ask("GET", API + path, Authorization=f"Bearer {token}", Accept="application/xml", **headers)

    def post(self, path: str, body: str = "<action/>", token: str = "", **headers: str) -> Reply:
        if not token:
            self._token = token = self._token or self.token()
        return self.ask("POST", API + path, body, timeout=30, Authorization=f"Bearer {token}",
                        Accept="application/xml", Content_Type="application/xml", **headers)  # fmt: skip

    def codes(self) -> list[str]:
        """Codes of all events, oldest first."""
        rows = self.get("/events?search=" + "sortby+id+asc").xml.findall("event/code")
        return [row.text or "" for row in rows]

    def status(self, host: str) -> str:
        return str(self.world.hosts[host].engine_status)

    def wait(self, true: Callable[[], Any], seconds: float = 8.0) -> Any:
        """The first true value; fails when it does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = true()
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError("It does not come true.")


@contextlib.contextmanager
def lab_engine(
    folder: Path, speed: float = 1.0, size: estate.Size | None = None, **options: Any
) -> Iterator[LabEngine]:
    running = LabEngine(estate.build(size, Clock(speed=speed), quick=True), folder, **options)
    try:
        yield running
    finally:
        running.close()


def shape(node: ElementTree.Element, prefix: str = "") -> set[str]:
    """Every element path and attribute of a document."""
    here = f"{prefix}/{node.tag}"
    made = {here, *(f"{here}@{name}" for name in node.attrib)}
    for child in node:
        made |= shape(child, here)
    return made


def sample(name: str) -> ElementTree.Element:
    return ElementTree.parse(SAMPLES / name).getroot()
