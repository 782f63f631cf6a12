"""Issues that drills found: the list, one of them, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from failover.models import Issue
from failover.services import issues, pages_reports
from failover.views.acts import status_of
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.evidence.models import Record
from portal.runs.services import Refused

FIELDS = ("title", "severity", "owner", "due", "link")


@needs("estate.view")
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """?every=1 shows the closed ones, too."""
    return _list(request)


def _list(request: HttpRequest, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    every = request.GET.get("every") == "1"
    rows = pages_reports.issue_rows(timezone.now(), every=every)
    late = sum(row.late > 0 for row in rows)
    open_ = sum(row.issue.state != Issue.State.CLOSED for row in rows)
    context = {
        "section": "drills",
        "tab": "issues",
        "state": "fail" if late else "warn" if open_ else "ok",
        "headline": _headline(open_, late),
        "lead": "Each has an owner and a day. A fixed one is closed by a drill that tests it again, or with a reason.",
        "rows": rows,
        "every": every,
        "severities": Issue.SEVERITIES,
        "mistakes": mistakes,
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), "Issues"),
    }
    return render(request, "failover/issues.html", context, status=status)


def _headline(open_: int, late: int) -> str:
    if late:
        return f"{late} issue{'s' if late > 1 else ''} past {'their' if late > 1 else 'its'} date"
    if open_:
        return f"{open_} issue{'s' if open_ > 1 else ''} open, none past its date"
    return "No issue is open"


@needs("issue.manage")
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """An issue of no drill: an audit's, or one that was seen between drills."""
    try:
        row = issues.note(_who(request), {name: request.POST.get(name, "") for name in FIELDS})
    except Refused as refusal:
        return _list(request, tuple(refusal.sentences), status_of(refusal))
    messages.success(request, f"{row.ident} is noted.")
    return redirect("issue", row.pk)


@needs("estate.view")
@require_safe
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """One issue with its history."""
    return _page(request, pk)


def _page(request: HttpRequest, pk: int, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    row = Issue.objects.select_related("drill__engine", "retest__run").filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such issue.")
    told = pages_reports.issue_row(row, timezone.now())
    late = f"{told.late} day{'s' if told.late > 1 else ''} past its date. " if told.late else ""
    context = {
        "section": "drills",
        "tab": "issues",
        "issue": row,
        "state": told.state,
        "headline": row.title,
        "lead": f"{row.ident}, {row.get_state_display()}. {late}Its owner is {row.owner or 'nobody'}.",
        "retests": pages_reports.retests(row),
        "history": Record.objects.filter(subject=f"issue:{pk}").order_by("-number"),
        "severities": Issue.SEVERITIES,
        "mistakes": mistakes,
        "person": _who(request),
        "acts": acts_of(request.user),
        "path": [*path(("Drills", "drills"), ("Issues", "issues")), Step(row.ident)],
    }
    return render(request, "failover/issue.html", context, status=status)


def _done(request: HttpRequest, pk: int, deed: Callable[[], Any], told: str) -> HttpResponse:
    try:
        deed()
    except Issue.DoesNotExist:
        raise Http404("There is no such issue.") from None
    except Refused as refusal:
        return _page(request, pk, tuple(refusal.sentences), status_of(refusal))
    messages.success(request, told)
    return redirect("issue", pk)


@needs("issue.manage")
@require_POST
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Owner, day, severity, title, link."""
    wish = {name: request.POST[name] for name in FIELDS if name in request.POST}
    based_on = request.POST.get("changed_at", "")
    return _done(request, pk, lambda: issues.edit(pk, _who(request), wish, based_on), "The issue is saved.")


@needs("issue.manage")
@require_POST
def fix(request: HttpRequest, pk: int) -> HttpResponse:
    """It is put right; a drill tests it again."""
    words = request.POST.get("words", "")
    return _done(request, pk, lambda: issues.fix(pk, _who(request), words), "It is fixed, and to be tested again.")


@needs("issue.manage")
@require_POST
def retest(request: HttpRequest, pk: int) -> HttpResponse:
    """Names the drill that tests it again."""
    text = request.POST.get("drill", "")
    drill = int(text) if text.isdecimal() and len(text) < 10 else 0
    return _done(request, pk, lambda: issues.link_retest(pk, _who(request), drill), "The retest is linked.")


@needs("issue.manage")
@require_POST
def ask_risk(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks a second person to accept the risk."""
    why, until = request.POST.get("why", ""), request.POST.get("until", "")
    return _done(
        request, pk, lambda: issues.ask_risk(pk, _who(request), why, until), "Another person accepts the risk."
    )


@needs("issue.accept")
@require_POST
def accept_risk(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person accepts it."""
    until = request.POST.get("until", "")
    return _done(request, pk, lambda: issues.accept_risk(pk, _who(request), until), "The risk is accepted.")


@needs("issue.manage")
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends it, with what shows that it is put right."""
    why = request.POST.get("why", "")
    return _done(request, pk, lambda: issues.close(pk, _who(request), why), "The issue is closed.")


@needs("issue.manage")
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens it again."""
    why = request.POST.get("why", "")
    return _done(request, pk, lambda: issues.reopen(pk, _who(request), why), "The issue is open again.")


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
