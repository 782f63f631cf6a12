"""Drill plans over the REST API: read them, check an order, compose, change, retire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from failover.models import ComposedPlan, PlanVersion
from failover.plans_composed import ASK
from failover.services import composed, pages_composed
from failover.services.conduct import CONFLICTS
from portal.access.paging import ByKey
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs
from portal.runs.services import Refused


class PlanStep(serializers.Serializer[Any]):
    """step: a name of GET /drill-plans/steps/. For ask_person also question and minutes (1 to 720) until its answer."""

    step = serializers.CharField(max_length=60)
    question = serializers.CharField(max_length=2000, required=False)
    minutes = serializers.IntegerField(required=False)


class PlanStepOffered(serializers.Serializer[Any]):
    """A step that a plan can be composed of. does: what it takes, gives back or changes."""

    step = serializers.CharField()
    title = serializers.CharField()
    does = serializers.CharField(allow_blank=True)


class PlanVersionRow(serializers.ModelSerializer[PlanVersion]):
    """One version; it never changes. sha256: over the canonical JSON of title and steps, bound by approvals."""

    steps = PlanStep(many=True, read_only=True)

    class Meta:
        model = PlanVersion
        exclude: ClassVar = ["id", "plan"]


class PlanRow(serializers.ModelSerializer[ComposedPlan]):
    """A composed plan with its versions, newest first. name: what drills and schedules are asked for by."""

    versions = PlanVersionRow(many=True, read_only=True)
    usable = serializers.SerializerMethodField()

    class Meta:
        model = ComposedPlan
        fields = "__all__"

    @extend_schema_field(serializers.CharField(help_text="Empty, or why no drill can be asked of it."))
    def get_usable(self, plan: ComposedPlan) -> str:
        why = pages_composed.shown(plan, 0).why_not
        return "It is retired." if plan.retired_at else why


class PlanOrder(serializers.Serializer[Any]):
    """An order to be checked; nothing is saved."""

    title = serializers.CharField(max_length=200, required=False, default="untitled")
    steps = serializers.ListField(child=PlanStep(), max_length=60)


class PlanWish(PlanOrder):
    """A new plan. name: 3 to 40 small letters, digits, hyphens; it is put after custom-."""

    name = serializers.CharField(max_length=48)
    title = serializers.CharField(max_length=200)
    why = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class PlanVersionWish(PlanOrder):
    """The next version. based_on: the version that was read."""

    title = serializers.CharField(max_length=200)
    based_on = serializers.IntegerField(min_value=1)
    why = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class PlanCheck(serializers.Serializer[Any]):
    """safe: it could be saved. reasons: one sentence each why not."""

    safe = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


class Retirement(serializers.Serializer[Any]):
    """Why it is retired."""

    why = serializers.CharField(max_length=500)


SAVED = OpenApiResponse(PlanRow, description="Saved; the Location is the plan's.")


class PlansApi(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ComposedPlan]):
    """Drill plans that people composed, of the built-in steps and of manual ones. Built-in plans are not listed."""

    queryset = ComposedPlan.objects.order_by("pk")
    serializer_class = PlanRow
    pagination_class = ByKey
    permission_classes = (Needs("estate.view", "drill.compose"),)
    lookup_field = "name"
    lookup_value_regex = "[a-z0-9-]+"

    def get_queryset(self) -> QuerySet[ComposedPlan]:
        return pages_composed.found().order_by("pk")

    @extend_schema(request=PlanWish, responses={201: SAVED})
    def create(self, request: Request) -> Response:
        """Composes a plan: 201 with Location; 422 with every reason why its order is not safe. Needs drill.compose."""
        given = _valid(PlanWish, request)
        row = _granted(
            lambda: composed.create(given["name"], given["title"], given["steps"], _who(request), given["why"])
        )
        return self._saved(row.plan.name, status.HTTP_201_CREATED)

    @extend_schema(request=PlanVersionWish, responses={201: SAVED})
    @action(detail=True, methods=["post"])
    def versions(self, request: Request, name: str = "") -> Response:
        """Saves the next version; 409 when somebody else has saved one meanwhile. Needs drill.compose."""
        plan, given = self.get_object(), _valid(PlanVersionWish, request)
        _granted(
            lambda: composed.edit(
                plan.name, given["based_on"], given["title"], given["steps"], _who(request), given["why"]
            )
        )
        return self._saved(plan.name, status.HTTP_201_CREATED)

    @extend_schema(request=Retirement, responses=PlanRow)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, name: str = "") -> Response:
        """No new drill uses it from now on; what was drilled stays readable. Needs drill.compose."""
        plan, given = self.get_object(), _valid(Retirement, request)
        _granted(lambda: composed.retire(plan.name, _who(request), given["why"]))
        return self._saved(plan.name, status.HTTP_200_OK)

    @extend_schema(request=PlanOrder, responses=PlanCheck)
    @action(detail=False, methods=["post"])
    def check(self, request: Request) -> Response:
        """Says whether an order is safe, and why not. Nothing is saved. Needs drill.compose."""
        given = _valid(PlanOrder, request)
        reasons = composed.check(given["title"], given["steps"])
        return Response(PlanCheck({"safe": not reasons, "reasons": list(reasons)}).data)

    @extend_schema(responses=PlanStepOffered(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def steps(self, request: Request) -> Response:
        """The steps that a plan can be composed of."""
        rows = [
            {"step": step, "title": title, "does": "" if step == ASK else pages_composed.does(step)}
            for step, title in pages_composed.choices()
        ]
        return Response(PlanStepOffered(rows, many=True).data)

    def _saved(self, name: str, code: int) -> Response:
        body = PlanRow(self.get_queryset().get(name=name)).data
        return Response(body, status=code, headers={"Location": reverse("api-drill-plan-detail", args=[name])})


def _who(request: Request) -> str:
    return str(request.user.get_username())


def _granted(deed: Callable[[], Any]) -> Any:
    try:
        return deed()
    except Refused as refusal:
        if refusal.kind in CONFLICTS:
            raise Conflict(str(refusal)) from None
        raise Unprocessable(str(refusal)) from None


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    wish = kind(data=request.data)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found
