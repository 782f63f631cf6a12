"""The recovery-day kit over the REST API: the same services, refusals and evidence as its page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from backups import models
from backups.api_acts import ACCEPTED, accepted
from backups.kit.readiness import lines
from backups.services import kit as kits
from backups.views.kit import sent
from inventory.models import Engine
from inventory.models.looks import OUTCOMES
from portal.access.admission import trace
from portal.access.filtering import filtered
from portal.access.idempotency import KEY, key_of
from portal.access.paging import Newest
from portal.access.problems import Conflict
from portal.access.rest import Needs, actor
from portal.changes.asked import Asked
from portal.changes.fields import ChangeField
from portal.runs.problems import granted


class Kit(serializers.ModelSerializer[models.Kit]):
    """One collection. outcome, headline and sentence: the verdict when it was made. bundle "": no longer kept."""

    class Meta:
        model = models.Kit
        exclude: ClassVar = ["content"]


class ReadinessLine(serializers.Serializer[Any]):
    """One thing that the day needs. collected_at: Unix seconds; null: never. max_age: seconds."""

    key = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()
    collected_at = serializers.IntegerField(source="at", allow_null=True)
    max_age = serializers.IntegerField()


class KitDetail(Kit):
    """With its content, as kit.json has it, and its readiness judged now."""

    readiness = serializers.SerializerMethodField()

    class Meta:
        model = models.Kit
        fields = "__all__"

    @extend_schema_field(ReadinessLine(many=True))
    def get_readiness(self, row: models.Kit) -> Any:
        content = kits.content(row)
        found = lines(content, int(timezone.now().timestamp())) if content else ()
        return ReadinessLine(found, many=True).data


class CollectWish(serializers.Serializer[Any]):
    """Of which engine. change: that the collecting belongs to."""

    engine = serializers.PrimaryKeyRelatedField(queryset=Engine.objects.all())
    change = ChangeField()


class Kits(viewsets.ReadOnlyModelViewSet[models.Kit]):
    """Kits, newest first."""

    queryset = models.Kit.objects.order_by("-at", "-pk")
    permission_classes = (Needs("estate.view", "run.start"),)
    pagination_class = Newest
    filter_backends = (filtered("engine"),)

    def get_queryset(self) -> QuerySet[models.Kit]:
        rows = super().get_queryset()
        return rows.defer("content") if self.action == "list" else rows.select_related("engine")

    def get_serializer_class(self) -> type[Kit]:
        return KitDetail if self.action == "retrieve" else Kit

    @extend_schema(request=CollectWish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Collects the kit of an engine. Needs the act run.start. 423 while another Run has the engine."""
        wish = CollectWish(data=request.data)
        wish.is_valid(raise_exception=True)
        engine, change = wish.validated_data["engine"], Asked.of(wish.validated_data["change"] or "")
        who, key = str(request.user.get_username()), key_of(request)
        return accepted(granted(lambda: kits.start(engine, who, key, change)))

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, permission_classes=(Needs("estate.view"),))
    def bundle(self, request: Request, pk: str = "") -> HttpResponseBase:
        """The signed bundle. That it was taken is recorded. 409 when it is no longer kept."""
        row = self.get_object()
        try:
            return sent(row, kits.bundle(row, actor(request), trace(request._request)))
        except kits.NoBundle as refusal:
            raise Conflict(str(refusal)) from None


router = SimpleRouter()
router.register("kits", Kits, basename="api-kit")
