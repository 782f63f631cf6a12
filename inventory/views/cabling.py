"""The declared cabling and power: what holds beside what is seen, a table to propose, and a version to decide on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from inventory.models import Cabling, Engine
from inventory.redundancy import cabling as tables
from inventory.redundancy.cabling import Change, told
from inventory.services import cabling as declaring
from inventory.services import pages_cabling as pages
from inventory.views.paths import path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.access.services import may

REFUSED, NOT_VALID = 409, 422
ROWS = 200  # lines of a table that a page shows
NOT_PROVEN = "No switch was looked at yet: the comparison follows the first look within half a minute."
STATES = {
    "as planned": "ok",
    "elsewhere": "warn",
    "other fabric": "fail",
    "not logged in": "warn",
    "not known": "unknown",
}
TITLES = {
    "link": "Links between switches",
    "fabric": "Fabrics",
    "site": "Sites of hosts",
    "rack": "Racks",
    "chassis": "Chassis",
    "room": "Rooms",
    "pdu": "PDUs",
    "feed": "Power feeds",
}
SHAPES = {"approved": "ok", "proposed": "running", "refused": "fail", "withdrawn": "waiting", "replaced": "waiting"}


def _engine(request: HttpRequest) -> Engine | None:
    """The estate that is asked for, else the first."""
    every = pages.engines()
    asked = request.POST.get("engine", "") or request.GET.get("engine", "")
    return next((one for one in every if str(one.pk) == asked), every[0] if every else None)


@needs("estate.view")
def cabling(request: HttpRequest) -> HttpResponse:
    """What is declared, beside what the fabrics tell."""
    engine = _engine(request)
    context: dict[str, Any] = {"section": "topology", "path": path(("Topology", "topology"), "Cabling and power")}
    if engine is None:
        lead = "Declare the switches and arrays of the SAN under Devices first: a cabling names them."
        none = {"headline": "No cabling is declared", "lead": lead}
        return render(request, "inventory/topology_none.html", context | none)
    page = pages.page(engine, timezone.now())
    counts: Counter[str] = Counter(one.standing for one in page.cables)
    bad = sorted(page.cables, key=lambda one: (one.standing == "as planned", one.cable.line))
    context |= {
        "page": page,
        "engines": pages.engines(),
        "rows": [(one, STATES[one.standing]) for one in bad[:ROWS]],
        "rows_more": max(0, len(bad) - ROWS),
        "rest": [(TITLES[kind], [told(line) for line in lines[:ROWS]], len(lines)) for kind, lines in page.rest],
        "versions": [(row, SHAPES[row.state]) for row in page.versions],
        "may_propose": may(request.user, "paths.declare"),
        **_verdict(page, counts),
    }
    return render(request, "inventory/cabling.html", context)


def _verdict(page: pages.Page, counts: Counter[str]) -> dict[str, str]:
    if page.holds is None:
        lead = "What is plugged in where, and what feeds what, is not declared, so no wrong cable can be told."
        return {"state": "unknown", "headline": "No cabling is declared", "lead": lead}
    total, good = len(page.cables), counts["as planned"]
    if page.proof is None:
        return {"state": "unknown", "headline": "The cabling cannot be compared", "lead": NOT_PROVEN}
    worst = next((one for one in ("fail", "unknown", "warn") if any(STATES[s] == one for s in counts)), "ok")
    first = next((one.sentence for one in page.cables if STATES[one.standing] == worst and one.sentence), "")
    if page.strange and worst == "ok":
        worst, first = "warn", f"The plan names {page.strange[0]}, which nobody of the estate is."
    lead = first or f"Approved by {page.holds.decided_by}. A cable that moves is a finding from then on."
    return {"state": worst, "headline": f"{good} of {counted(total, 'declared cable')} as planned", "lead": lead}


@needs("estate.view")
def cabling_csv(request: HttpRequest) -> HttpResponse:
    """The table that holds, or with from=seen what is plugged in now, as a file."""
    engine = _engine(request)
    if engine is None:
        raise Http404("No estate has switches or arrays.")
    row = declaring.approved(engine)
    seen = request.GET.get("from") == "seen" or row is None
    text = pages.from_seen(engine, timezone.now()) if seen or row is None else row.text
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    name = f"cabling-{engine.pk}-{'seen' if seen else 'approved'}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- a proposal -------------------------------------------------------------------------------------------------------
@needs("paths.declare")
def propose(request: HttpRequest) -> HttpResponse:
    """GET shows the table to begin with; POST adds a line, checks it, or proposes it as a whole."""
    engine = _engine(request)
    if engine is None:
        raise Http404("No estate has switches or arrays.")
    text, status = _begin(request, engine), 200
    mistakes: tuple[tables.Mistake, ...] = ()
    act = request.POST.get("act", "") if request.method == "POST" else ""
    if act:
        text, mistakes = _taken(request)
        if not mistakes and act == "propose":
            try:
                row = declaring.propose(engine, request.user.get_username(), text, request.POST.get("reason", ""))
            except declaring.CannotPropose as refusal:
                mistakes = refusal.mistakes
            except declaring.CannotDecide as refusal:
                mistakes, status = (tables.Mistake(0, str(refusal)),), REFUSED
            else:
                messages.success(request, "The cabling is proposed. It holds once another person approves it.")
                return redirect("cabling-version", row.pk)
        status = NOT_VALID if mistakes and status == 200 else status
    sheet = tables.read(text)
    context = {
        "section": "topology",
        "engine": engine,
        "text": text,
        "mistakes": [str(one) for one in (mistakes or (sheet.mistakes if act else ()))][:40],
        "change": _shown(tables.change(declaring.lines_of(declaring.approved(engine)), sheet.lines)),
        "checked": bool(act) and not mistakes,
        "kinds": tables.KINDS,
        "head": ",".join(tables.HEAD),
        "reason": request.POST.get("reason", ""),
        "headline": f"Propose the cabling of {engine.name}",
        "lead": "The table replaces the whole declaration. It holds once a second person has approved it.",
        "state": "waiting",
        "path": path(("Topology", "topology"), ("Cabling and power", "cabling"), "Propose"),
    }
    return render(request, "inventory/cabling_propose.html", context, status=status)


def _begin(request: HttpRequest, engine: Engine) -> str:
    """What holds; what is plugged in now where nothing holds, or where that is asked for."""
    row = declaring.approved(engine)
    if row is None or request.GET.get("from") == "seen":
        return pages.from_seen(engine, timezone.now())
    return row.text


def _taken(request: HttpRequest) -> tuple[str, tuple[tables.Mistake, ...]]:
    """The table of the form or its file, with the line that is added, and what is wrong with it."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    file = request.FILES.get("file")
    if file is not None:
        try:
            text = tables.decoded(file.read(tables.LARGEST + 1))
        except tables.Wrong as wrong:
            return text, (tables.Mistake(0, str(wrong)),)
    if request.POST.get("act") == "add":
        cells = [request.POST.get(f"new_{name}", "").strip().replace('"', "") for name in tables.HEAD]
        line = ",".join(f'"{cell}"' if "," in cell else cell for cell in cells)
        text = f"{text.rstrip() or ','.join(tables.HEAD)}\n{line}\n"
    return text, tables.read(text).mistakes


