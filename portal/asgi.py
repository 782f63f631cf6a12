"""ASGI: the live channel and nothing else. Pages and API are served by WSGI (portal/wsgi.py)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# This process knows one route. The pages' processes do not know it, so a stream can never hold one of their threads.
settings.ROOT_URLCONF = "portal.live"
pages = get_asgi_application()

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Passes /live/ on; everything else is 404 here, whatever the proxy in front does."""
    if scope["type"] == "http" and scope["path"] != "/live/":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Only the live channel is served here.\n"})
        return
    await pages(scope, receive, send)  # type: ignore[arg-type]
