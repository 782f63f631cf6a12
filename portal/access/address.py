"""Where a request comes from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The peer's IP address, or behind the portal's own proxy (HOLDFAST_BEHIND_PROXY) the one that the proxy appended
    last to X-Forwarded-For: what stands before it is the client's own claim, and not believed. None over a Unix socket
    without a proxy."""
    said = str(request.META.get("REMOTE_ADDR") or "")
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        said = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or said
    try:
        return str(ip_address(said))
    except ValueError:
        return None
