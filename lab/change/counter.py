"""Where requests to a change system come in: faults, the login, the ledger. What is behind is each system's own."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from lab.change.desk import Desk

JSON = "application/json"
TOKEN_SECONDS = 1800.0
PAGE = (
    '<!DOCTYPE html>\n<html><head><title>Your instance is hibernating</title></head><body><p id="m">Sign in to wake it'
    "</p></body></html>\n"
)


@dataclass(frozen=True)
class Ask:
    """A request as it came. headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> dict[str, object]:
        """The body's JSON object. Raises Refusal."""
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "The payload is not valid JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "The payload is no object")
        return found


@dataclass(frozen=True)
class Reply:
    """What goes back: JSON, or bytes as they are."""

    status: int = 200
    body: object = None
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def raw(self) -> bytes:
        """The body on the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refusal(Exception):
    """The system says no; each says it in its own form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Api(Protocol):
    """One system's way to answer."""

    def sort(self, ask: Ask) -> str:
        """What a request is for: login, read, create, note, attach, close, write."""
        ...

    def login(self, ask: Ask) -> Reply | None:
        """The answer to a request that asks for a token; None when it is none."""
        ...

    def known(self, ask: Ask) -> bool:
        """Whether the request carries a login that counts."""
        ...

    def perform(self, ask: Ask) -> Reply:
        """Does it. Raises Refusal."""
        ...

    def refusal(self, status: int, message: str) -> object:
        """The body that says no."""
        ...

    def seal(self, reply: Reply) -> Reply:
        """The answer as it leaves."""
        ...


@dataclass
class Counter:
    """Answers all requests to one system."""

    desk: Desk
    api: Api

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        ask = Ask(request.method, request.path, dict(request.query), headers, await request.read())
        sort = self.api.sort(ask)
        if slow := self.desk.taken("slow"):
            await asyncio.sleep(float(slow["seconds"]))
        reply = self._spoiled(ask, sort) or self._answered(ask)
        self.desk.enter("request", "", method=ask.method, path=request.path_qs[:300], sort=sort, status=reply.status)
        if self._hits("lost-answer", sort) and request.transport is not None:
            request.transport.abort()
        return web.Response(
            status=reply.status, body=reply.raw(), content_type=reply.media, headers=dict(reply.headers)
        )

    def _answered(self, ask: Ask) -> Reply:
        try:
            reply = self.api.login(ask)
            if reply is None:
                if "login-refused" in self.desk.faults or not self.api.known(ask):
                    raise Refusal(401, "User is not authenticated")
                reply = self.api.perform(ask)
        except Refusal as refused:
            reply = Reply(refused.status, self.api.refusal(refused.status, refused.message))
        sealed = self.api.seal(reply)
        if self.desk.faults.get("half") and self.desk.taken("half"):
            return Reply(sealed.status, sealed.raw()[: len(sealed.raw()) // 2] or b"{", sealed.media, sealed.headers)
        return sealed

    def _spoiled(self, ask: Ask, sort: str) -> Reply | None:
        """The answer of a fault that stands before everything else."""
        if page := self.desk.taken("html"):
            return Reply(int(page["status"]), PAGE.encode(), "text/html")
        if self.desk.taken("huge"):
            return Reply(200, b'{"result": "' + b"0" * 9 * 1024 * 1024 + b'"}')
        if self.desk.taken("redirect"):
            return Reply(302, b"", "text/html", {"Location": "https://login.bank.example/sso"})
        if rate := self._hits("rate", sort):
            body = self.api.refusal(429, "Rate limit exceeded")
            return Reply(429, body, headers={"Retry-After": rate["retry_after"]})
        if refused := self._hits("refuse", sort):
            status = int(refused["status"])
            return Reply(status, self.api.refusal(status, f"The lab refuses this with {status}"))
        return None

    def _hits(self, name: str, sort: str) -> dict[str, str] | None:
        """A fault that is meant for such requests."""
        what = self.desk.faults.get(name, {}).get("what", "")
        hits = what in ("any", sort) or (what == "write" and sort not in ("read", "login"))
        return self.desk.taken(name) if hits else None


def basic(desk: Desk, ask: Ask) -> bool:
    """Whether the request carries the account's name and password."""
    wanted = base64.b64encode(f"{desk.user}:{desk.password}".encode())
    return secrets.compare_digest(ask.headers.get("authorization", "").encode(), b"Basic " + wanted)


def new_token(desk: Desk, token: str) -> float:
    """Keeps a token; gives the seconds that it lasts."""
    seconds = 0.2 if "tokens-short" in desk.faults else TOKEN_SECONDS
    desk.tokens[token] = time.time() + seconds
    return seconds


def by_token(desk: Desk, ask: Ask, scheme: str) -> bool:
    """Whether the request carries a token that has not ended."""
    given = ask.headers.get("authorization", "")
    token = given.removeprefix(f"{scheme} ")
    return given.startswith(f"{scheme} ") and desk.tokens.get(token, 0.0) > time.time()
