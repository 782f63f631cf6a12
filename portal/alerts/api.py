"""Alerts over the REST API: read, acknowledge, close, silence; receivers and routes for administrators. The same
services and evidence as the pages. Addresses and keys of webhooks go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs, actor
from portal.alerts.models import CONCERNS, SEVERITIES, Alert, Event, Receiver, Route, Silence
from portal.alerts.services import acts, pages, settings
from portal.alerts.services.acts import Refused
from portal.alerts.services.checking import receiver_mistakes, route_mistakes
from portal.kernel.secret import Secret

Found = TypeVar("Found")
METHODS = ["get", "post", "patch", "delete", "head", "options"]  # a whole row is never put


def granted(deed: Callable[[], Found]) -> Found:
    """What the deed gives, or its refusal as a problem."""
    try:
        return deed()
    except Refused as refusal:
        raise (Conflict if refusal.state else Unprocessable)(str(refusal)) from None


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


class AlertEvent(serializers.ModelSerializer[Event]):
    """One line of its history. by "": the portal."""

    class Meta:
        model = Event
        fields: ClassVar = ["at", "kind", "by", "sentence"]


class AlertTold(serializers.Serializer[Any]):
    """One message about it."""

    what = serializers.CharField()
    to = serializers.CharField()
    route = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    state = serializers.CharField(source="word")
    error = serializers.CharField()


class AlertRow(serializers.ModelSerializer[Alert]):
    """resolved_at null: it is open. held: why nobody is told of it now, "" when nothing holds it back."""

    class Meta:
        model = Alert
        exclude: ClassVar = ["turn", "saying", "calm", "calm_since", "source"]


class AlertWhole(AlertRow):
    """With its history, and who was told."""

    events = AlertEvent(many=True)
    told = serializers.SerializerMethodField()

    @extend_schema_field(AlertTold(many=True))
    def get_told(self, row: Alert) -> Any:
        """Each message with what became of it."""
        return AlertTold(pages.told(row), many=True).data


class AcknowledgeWish(serializers.Serializer[Any]):
    """until: with its time zone; null or absent for as long as it is open."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class CloseWish(serializers.Serializer[Any]):
    """Why nothing is left to do."""

    note = serializers.CharField(max_length=500)


OPEN = OpenApiParameter("open", bool, description="true: only open ones; false: only those that are over.")


class Alerts(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Alert]):
    """Alerts, newest first."""

    queryset = Alert.objects.order_by("-pk")
    serializer_class = AlertRow
    pagination_class = Newest
    permission_classes = (Needs("estate.view"),)
    filter_backends = (filtered("severity", "concern", "subject_kind", "subject", "engine", "site", "key"),)

    def get_queryset(self) -> Any:
        """?open=true|false."""
        rows, wanted = super().get_queryset(), self.request.query_params.get("open", "")
        if wanted not in ("", "true", "false"):
            raise serializers.ValidationError({"open": ["Say true or false."]})
        return rows.filter(resolved_at__isnull=wanted == "true") if wanted else rows

    @extend_schema(parameters=[OPEN])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All alerts that the filter names."""
        return super().list(request, *args, **kwargs)

    @extend_schema(responses=AlertWhole)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One alert with its history and who was told."""
        return Response(AlertWhole(self.get_object()).data)

    @extend_schema(request=AcknowledgeWish, responses=AlertWhole)
    @action(detail=True, methods=["post"], permission_classes=(Needs("alert.answer"),))
    def acknowledge(self, request: Request, pk: str = "") -> Response:
        """Takes it on: nobody else is told. Needs the act alert.answer. 409 when it is over."""
        row, given = self.get_object(), _valid(AcknowledgeWish, request)
        who, now = actor(request), timezone.now()
        granted(lambda: acts.acknowledge(row.pk, who, given["note"], given["until"], now))
        return Response(AlertWhole(self.get_object()).data)

    @extend_schema(request=CloseWish, responses=AlertWhole)
    @action(detail=True, methods=["post"], permission_classes=(Needs("alert.answer"),))
    def close(self, request: Request, pk: str = "") -> Response:
        """Says that nothing is left to do, of what does not end by itself. Needs the act alert.answer."""
        row, given = self.get_object(), _valid(CloseWish, request)
        granted(lambda: acts.close(row.pk, actor(request), given["note"], timezone.now()))
        return Response(AlertWhole(self.get_object()).data)


