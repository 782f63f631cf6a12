"""Runs over the REST API: read them with steps and lines, start, approve, hold, resume, abort, retry, ignore a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from portal.access.filtering import filtered
from portal.access.idempotency import KEY, key_of
from portal.access.paging import ByKey
from portal.access.rest import Needs
from portal.changes.fields import ChangeField
from portal.runs import services
from portal.runs.models import Run, RunLine, RunStep
from portal.runs.problems import granted

POLL_AFTER = "2"  # seconds that a client should wait before it asks again


class Step(serializers.ModelSerializer[RunStep]):
    class Meta:
        model = RunStep
        exclude: ClassVar = ["run", "out_offset", "err_offset"]


class Line(serializers.ModelSerializer[RunLine]):
    class Meta:
        model = RunLine
        exclude: ClassVar = ["run"]


class RunRow(serializers.ModelSerializer[Run]):
    """A Run without its steps. The lease is the portal's own business."""

    class Meta:
        model = Run
        exclude: ClassVar = ["body_hash", "lease_owner", "lease_expires", "fence", "woken_at", "bound"]


class RunDetail(RunRow):
    """A Run with its steps."""

    steps = Step(many=True, read_only=True)


class Wish(serializers.Serializer[Any]):
    """What to start. target: "host:<id>". change: its number, or an object with what else is known of it."""

    plan = serializers.CharField(max_length=60)
    target = serializers.CharField(max_length=80)
    parameters = serializers.DictField(required=False, default=dict)
    change = ChangeField()


class Reason(serializers.Serializer[Any]):
    """Why a Run is aborted."""

    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class Position(serializers.Serializer[Any]):
    """The step to retry, counted from 1."""

    position = serializers.IntegerField(min_value=1)


class Ignoring(serializers.Serializer[Any]):
    """The failed step that waits for a decision, counted from 1, and why the run may go on without it."""

    position = serializers.IntegerField(min_value=1)
    reason = serializers.CharField(max_length=500)


class Newest(ByKey):
    """Newest Run first."""

    ordering = "-pk"


ACCEPTED = OpenApiResponse(RunDetail, description="Accepted; poll the Location.")


class Runs(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Run]):
    """Runs, newest first."""

    queryset = Run.objects.order_by("-pk")
    serializer_class = RunRow
    pagination_class = Newest
    permission_classes = (Needs("run.view"),)
    filter_backends = (filtered("status", "plan", "target", "change"),)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return RunRow if self.action == "list" else RunDetail

    def get_queryset(self) -> QuerySet[Run]:
        return super().get_queryset() if self.action == "list" else super().get_queryset().prefetch_related("steps")

    @extend_schema(request=Wish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Starts a Run: 202 with Location. Needs the act run.start."""
        self._allow(request, "run.start")
        wish = Wish(data=request.data)
        wish.is_valid(raise_exception=True)
        key = key_of(request)
        run = granted(
            lambda: services.start(
                wish.validated_data["plan"],
                wish.validated_data["parameters"],
                wish.validated_data["target"],
                request.user.get_username(),
                wish.validated_data["change"] or "",
                key,
            )
        )
        return self._accepted(run)

    @extend_schema(responses=Line(many=True))
    @action(detail=True, pagination_class=ByKey)
    def lines(self, request: Request, pk: str = "") -> Response:
        """The lines of a Run, oldest first; follow `next` for more."""
        rows: QuerySet[Any] = RunLine.objects.filter(run=self.get_object()).order_by("pk")
        return self.get_paginated_response(Line(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=None, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str = "") -> Response:
        """Approves a Run that waits for it; never by whoever asked for it."""
        return self._do(request, "run.approve", services.approve)

    @extend_schema(request=None, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: str = "") -> Response:
        """Holds a Run before its next step."""
        return self._do(request, "run.start", services.hold)

    @extend_schema(request=None, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str = "") -> Response:
        """Lets a held Run go on."""
        return self._do(request, "run.start", services.resume)

    @extend_schema(request=Reason, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, pk: str = "") -> Response:
        """Ends a Run; its undos run backwards."""
        reason = Reason(data=request.data)
        reason.is_valid(raise_exception=True)
        words = reason.validated_data["reason"]
        return self._do(request, "run.abort", lambda run, by: services.abort(run, by, words))

    @extend_schema(request=Position, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str = "") -> Response:
        """Tries a failed step, or a failed undo, again; also a step whose failure waits for a decision."""
        wish = Position(data=request.data)
        wish.is_valid(raise_exception=True)
        position = wish.validated_data["position"]
        return self._do(request, "run.start", lambda run, by: services.retry(run, position, by))

    @extend_schema(request=Ignoring, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: str = "") -> Response:
        """Lets a Run go on although a step failed, while that waits for a decision; never by whoever asked for the Run.
        Needs the act run.approve."""
        wish = Ignoring(data=request.data)
        self._allow(request, "run.approve")
        wish.is_valid(raise_exception=True)
        position, reason = wish.validated_data["position"], wish.validated_data["reason"]
        return self._do(request, "run.approve", lambda run, by: services.ignore(run, position, by, reason))

    def _do(self, request: Request, act: str, deed: Callable[[int, str], Run]) -> Response:
        self._allow(request, act)
        run = self.get_object()
        return self._accepted(granted(lambda: deed(run.pk, request.user.get_username())))

    def _allow(self, request: Request, act: str) -> None:
        """The act that this call needs; a refusal is recorded by the permission itself."""
        Needs(act)().has_permission(request, self)

    def _accepted(self, run: Run) -> Response:
        body = RunDetail(Run.objects.prefetch_related("steps").get(pk=run.pk)).data
        headers = {"Location": reverse("api-run-detail", args=[run.pk]), "Retry-After": POLL_AFTER}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


router = SimpleRouter()
router.register("runs", Runs, basename="api-run")
