"""Period reports over the REST API: definitions, reports, their files; the map of clauses."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.forms_reports import DefinitionForm
from failover.models import PeriodReport, ReportDefinition, ReportFile
from failover.reports.period import clauses
from failover.services import pages_reports, period_files, period_reports, reporting
from failover.views.report import sent
from failover.views.reports import day_of
from portal.access.admission import refusal, trace
from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs, actor
from portal.access.services.people import roles_of
from portal.runs.services import Refused

POLL_AFTER = 15  # seconds


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


class DefinitionRow(serializers.ModelSerializer[ReportDefinition]):
    """A report that is made after each of its periods. engine and site null: of the whole estate. next_due: when the
    next one is made."""

    next_due = serializers.SerializerMethodField()

    class Meta:
        model = ReportDefinition
        exclude: ClassVar = ["decided_to"]

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_due(self, row: ReportDefinition) -> Any:
        return reporting.outlook(row, timezone.now()).due if row.enabled else None


class DefinitionWish(serializers.Serializer[Any]):
    """A definition. hour: of the day after the period, by the clock of zone. language: of dates and numbers. roles,
    addresses, webhooks (names of receivers of alerts): who gets it. readers: roles that may read it here, [] for all
    that may read reports."""

    title = serializers.CharField(max_length=120)
    engine = serializers.IntegerField(required=False, allow_null=True, default=None)
    site = serializers.IntegerField(required=False, allow_null=True, default=None)
    period = serializers.ChoiceField(ReportDefinition.Period.choices)
    zone = serializers.CharField(max_length=60)
    hour = serializers.IntegerField(min_value=0, max_value=23, default=6)
    language = serializers.CharField(max_length=10, default="en-GB")
    formats = serializers.ListField(child=serializers.ChoiceField(ReportFile.Form.choices), max_length=4)
    delivery = serializers.ChoiceField(ReportDefinition.Delivery.choices, default="attachment")
    roles = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=20)
    addresses = serializers.ListField(child=serializers.EmailField(), default=list, max_length=100)
    webhooks = serializers.ListField(child=serializers.CharField(max_length=80), default=list, max_length=20)
    readers = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=20)
    late_hours = serializers.IntegerField(min_value=0, max_value=10_000, default=24)
    enabled = serializers.BooleanField(default=True)


class FileRow(serializers.ModelSerializer[ReportFile]):
    """One form of a report, as it was made."""

    class Meta:
        model = ReportFile
        exclude: ClassVar = ["id", "report"]


class ReportRow(serializers.ModelSerializer[PeriodReport]):
    """A report. ident: of the definition and the period's first day. wrong: why it is an alarm, "" when it is none.
    seal: its record in the evidence, key and signature."""

    ident = serializers.CharField(read_only=True)
    files = FileRow(many=True, read_only=True)
    title = serializers.CharField(source="definition.title", read_only=True)
    delivery = serializers.SerializerMethodField()

    class Meta:
        model = PeriodReport
        exclude: ClassVar = ["content", "taken_until", "next_at"]

    @extend_schema_field(serializers.CharField(help_text="How far its delivery is, in words."))
    def get_delivery(self, row: PeriodReport) -> str:
        return pages_reports.sent(row)


class MakeWish(serializers.Serializer[Any]):
    """day: one of the period that is wanted, 2026-11-26; without it the last whole period."""

    day = serializers.DateField(required=False, allow_null=True, default=None)


class ClauseRow(serializers.Serializer[Any]):
    """A clause of the map. secondary: the rule's own text was not read."""

    ident = serializers.CharField()
    rule = serializers.CharField(source="source")
    clause = serializers.CharField()
    asks = serializers.CharField()
    read = serializers.DateField()
    where = serializers.CharField()
    secondary = serializers.BooleanField()
    fields_asked = serializers.ListField(child=serializers.CharField(), source="fields")


SAVED = OpenApiResponse(DefinitionRow, description="Saved; the Location is the definition's.")
BEGUN = OpenApiResponse(ReportRow, description="It is being made; ask its Location after Retry-After.")


