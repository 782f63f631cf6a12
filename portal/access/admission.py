"""The gate in front of every view: who is not logged in is sent to log in, who may not is refused and recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from portal.access import counting
from portal.access.address import client_address
from portal.access.models import Token
from portal.access.roles import words
from portal.access.services.people import Person, may, title_of
from portal.evidence import services as evidence

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Denied(PermissionDenied):
    """A refusal that is on record already."""


# An unknown visitor can knock as often as he likes; the record gets one entry a minute and address.
QUIET = 60


def needs(act: str) -> Callable[[View[P]], View[P]]:
    """Decorates a function view. For a class: `method_decorator(needs("estate.view"), name="dispatch")`. The view then
    carries `needs = act`, so that a test can list what stands open."""
    words(act)

    def wrap(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            require(request, act)
            return view(request, *args, **kwargs)

        gate.needs = act  # type: ignore[attr-defined]
        return gate

    return wrap


def require(request: HttpRequest, act: str, token: Token | None = None) -> None:
    """Passes when the request's person may do the act; otherwise records the refusal and raises Denied with a
    sentence. Call it outside a transaction: the refusal must be committed."""
    if not may(request.user, act, token):
        raise refusal(request, act, token)


def refusal(request: HttpRequest, act: str, token: Token | None = None, what: str = "") -> Denied:
    """Records that the act was refused; returns the exception to raise. what: the act in other words."""
    name = request.user.get_username()
    body = {"act": act, "method": request.method, "path": request.path[:300], **trace(request)}
    evidence.append("access.denied", name_of(request.user, token), f"person:{name}", body)
    held = title_of(request.user) or "no role"
    by_scope = " with this token" if token is not None and may(request.user, act) else ""
    return Denied(f"{name} ({held}) may not {what or words(act)}{by_scope}. The refusal is recorded.")


def name_of(person: Person, token: Token | None = None) -> str:
    """The actor's name in the evidence."""
    if isinstance(person, AnonymousUser):
        return "anonymous"
    return f"token:{token.name} of {person.get_username()}" if token else person.get_username()


def trace(request: HttpRequest) -> dict[str, object]:
    """Where a request came from, for the evidence."""
    return {"address": client_address(request), "request_id": getattr(request, "request_id", "")}


def first_in_a_while(*words_: str) -> bool:
    """True once a minute for the same words."""
    return counting.first("access:" + ":".join(words_), QUIET)


def to_login(request: HttpRequest) -> HttpResponseBase:
    """To the login page and back again; a fragment's request turns the whole page."""
    if HtmxDetails(request):
        whole = HtmxDetails(request).current_url_abs_path
        return HttpResponseClientRedirect(redirect_to_login(whole or "/").url)
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
