"""The report of an ended drill over the REST API: the same bytes and evidence as its page's downloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from failover.catalog.attaching import JPEG, PDF, PNG, TEXT
from failover.models import Attachment
from failover.services import attachments
from failover.services import report as reports
from failover.services import report_file as files
from failover.views.report import given_out, sent
from portal.access.admission import trace
from portal.access.problems import Conflict
from portal.access.rest import actor
from portal.runs.services import Refused

if TYPE_CHECKING:
    from failover.models import Drill


class DrillReports:
    """Mixed into the drills' resource."""

    if TYPE_CHECKING:

        def get_object(self) -> Drill: ...

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    @action(detail=True)
    def report(self, request: Request, pk: str = "") -> HttpResponseBase:
        """The report as canonical JSON. The SHA-256 of its `content` is in the evidence; that it was taken is recorded.
        409 until the drill has ended."""
        return self._file(request, files.json_file)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, url_path="report/pdf")
    def report_pdf(self, request: Request, pk: str = "") -> HttpResponseBase:
        """The report as PDF; that it was taken is recorded. 409 until the drill has ended, or where no PDF
        can be made."""
        return self._file(request, files.pdf_file)

    @extend_schema(responses={(200, kind): OpenApiTypes.BINARY for kind in (PNG, JPEG, PDF, TEXT)})
    @action(detail=True, url_path=r"attachments/(?P<file>\d{1,18})")
    def attachment(self, request: Request, pk: str = "", file: str = "") -> HttpResponseBase:
        """A file that a person attached to an answer, as it was kept; that it was taken is recorded. 409 when the vault
        holds it no more, or not as it was kept."""
        try:
            return given_out(attachments.take(self.get_object(), int(file), actor(request), trace(request._request)))
        except Attachment.DoesNotExist:
            raise Http404("There is no such file.") from None
        except Refused as refusal:
            raise Conflict(str(refusal)) from None

    def _file(self, request: Request, form: Callable[[reports.Made], files.File]) -> HttpResponseBase:
        drill, who = self.get_object(), actor(request)
        try:
            made = reports.make(drill.pk, who)
            file = form(made)
        except (reports.NoReport, files.NoPdf) as refusal:
            raise Conflict(str(refusal)) from None
        files.taken(made, file, drill.pk, who, trace(request._request))
        return sent(file)
