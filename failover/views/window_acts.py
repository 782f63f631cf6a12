"""What people do with maintenance. Each act has a page of its own that says what will happen before anything does; one
that a guard rail refuses says why, with what was seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from failover.forms_windows import WindowForm
from failover.models import Window
from failover.services import sites, windows
from failover.services.pages_windows import SCOPES, TITLES, said
from failover.services.windows import GuardSaid
from failover.verdicts.guard import Refused as GuardRefused
from failover.views.windows import trail
from inventory.models import Engine, Host
from portal.access.admission import needs
from portal.runs.models import Run
from portal.runs.services import Refused

CONFLICT, NOT_VALID = 409, 422
CONFLICTS = ("active", "state", "evidence")
LAST_RESORT = "At the deadline and its grace the host ends it by itself, even when the portal is gone."
BEFORE = {
    "global": (
        "HA starts, stops and moves nothing on any host, until it is left. A dead engine VM stays dead.",
        "The dead-man's release is armed on the host first, then the flag is set, then it is seen from the other host.",
    ),
    "local": (
        "HA does not start the engine VM on this host. One host remains that can.",
        "The dead-man's release is armed on the host first, then the flag is set, then it is seen from the other host.",
    ),
    "host": (
        "The engine moves every VM away from this host and holds it in maintenance; HA's local flag is set with it.",
        "The effect is seen from the other host.",
    ),
}
WONT = ("No VM is stopped.", "No other host's flag is changed.")


@dataclass(frozen=True)
class Page:
    """A confirm page. name: what has to be typed. asked: the form's fields."""

    headline: str
    lead: str
    will: tuple[str, ...]
    undo: str
    button: str
    name: str
    asked: tuple[str, ...]
    engine: Engine
    danger: bool = True
    refused: GuardRefused | None = None


def _render(
    request: HttpRequest, page: Page, form: WindowForm, mistakes: tuple[str, ...] = (), status: int = 200
) -> HttpResponse:
    context = {
        "section": "engine",
        "act": page,
        "form": form,
        "mistakes": mistakes,
        "wont": WONT,
        "state": "maintenance",
        "headline": page.headline,
        "lead": page.lead,
        "back": f"{reverse('maintenance')}?engine={page.engine.pk}",
        "path": trail("Maintenance", page.button),
    }
    return render(request, "failover/window_act.html", context, status=status)


Deed = Callable[[dict[str, Any]], Run]


def _asked(request: HttpRequest, page: Page, deed: Deed, told: str) -> HttpResponse:
    """GET says what will happen; POST does it. A refusal comes back to the page in words."""
    if request.method != "POST":
        return _render(request, page, _form(page, initial={"key": _fresh()}))
    form = _form(page, request.POST)
    if not form.is_valid():
        return _render(request, page, form, status=NOT_VALID)
    try:
        run = deed(form.cleaned_data)
    except GuardSaid as refusal:
        refused = Page(**{**vars(page), "refused": refusal.said})
        return _render(request, refused, form, status=CONFLICT)
    except Refused as refusal:
        status = CONFLICT if refusal.kind in CONFLICTS else NOT_VALID
        return _render(request, page, form, tuple(refusal.sentences), status)
    messages.success(request, told)
    return redirect("run", run.pk)


def _form(page: Page, *args: Any, **more: Any) -> WindowForm:
    """What takes HA away names the site, too, where there are several."""
    site = page.engine.site.name if page.danger and sites.asked() else ""
    return WindowForm(*args, name=page.name, target=f"she:{page.engine.pk}", site=site, asked=page.asked, **more)


def _fresh() -> str:
    return secrets.token_hex(16)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


@needs("run.start")
def enter(request: HttpRequest, engine: int, scope: str, host: int) -> HttpResponse:
    """host: 0 for global maintenance."""
    if scope not in SCOPES or (scope == "global") != (host == 0):
        raise Http404("There is no such maintenance.")
    one = get_object_or_404(Engine, pk=engine)
    on = get_object_or_404(Host, pk=host, engine=one, gone_since=None) if host else None
    title = TITLES[SCOPES[scope]].format(on.name if on else "")
    guard = said(one, scope, on, timezone.now()) if request.method != "POST" else None
    page = Page(
        f"{title}?",
        "The guard rails are asked once more of the hosts themselves before anything is set.",
        BEFORE[scope] + ((LAST_RESORT,) if scope != "host" else ()),
        "Leave it on the maintenance page; an abort of the run takes back what was set.",
        title,
        on.name if on else one.name,
        ("reason", "deadline", "change"),
        one,
        refused=guard if isinstance(guard, GuardRefused) else None,
    )

    def deed(given: dict[str, Any]) -> Run:
        wish = windows.Wish(scope, on, given["reason"], given["deadline"], given["change"], site=given.get("site", ""))
        return windows.start(one, wish, _who(request), given["key"])

    return _asked(request, page, deed, "It is being entered.")


def _window(pk: int) -> Window:
    return get_object_or_404(Window.objects.select_related("engine", "host"), pk=pk)


def _name(row: Window) -> str:
    return row.host.name if row.host else row.engine.name


@needs("run.start")
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a maintenance, whoever has set it."""
    row = _window(pk)
    host = row.scope == Window.Scope.HOST
    will = (
        *(("The engine activates the host.",) if host else ()),
        "`hosted-engine --set-maintenance --mode=none` ends it on the host; its end is seen from the other host.",
        "Agents are waited for until they are back in a real state with a score; then the release is disarmed.",
    )
    page = Page(
        f"Leave {str(row)[:1].lower()}{str(row)[1:]}?",
        f"It is {row.state}. {row.sentence}",
        will,
        "Enter it again.",
        f"Leave maintenance of {_name(row)}",
        _name(row),
        ("change",),
        row.engine,
        danger=False,
    )

    def deed(given: dict[str, Any]) -> Run:
        return windows.leave(row, _who(request), given["change"], given["key"])

    return _asked(request, page, deed, "It is being left.")


@needs("run.start")
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """A later deadline, with its reason on record."""
    row = _window(pk)
    page = Page(
        f"Extend {str(row)[:1].lower()}{str(row)[1:]}?",
        f"It was extended {row.extended} times.",
        ("A release with the new deadline is armed on the host; then the old one is disarmed.",),
        "Leave it earlier.",
        f"Extend maintenance of {_name(row)}",
        _name(row),
        ("reason", "deadline"),
        row.engine,
        danger=False,
    )

    def deed(given: dict[str, Any]) -> Run:
        return windows.extend(row, given["deadline"], _who(request), given["reason"], given["key"])

    return _asked(request, page, deed, "The new deadline counts when its release is armed.")


@needs("run.start")
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a maintenance that was set by hand into one's charge."""
    row = _window(pk)
    page = Page(
        f"Adopt {str(row)[:1].lower()}{str(row)[1:]}?",
        row.sentence,
        ("You become its owner; a release with the deadline is armed on the host. What is set stays set.",),
        "Leave it.",
        f"Adopt maintenance of {_name(row)}",
        _name(row),
        ("reason", "deadline", "change"),
        row.engine,
        danger=False,
    )

    def deed(given: dict[str, Any]) -> Run:
        return windows.adopt(row, given["deadline"], _who(request), given["reason"], given["change"], given["key"])

    return _asked(request, page, deed, "It is yours.")
