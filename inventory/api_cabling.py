"""The declared cabling and power over the API: read, propose as CSV or as lines, decide. The same services, refusals
and evidence as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api_acts import Changed, NotNow
from inventory.models import Cabling as CablingRow
from inventory.models import Engine
from inventory.redundancy import cabling as tables
from inventory.redundancy.cabling import Line
from inventory.services import cabling as declaring
from inventory.services import pages_cabling as pages
from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import Unprocessable
from portal.access.rest import Needs, actor

ENGINE = OpenApiParameter("engine", int, required=True, description="Primary key of the engine.")


class CablingLine(serializers.Serializer[Any]):
    """One fact, as the columns of the table: docs/cabling.md has the kinds."""

    kind = serializers.ChoiceField(tables.KINDS)
    name = serializers.CharField(max_length=tables.LONGEST)
    port = serializers.CharField(max_length=tables.LONGEST, required=False, default="", allow_blank=True)
    at = serializers.CharField(max_length=tables.LONGEST)
    at_port = serializers.CharField(max_length=tables.LONGEST, required=False, default="", allow_blank=True)
    card = serializers.CharField(max_length=tables.LONGEST, required=False, default="", allow_blank=True)


class Cabling(serializers.ModelSerializer[CablingRow]):
    """One version of an estate's cabling and power. text: the whole table as CSV; sha256: what an approval binds to."""

    class Meta:
        model = CablingRow
        fields: ClassVar = [
            *("id", "engine", "state", "sha256", "text", "reason", "proposed_by", "proposed_at", "decided_by"),
            *("decided_at", "why"),
        ]


class CablingWish(serializers.Serializer[Any]):
    """A proposal: the whole table, as CSV in `text` or as `lines`; exactly one of them."""

    engine = serializers.IntegerField()
    text = serializers.CharField(max_length=tables.LARGEST, required=False, trim_whitespace=False)
    lines = CablingLine(many=True, required=False)
    reason = serializers.CharField(max_length=declaring.LONGEST, required=False, default="", allow_blank=True)


class CablingShown(serializers.Serializer[Any]):
    """The sha256 of the version that was read."""

    sha256 = serializers.CharField(max_length=64)


class CablingWhy(serializers.Serializer[Any]):
    """Why it is refused."""

    why = serializers.CharField(max_length=declaring.LONGEST)


class CableState(serializers.Serializer[Any]):
    """A declared cable beside what the fabrics tell now."""

    wwpn = serializers.CharField(source="cable.wwpn")
    owner = serializers.CharField(source="cable.line.name")
    switch = serializers.CharField(source="cable.line.at")
    port = serializers.CharField(source="cable.line.at_port")
    standing = serializers.ChoiceField(["as planned", "elsewhere", "other fabric", "not logged in", "not known"])
    seen_at = serializers.CharField(source="where", allow_blank=True)
    sentence = serializers.CharField(allow_blank=True)


class PluggedNow(serializers.Serializer[Any]):
    """A table of what is plugged in now, as CSV."""

    text = serializers.CharField()


class Cablings(ReadOnlyModelViewSet[CablingRow]):
    """Versions of the declared cabling and power, the newest first; one of an engine holds, one may wait."""

    queryset = CablingRow.objects.order_by("pk")
    serializer_class = Cabling
    pagination_class = ByKey
    permission_classes = (Needs("estate.view", "paths.declare"),)
    filter_backends = (filtered("engine", "state", "proposed_by"),)

    @extend_schema(request=CablingWish, responses={201: Cabling})
    def create(self, request: Request) -> Response:
        """Proposes a table as the whole declaration of an engine's estate. Needs the act paths.declare. 422 with every
        mistake, line by line; 409 when another version waits, or nothing would change."""
        wish = CablingWish(data=request.data)
        wish.is_valid(raise_exception=True)
        given = wish.validated_data
        engine = Engine.objects.filter(pk=given["engine"]).first()
        if engine is None:
            raise exceptions.NotFound("There is no such engine.")
        if ("text" in given) == ("lines" in given):
            raise Unprocessable("Give the table either as text or as lines.")
        text = given["text"] if "text" in given else tables.written(Line(**one) for one in given["lines"])
        name = request.user.get_username()
        try:
            row = declaring.propose(engine, name, text, given["reason"], actor(request))
        except declaring.CannotPropose as refusal:
            raise Unprocessable(" ".join(str(one) for one in refusal.mistakes[:40])) from None
        except declaring.CannotDecide as refusal:
            raise NotNow(str(refusal)) from None
        return Response(Cabling(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CablingShown, responses=Cabling)
    @action(detail=True, methods=["post"], permission_classes=(Needs(declaring.ACT),))
    def approve(self, request: Request, pk: str = "") -> Response:
        """Makes a version that another person proposed the one that holds. Needs the act cabling.approve. 409 when it
        is not the one that was read, waits no longer, or is one's own."""
        wish = CablingShown(data=request.data)
        wish.is_valid(raise_exception=True)
        sha256 = wish.validated_data["sha256"]
        return self._decided(request, lambda row, by: declaring.approve(row, by, sha256, actor(request)))

    @extend_schema(request=CablingWhy, responses=Cabling)
    @action(detail=True, methods=["post"], permission_classes=(Needs(declaring.ACT),))
    def refuse(self, request: Request, pk: str = "") -> Response:
        """Refuses a version that another person proposed, with a reason. Needs the act cabling.approve."""
        wish = CablingWhy(data=request.data)
        wish.is_valid(raise_exception=True)
        why = wish.validated_data["why"]
        return self._decided(request, lambda row, by: declaring.refuse(row, by, why, actor(request)))

    @extend_schema(request=None, responses=Cabling)
    @action(detail=True, methods=["post"], permission_classes=(Needs("paths.declare"),))
    def withdraw(self, request: Request, pk: str = "") -> Response:
        """Takes back a proposal of one's own."""
        return self._decided(request, lambda row, by: declaring.withdraw(row, by.get_username(), actor(request)))

    @extend_schema(parameters=[ENGINE], responses=CableState(many=True))
    @action(detail=False, filter_backends=(), pagination_class=None)
    def cables(self, request: Request) -> Response:
        """Every declared cable of an engine's estate beside what the fabrics tell now."""
        found = pages.page(self._engine(request), timezone.now())
        return Response(CableState(found.cables, many=True).data)

    @extend_schema(parameters=[ENGINE], responses=PluggedNow)
    @action(detail=False, filter_backends=(), pagination_class=None)
    def plugged(self, request: Request) -> Response:
        """What is plugged in now as a table to correct and propose; declared power and places are kept in it."""
        return Response({"text": pages.from_seen(self._engine(request), timezone.now())})

    def _engine(self, request: Request) -> Engine:
        asked = request.query_params.get("engine", "")
        engine = Engine.objects.select_related("site").filter(pk=int(asked) if asked.isdigit() else 0).first()
        if engine is None:
            raise exceptions.NotFound("There is no such engine.")
        return engine

    def _decided(self, request: Request, deed: Callable[[int, User], CablingRow]) -> Response:
        person = request.user
        assert isinstance(person, User)
        try:
            return Response(Cabling(deed(self.get_object().pk, person)).data)
        except declaring.Another as refusal:
            raise Changed(str(refusal)) from None
        except declaring.CannotDecide as refusal:
            raise NotNow(str(refusal)) from None


router = SimpleRouter()
router.register("cablings", Cablings, basename="api-cabling")
