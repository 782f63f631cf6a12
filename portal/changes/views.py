"""Pages of changes: the list, one change, asking for one; what was not delivered is tried again or given up."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.changes import pages
from portal.changes.asked import LONGEST
from portal.changes.forms import WishForm
from portal.changes.models import Callback, Change, ChangeNote, ChangeSystem
from portal.changes.picking import pick
from portal.changes.services import asking, delivering, looking
from portal.kernel.change import ChangeFailed, ChangeWanted

ABOVE = [{"title": "Drills", "url": "/drills/"}, {"title": "Changes", "url": "/changes/"}]
NOT_VALID = 422
FRAME: dict[str, Any] = {"section": "drills", "tab": "changes"}


@needs("run.view")
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """All changes that acts of the portal belong to, the newest first."""
    rows, known = pages.listed(), pages.systems()
    lost = ChangeNote.objects.filter(state__in=ChangeNote.LOST).count()
    state, headline, lead = pages.headline(rows, lost, known, timezone.now())
    context = {
        **FRAME,
        "state": state,
        "headline": headline,
        "lead": lead,
        "rows": rows,
        "systems": known,
        "wishes": asking.unsettled()[:20],
        "acts": acts_of(request.user),
        "path": [ABOVE[0], {"title": "Changes"}],
    }
    return render(request, "changes/changes.html", context)


@needs("run.start")
@require_safe
def known(request: HttpRequest) -> HttpResponse:
    """Known changes that fit an act, and what is known of the one that is typed: for forms that ask for a change."""
    given = request.GET
    ends = given.get("ends") or given.get("deadline")
    target = given.get("target", "")[:40]
    found = pick(target, given.get("change", "")[:LONGEST], given.get("begins"), ends)
    return render(request, "changes/_known.html", {"pick": found})


@needs("run.view")
@require_safe
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One change: what it allows and why, how old that is, what was written back, what was called."""
    row = get_object_or_404(Change.objects.select_related("system"), pk=pk)
    told, notes = pages.row_of(row), pages.notes(row)
    context = {
        **FRAME,
        "change": row,
        "state": told.state,
        "word": told.word,
        "headline": f"{row.number}: {told.word[:1].lower()}{told.word[1:]}",
        "lead": told.sentence,
        "notes": notes,
        "counts": pages.counts(notes),
        "runs": list(row.runs.order_by("-pk")),
        "calls": pages.calls(Callback.objects.filter(system=row.system, number=row.number)),
        "acts": acts_of(request.user),
        "path": [*ABOVE, {"title": row.number}],
    }
    return render(request, "changes/change.html", context)


@needs("look.now")
@require_POST
def read_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Reads it back now, and asks what clashes."""
    row = looking.look(get_object_or_404(Change, pk=pk).pk, 1.0)
    if row.error:
        messages.error(request, row.error)
    else:
        looking.ask_clashes(pk)
        messages.success(request, "It is read back.")
    return redirect("change", pk)


@needs("run.start")
@require_POST
def again(request: HttpRequest, pk: int, note: int) -> HttpResponse:
    """Tries one that was not delivered once more."""
    row = get_object_or_404(ChangeNote, pk=note, change=pk)
    if delivering.again(row.pk, request.user.get_username(), timezone.now()):
        messages.success(request, "It is queued again.")
    else:
        messages.error(request, "It is not one that was not delivered: nothing was queued.")
    return redirect("change", pk)


@needs("run.start")
@require_POST
def drop(request: HttpRequest, pk: int, note: int) -> HttpResponse:
    """Gives one up, so that the change can be closed."""
    row = get_object_or_404(ChangeNote, pk=note, change=pk)
    if delivering.drop(row.pk, request.user.get_username(), timezone.now()):
        messages.success(request, "It is given up; the evidence keeps what it said.")
    else:
        messages.error(request, "It is not one that was not delivered: nothing was given up.")
    return redirect("change", pk)


@needs("run.start")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST asks the change system. Its approval is decided there."""
    form = WishForm(request.POST or None, initial={"key": secrets.token_hex(16)})
    mistakes: tuple[str, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("change", _asked(request, form.cleaned_data).pk)
        except asking.WishRefused as error:
            mistakes = (str(error),)
        except ChangeFailed as error:
            mistakes = (f"{error} {error.detail}".strip(),)
    context = {
        **FRAME,
        "form": form,
        "state": "waiting",
        "headline": "Ask for a change",
        "lead": "The change system decides. Nothing of the portal begins by it.",
        "mistakes": mistakes,
        "what": "Not asked for",
        "button": "Ask for this change",
        "back": "/changes/",
        "path": [*ABOVE, {"title": "Ask for a change"}],
    }
    status = NOT_VALID if request.method == "POST" else 200
    return render(request, "changes/form.html", context, status=status)


def _asked(request: HttpRequest, given: dict[str, Any]) -> Change:
    system = get_object_or_404(ChangeSystem, name=given["system"], enabled=True)
    who = request.user.get_username()
    ci = tuple(line.strip() for line in given["ci"].splitlines() if line.strip())
    wanted = ChangeWanted(
        given["short"], given["description"], given["plan"], given["backout"], given["begins"], given["ends"], ci,
        given["kind"], asking.mark_of(who, given["key"]),
    )  # fmt: skip
    return asking.ask(system, wanted, who, timezone.now())
