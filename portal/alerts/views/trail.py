"""Where a page of alerts stands, and how an act is answered."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest

from portal.alerts.services.acts import Refused

SECTION = "findings"
NOT_VALID = 422
ABOVE = [{"title": "Findings", "url": "/findings/"}, {"title": "Alerts", "url": "/alerts/"}]
RECEIVERS = {"title": "Receivers", "url": "/alerts/receivers/"}
ROUTES = {"title": "Routes", "url": "/alerts/routes/"}


def trail(*steps: dict[str, str] | str) -> list[dict[str, str]]:
    """The path below the alerts; the last one is the page itself."""
    return [*ABOVE, *(step if isinstance(step, dict) else {"title": step} for step in steps)]


def done(request: HttpRequest, deed: Callable[[], object], told: str) -> bool:
    """Does it, and tells what came of it on the next page."""
    try:
        deed()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, told)
    return True
