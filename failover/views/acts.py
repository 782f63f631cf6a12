"""What people do with a drill. Each is one service call; a refusal comes back to the page in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from failover.models import Drill, Prompt
from failover.services import approvals, breaking, conduct, sites
from failover.views.drill import found, shown, trail
from portal.access.admission import needs
from portal.runs.services import Refused

CONFLICT, NOT_VALID = 409, 422


def status_of(refusal: Refused) -> int:
    """409 where the state of things forbids it, 422 where the wish itself is wrong."""
    return CONFLICT if refusal.kind in conduct.CONFLICTS else NOT_VALID


def _done(request: HttpRequest, pk: int, deed: Callable[[], Any], told: str) -> HttpResponse:
    found(pk)
    try:
        deed()
    except Refused as refusal:
        return shown(request, found(pk), tuple(refusal.sentences), status_of(refusal))
    messages.success(request, told)
    return redirect("drill", pk)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


@needs("run.approve")
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """A second person agrees to exactly what the page showed."""
    shown_hash, content = request.POST.get("hash", "")[:64], _content(request.POST.get("content", ""))
    return _done(
        request,
        pk,
        lambda: approvals.approve(pk, _who(request), shown_hash, content),
        "The drill is approved. It begins when a person begins it in its window.",
    )


def _content(text: str) -> Mapping[str, Any] | None:
    try:
        found_ = json.loads(text[:100_000])
    except ValueError:
        return None
    return found_ if isinstance(found_, dict) else None


@needs("run.approve")
@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """A second person says no."""
    why = request.POST.get("why", "")
    return _done(request, pk, lambda: approvals.refuse(pk, _who(request), why), "The drill is refused.")


@needs("run.start")
@require_POST
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Runs the prechecks now."""
    return _done(request, pk, lambda: conduct.look(found(pk)), "The prechecks have been looked at.")


@needs("run.start")
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what will happen; POST begins the drill. The engine's name is typed."""
    drill = found(pk)
    if request.method != "POST":
        return _begin_page(request, drill)
    if request.POST.get("typed", "").strip() != drill.engine.name:
        words = f"Type {drill.engine.name} to confirm which engine is meant. Nothing was begun."
        return _begin_page(request, drill, (words,), NOT_VALID)
    site = request.POST.get("site", "")
    if wrong := sites.unnamed(drill.engine, site):
        return _begin_page(request, drill, (wrong,), NOT_VALID)
    try:
        conduct.begin(pk, _who(request), site)
    except Refused as refusal:
        return _begin_page(request, found(pk), tuple(refusal.sentences), status_of(refusal))
    messages.success(request, "The drill has begun.")
    return redirect("drill", pk)


def _begin_page(request: HttpRequest, drill: Drill, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    context = {
        "section": "drills",
        "drill": drill,
        "state": "warn",
        "headline": f"Begin {drill.title}?",
        "lead": "The prechecks are looked at once more first; the drill begins only when every one says go.",
        "steps": list(drill.run.steps.order_by("position")) if drill.run else [],
        "mistakes": mistakes,
        "sites": sites.asked(),
        "path": trail(drill, "Begin"),
    }
    return render(request, "failover/begin.html", context, status=status)


@needs("run.view")
@require_POST
def break_glass(request: HttpRequest, pk: int) -> HttpResponse:
    """The first person gives the reason; the second one confirms."""
    if request.POST.get("act") == "confirm":
        return _done(
            request, pk, lambda: breaking.confirm(pk, _who(request)), "The glass is broken. Every page says so."
        )
    reason = request.POST.get("reason", "")
    return _done(
        request, pk, lambda: breaking.ask(pk, _who(request), reason), "It is asked for. A second person confirms it."
    )


@needs("run.start")
@require_POST
def answer(request: HttpRequest, pk: int, prompt: int) -> HttpResponse:
    """A person answers a manual step."""
    if not Prompt.objects.filter(pk=prompt, drill=pk).exists():
        raise Http404("There is no such prompt.")
    given = request.POST
    return _done(
        request,
        pk,
        lambda: conduct.answer(
            prompt,
            _who(request),
            given.get("answer", ""),
            given.get("seen", ""),
            given.get("attachment", ""),
            request.FILES.get("file"),
        ),
        "The answer is kept.",
    )


@needs("run.start")
@require_POST
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Notes what went wrong or stood out."""
    fields = {name: request.POST.get(name, "") for name in ("title", "severity", "owner", "due", "accepted_by", "link")}
    return _done(request, pk, lambda: conduct.note_issue(pk, _who(request), fields), "The issue is noted.")


@needs("evidence.view")
@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Signs the ended drill in one role."""
    role, words = request.POST.get("role", ""), request.POST.get("words", "")
    return _done(request, pk, lambda: conduct.sign(pk, _who(request), role, words), "The drill is signed.")