class SilenceRow(serializers.ModelSerializer[Silence]):
    """Keeps what fits it from being told. Empty lists mean any; data-loss is silenced only where concerns names it."""

    concerns = serializers.ListField(child=serializers.ChoiceField(CONCERNS), required=False, default=list)
    begins = serializers.DateTimeField(required=False)

    class Meta:
        model = Silence
        fields = "__all__"
        read_only_fields: ClassVar = ["by", "ended_by", "ended_at"]


class Silences(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Silence]):
    """Silences, newest first."""

    queryset = Silence.objects.order_by("-pk")
    serializer_class = SilenceRow
    pagination_class = Newest
    permission_classes = (Needs("estate.view", "alert.answer"),)

    @extend_schema(request=SilenceRow, responses={201: SilenceRow})
    def create(self, request: Request) -> Response:
        """Makes a silence. Needs the act alert.answer."""
        given, now = _valid(SilenceRow, request), timezone.now()
        row = granted(lambda: acts.silence(Silence(**{"begins": now, **given}), actor(request), now))
        return Response(SilenceRow(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=SilenceRow)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str = "") -> Response:
        """Ends it before its time. Needs the act alert.answer. 409 when it is over."""
        row = self.get_object()
        return Response(SilenceRow(granted(lambda: acts.end_silence(row.pk, actor(request), timezone.now()))).data)


def _secret(words: str) -> serializers.CharField:
    return serializers.CharField(max_length=2000, write_only=True, required=False, allow_blank=True, help_text=words)


class ReceiverRow(serializers.ModelSerializer[Receiver]):
    """Who is told. shown: where, as far as that may be shown; newest: what became of the newest message."""

    url = _secret("Of a webhook. Absent keeps what is stored.")
    key = _secret("For signatures. A new one keeps the old one beside it.")
    drop_old_key = serializers.BooleanField(write_only=True, required=False, default=False)
    shown = serializers.SerializerMethodField()
    signs_with = serializers.SerializerMethodField()

    class Meta:
        model = Receiver
        exclude: ClassVar = ["old_key"]

    def get_shown(self, row: Receiver) -> str:
        """Where it is."""
        return settings.shown(row)

    def get_signs_with(self, row: Receiver) -> int:
        """How many keys it signs with."""
        return bool(row.key) + bool(row.old_key)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What its channel cannot do without."""
        given = dict(attrs)
        row = Receiver.objects.get(pk=self.instance.pk) if isinstance(self.instance, Receiver) else Receiver()
        if row.pk and given.get("channel", row.channel) != row.channel:
            raise serializers.ValidationError({"channel": ["Another channel is another receiver."]})
        if given.pop("drop_old_key", False):
            row.old_key = Secret("")
        if key := given.pop("key", ""):
            row.old_key, row.key = row.key or Secret(""), Secret(key)
        if url := given.pop("url", ""):
            row.url = Secret(url)
        for name, value in given.items():
            setattr(row, name, value)
        if wrong := receiver_mistakes(row):
            raise serializers.ValidationError({name: [words] for name, words in wrong.items()})
        return {"row": row}


class Receivers(viewsets.ModelViewSet[Receiver]):
    """Who can be told."""

    queryset = Receiver.objects.order_by("pk")
    serializer_class = ReceiverRow
    pagination_class = ByKey
    permission_classes = (Needs("alert.manage"),)
    http_method_names = METHODS

    def perform_create(self, serializer: Any) -> None:
        """With its record."""
        serializer.instance = settings.save_receiver(serializer.validated_data["row"], actor(self.request))

    def perform_update(self, serializer: Any) -> None:
        """With its record."""
        serializer.instance = settings.save_receiver(serializer.validated_data["row"], actor(self.request))

    def perform_destroy(self, instance: Receiver) -> None:
        """With its record. 409 while a route escalates to it."""
        granted(lambda: settings.remove_receiver(instance, actor(self.request)))

    @extend_schema(request=None, responses={202: ReceiverRow})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str = "") -> Response:
        """Queues a message that says that it is a test; what becomes of it stands in /mail/."""
        row = self.get_object()
        acts.test(row, actor(request), timezone.now())
        return Response(ReceiverRow(row).data, status=status.HTTP_202_ACCEPTED)


class RouteRow(serializers.ModelSerializer[Route]):
    """Who is told of what, when. days: 0 is Monday; empty lists mean any. begins equal to ends: the whole day."""

    concerns = serializers.ListField(child=serializers.ChoiceField(CONCERNS), required=False)

    class Meta:
        model = Route
        fields = "__all__"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What does not go together."""
        given = dict(attrs)
        row = Route.objects.get(pk=self.instance.pk) if isinstance(self.instance, Route) else Route()
        receivers = given.pop("receivers", list(row.receivers.all()) if row.pk else [])
        for name, value in given.items():
            setattr(row, name, value)
        if wrong := route_mistakes(row):
            raise serializers.ValidationError({name: [words] for name, words in wrong.items()})
        return {"row": row, "receivers": receivers}


