"""The lab engine's HTTPS front: phases of its life, routes, authentication (facts/engine-api.md 1, 9)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from lab import life, tls
from lab.engine import perform, reads, sso, watch, wire
from lab.engine.ask import Ask
from lab.engine.state import Account, Engine, Session
from lab.world import World, uid

PREFIX = "/ovirt-engine/api"
LISTEN_CHECK = 0.05  # real seconds between looks at the engine's phase
TICK = 0.1  # real seconds between the engine's own rounds
ADMIN = "admin@ovirt@internalsso"


@dataclass
class Server:
    """A running lab engine. facts: url, username, password, ca_pem and the two lesser accounts."""

    engine: Engine
    identity: tls.Identity
    facts: dict[str, str]
    port: int
    runner: web.AppRunner
    listener: asyncio.Server | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def close(self) -> None:
        """Stops listening and ends the background work."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.hang_up()
        await self.runner.cleanup()

    async def listen(self) -> None:
        """Opens the port (again)."""
        loop = asyncio.get_running_loop()
        assert self.runner.server is not None
        self.listener = await loop.create_server(
            self.runner.server, "127.0.0.1", self.port, ssl=self.identity.context, reuse_address=True
        )
        self.port = self.listener.sockets[0].getsockname()[1]

    def hang_up(self) -> None:
        """Closes the port and resets every connection."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for connection in list(self.runner.server.connections) if self.runner.server else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def follow_phase(self) -> None:
        """Keeps the port open exactly while something would answer there."""
        while True:
            silent = life.engine_phase(self.engine.world) in ("off", "refused")
            if silent and self.listener is not None:
                self.hang_up()
            elif not silent and self.listener is None:
                with contextlib.suppress(OSError):
                    await self.listen()
            await asyncio.sleep(LISTEN_CHECK)


def _accounts(username: str) -> dict[str, Account]:
    """The administrator, a read-only administrator and a plain user, with passwords of this start."""
    profile = username.rpartition("@")[2]
    middle = "@ovirt" if username.count("@") > 1 else ""
    names = {
        "SuperUser": username,
        "ReadOnlyAdmin": f"portal-ro{middle}@{profile}",
        "UserRole": f"dba{middle}@{profile}",
    }
    return {name: Account(name, secrets.token_urlsafe(18), role, uid("user", name)) for role, name in names.items()}


def _renew(engine: Engine) -> None:
    """What must hold before any request is looked at: a restarted engine knows no token."""
    watch.renew(engine)
    expire = engine.fault("expire")
    if expire != engine.expire_seen:
        engine.expire_seen = expire
        engine.tokens.clear()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _gate(engine: Engine) -> Middleware:
    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        while engine.fault("hang") or (engine.fault("sso_hang") and "/sso" in request.path):
            await asyncio.sleep(0.05)
        phase = life.engine_phase(engine.world)
        if phase in ("off", "refused"):
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError
        if phase == "503":
            return wire.unavailable()
        _renew(engine)
        response = await handler(request)
        response.headers["Server"] = "Apache"
        return response

    return gate


def _health(engine: Engine) -> Handler:
    async def health(request: web.Request) -> web.StreamResponse:
        if engine.fault("db_down"):
            return wire.html(500, "DB Down!")
        return wire.html(200, "DB Up!Welcome to Health Status!")

    return health


def _pki(identity: tls.Identity) -> Handler:
    authority = {"ca-certificate": identity.ca_pem, "qemu-ca-certificate": identity.ca_pem}
    resources = {**authority, "engine-certificate": identity.certificate_pem}

    async def pki(request: web.Request) -> web.StreamResponse:
        name, form = request.query.get("resource", ""), request.query.get("format", "X509-PEM")
        kinds = {"X509-PEM": "application/x-x509-cert", "X509-PEM-CA": "application/x-x509-ca-cert"}
        if name == "engine-certificate" and form == "OPENSSH-PUBKEY":
            return web.Response(text=identity.ssh_public_key + " ovirt-engine\n")
        if name not in resources or form not in kinds:
            return wire.html(400, "<html><head><title>Error</title></head><body>Bad Request</body></html>")
        return web.Response(body=tls.wide_pem(resources[name]).encode(), content_type=kinds[form])

    return pki


class Api:
    """The API behind /ovirt-engine/api."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = wire.Writer()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request below the API's address."""
        if self._engine.fault("db_down"):
            return wire.html(500, wire.BROKEN)
        session = sso.authenticate(self._engine, request)
        if session is None:
            return wire.unauthorized()
        correlation = perform.correlation(request)
        try:
            response = await self._dispatch(request, session, correlation)
        except wire.Refusal as refusal:
            response = self._refused(request, refusal)
        if correlation:
            response.headers["Correlation-Id"] = correlation
        return response

    def _refused(self, request: web.Request, refusal: wire.Refusal) -> web.Response:
        if refusal.kind == "text/html":
            return wire.html(refusal.status, refusal.body)
        text, kind = refusal.body, refusal.kind
        if text and kind == "application/xml" and "application/json" in request.headers.get("Accept", ""):
            text, kind = wire.as_json(text), "application/json"
        return self._writer.body(request, text, kind, refusal.status)

    async def _dispatch(self, request: web.Request, session: Session, correlation: str) -> web.Response:
        if not request.headers.get("Version", "4").startswith("4"):
            raise wire.faulty(400, "Unsupported API version.", "Operation failed")
        path = tuple(word for word in re.sub(r"^/v4(?=/|$)", "", request.path[len(PREFIX) :]).split("/") if word)
        broken = self._engine.fault("html_500")
        if isinstance(broken, set | frozenset | list | tuple) and (path[0] if path else "api") in broken:
            raise wire.broken()
        if request.method == "POST":
            status, text = await perform.perform(self._engine, session, path, request, correlation)
            return self._writer.document(request, text, status)
        if request.method != "GET":
            raise wire.Refusal(405)
        return self._writer.document(request, await self._read(request, session.account, path))

    async def _read(self, request: web.Request, account: Account, path: tuple[str, ...]) -> str:
        reader = reads.find(path)
        if reader is None:
            raise wire.not_found()
        if len(path) > 1 and path[0] != "events" and not perform.UUID.fullmatch(path[1]):
            raise wire.faulty(400, f"Invalid UUID string: {path[1]}", "Operation failed")
        asked = request.query.get("filter") or request.headers.get("Filter", "")
        filtered = asked == "true" or (not account.admin and asked != "false")
        if not account.admin and not filtered:
            raise wire.faulty(400, "Query execution failed due to insufficient permissions.", "Operation Failed")
        everything = "true" in (request.query.get("all_content"), request.headers.get("All-Content", "").lower())
        ask = Ask(self._engine, account, filtered, everything, request.query, path)
        made = reader(ask)
        return made if isinstance(made, str) else await made


