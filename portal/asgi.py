"""ASGI: the live channel and nothing else. Pages and API are served by WSGI (portal/wsgi.py)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Live(ASGIHandler):
    """Knows one route. The pages' processes do not know it, so a stream can never hold one of their threads."""

    def create_request(self, scope: Any, body_file: Any) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """The request with the live channel's routes."""
        created = super().create_request(scope, body_file)
        if created[0] is not None:
            created[0].urlconf = "portal.live"
        return created


live = Live()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Passes /live/ on; everything else is 404 here, whatever the proxy in front does."""
    if scope["type"] == "http" and scope["path"] != "/live/":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Only the live channel is served here.\n"})
        return
    await live(scope, receive, send)  # type: ignore[arg-type]
