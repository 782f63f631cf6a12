"""Callbacks to the portal when a change moves: at least once, and with whatever fault is in force (facts 4.1)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp

from lab.change import bmc, jira, servicenow, webhook
from lab.change.desk import BMC, JIRA, SERVICENOW, WEBHOOK, Change, Desk

BODY: dict[str, Callable[[Change], bytes]] = {
    SERVICENOW: servicenow.called,
    JIRA: jira.called,
    BMC: bmc.called,
    WEBHOOK: webhook.called,
}
TIMEOUT = 30.0  # seconds: what a change system waits for an answer
TRIES, PAUSE = 3, 1.0  # its retries are weak
STALE = 600
PIECE = 16  # bytes at a time of a slow callback


@dataclass
class Caller:
    """Sends the callbacks of one desk. Belongs to the event loop that it is used in."""

    desk: Desk
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    held: bytes | None = None  # the body that waits for its successor

    def moved(self, change: Change) -> None:
        """A change moved: what is to be sent is on its way."""
        if not self.desk.callback or "call-lost" in self.desk.faults:
            return
        body = b'{"number": ' if "call-malformed" in self.desk.faults else BODY[self.desk.kind](change)
        if "call-reversed" in self.desk.faults and self.held is None:
            self.held = body
            return
        bodies = [body] if self.held is None else [body, self.held]
        self.held = None
        if "call-twice" in self.desk.faults:
            bodies += bodies
        task = asyncio.get_running_loop().create_task(self._send(bodies))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def close(self) -> None:
        """Ends what is still on its way."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _send(self, bodies: list[bytes]) -> None:
        if late := self.desk.faults.get("call-late"):
            await asyncio.sleep(float(late["seconds"]))
        signed = [(body, self._headers(body)) for body in bodies]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
            for body, headers in signed:
                await self._insist(session, body, headers)

    async def _insist(self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> None:
        for _ in range(TRIES):
            status = 0
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                data = self._slowly(body) if "call-slow" in self.desk.faults else body
                async with session.post(self.desk.callback, data=data, headers=headers, ssl=False) as answer:
                    status = answer.status
            self.desk.calls.append({"at": time.time(), "body": body.decode("utf-8", "replace"), "status": status})
            if 0 < status < 500:
                return
            await asyncio.sleep(PAUSE)

    def _headers(self, body: bytes) -> dict[str, str]:
        faults, plain = self.desk.faults, {"Content-Type": "application/json"}
        if "call-unsigned" in faults:
            return plain
        keys = ["not-the-key-of-this-system"] if "call-forged" in faults else self.desk.keys
        at = int(time.time()) - (STALE if "call-stale" in faults else 0)
        return plain | webhook.signed(keys, body, at)

    async def _slowly(self, body: bytes) -> AsyncIterator[bytes]:
        pause = float(self.desk.faults.get("call-slow", {}).get("seconds", "2"))
        pieces = [body[i : i + PIECE] for i in range(0, len(body), PIECE)]
        for piece in pieces:
            await asyncio.sleep(pause / len(pieces))
            yield piece
