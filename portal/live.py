"""The live channel: server-sent events about what changed, fanned out from PostgreSQL's NOTIFY. It holds no state and
says no facts: a page that hears an event fetches itself again. Served by uvicorn at /live/, and nothing else is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth import aget_user
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

CHANNEL = "holdfast"
BEAT = 10.0  # seconds between signs of life
LIFETIME = 600.0  # seconds after which the browser is asked to come again, so that rights are checked anew
RETRY = 2000  # ms that a browser waits before it comes again
REST = 2.0  # seconds between attempts to reach the database
PROOF = 10.0  # seconds after which a quiet LISTEN is asked for a sign of life, and how long it may take to give it
ROOM = 64  # events that one slow client may lag behind; what does not fit is one refresh anyway
WANTED = (
    "dbname",
    "user",
    "password",
    "host",
    "port",
    "connect_timeout",
    "sslmode",
    "sslrootcert",
    *settings.DATABASE_KEEPALIVE,
)

log = logging.getLogger(__name__)


def event(name: str, data: str, number: int | None = None) -> bytes:
    """One event of the stream. A named event reaches the page as a DOM event of the same name (hx-sse)."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


class Fan:
    """One LISTEN per process, handed to every open stream. Starts with the first stream, ends with the last."""

    def __init__(self) -> None:
        self.number = 0
        self.lost = False
        self._queues: set[asyncio.Queue[bytes]] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> asyncio.Queue[bytes]:
        """A queue that gets every event from now on."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(ROOM)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        return queue

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        """The stream has ended."""
        self._queues.discard(queue)
        if not self._queues and self._task is not None:
            self._task.cancel()
            self._task = None

    def tell(self, name: str, data: str) -> None:
        """Hands one event to every stream; a stream that is full already has a refresh waiting."""
        self.number += 1
        words = event(name, data, self.number)
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(words)

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - whatever ends it, streams that beat on would look alive
                log.warning("The live channel lost the database (%s); it tries again every %.0f s.", error, REST)
                self.lost = True
                self.tell("lost", "database")
            await asyncio.sleep(REST)

    async def _follow(self) -> None:
        async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as link:
            await link.execute(f"listen {CHANNEL}")
            if self.lost:
                self.lost = False
                self.tell("hello", "again")  # what was missed is unknown, so every page fetches itself once
            while True:
                async for notice in link.notifies(timeout=PROOF):
                    topic, _, rest = notice.payload.partition(":")
                    self.tell(topic, rest or topic)
                async with asyncio.timeout(PROOF):
                    await link.execute("select 1")


def _parameters() -> dict[str, Any]:
    """How Django reaches the default database, for a connection of our own."""
    parameters: dict[str, Any] = connections["default"].get_connection_params()
    return {name: parameters[name] for name in WANTED if parameters.get(name)}


fan = Fan()


async def stream(listener: Fan) -> AsyncIterator[bytes]:
    """The events of one client, a beat when nothing happens, an end after LIFETIME. A beat says "deaf" while no change
    can be heard of."""
    queue = listener.join()
    loop = asyncio.get_running_loop()
    ends = loop.time() + LIFETIME
    try:
        yield f"retry: {RETRY}\n\n".encode() + (event("lost", "database") if listener.lost else event("hello", "now"))
        while (left := ends - loop.time()) > 0:
            try:
                yield await asyncio.wait_for(queue.get(), min(BEAT, left))
            except TimeoutError:
                yield event("beat", "deaf" if listener.lost else "")
    finally:
        listener.leave(queue)


async def live(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The stream of a person who is logged in; 401 otherwise, 503 while the session cannot be read."""
    try:
        user = await aget_user(request)
    except Error:
        return HttpResponse("The database does not answer.", status=503, content_type="text/plain")
    if not user.is_authenticated:
        return HttpResponse("Log in first.", status=401, content_type="text/plain")
    response = StreamingHttpResponse(stream(fan), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


urlpatterns = [path("live/", live)]  # the ASGI process's whole URL configuration (portal/asgi.py)