def _shown(change: Change) -> dict[str, Any]:
    """A change in sentences."""
    return {
        "added": [told(one) for one in change.added[:ROWS]],
        "dropped": [told(one) for one in change.dropped[:ROWS]],
        "added_count": len(change.added),
        "dropped_count": len(change.dropped),
        "kept_count": len(change.kept),
    }


# --- a version --------------------------------------------------------------------------------------------------------
@needs("estate.view")
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """One version with what it changes, and the acts of whoever may decide."""
    row = get_object_or_404(Cabling.objects.select_related("engine"), pk=pk)
    return _version(request, row, "", 200)


def _version(request: HttpRequest, row: Cabling, mistake: str, status: int) -> HttpResponse:
    mine = request.user.get_username().casefold() == row.proposed_by.casefold()
    waits = row.state == Cabling.State.PROPOSED
    decides = may(request.user, declaring.ACT)
    context = {
        "section": "topology",
        "row": row,
        "change": _shown(declaring.against(row)),
        "strange": pages.strange_in(row),
        "mistakes": (mistake,) if mistake else (),
        "may_approve": waits and decides and not mine,
        "may_withdraw": waits and mine,
        "why_not": _why_not(waits=waits, mine=mine, decides=decides),
        "state": SHAPES[row.state],
        "headline": f"Cabling of {row.engine.name}: {row.state}",
        "lead": _lead(row),
        "path": path(("Topology", "topology"), ("Cabling and power", "cabling"), f"Version {row.pk}"),
    }
    return render(request, "inventory/cabling_version.html", context, status=status)


def _lead(row: Cabling) -> str:
    if row.state == Cabling.State.PROPOSED:
        return f"{row.proposed_by} proposes it. Nothing of it holds before another person approves it."
    if row.state == Cabling.State.REFUSED:
        return f"{row.decided_by} refused it: {row.why}"
    if row.state == Cabling.State.WITHDRAWN:
        return f"{row.proposed_by} withdrew it."
    return f"{row.proposed_by} proposed it and {row.decided_by} approved it."


def _why_not(*, waits: bool, mine: bool, decides: bool) -> str:
    if not waits:
        return "It is decided on."
    if mine:
        return "Whoever proposes a cabling cannot approve it: a second pair of eyes does."
    return "" if decides else "Approving a cabling needs the role approver."


@needs(declaring.ACT)
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Agrees to exactly what was shown."""
    return _decided(
        request,
        pk,
        lambda person: declaring.approve(pk, person, request.POST.get("sha256", "")),
        "The cabling holds now. The proof of redundancy is made anew with it.",
    )


@needs(declaring.ACT)
@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Says no, with a reason."""
    why = request.POST.get("why", "")
    return _decided(request, pk, lambda person: declaring.refuse(pk, person, why), "The cabling is refused.")


@needs("paths.declare")
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a proposal of one's own back."""
    return _decided(
        request, pk, lambda person: declaring.withdraw(pk, person.get_username()), "The proposal is withdrawn."
    )


def _decided(request: HttpRequest, pk: int, deed: Callable[[User], Cabling], words: str) -> HttpResponse:
    row = get_object_or_404(Cabling.objects.select_related("engine"), pk=pk)
    person = request.user
    assert isinstance(person, User)
    try:
        done = deed(person)
    except declaring.CannotDecide as refusal:
        row.refresh_from_db()
        return _version(request, row, str(refusal), REFUSED)
    messages.success(request, words)
    return redirect(f"{reverse('cabling')}?engine={done.engine_id}")
