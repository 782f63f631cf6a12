"""The lab's SAN for tests: the estate of the samples, one over the wire, and what its devices answer."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import life
from lab.san import array_query, fos_answers, fos_cli, serve, settle, truth
from lab.san.live import Live
from lab.world import Lun, World
from tests.fixtures_lab import free_ports, quiet_estate
from tests.samples_dir import TOP

SAMPLES = TOP / "san"
NAA, TAIL = "363400a31000d0001", "0a1b2c3d{:08x}"


def sample_world(isl: bool = False) -> World:
    """The estate of facts/san.md 5: two hosts, four LUNs, and the addresses of the samples."""
    world = quiet_estate()
    for host, name in zip(list(world.hosts.values()), ("olvm-h1", "olvm-h2"), strict=True):
        del world.hosts[host.name]
        host.name = name
        world.hosts[name] = host
    names = ("he_sd", "ora_data01", "ora_redo01", "ora_fra01")
    luns = [Lun(NAA + TAIL.format(n), name, 2 << 40, n, "DORADO-PROD", "") for n, name in enumerate(names, 1)]
    world.luns = {lun.wwid: lun for lun in luns}
    settle.attach(world, isl)
    for name, address in (("SWA1", "192.0.2.11"), ("SWB1", "192.0.2.12"), ("SWA2", "192.0.2.12")):
        if name in world.san.design.switches:
            world.san.design.switches[name].address = address
    return world


def live(world: World) -> Live:
    return world.san.live(world)


def rest(world: World, switch: str, path: str) -> dict[str, Any]:
    """The body of a GET below /rest/running. Raises fos_answers.Trouble."""
    return {"Response": fos_answers.running(live(world), world.san.design.switches[switch], path)}


def cli(world: World, switch: str, line: str) -> str:
    return fos_cli.run(live(world), world.san.design.switches[switch], line)[0]


def ask(world: World, array: str, path: str, **query: str) -> Any:
    """The data of a GET at an array. Raises array_query.Refused."""
    return array_query.answer(live(world), world.san.design.arrays[f"DORADO-{array}"], path, query)


def spof(world: World, host: str, lun: str) -> tuple[list[str], int, int]:
    """Single points of failure, paths, and what the worst single loss leaves, by the lab's truth."""
    life.tick(world)
    row = next(row for row in truth.truth(world)["luns"] if (row["host"], row["lun"]) == (host, lun))
    return row["spof"], len(row["paths"]), row["residual"]


class SanInProcess:
    """The servers of a world whose time the test moves, in a thread with a loop of its own."""

    def __init__(self, folder: Path, keys: set[bytes] | None = None, **size: Any) -> None:
        self.world = quiet_estate(**size)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        https, ssh = free_ports(2)
        self._servers = self.do(serve.start(self.world, folder, https, ssh, lambda: keys or set()))
        self.estate = {"switches": self._servers.switches, "arrays": self._servers.arrays}

    def do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def follow(self) -> None:
        """Ports open and close with the devices; waits for it."""

        async def once() -> None:
            self._servers.follow()
            for one in (*self._servers.fronts, *self._servers.shells):
                if one.opening is not None:
                    await one.opening

        self.do(once())

    def close(self) -> None:
        self.do(self._servers.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Wire:
    """Plain HTTPS to one device, its certificate pinned."""

    def __init__(self, estate: Mapping[str, Any], kind: str, name: str, address: int = 0) -> None:
        self.told = next(one for one in estate[kind] if one["name"] == name)
        self.address = self.told.get("address") or self.told["addresses"][address]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.load_verify_locations(cadata=self.told["certificate_pem"])
        self.headers: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        link = http.client.HTTPSConnection(self.address, self.told["https_port"], timeout=10, context=self.context)
        try:
            raw = None if body is None else json.dumps(body)
            link.request(method, path, raw, {**self.headers, **headers})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.told['username']}:{self.told['password']}".encode()).decode()
