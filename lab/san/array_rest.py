"""An array's REST server, one for the addresses of both controllers (facts/san.md 2.1, 2.2).

Sessions end after 20 idle minutes of lab time. Nearly everything is HTTP 200; the truth is in error.code. An account of
role Monitor writes nothing.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from lab import ledger, life
from lab.san import array_query, refusals
from lab.san.array_query import Refused
from lab.san.design import Array
from lab.san.state import Account, Device, Session
from lab.world import World

BASE, API = "/deviceManager/rest/", "/api/v2/"
IDLE = 1200.0
NO_RIGHT = 1_077_949_004  # the vendor's code for a missing right is not known
MONITOR = "4"


class ArrayRest:
    """The requests to one array."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    @property
    def _array(self) -> Array:
        assert self._world.san is not None
        return self._world.san.design.arrays[self._name]

    @property
    def _device(self) -> Device:
        assert self._world.san is not None
        return self._world.san.device(self._name)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request; everything is written into the ledger."""
        life.tick(self._world)
        entry = ledger.enter(self._world, self._name, [request.method, request.path_qs], "rest")
        response = await self._answer(request)
        ledger.close(self._world, entry, response.status)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        try:
            return await self._reply(request)
        except Refused as refused:
            dead = refused.code == refusals.UNAUTHORIZED
            status = 401 if dead and refusals.in_force(self._world, "array-sessions-401", self._name) else 200
            return _send({}, refused.code, refused.description, status)
        except KeyError:
            return web.Response(status=404, text="404_NotFound", content_type="text/html")

    async def _reply(self, request: web.BaseRequest) -> web.Response:
        device, _, path = request.path.removeprefix(BASE).partition("/")
        if not request.path.startswith(BASE):
            raise KeyError(request.path)
        if path == "sessions" and request.method == "POST":
            return self._login(await _body(request))
        session = self._session(request, device)
        if path == "sessions" and request.method == "DELETE":
            del self._device.sessions[session.token]
            return _send({})
        assert self._world.san is not None
        live, array = self._world.san.live(self._world), self._array
        if request.method == "POST" and path == "performance_data":
            return _send(array_query.performance(live, array, await _body(request)))
        if request.method != "GET":
            raise Refused(NO_RIGHT, "The user does not have the permission to perform this operation.")
        return _send(array_query.answer(live, array, path, dict(request.query)))

    # --- sessions

    def _login(self, given: Any) -> web.Response:
        refusal = refusals.login(self._world, self._name, refusals.MESSAGES[refusals.WRONG_PASSWORD])
        if refusal is not None:
            raise Refused(refusal.code, refusal.message)
        account = self._proved(given if isinstance(given, dict) else {})
        now = self._world.at
        session = Session(secrets.token_hex(24).upper(), account.username, now, now, secrets.token_hex(16))
        self._device.sessions[session.token] = session
        response = _send(self._facts(account, session))
        response.headers["Set-Cookie"] = f"session=ismsession={session.cookie}; Path=/; Secure; HttpOnly"
        return response

    def _proved(self, given: dict[str, Any]) -> Account:
        account = self._device.accounts.get(str(given.get("username", "")))
        if account is None:
            raise Refused(refusals.WRONG_PASSWORD, refusals.MESSAGES[refusals.WRONG_PASSWORD])
        if account.failures >= refusals.LOCK_AFTER:
            raise Refused(refusals.LOCKED, refusals.MESSAGES[refusals.LOCKED])
        if not secrets.compare_digest(account.password.encode(), str(given.get("password", "")).encode()):
            account.failures += 1
            raise Refused(refusals.WRONG_PASSWORD, refusals.MESSAGES[refusals.WRONG_PASSWORD])
        account.failures = 0
        return account

    def _facts(self, account: Account, session: Session) -> dict[str, Any]:
        now = int(self._world.clock.wall_at(self._world.at))
        return {
            "accountstate": 1,
            "deviceid": self._array.serial,
            "iBaseToken": session.token,
            "lastloginip": "192.0.2.50",
            "lastlogintime": now,
            "level": 1,
            "pwdchangetime": now - 800_000,
            "roleId": MONITOR,
            "usergroup": "",
            "userid": account.username,
            "username": account.username,
            "userscope": "0",
        }

    def _session(self, request: web.BaseRequest, device: str) -> Session:
        """Raises Refused -401 for a token that is unknown, idle too long, without its cookie or another array's."""
        now = self._world.at
        self._expire(now)
        session = self._device.sessions.get(request.headers.get("iBaseToken", ""))
        cookie = "" if session is None else session.cookie
        right = session is not None and cookie in request.headers.get("Cookie", "") and device == self._array.serial
        if session is None or not right:
            raise Refused(refusals.UNAUTHORIZED, "The user is not authorized.")
        session.used = now
        return session

    def _expire(self, now: float) -> None:
        sessions = self._device.sessions
        for token in [token for token, one in sessions.items() if now - one.used > IDLE]:
            del sessions[token]


async def _body(request: web.BaseRequest) -> Any:
    try:
        return json.loads(await request.text())
    except ValueError:
        raise Refused(array_query.BAD_PARAMETER) from None


def _send(data: Any, code: int = 0, description: str = "0", status: int = 200) -> web.Response:
    """An empty collection has no `data` at all."""
    error: dict[str, Any] = {"code": code, "description": description}
    if code:
        error["suggestion"] = ""
    body = {"error": error} if data is None else {"data": data, "error": error}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")
