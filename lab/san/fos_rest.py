"""A switch's REST server: login and logout, the cap of three sessions, reads; a user of role `user` writes nothing.

HTTPS keep-alive is off, as Fabric OS has it (facts/san.md 1.1): every request is a connection of its own.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any

from aiohttp import web

from lab import ledger, life
from lab.san import fos_answers, refusals
from lab.san.design import Switch
from lab.san.fos_answers import JSON, XML, Trouble
from lab.san.fos_version import VERSIONS
from lab.san.state import Device, Session
from lab.world import World

IDLE = 7200.0  # lab seconds until the switch forgets a session that nobody ended
BAD_LOGIN = "Authentication failed: Invalid username or password"
OLD_APACHE = '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n</body></html>\n'  # noqa: E501
DAYS_TO_EXPIRY = 71
READS = ("GET", "HEAD", "OPTIONS")


class SwitchRest:
    """The requests to one switch."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    @property
    def _switch(self) -> Switch:
        assert self._world.san is not None
        return self._world.san.design.switches[self._name]

    @property
    def _device(self) -> Device:
        assert self._world.san is not None
        return self._world.san.device(self._name)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request; everything is written into the ledger."""
        life.tick(self._world)
        entry = ledger.enter(self._world, self._name, [request.method, request.path_qs], "rest")
        response = self._answer(request)
        ledger.close(self._world, entry, response.status)
        response.headers["Server"] = "Apache"
        response.force_close()
        return response

    def _answer(self, request: web.BaseRequest) -> web.Response:
        if refusals.in_force(self._world, "rest-off", self._name):
            return web.Response(status=404, text=OLD_APACHE, content_type="text/html", charset="iso-8859-1")
        try:
            return self._reply(request)
        except Trouble as trouble:
            body = trouble.body(VERSIONS[self._switch.firmware])
            return self._send(request, body, trouble.status)

    def _send(self, request: web.BaseRequest, body: dict[str, Any] | None, status: int = 200) -> web.Response:
        as_json = JSON in request.headers.get("Accept", "")
        text = "" if body is None else fos_answers.text(body, as_json)
        return web.Response(status=status, body=text.encode(), headers={"Content-Type": JSON if as_json else XML})

    def _reply(self, request: web.BaseRequest) -> web.Response:
        self._busy()
        if request.path == "/rest/login":
            return self._login(request)
        if request.path == "/rest/logout":
            self._device.sessions.pop(self._token(request), None)
            return web.Response(status=204)
        self._authenticate(request)
        if request.method not in READS:
            raise Trouble(403, "User does not have permission to perform this operation", 8, "rest", "access-denied")
        if request.query.get("vf-id", "-1") != "-1":
            raise Trouble(400, fos_answers.VF_OFF, 16_715_785)
        if request.path.rstrip("/") in ("/rest/brocade-module-version", "/rest/brocade-module-version/module"):
            return self._send(request, {"Response": fos_answers.modules(VERSIONS[self._switch.firmware])})
        if not request.raw_path.startswith("/rest/running/"):
            raise fos_answers.invalid_uri()
        path = request.raw_path.removeprefix("/rest/running/").partition("?")[0]
        assert self._world.san is not None
        live = self._world.san.live(self._world)
        return self._send(request, {"Response": fos_answers.running(live, self._switch, path)})

    def _busy(self) -> None:
        device = self._device
        if device.once > 0:
            device.once -= 1
            raise Trouble(503, "Service Unavailable", 1, "rest")
        if refusals.in_force(self._world, "rest-not-ready", self._name):
            raise Trouble(503, "Chassis is not ready for management", 16, "rest")
        if refusals.in_force(self._world, "rest-busy", self._name):
            raise Trouble(400, "The Fabric is busy", 14, "zone")

    # --- sessions

    def _login(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST":
            raise Trouble(405, "Method not allowed", 3, "rest", "operation-not-supported")
        user = self._proved(request)
        self._room()
        token = base64.b64encode(f"{user}:xxx:{secrets.token_hex(32)}".encode()).decode()
        now = self._world.at
        self._device.sessions[token] = Session(token, user, now, now)
        body = {"Response": {"switch-parameters": self._parameters(user)}}
        response = self._send(request, body if VERSIONS[self._switch.firmware].strings else None)
        response.headers["Authorization"] = f"Custom_Basic {token}"
        return response

    def _parameters(self, user: str) -> dict[str, Any]:
        """The body of a login from 9.1 on; what concerns virtual fabrics is left out while they are off."""
        return {
            "user-name": user,
            "user-role": self._device.accounts[user].role,
            "virtual-fabric-enabled": False,
            "virtual-fabric-supported": True,
            "days-to-user-password-expiration": DAYS_TO_EXPIRY,
            "firmware-version": VERSIONS[self._switch.firmware].text,
            "model": "170.5",
        }

    def _room(self) -> None:
        """Raises Trouble when there is no place for one more session."""
        sessions, now = self._device.sessions, self._world.at
        for token in [token for token, one in sessions.items() if now - one.used > IDLE]:
            del sessions[token]
        others = refusals.CAP if refusals.in_force(self._world, "session-cap", self._name) else 0
        if len(sessions) + others >= refusals.CAP:
            raise Trouble(403, refusals.CAP_MESSAGE, refusals.CAP_CODE, "rest", "access-denied")

    def _proved(self, request: web.BaseRequest) -> str:
        """The user whose name and password came. Raises Trouble."""
        refusal = refusals.login(self._world, self._name, BAD_LOGIN)
        if refusal is not None:
            raise Trouble(refusal.status, refusal.message, refusal.code, "rest", "access-denied")
        user, _, password = _basic(self._token(request))
        account = self._device.accounts.get(user)
        if account is None or not secrets.compare_digest(account.password.encode(), password.encode()):
            raise Trouble(401, BAD_LOGIN, 20, "rest", "access-denied")
        return user

    def _token(self, request: web.BaseRequest) -> str:
        return request.headers.get("Authorization", "").partition(" ")[2].strip()

    def _authenticate(self, request: web.BaseRequest) -> None:
        """A session's token, or name and password for this one request, which takes a session's place as well."""
        session = self._device.sessions.get(self._token(request))
        if session is not None:
            session.used = self._world.at
            return
        kind = request.headers.get("Authorization", "").partition(" ")[0]
        if kind not in ("Basic", "Custom_Basic") or request.method not in READS:
            raise Trouble(401, "Unauthorized", 20, "rest", "access-denied")
        self._proved(request)
        self._room()


def _basic(word: str) -> tuple[str, str, str]:
    try:
        return base64.b64decode(word, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", "", ""
