"""The lab's control server: its page, its state, its faults, its ledger. Loopback only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from lab import faults, ledger, life, page, runtime, truth
from lab.backup import settle, tell
from lab.change.control import ChangeControl
from lab.change.desk import Desk
from lab.runtime import Lab
from lab.san import truth as san_truth
from lab.sshd import HostServers, write_known
from lab.world import Host

CSS = Path(__file__).with_name("page.css")


class Control:
    """The requests of the control port."""

    def __init__(self, lab: Lab, ssh: HostServers) -> None:
        self._lab, self._ssh = lab, ssh

    def routes(self) -> list[web.RouteDef]:
        """Path to function."""
        return [
            web.get("/", self._page),
            web.get("/now", self._now),
            web.get("/page.css", self._css),
            web.get("/state", self._state),
            web.get("/truth", self._truth),
            web.get("/san/truth", self._san_truth),
            web.get("/ledger", self._ledger),
            web.get("/faults", self._list),
            web.post("/faults", self._inject),
            web.delete("/faults", self._clear),
            web.post("/faults/clear", self._clear_form),
            web.put("/authorized-keys", self._keys),
            web.get("/engine-vm", self._vm),
            web.get("/engine-vm/files", self._vm_files),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=page.render(self._lab.world), content_type="text/html")

    async def _now(self, request: web.Request) -> web.Response:
        return web.Response(text=page.render_now(self._lab.world), content_type="text/html")

    async def _css(self, request: web.Request) -> web.Response:
        return web.Response(text=CSS.read_text("utf-8"), content_type="text/css")

    async def _state(self, request: web.Request) -> web.Response:
        world = self._lab.world
        return web.json_response({"sentences": truth.sentences(world), "faults": truth.faults(world)})

    async def _truth(self, request: web.Request) -> web.Response:
        return web.json_response(truth.truth(self._lab.world))

    async def _san_truth(self, request: web.Request) -> web.Response:
        return web.json_response(san_truth.truth(self._lab.world, request.query.get("host", "")))

    async def _ledger(self, request: web.Request) -> web.Response:
        try:
            number = int(request.query.get("since", "0"))
        except ValueError:
            raise web.HTTPBadRequest(text="since is a number of the ledger.") from None
        rows = ledger.since(self._lab.world, number)
        if "host" in request.query:
            rows = [row for row in rows if row["host"] == request.query["host"]]
        return web.json_response(rows)

    async def _vm(self, request: web.Request) -> web.Response:
        return web.json_response(tell.vm(self._lab))

    async def _vm_files(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(tell.files(self._lab, request.query.get("under", "/")))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(truth.faults(self._lab.world))

    async def _inject(self, request: web.Request) -> web.Response:
        words = await _words(request)
        name, target = words.pop("name", ""), words.pop("target", "")
        try:
            spec = faults.inject(self._lab.world, name, target, words)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        self._wire(spec.wire, target)
        await settle.settle(self._lab)
        return _done(request, {"name": name, "target": target, "at": self._lab.world.at})

    async def _clear(self, request: web.Request) -> web.Response:
        words = {**request.query, **(await _words(request))}
        return _done(request, {"cleared": await self._undo(words)})

    async def _clear_form(self, request: web.Request) -> web.Response:
        return _done(request, {"cleared": await self._undo(await _words(request))})

    async def _undo(self, words: Mapping[str, str]) -> list[str]:
        gone = faults.clear(self._lab.world, words.get("name", ""), words.get("target", ""))
        for fault, spec in gone:
            self._wire(spec.wire_clear, fault.target)
        await settle.settle(self._lab)
        return [f"{fault.name} {fault.target}".strip() for fault, _ in gone]

    async def _keys(self, request: web.Request) -> web.Response:
        """Adds OpenSSH public keys; they are kept in the state folder for the next start."""
        text = await request.text()
        try:
            count = self._ssh.allow(text)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        path = self._lab.state_dir / "authorized_keys"
        known = path.read_text("utf-8") if path.exists() else ""
        fresh = [line for line in text.splitlines() if line.strip() and line not in known]
        write_known(path, known + "".join(line + "\n" for line in fresh))
        return web.json_response({"keys": count})

    def _wire(self, act: str, target: str) -> None:
        """What a fault does to the open connections of its host."""
        host = self._lab.world.machines.get(target)
        if host is not None and act:
            _WIRE[act](self._ssh, host)


def _kill_silence(ssh: HostServers, host: Host) -> None:
    ssh.silence(host)
    runtime.kill_processes(host.name)


_WIRE: dict[str, Callable[[HostServers, Host], None]] = {
    "silence": HostServers.silence,
    "reset": HostServers.reset,
    "rekey": HostServers.change_host_key,
    "kill-silence": _kill_silence,
}


async def _words(request: web.Request) -> dict[str, str]:
    """A JSON object or a form as words; empty form fields are left out."""
    if not request.can_read_body:
        return {}
    if "json" in request.content_type:
        given = await request.json()
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(text="A JSON object is needed.")
        return {str(key): str(value) for key, value in given.items() if value is not None}
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str) and value}


def _done(request: web.Request, answer: dict[str, object]) -> web.Response:
    """Back to the page for a form, JSON for a program."""
    if "form" in request.content_type:
        return web.Response(status=303, headers={"Location": "/"})
    return web.json_response(answer)


async def serve(lab: Lab, ssh: HostServers, port: int, desks: Mapping[str, Desk]) -> Callable[[], Awaitable[None]]:
    """Listens on 127.0.0.1; returns what ends it. Raises OSError with the port in its text."""
    app = web.Application(client_max_size=1 << 20, middlewares=[_lively(lab)])
    app.add_routes([*Control(lab, ssh).routes(), *ChangeControl(desks).routes()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        await runner.cleanup()
        raise OSError(
            f"port {port} on 127.0.0.1 cannot be used ({error.strerror}); choose another with --port"
        ) from error
    return runner.cleanup


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _lively(lab: Lab) -> Middleware:
    @web.middleware
    async def lively(request: web.Request, handler: Handler) -> web.StreamResponse:
        life.tick(lab.world)
        # only this machine's own pages may act; a foreign page's form carries a foreign origin
        origin = request.headers.get("Origin", "")
        if request.method != "GET" and origin and origin.split("//")[-1] != request.host:
            raise web.HTTPForbidden(
                text="Faults are taken from the lab's own page and from programs on this machine.\n"
            )
        return await handler(request)

    return lively
