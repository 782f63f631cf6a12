"""Availability over the REST API: the same figures, corrections and refusals as the pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.api_availability_fields import (
    AvailabilityDetail,
    AvailabilityRow,
    CorrectionRow,
    CorrectionWish,
    DecisionWish,
    ObjectiveWish,
    PromiseWish,
    RetireWish,
    VersionRow,
)
from failover.models import Correction, Objective
from failover.services import corrections, objectives, pages_availability
from failover.services.availability import current
from failover.services.availability import objectives as promised
from failover.services.availability_shapes import as_dict, correction, custom, whole
from failover.services.pages_availability import FIRST, LAST, entry_of
from portal.access.idempotency import KEY, key_of
from portal.access.rest import Needs
from portal.runs.problems import granted

LONGEST = timedelta(days=400)  # of a stretch of time that is asked for
AT = OpenApiParameter("at", str, description="A day such as 2026-11-26: the periods that hold it. Now when left out.")
SPAN = [
    OpenApiParameter("begins", datetime, description="Instead of a period: from when, with its time zone."),
    OpenApiParameter("ends", datetime, description="... and until when; at most 400 days later."),
]


class AvailabilityApi(viewsets.GenericViewSet[Objective]):
    """Services of which something is promised."""

    queryset = Objective.objects.order_by("pk")
    serializer_class = AvailabilityRow
    pagination_class = None
    permission_classes = (Needs("estate.view"),)

    def get_queryset(self) -> QuerySet[Objective]:
        return promised(retired=True)

    @extend_schema(parameters=[AT], responses=AvailabilityRow(many=True))
    def list(self, request: Request) -> Response:
        """Every service in its own period, the worst first."""
        return Response([as_dict(row) for row in pages_availability.listed(list(promised()), *_at(request, "UTC"))])

    @extend_schema(parameters=[AT, *SPAN], responses=AvailabilityDetail)
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """One service in a period, or from `begins` to `ends`."""
        row = self.get_object()
        span = _span(request)
        if span is not None:
            return Response(custom(row, *span, timezone.now()))
        now, at = _at(request, current(row).zone)
        return Response(whole(pages_availability.shown(row, now, at)))

    @extend_schema(request=PromiseWish, responses={201: VersionRow})
    def create(self, request: Request) -> Response:
        """Promises something of a service that has no objective. Needs the act objective.manage."""
        Needs("objective.manage")().has_permission(request, self)
        given = _valid(PromiseWish, request)
        service = (given.pop("engine"), given.pop("kind"), given.pop("key"))
        why = given.pop("why")
        row = granted(lambda: objectives.declare(*service, objectives.Wish(**given), _who(request), why))
        headers = {"Location": reverse("api-availability-detail", args=[row.pk])}
        fresh = promised().get(pk=row.pk)
        return Response(VersionRow(current(fresh)).data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=ObjectiveWish, responses=VersionRow(many=True))
    @action(detail=True, methods=["get", "post"], permission_classes=(Needs("estate.view", "objective.manage"),))
    def objective(self, request: Request, pk: str = "") -> Response:
        """GET: every version, the newest first. POST: the next one, which counts from the next period on."""
        row = self.get_object()
        if request.method == "POST":
            given = _valid(ObjectiveWish, request)
            why = given.pop("why")
            granted(lambda: objectives.change(row, objectives.Wish(**given), _who(request), why))
        return Response(VersionRow(row.versions.model.objects.filter(objective=row), many=True).data)

    @extend_schema(request=RetireWish, responses={204: None})
    @action(detail=True, methods=["post"], permission_classes=(Needs("objective.manage"),))
    def retire(self, request: Request, pk: str = "") -> Response:
        """Watches it no more; what was measured stays. Needs the act objective.manage."""
        row, given = self.get_object(), _valid(RetireWish, request)
        granted(lambda: objectives.retire(row, _who(request), given["why"]))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(methods=["GET"], responses=CorrectionRow(many=True))
    @extend_schema(methods=["POST"], request=CorrectionWish, parameters=[KEY], responses={201: CorrectionRow})
    @action(detail=True, methods=["get", "post"], permission_classes=(Needs("estate.view", "downtime.correct"),))
    def corrections(self, request: Request, pk: str = "") -> Response:
        """GET: every entry, the newest first. POST: one more. Needs the act downtime.correct."""
        row = self.get_object()
        if request.method != "POST":
            found = Correction.objects.filter(objective=row).select_related("decision").order_by("-pk")
            return Response([correction(entry_of(one)) for one in found])
        given = _valid(CorrectionWish, request)
        wish = corrections.Wish(**given)
        key = key_of(request)
        entry = granted(lambda: corrections.enter(row, wish, _who(request), key))
        return Response(correction(entry_of(entry)), status=status.HTTP_201_CREATED)

    @extend_schema(request=DecisionWish, responses=CorrectionRow)
    @action(detail=True, methods=["post"], url_path=r"corrections/(?P<entry>\d{1,18})/decide")
    def decide(self, request: Request, pk: str = "", entry: str = "") -> Response:
        """Confirms or refuses an entry (needs the act run.approve), or takes one's own back."""
        row = get_object_or_404(self.get_object().corrections, pk=int(entry))
        given = _valid(DecisionWish, request)
        act = "downtime.correct" if given["word"] == "withdrawn" else "run.approve"
        Needs(act)().has_permission(request, self)
        granted(lambda: corrections.decide(row.pk, given["word"], _who(request), given["why"]))
        return Response(correction(entry_of(Correction.objects.select_related("decision").get(pk=row.pk))))


def _who(request: Request) -> str:
    return str(request.user.get_username())


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    wish = kind(data=request.data)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found


def _at(request: Request, zone: str) -> tuple[datetime, datetime]:
    now = timezone.now()
    try:
        return now, pages_availability.moment(request.query_params.get("at", ""), now, zone)
    except ValueError:
        raise ValidationError({"at": ["That is no day: write one such as 2026-11-26."]}) from None


def _span(request: Request) -> tuple[datetime, datetime] | None:
    given = {name: request.query_params.get(name) for name in ("begins", "ends")}
    if not any(given.values()):
        return None
    field = serializers.DateTimeField()
    found = []
    for name, text in given.items():
        try:
            found.append(field.run_validation(text))
        except ValidationError as error:
            raise ValidationError({name: error.detail}) from None
    begins, ends = found
    if begins.year < FIRST or ends.year > LAST or not begins < ends <= begins + LONGEST:
        raise ValidationError({"ends": [f"It lies after begins, at most {LONGEST.days} days, from {FIRST} to {LAST}."]})
    return begins, ends


router = SimpleRouter()
router.register("availability", AvailabilityApi, basename="api-availability")
