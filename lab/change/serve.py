"""Starts the change systems: each answers HTTPS on a loopback address of its own, by a certificate of the lab's CA."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from lab import tls
from lab.change.bmc import BASE, Bmc
from lab.change.callbacks import Caller
from lab.change.control import ChangeControl
from lab.change.counter import Api, Counter
from lab.change.desk import BMC, JIRA, KINDS, SERVICENOW, WEBHOOK, Desk
from lab.change.jira import Jira
from lab.change.servicenow import ServiceNow
from lab.change.webhook import Webhook
from lab.san.front import Front

ADDRESS = {SERVICENOW: "127.0.248.1", JIRA: "127.0.248.2", BMC: "127.0.248.3", WEBHOOK: "127.0.248.4"}
APIS: dict[str, Callable[[Desk], Api]] = {SERVICENOW: ServiceNow, JIRA: Jira, BMC: Bmc, WEBHOOK: Webhook}


@dataclass
class ChangeServers:
    """All of them. known: what estate.json tells."""

    desks: dict[str, Desk]
    fronts: list[Front] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    known: list[dict[str, object]] = field(default_factory=list)

    async def close(self) -> None:
        """Ends all servers, whatever a slow answer is still doing."""
        ends = [*(one.close() for one in self.fronts), *(one.close() for one in self.callers)]
        await asyncio.gather(*ends, return_exceptions=True)


async def start(authority: Path, port: int) -> ChangeServers:
    """Opens all four at a port of their addresses. authority: the folder of the lab's CA. Raises OSError."""
    identity = await asyncio.to_thread(tls.identity, authority, list(ADDRESS.values()), tls.SERVER_DAYS, "changes")
    servers = ChangeServers({kind: Desk(kind) for kind in KINDS})
    for kind, desk in servers.desks.items():
        front = Front(ADDRESS[kind], port, identity.context, Counter(desk, APIS[kind](desk)).answer, lambda: True)
        await front.open()
        assert front.listener is not None
        at = front.listener.sockets[0].getsockname()[1]
        desk.url = f"https://{ADDRESS[kind]}:{at}" + (BASE if kind == BMC else "")
        caller = Caller(desk)
        desk.moved.append(caller.moved)
        servers.fronts.append(front)
        servers.callers.append(caller)
        servers.known.append(_known(desk, identity.ca_pem))
    return servers


def _known(desk: Desk, ca_pem: str) -> dict[str, object]:
    return {
        "kind": desk.kind,
        "url": desk.url,
        "username": desk.user,
        "password": desk.password,
        "signing_key": desk.keys[0],
        "ca_pem": ca_pem,
    }


class Alone:
    """The change systems without the rest of the lab, in a thread of their own between start() and stop()."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control = ""
        self.servers: ChangeServers

    def start(self) -> Alone:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="changes", daemon=True)
        self._thread.start()
        if not ready.wait(60):
            raise RuntimeError("the change systems do not come up")
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.servers = await start(self.folder, 0)
        app = web.Application()
        app.add_routes(ChangeControl(self.servers.desks).routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.control = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await self._ended.wait()
        await self.servers.close()
        await runner.cleanup()