class Definitions(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ReportDefinition]):
    """Reports that are made by themselves."""

    queryset = ReportDefinition.objects.order_by("pk")
    serializer_class = DefinitionRow
    pagination_class = ByKey
    permission_classes = (Needs("report.view", "report.manage"),)
    filter_backends = (filtered("period", "enabled"),)

    @extend_schema(request=DefinitionWish, responses={201: SAVED})
    def create(self, request: Request) -> Response:
        """Defines a report. Needs report.manage."""
        row = self._saved(request, ReportDefinition())
        location = reverse("api-report-definition-detail", args=[row.pk])
        return Response(DefinitionRow(row).data, status=status.HTTP_201_CREATED, headers={"Location": location})

    @extend_schema(request=DefinitionWish, responses=DefinitionRow)
    def update(self, request: Request, pk: str = "") -> Response:
        """Changes a definition; what was made stays as it is. Needs report.manage."""
        return Response(DefinitionRow(self._saved(request, self.get_object())).data)

    @extend_schema(request=MakeWish, responses={202: BEGUN})
    @action(detail=True, methods=["post"])
    def make(self, request: Request, pk: str = "") -> Response:
        """Has the report of a period made, or made anew as its next version. Needs report.manage."""
        row, wish = self.get_object(), MakeWish(data=request.data)
        wish.is_valid(raise_exception=True)
        day = wish.validated_data["day"]
        try:
            made = reporting.ask(row, actor(request), day_of(day.isoformat() if day else ""))
        except Refused as refused:
            problem = Conflict if refused.kind == "state" else Unprocessable
            raise problem(str(refused)) from None
        headers = {"Location": reverse("api-period-report-detail", args=[made.pk]), "Retry-After": str(POLL_AFTER)}
        return Response(ReportRow(made).data, status=status.HTTP_202_ACCEPTED, headers=headers)

    def _saved(self, request: Request, row: ReportDefinition) -> ReportDefinition:
        """By the form of the page, so that both take and refuse the same."""
        wish = DefinitionWish(data=request.data)
        wish.is_valid(raise_exception=True)
        given = {name: value for name, value in wish.validated_data.items() if value is not None}
        form = DefinitionForm({**given, "addresses": "\n".join(given["addresses"])}, instance=row)
        if not form.is_valid():
            said = [
                f"{name}: {one}" if name != "__all__" else str(one)
                for name, all_ in form.errors.items()
                for one in all_
            ]
            raise Unprocessable(" ".join(said))
        return reporting.save(form.save(commit=False), actor(request))


FILES = {
    (200, "application/pdf"): OpenApiTypes.BINARY,
    (200, "application/json"): OpenApiTypes.OBJECT,
    (200, "text/html"): OpenApiTypes.STR,
    (200, "text/csv"): OpenApiTypes.STR,
}


class Reports(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PeriodReport]):
    """Reports that were made, or are to be, newest first; those that this person's roles may read."""

    queryset = PeriodReport.objects.order_by("-pk")
    serializer_class = ReportRow
    pagination_class = Newest
    permission_classes = (Needs("report.view"),)
    filter_backends = (filtered("definition", "state", "period"),)

    def get_queryset(self) -> QuerySet[PeriodReport]:
        rows = PeriodReport.objects.select_related("definition")
        if self.action == "list":
            rows = pages_reports.readable(roles_of(self.request.user))
        return rows.defer("content").prefetch_related("files").order_by("-pk")

    def get_object(self) -> PeriodReport:
        """Raises PermissionDenied on record for one that the roles may not read."""
        row = super().get_object()
        if not pages_reports.may_read(roles_of(self.request.user), row.definition):
            told = refusal(self.request._request, "report.view", what=f"read the report {row.definition.title}")
            raise PermissionDenied(str(told))
        return row

    @extend_schema(responses=FILES)
    @action(detail=True, url_path=r"files/(?P<form>pdf|html|csv|json)")
    def file(self, request: Request, pk: str = "", form: str = "") -> HttpResponseBase:
        """A form of the report, as it was made; that it was taken is recorded. JSON is described by
        docs/schema/period-report.json. 409 when the vault does not hold it as it was made."""
        row = self.get_object()
        kept = row.files.filter(form=form).first()
        if kept is None:
            raise Http404(f"The report has no {form.upper()}.")
        try:
            return sent(period_files.take(row, kept, actor(request), trace(request._request)))
        except period_files.Altered as altered:
            raise Conflict(str(altered)) from None

    @extend_schema(responses=ClauseRow(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def clauses(self, request: Request) -> Response:
        """The map of clauses that reports are held against. 409 when its file cannot be read."""
        try:
            return Response(ClauseRow(period_reports.clause_map(), many=True).data)
        except clauses.WrongMap as error:
            raise Conflict(str(error)) from None


router = SimpleRouter()
router.register("report-definitions", Definitions, basename="api-report-definition")
router.register("reports", Reports, basename="api-period-report")
