"""The control port's part for change systems: what people do there, faults, ledger.

GET    /change                              every system: address, changes, faults, callbacks
GET    /change/ledger?system=&since=        what callers did
POST   /change/<system>/changes             {"short", "kind", "state", "begins", "ends"} -> the change
POST   /change/<system>/<number>/<act>      approve reject cancel hold release move conflict step close
POST   /change/<system>/faults              {"name", ...}; DELETE with ?name= ends one or all
PUT    /change/<system>/callback            {"url", "keys": "one,two"}: where it calls, and the signing keys
POST   /change/<system>/expire-tokens       every token has ended"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from lab.change import faults, page
from lab.change.desk import ACTS, NEW, STATES, Change, Desk, NotSo, move_window


class ChangeControl:
    """The requests of the control port that begin with /change."""

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        self._desks = desks

    def routes(self) -> list[web.RouteDef]:
        """Path to function."""
        return [
            web.get("/change", self._all),
            web.get("/change/page", self._page),
            web.get("/change/ledger", self._ledger),
            web.post("/change/{system}/changes", self._open),
            web.post("/change/{system}/faults", self._inject),
            web.delete("/change/{system}/faults", self._clear),
            web.post("/change/{system}/clear", self._clear),
            web.put("/change/{system}/callback", self._callback),
            web.post("/change/{system}/expire-tokens", self._expire),
            web.post("/change/{system}/{number}/{act}", self._act),
        ]

    async def _all(self, request: web.Request) -> web.Response:
        return web.json_response({kind: _told(desk) for kind, desk in self._desks.items()})

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=page.render(self._desks), content_type="text/html")

    async def _ledger(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        rows = [
            {"system": kind, **row}
            for kind, desk in self._desks.items()
            if request.query.get("system", kind) == kind
            for row in desk.ledger
            if isinstance(row["n"], int) and row["n"] > int(since if since.isdigit() else 0)
        ]
        return web.json_response(rows)

    async def _open(self, request: web.Request) -> web.Response:
        desk, words = self._desk(request), await _words(request)
        state = words.get("state") or NEW
        if state not in STATES:
            raise web.HTTPBadRequest(text=f"state is one of {', '.join(STATES)}.\n")
        change = desk.open(words.get("short") or "Made by hand", kind=words.get("kind") or "normal", state=state)
        change.ci = [words["ci"]] if words.get("ci") else []
        if words.get("begins") or words.get("ends"):
            _done(move_window, desk, change, words)
        return _answer(request, change.told())

    async def _act(self, request: web.Request) -> web.Response:
        desk, words = self._desk(request), await _words(request)
        change = desk.find(request.match_info["number"])
        act = ACTS.get(request.match_info["act"])
        if change is None or act is None:
            raise web.HTTPNotFound(text=f"There is no such change, or the act is none of {', '.join(ACTS)}.\n")
        _done(act, desk, change, words)
        return _answer(request, change.told())

    async def _inject(self, request: web.Request) -> web.Response:
        words = await _words(request)
        try:
            given = faults.inject(self._desk(request), words.pop("name", ""), words)
        except NotSo as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        return _answer(request, dict(given))

    async def _clear(self, request: web.Request) -> web.Response:
        words = {**request.query, **await _words(request)}
        return _answer(request, {"cleared": faults.clear(self._desk(request), words.get("name", ""))})

    async def _callback(self, request: web.Request) -> web.Response:
        desk, words = self._desk(request), await _words(request)
        desk.callback = words.get("url", desk.callback)
        if words.get("keys"):
            desk.keys[:] = [one for one in words["keys"].split(",") if one]
        return _answer(request, {"url": desk.callback})

    async def _expire(self, request: web.Request) -> web.Response:
        desk = self._desk(request)
        gone = len(desk.tokens)
        desk.tokens.clear()
        return _answer(request, {"ended": gone})

    def _desk(self, request: web.Request) -> Desk:
        desk = self._desks.get(request.match_info["system"])
        if desk is None:
            raise web.HTTPNotFound(text=f"The change systems are {', '.join(self._desks)}.\n")
        return desk


def _done(act: object, desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    assert callable(act)
    try:
        act(desk, change, words)
    except NotSo as error:
        raise web.HTTPConflict(text=f"{error}\n") from None


async def _words(request: web.Request) -> dict[str, str]:
    """A JSON object or a form as words; what is empty is left out."""
    if not request.can_read_body:
        return {}
    if "json" in request.content_type:
        given = await request.json()
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(text="A JSON object is needed.")
        return {str(key): str(value) for key, value in given.items() if value is not None}
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str) and value}


def _answer(request: web.Request, answer: dict[str, object]) -> web.Response:
    """Back to the page for a form, JSON for a program."""
    if "form" in request.content_type:
        return web.Response(status=303, headers={"Location": "/change/page"})
    return web.json_response(answer)


def _told(desk: Desk) -> dict[str, object]:
    return {
        "url": desk.url,
        "callback": desk.callback,
        "changes": [one.told() for one in desk.changes.values()],
        "faults": desk.faults,
        "calls": desk.calls,
    }
