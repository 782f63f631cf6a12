"""What people do about availability: promise, change, retire, put right, decide. Each has a page of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from failover.forms_availability import CorrectionForm, DecisionForm, DeclareForm, ObjectiveForm, RetireForm, kinds
from failover.models import Correction, CorrectionDecision, Objective, Service
from failover.services import corrections, objectives
from failover.services.availability import current
from failover.services.pages_availability import entry_of
from failover.services.watching import ENGINE
from failover.views.acts import status_of
from failover.views.availability import found, trail
from inventory.models import Engine, Lun
from portal.access.admission import needs, require
from portal.runs.services import Refused

MOST_LUNS = 500  # that the form offers


def _page(
    request: HttpRequest,
    form: forms.Form,
    headline: str,
    lead: str,
    button: str,
    back: str,
    refusal: Refused | None = None,
    **more: Any,
) -> HttpResponse:
    context = {
        "section": "drills",
        "tab": "availability",
        "state": "waiting",
        "form": form,
        "headline": headline,
        "lead": lead,
        "button": button,
        "back": back,
        "mistakes": refusal.sentences if refusal else (),
        "path": trail(headline),
        **more,
    }
    status = status_of(refusal) if refusal else 422 if form.errors else 200
    return render(request, "failover/availability_form.html", context, status=status)


Deed = Callable[[], Objective]


def _acted(
    request: HttpRequest, form: forms.Form, deed: Deed, words: tuple[str, str, str], back: str, **more: Any
) -> HttpResponse:
    """GET shows the form; POST acts, and a refusal comes back to it in words. words: headline, lead, button."""
    refusal = None
    if request.method == "POST" and form.is_valid():
        try:
            row = deed()
        except Refused as refused:
            refusal = refused
        else:
            messages.success(request, "It is on record.")
            return redirect("availability-service", row.pk)
    return _page(request, form, *words, back, refusal, **more)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


@needs("objective.manage")
def declare(request: HttpRequest, kind: str) -> HttpResponse:
    """An objective for a service that has none. kind: service | lun."""
    if kind not in Objective.Kind.values:
        raise Http404("There is no such kind of service.")
    choices = _choices(kind)
    form = DeclareForm(request.POST or None, kind=kind, choices=choices, initial={"zone": _zone()})

    def deed() -> Objective:
        engine, _, key = form.cleaned_data["service"].partition("/")
        given = form.cleaned_data["why"]
        return objectives.declare(Engine.objects.get(pk=int(engine)), kind, key, form.wish(), _who(request), given)

    title = Objective.Kind(kind).label
    lead = "It is watched from now on." if choices else "Every one that is known has an objective already."
    return _acted(request, form, deed, (f"Promise: {title.lower()}", lead, "Set the objective"), "/availability/")


def _choices(kind: str) -> list[tuple[str, str]]:
    there = set(Objective.objects.filter(kind=kind, retired_at=None).values_list("engine", "key"))
    known: list[tuple[int, str, str]] = []
    if kind == Objective.Kind.LUN:
        rows = Lun.objects.filter(engine__watched=True, gone_since=None).exclude(disk_uuid="").order_by("name")
        known = [(row.engine_id, row.uuid, row.name or row.uuid) for row in rows[:MOST_LUNS]]
    elif kind == Objective.Kind.SERVICE:
        declared = Service.objects.filter(engine__watched=True).exclude(name=ENGINE).order_by("name")
        known = [(row.engine_id, row.name, row.name) for row in declared]
    else:
        known = [(row.pk, ENGINE, row.name) for row in Engine.objects.filter(watched=True).only("pk", "name")]
    return [(f"{engine}/{key}", name) for engine, key, name in known if (engine, key) not in there]


def _zone() -> str:
    name = timezone.get_current_timezone_name()
    return name if "/" in name else "UTC"


@needs("objective.manage")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """What is promised from the next period on."""
    row = found(pk)
    last = current(row)
    given = {each: getattr(last, each) for each in ("percent", "period", "zone", "every", "most_ms")}
    form = ObjectiveForm(request.POST or None, kind=row.kind, initial={**given, "based_on": last.number})

    def deed() -> Objective:
        said = form.cleaned_data
        objectives.change(row, form.wish(), _who(request), said["why"], said["based_on"])
        return row

    lead = "The period that is under way keeps its objective: what is lost stays lost."
    words = (f"Objective of {row.title}", lead, "Change the objective")
    return _acted(request, form, deed, words, f"/availability/{row.pk}/")


@needs("objective.manage")
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing is promised of it any more."""
    row = found(pk)
    form = RetireForm(request.POST or None)

    def deed() -> Objective:
        return objectives.retire(row, _who(request), form.cleaned_data["why"])

    lead = "It is asked no more. What was measured stays, and its page stays readable."
    words = (f"Retire the objective of {row.title}?", lead, "Retire the objective")
    return _acted(request, form, deed, words, f"/availability/{row.pk}/")


@needs("downtime.correct")
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """One more entry of the ledger; ?begins=&ends=&kind= fill it in."""
    row = found(pk)
    zone = current(row).zone
    first = {name: request.GET.get(name, "")[:40] for name in ("kind", "begins", "ends", "cause")}
    form = CorrectionForm(request.POST or None, zone=zone, initial={**first, "key": secrets.token_hex(16)})

    def deed() -> Objective:
        said = form.cleaned_data
        wish = corrections.Wish(said["kind"], said["begins"], said["ends"], said["cause"], said["reason"])
        corrections.enter(row, wish, _who(request), said["key"])
        return row

    lead = "What was measured stays as it is and is always shown. An entry is never changed or taken out."
    words = (f"Put the ledger of {row.title} right", lead, "Enter it")
    return _acted(request, form, deed, words, f"/availability/{row.pk}/", kinds=list(kinds()))


@needs("estate.view")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """A second person confirms or refuses a correction; whoever made it takes it back."""
    entry = Correction.objects.select_related("objective", "decision").filter(pk=pk).first()
    if entry is None:
        raise Http404("There is no such correction.")
    word = request.POST.get("word", "")[:20]
    if request.method == "POST" and word != CorrectionDecision.Word.WITHDRAWN:
        require(request, "run.approve")
    form = DecisionForm(request.POST or None)

    def deed() -> Objective:
        corrections.decide(pk, word, _who(request), form.cleaned_data["why"])
        return entry.objective

    lead = f"{entry.by} says: {entry.reason}"
    words = (f"Correction {entry.pk} of {entry.objective.title}", lead, "")
    back = f"/availability/{entry.objective_id}/"
    mine = entry.by.casefold() == _who(request).casefold()
    return _acted(request, form, deed, words, back, entry=entry_of(entry), mine=mine)
