"""The report of a drill: as a page, as PDF, as JSON; and the files that people attached."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_safe

from failover.catalog.attaching import TEXT
from failover.models import Attachment, Drill
from failover.services import attachments
from failover.services import report as reports
from failover.services import report_file as files
from failover.services.report import Made, NoReport
from failover.services.report_file import File, NoPdf
from portal.access.admission import needs, trace
from portal.runs.services import Refused


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


@needs("run.view")
@require_GET
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A file that a person attached to an answer; that it was taken is recorded."""
    drill = get_object_or_404(Drill.objects.select_related("run"), pk=pk)
    try:
        return given_out(attachments.take(drill, file, request.user.get_username(), trace(request)))
    except Attachment.DoesNotExist:
        raise Http404("There is no such file.") from None
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("drill", pk)


def given_out(taken: attachments.Taken) -> HttpResponse:
    """A person's file as a response: saved, never shown, whatever it holds."""
    answer = sent(File(taken.row.name, taken.row.kind, taken.raw))
    if taken.row.kind == TEXT:
        answer["Content-Type"] = "text/plain; charset=utf-8"
    answer["Content-Disposition"] = content_disposition_header(True, taken.row.name) or "attachment"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-store"
    return answer


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