class PreviewRow(serializers.Serializer[Any]):
    """Who would be told now, each with the route; why: why nobody would be."""

    told = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    why = serializers.CharField()


_ASKED = [
    OpenApiParameter("severity", str, required=True, enum=[one for one, _ in SEVERITIES]),
    OpenApiParameter("concern", str, required=True, enum=[one for one, _ in CONCERNS]),
    *(OpenApiParameter(name, str) for name in ("kind", "name", "engine", "site")),
]


class Routes(viewsets.ModelViewSet[Route]):
    """Who is told of what, in the order of `position`."""

    queryset = Route.objects.order_by("pk")
    serializer_class = RouteRow
    pagination_class = ByKey
    permission_classes = (Needs("alert.manage"),)
    http_method_names = METHODS

    def perform_create(self, serializer: Any) -> None:
        """With its record."""
        self._saved(serializer)

    def perform_update(self, serializer: Any) -> None:
        """With its record."""
        self._saved(serializer)

    def _saved(self, serializer: Any) -> None:
        given = serializer.validated_data
        serializer.instance = settings.save_route(given["row"], given["receivers"], actor(self.request))

    def perform_destroy(self, instance: Route) -> None:
        """With its record."""
        settings.remove_route(instance, actor(self.request))

    @extend_schema(parameters=_ASKED, responses=PreviewRow, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def preview(self, request: Request) -> Response:
        """Who would be told now of such an alert."""
        asked = [
            request.query_params.get(name, "") for name in ("severity", "concern", "kind", "name", "engine", "site")
        ]
        try:
            spoken = pages.spoken_of(*asked)
        except ValueError:
            raise serializers.ValidationError({"severity": ["Say a severity and a concern that there are."]}) from None
        said = pages.preview(spoken, timezone.now())
        told = [{"receiver": name, "route": route} for name, route in said.names]
        return Response(PreviewRow({"told": told, "why": said.why}).data)


def _valid(kind: type[serializers.BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    wish = kind(data=request.data)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found


router = SimpleRouter()
router.register("alerts", Alerts, basename="api-alert")
router.register("silences", Silences, basename="api-silence")
router.register("alert-receivers", Receivers, basename="api-alert-receiver")
router.register("alert-routes", Routes, basename="api-alert-route")
