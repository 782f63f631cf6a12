"""The report of a drill: as a page, as PDF, as JSON."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_safe

from failover.models import Drill
from failover.services import report as reports
from failover.services import report_file as files
from failover.services.report import Made, NoReport
from failover.services.report_file import File, NoPdf
from portal.access.admission import needs, trace


@needs("run.view")
@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole report, made to be printed."""
    try:
        return HttpResponse(files.html(_made(request, pk)))
    except NoReport as refusal:
        messages.error(request, str(refusal))
        return redirect("drill", pk)


@needs("run.view")
@require_GET
def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF; that it was taken is recorded."""
    return _download(request, pk, files.pdf_file)


@needs("run.view")
@require_GET
def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The JSON; that it was taken is recorded."""
    return _download(request, pk, files.json_file)


def _made(request: HttpRequest, pk: int) -> Made:
    try:
        return reports.make(pk, request.user.get_username())
    except Drill.DoesNotExist:
        raise Http404("There is no such drill.") from None


def _download(request: HttpRequest, pk: int, form: Callable[[Made], File]) -> HttpResponse:
    try:
        made = _made(request, pk)
        file = form(made)
    except (NoReport, NoPdf) as refusal:
        messages.error(request, str(refusal))
        return redirect("drill", pk)
    files.taken(made, file, pk, request.user.get_username(), trace(request))
    return sent(file)


def sent(file: File) -> HttpResponse:
    """A file as a response."""
    answer = HttpResponse(file.raw, content_type=file.kind)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