def _application(engine: Engine, identity: tls.Identity) -> web.Application:
    app = web.Application(middlewares=[_gate(engine)], client_max_size=1 << 20)
    api = Api(engine)

    async def token(request: web.Request) -> web.StreamResponse:
        return await sso.token(engine, request)

    async def revoke(request: web.Request) -> web.StreamResponse:
        return await sso.revoke(engine, request)

    async def status(request: web.Request) -> web.StreamResponse:
        return sso.status(engine)

    for path in ("token", "token-http-auth"):
        app.router.add_route("*", f"/ovirt-engine/sso/oauth/{path}", token)
    app.router.add_get("/ovirt-engine/sso/status", status)
    app.router.add_route("*", "/ovirt-engine/services/sso-logout", revoke)
    app.router.add_get("/ovirt-engine/services/health", _health(engine))
    app.router.add_get("/ovirt-engine/services/pki-resource", _pki(identity))
    app.router.add_route("*", PREFIX + "{tail:(/.*)?}", api.answer)
    return app


async def start(
    world: World,
    port: int,
    state_dir: Path,
    *,
    username: str = ADMIN,
    jwt: bool = False,
    version: str = "4.5.5-1.73.el8",
) -> Server:
    """A lab engine on 127.0.0.1:port (0: any), its CA kept in state_dir. jwt: tokens of a Keycloak's size.

    version from 4.5.7 on has engine_backup in the API's root."""
    engine = Engine(world, _accounts(username), version=version, jwt=jwt)
    identity = await asyncio.to_thread(tls.identity, Path(state_dir) / "engine-pki")
    runner = web.AppRunner(_application(engine, identity), access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    server = Server(engine, identity, {}, port, runner)
    await server.listen()
    server.facts = {"url": f"https://127.0.0.1:{server.port}{PREFIX}", "ca_pem": identity.ca_pem}
    for prefix, account in zip(("", "readonly_", "user_"), engine.accounts.values(), strict=True):
        server.facts |= {f"{prefix}username": account.username, f"{prefix}password": account.password}
    watch.first_look(engine)
    server.tasks = [asyncio.create_task(server.follow_phase()), asyncio.create_task(watch.rounds(engine, TICK))]
    return server


_running: list[Server] = []


async def serve(world: World, port: int, state_dir: Path) -> dict[str, str]:
    """Starts a lab engine that lives as long as the event loop. Returns url, username, password, ca_pem and
    readonly_username, readonly_password, user_username, user_password."""
    server = await start(world, port, state_dir)
    _running.append(server)
    return server.facts
