"""What every request and response gets: an id, strict headers, the person's time zone."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from portal.access import request_id
from portal.access.services import preference_of

Answer = Callable[[HttpRequest], HttpResponseBase]

# No inline script or style, no eval, nothing from elsewhere, no frame: for the portal and for Django's admin alike.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def identified(answer: Answer) -> Answer:
    """Takes X-Request-Id or makes one; puts it on the request, in the logs and on the response."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = request_id.accepted(request.headers.get("X-Request-Id", ""))
        request.request_id = name  # type: ignore[attr-defined]
        mark = request_id.current.set(name)
        try:
            response = answer(request)
        finally:
            request_id.current.reset(mark)
        response.headers["X-Request-Id"] = name
        return response

    return middleware


def fenced(answer: Answer) -> Answer:
    """Adds the security headers that Django's own middleware does not know; what a person sees stays in no cache."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # only when the view looked at who asks: static files and probes of health keep their own rules
        if "Cookie" in response.headers.get("Vary", ""):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware


def legible(answer: Answer) -> Answer:
    """Refuses text that holds NUL, in the address or in a form: no column can hold it, so a search for it or a write of
    it could only break later."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if _has_nul(request):
            raise BadRequest("The request holds NUL.")
        return answer(request)

    return middleware


def _has_nul(request: HttpRequest) -> bool:
    texts = [request.path, *(value for _, values in request.GET.lists() for value in values)]
    if request.method == "POST":
        texts += [value for _, values in request.POST.lists() for value in values]
    return any("\0" in text for text in texts)


def at_home(answer: Answer) -> Answer:
    """Shows times in the person's own zone."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(request)):
            return answer(request)

    return middleware


def _zone(request: HttpRequest) -> ZoneInfo | None:
    name = preference_of(request.user).time_zone if request.user.is_authenticated else ""
    try:
        return ZoneInfo(name) if name else None
    except ZoneInfoNotFoundError:  # a zone that the system knew when it was chosen
        return None
