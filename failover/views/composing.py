"""Composing a drill plan: one form, without a script. Every button sends the whole order; only Save keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from failover.plans_composed import ASK, entries_of, tidied
from failover.plans_drills import DRILLS
from failover.services import composed, pages_composed
from failover.verdicts.composed import MOST
from failover.views.acts import status_of
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.runs.services import Refused

BLANK = ("ready_again",)  # what a new plan begins with


@dataclass
class Draft:
    """What the page holds."""

    slug: str = ""
    title: str = ""
    why: str = ""
    based_on: int = 0
    entries: list[dict[str, Any]] = field(default_factory=list)


@needs("drill.compose")
def new(request: HttpRequest) -> HttpResponse:
    """A new plan; ?from=<a built-in or composed plan> begins with its steps."""
    draft = _sent(request.POST) if request.method == "POST" else _begun(request.GET.get("from", ""))
    return _page(request, draft, "")


@needs("drill.compose")
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """The next version of a plan in use."""
    plan = pages_composed.found().filter(name=name, retired_at=None).first()
    if plan is None or not plan.versions.all():
        raise Http404("There is no such plan in use.")
    last = plan.versions.all()[0]
    draft = Draft(name, last.title, "", last.number, list(last.steps))
    return _page(request, _sent(request.POST) if request.method == "POST" else draft, name)


def _begun(source: str) -> Draft:
    plan = next((each for each in DRILLS if each.name == source), None)
    if plan is not None:
        return Draft(title=f"{plan.title}, our way", entries=entries_of(plan))
    row = next((each for each in composed.newest() if each.plan.name == source), None)
    if row is not None:
        return Draft(title=row.title, entries=list(row.steps))
    return Draft(entries=[{"step": name} for name in BLANK])


def _sent(given: QueryDict) -> Draft:
    rows = zip(given.getlist("step"), given.getlist("question"), given.getlist("minutes"), strict=False)
    entries = [tidied({"step": step, "question": question, "minutes": minutes}) for step, question, minutes in rows]
    number = given.get("based_on", "")
    return Draft(
        given.get("slug", "").strip()[:60],
        " ".join(given.get("title", "").split())[:200],
        given.get("why", "").strip()[:500],
        int(number) if number.isdecimal() and len(number) < 9 else 0,
        _changed(entries[: MOST + 5], given),
    )


def _changed(entries: list[dict[str, Any]], given: QueryDict) -> list[dict[str, Any]]:
    """The order after the button that was pressed: up-3, down-3, remove-3 (from 1), or add."""
    what, _, number = given.get("act", "").partition("-")
    at = int(number) - 1 if number.isdecimal() and len(number) < 4 else -1
    if what == "add":
        place = given.get("add_at", "")
        where = int(place) if place.isdecimal() and len(place) < 4 else len(entries)
        fresh = {"step": given.get("add_step", ""), "question": "", "minutes": pages_composed.MINUTES}
        return [*entries[:where], tidied(fresh), *entries[where:]]
    if not 0 <= at < len(entries) or what not in ("up", "down", "remove"):
        return entries
    rest = [*entries[:at], *entries[at + 1 :]]
    if what == "remove":
        return rest
    where = max(0, at - 1) if what == "up" else at + 1
    return [*rest[:where], entries[at], *rest[where:]]


def _page(request: HttpRequest, draft: Draft, name: str) -> HttpResponse:
    mistakes: tuple[str, ...] = ()
    status = 200
    if request.method == "POST" and request.POST.get("act") == "save":
        try:
            return _saved(request, draft, name)
        except Refused as refusal:
            mistakes, status = tuple(refusal.sentences), status_of(refusal)
    reasons = composed.check(draft.title or "untitled", draft.entries)
    context = {
        "section": "drills",
        "tab": "plans",
        "state": "warn" if reasons else "ok",
        "headline": f"Change {name}" if name else "Compose a drill plan",
        "lead": "" if name else "Steps stand in the order in which they run. Check says whether the order is safe.",
        "name": name,
        "draft": draft,
        "lines": pages_composed.lines(draft.entries),
        "choices": pages_composed.choices(),
        "ask": ASK,
        "reasons": reasons,
        "mistakes": mistakes,
        "path": [*path(("Drills", "drills"), ("Plans", "drill-plans")), Step(name or "New plan")],
    }
    return render(request, "failover/compose.html", context, status=status)


def _saved(request: HttpRequest, draft: Draft, name: str) -> HttpResponse:
    by = request.user.get_username()
    if name:
        row = composed.edit(name, draft.based_on, draft.title, draft.entries, by, draft.why)
    else:
        row = composed.create(draft.slug, draft.title, draft.entries, by, draft.why)
    messages.success(request, f"Version {row.number} of {row.plan.name} is saved.")
    return redirect("drill-plan", row.plan.name)
