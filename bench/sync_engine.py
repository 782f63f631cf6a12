"""The engine that `bench sync` measures against: the lab's own, behind a front that keeps each body once it was made.

The lab makes XML far more slowly than it is read; without the front every figure would be its own. The bodies, their
compression, TLS and the login are the lab's. `python -m bench.sync_engine HOSTS VMS LUNS` prints address and account as
one line of JSON and serves until it is ended; GET /asked answers with the number of API requests so far."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web

from lab import estate, tls
from lab.engine import server

HOP = ("Content-Type", "Content-Encoding")


class Front:
    """Passes on what it has not seen, answers by itself what it has."""

    def __init__(self, engine: str, client: aiohttp.ClientSession) -> None:
        self.engine, self.client = engine, client
        self.kept: dict[str, tuple[dict[str, str], bytes]] = {}
        self.asked = 0

    async def api(self, request: web.Request) -> web.Response:
        """A GET under /ovirt-engine/api. Events stand still too, so `from` and `max` do not tell them apart."""
        self.asked += 1
        key = request.path if request.path.endswith("/events") else request.path_qs
        if key not in self.kept:
            status, headers, body = await self.passed_on(request)
            if status != 200:
                return web.Response(status=status, headers=headers, body=body)
            self.kept[key] = headers, body
        headers, body = self.kept[key]
        return web.Response(headers=headers, body=body)

    async def other(self, request: web.Request) -> web.Response:
        """Login and the rest: always the lab's answer."""
        status, headers, body = await self.passed_on(request)
        return web.Response(status=status, headers=headers, body=body)

    async def passed_on(self, request: web.Request) -> tuple[int, dict[str, str], bytes]:
        """The lab's answer, as compressed as it came."""
        headers = {name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")}
        async with self.client.request(
            request.method, self.engine + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            kept = {name: answer.headers[name] for name in HOP if name in answer.headers}
            return answer.status, kept, await answer.read()

    async def count(self, request: web.Request) -> web.Response:
        """Requests so far."""
        return web.Response(text=str(self.asked))


async def serve(size: estate.Size, folder: Path) -> None:
    """Serves until cancelled."""
    facts = await server.serve(estate.build(size), 0, folder)
    trust = ssl.create_default_context(cadata=facts["ca_pem"])
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as client:
        origin = facts["url"].removesuffix("/ovirt-engine/api")
        front = Front(origin, client)
        app = web.Application()
        app.router.add_get("/asked", front.count)
        app.router.add_get("/ovirt-engine/api{tail:.*}", front.api)
        app.router.add_route("*", "/{tail:.*}", front.other)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.identity(folder / "engine-pki").context)
        await site.start()
        port = runner.addresses[0][1]
        print(json.dumps(facts | {"url": f"https://127.0.0.1:{port}/ovirt-engine/api"}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    hosts, vms, luns = (int(word) for word in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(serve(estate.Size(hosts, vms, luns), Path(temporary)))
