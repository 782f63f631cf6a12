"""Drills over the REST API: read them, ask for them, approve, begin; readiness of a plan on an engine."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.api_acts import DrillActs
from failover.api_fields import ApprovalRow, ChangeOf, Check, change_of, gate_state
from failover.api_plans import PlansApi
from failover.api_reports import DrillReports
from failover.models import Drill, Readiness, Schedule
from failover.services import pages_drills, readiness, schedules
from failover.services.pages_plans import drill_plan
from inventory.models import Engine
from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs
from portal.runs.api import RunDetail


class DrillRow(serializers.ModelSerializer[Drill]):
    """A drill without its run's steps. gate: awaiting | allowed | prevented | invalid."""

    status = serializers.CharField(source="run.status", allow_null=True, default=None, read_only=True)
    gate = serializers.SerializerMethodField()
    change = serializers.SerializerMethodField()

    class Meta:
        model = Drill
        exclude: ClassVar = ["before", "after", "measured", "clock_began_mono", "clock_ended_mono", "clock_boot"]

    @extend_schema_field(serializers.ChoiceField(["awaiting", "allowed", "prevented", "invalid"]))
    def get_gate(self, drill: Drill) -> str:
        return gate_state(drill, timezone.now())

    @extend_schema_field(ChangeOf)
    def get_change(self, drill: Drill) -> dict[str, Any]:
        return change_of(drill)


class DrillDetail(serializers.ModelSerializer[Drill]):
    """A drill with its run, its approval and what was measured."""

    status = serializers.CharField(source="run.status", allow_null=True, default=None, read_only=True)
    gate = serializers.SerializerMethodField()
    change = serializers.SerializerMethodField()
    approval = serializers.SerializerMethodField()
    run = RunDetail(read_only=True)

    class Meta:
        model = Drill
        exclude: ClassVar = ["clock_began_mono", "clock_ended_mono", "clock_boot"]

    @extend_schema_field(serializers.ChoiceField(["awaiting", "allowed", "prevented", "invalid"]))
    def get_gate(self, drill: Drill) -> str:
        return gate_state(drill, timezone.now())

    @extend_schema_field(ChangeOf)
    def get_change(self, drill: Drill) -> dict[str, Any]:
        return change_of(drill)

    @extend_schema_field(ApprovalRow)
    def get_approval(self, drill: Drill) -> Any:
        return ApprovalRow.of(drill, timezone.now())


class Newest(ByKey):
    """Newest drill first."""

    ordering = "-pk"


class Drills(DrillActs, DrillReports, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Drill]):
    """Drills, newest first."""

    queryset = Drill.objects.order_by("-pk")
    serializer_class = DrillRow
    pagination_class = Newest
    permission_classes = (Needs("run.view", "run.start"),)
    filter_backends = (filtered("plan", "engine"),)

    def get_queryset(self) -> QuerySet[Drill]:
        return pages_drills.drills().order_by("-pk")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return DrillRow if self.action == "list" else DrillDetail

    @extend_schema(responses=ApprovalRow)
    @action(detail=True)
    def approval(self, request: Request, pk: str = "") -> Response:
        """How the approval stands: its state, the hash and content that an approver agrees to."""
        return Response(ApprovalRow.of(self.get_object(), timezone.now()))


class ReadinessRow(serializers.Serializer[Any]):
    """The prechecks of a plan as looked at last. go: every one says go and counts. why: why they count no more."""

    plan = serializers.CharField()
    go = serializers.BooleanField()
    why = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField(allow_null=True)
    checks = Check(many=True)


class EngineReadiness(serializers.Serializer[Any]):
    """One engine with the readiness of each drill that was looked at."""

    engine = serializers.IntegerField()
    name = serializers.CharField()
    site = serializers.CharField()
    readiness = ReadinessRow(many=True)


PLAN = OpenApiParameter("plan", str, required=True, description="Name of a drill's plan.")


class ReadinessOf(viewsets.GenericViewSet[Engine]):
    """Readiness per engine: GET /api/v1/readiness/<engine>/?plan=she_failover; POST looks now, which takes seconds. The
    list says it of all engines and of every drill that was looked at."""

    queryset = Engine.objects.order_by("pk")
    serializer_class = ReadinessRow
    permission_classes = (Needs("estate.view", "run.start"),)

    @extend_schema(responses=EngineReadiness(many=True))
    def list(self, request: Request) -> Response:
        """All engines with what was looked at last; nobody is asked. An engine without a look says so by an empty
        list."""
        looked = Readiness.objects.values_list("engine", "plan").order_by("plan")
        plans: dict[int, list[str]] = {}
        for engine, plan in looked:
            if drill_plan(plan) is not None:
                plans.setdefault(engine, []).append(plan)
        rows = [
            {
                "engine": row.pk,
                "name": row.name,
                "site": row.site.name,
                "readiness": [_readiness(row, plan) for plan in plans.get(row.pk, [])],
            }
            for row in self.get_queryset().select_related("site")
        ]
        return Response(EngineReadiness(rows, many=True).data)

    @extend_schema(parameters=[PLAN], responses=ReadinessRow)
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """The last look; nobody is asked."""
        engine = self.get_object()
        return Response(_readiness(engine, self._plan(request)))

    @extend_schema(parameters=[PLAN], request=None, responses=ReadinessRow)
    @action(detail=True, methods=["post"], url_path="look")
    def look(self, request: Request, pk: str = "") -> Response:
        """Looks at everything now. Needs the act run.start."""
        engine, plan = self.get_object(), self._plan(request)
        try:
            readiness.look(engine, plan)
        except ValueError as error:  # pairs.NoPair
            raise Conflict(str(error)) from None
        return Response(_readiness(engine, plan))

    def _plan(self, request: Request) -> str:
        name = request.query_params.get("plan", "")
        if drill_plan(name) is None:
            raise Unprocessable(f"There is no drill {name!r}.")
        return name


def _readiness(engine: Engine, plan: str) -> dict[str, Any]:
    row = readiness.last(engine, plan)
    why = readiness.expired(engine, plan)
    content = {
        "plan": plan,
        "go": row is not None and not why and readiness.is_ready(row),
        "why": why,
        "at": row.at if row else None,
        "checks": readiness.checks_of(row) if row else [],
    }
    return dict(ReadinessRow(content).data)


class ScheduleRow(serializers.ModelSerializer[Schedule]):
    """A schedule with its planned starts to come."""

    next = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = "__all__"

    @extend_schema_field(serializers.ListField(child=serializers.DateTimeField()))
    def get_next(self, row: Schedule) -> list[Any]:
        return list(schedules.outlook(row, timezone.now()).next)


class Schedules(viewsets.ReadOnlyModelViewSet[Schedule]):
    """When drills are planned."""

    queryset = Schedule.objects.select_related("engine").prefetch_related("missed").order_by("pk")
    serializer_class = ScheduleRow
    pagination_class = ByKey
    permission_classes = (Needs("estate.view"),)
    filter_backends = (filtered("plan", "engine"),)


router = SimpleRouter()
router.register("drills", Drills, basename="api-drill")
router.register("readiness", ReadinessOf, basename="api-readiness")
router.register("drill-plans", PlansApi, basename="api-drill-plan")
router.register("drill-schedules", Schedules, basename="api-drill-schedule")
