"""Period reports: what is defined, what was made, what became of it; the map of clauses."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from failover.forms_reports import DefinitionForm
from failover.models import PeriodReport, ReportDefinition
from failover.reports.period import clauses
from failover.reports.period.fields import FIELDS
from failover.services import pages_reports, period_files, period_reports, reporting
from failover.views.acts import NOT_VALID, status_of
from failover.views.report import sent
from inventory.views.paths import Step, path
from portal.access.admission import needs, refusal, trace
from portal.access.services.people import acts_of, roles_of
from portal.runs.services import Refused


@needs("report.view")
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """All definitions with their newest report."""
    return _list(request)


def _list(request: HttpRequest, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    rows = pages_reports.rows(roles_of(request.user), timezone.now())
    bad = [row for row in rows if row.wrong]
    context = {
        "section": "drills",
        "tab": "reports",
        "state": "fail" if bad else "ok" if rows else "waiting",
        "headline": _headline(len(rows), len(bad)),
        "lead": bad[0].wrong if bad else "Each is made after its period, signed, kept here and sent to whom it names.",
        "rows": rows,
        "mistakes": mistakes,
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), "Reports"),
    }
    return render(request, "failover/reports.html", context, status=status)


def _headline(count: int, bad: int) -> str:
    if bad:
        return f"{bad} report{'s' if bad > 1 else ''} late or not delivered"
    if not count:
        return "No report is defined"
    return f"{count} report{'s' if count > 1 else ''} defined, none is late"


@needs("report.manage")
def definition(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """GET shows the form; POST saves."""
    zone = timezone.get_current_timezone_name()
    blank = ReportDefinition(zone=zone if "/" in zone else "UTC", formats=["pdf", "json"])
    row = get_object_or_404(ReportDefinition, pk=pk) if pk else blank
    form = DefinitionForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        reporting.save(form.save(commit=False), request.user.get_username())
        messages.success(request, "The report is saved.")
        return redirect("reports")
    title = row.title if pk else "New report"
    context = {
        "section": "drills",
        "tab": "reports",
        "form": form,
        "state": "waiting",
        "headline": title if pk else "Define a report",
        "lead": "It is made after each of its periods. What was made already stays as it is.",
        "button": "Save the report",
        "back": reverse("reports"),
        "path": [*path(("Drills", "drills"), ("Reports", "reports")), Step(title)],
    }
    return render(request, "failover/plan_form.html", context, status=NOT_VALID if form.errors else 200)


@needs("report.manage")
@require_POST
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Has the report of a period made: of the last whole one, or of the one that holds `day`."""
    row = get_object_or_404(ReportDefinition, pk=pk)
    try:
        made = reporting.ask(row, request.user.get_username(), day_of(request.POST.get("day", "")))
    except Refused as refused:
        return _list(request, tuple(refused.sentences), status_of(refused))
    messages.success(request, "It is being made; this takes up to a minute.")
    return redirect("period-report", made.pk)


def day_of(text: str) -> datetime | None:
    """Noon of a day, so that it is that day in every zone of the bank. Raises Refused."""
    try:
        return datetime.fromisoformat(f"{text.strip()}T12:00:00").replace(tzinfo=UTC) if text.strip() else None
    except ValueError:
        raise Refused("parameters", f"{text[:40]!r} is no date: write it as 2026-12-01.") from None


def found(request: HttpRequest, pk: int) -> PeriodReport:
    """A report that this person may read. Raises Http404, and Denied on record."""
    rows = PeriodReport.objects.select_related("definition__engine", "definition__site")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such report.")
    if not pages_reports.may_read(roles_of(request.user), row.definition):
        raise refusal(request, "report.view", what=f"read the report {row.definition.title}")
    return row


@needs("report.view")
@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """One report: its verdict, files, delivery and versions."""
    shown = pages_reports.shown(found(request, pk), timezone.now())
    made = shown.made
    context = {
        "section": "drills",
        "tab": "reports",
        "shown": shown,
        "state": "fail" if shown.wrong else made.report.verdict.state if made else "waiting",
        "headline": f"{shown.row.definition.title}, {shown.period}",
        "lead": shown.wrong
        or (f"{made.report.verdict.words[:1].upper()}{made.report.verdict.words[1:]}." if made else _waits(shown.row)),
        "acts": acts_of(request.user),
        "path": [*path(("Drills", "drills"), ("Reports", "reports")), Step(shown.row.ident)],
    }
    return render(request, "failover/period_report.html", context)


def _waits(row: PeriodReport) -> str:
    if row.content is not None:
        return "Another version of Holdfast wrote it: its files can be taken, and its page cannot be drawn."
    return row.sentence or "It is being made; this takes up to a minute."


@needs("report.view")
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole report, made to be printed."""
    row = found(request, pk)
    made = pages_reports.read(row)
    if made is None:
        messages.error(request, _waits(row))
        return redirect("period-report", pk)
    return HttpResponse(period_files.html(made, row))


@needs("report.view")
@require_GET
def file(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """A file as it was made; that it was taken is recorded."""
    row = found(request, pk)
    kept = row.files.filter(form=form).first()
    if kept is None:
        raise Http404(f"The report has no {form.upper()}.")
    try:
        return sent(period_files.take(row, kept, request.user.get_username(), trace(request)))
    except period_files.Altered as altered:
        messages.error(request, str(altered))
        return redirect("period-report", pk)


@needs("report.view")
@require_safe
def map_(request: HttpRequest) -> HttpResponse:
    """The map of clauses, each against the newest report that this person may read."""
    try:
        told, wrong = period_reports.clause_map(), ""
    except clauses.WrongMap as error:
        told, wrong = (), str(error)
    newest = (
        pages_reports.readable(roles_of(request.user))
        .filter(state=PeriodReport.State.MADE)
        .order_by("-ends", "-pk")
        .first()
    )
    made = pages_reports.read(newest) if newest else None
    shown = {one.ident: one for one in clauses.shown(told, made.report)} if made else {}
    met = sum(one.met for one in shown.values())
    context = {
        "section": "drills",
        "tab": "reports",
        "state": "unknown" if wrong or not made else "ok" if met == len(told) else "warn",
        "headline": "The map of clauses cannot be read" if wrong else _mapped(len(told), met, made is not None),
        "lead": wrong or "Which rule asks for what, in our words. Compliance compares each with the rule's own text.",
        "rows": [(one, shown.get(one.ident), [FIELDS[name].title for name in one.fields]) for one in told],
        "newest": newest,
        "path": [*path(("Drills", "drills"), ("Reports", "reports")), Step("Clauses")],
    }
    return render(request, "failover/clauses.html", context)


def _mapped(count: int, met: int, made: bool) -> str:
    return (
        f"{met} of {count} clauses are shown by the newest report"
        if made
        else f"{count} clauses; no report was made yet"
    )
