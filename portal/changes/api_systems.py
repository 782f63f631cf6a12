"""Change systems over the REST API: what an administrator sets. No secret is ever part of an answer, but for a new
signing key, once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from portal.access.models import Token
from portal.access.paging import ByKey
from portal.access.preconditions import MATCH, required_match, tag_of
from portal.access.problems import Conflict, PreconditionFailed, Unprocessable
from portal.access.rest import Needs
from portal.access.services import may
from portal.changes.asked import LONGEST
from portal.changes.models import ChangeSystem
from portal.changes.services import lifting, systems
from portal.connectors.change import problem_of
from portal.kernel.secret import Secret


class SystemRow(serializers.ModelSerializer[ChangeSystem]):
    """A change system. secret, signing_key: set only, never shown; left out of an edit they stay. sites: names; empty
    is the whole estate. required: which acts are refused without a change. options: what only its kind has."""

    secret = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=4000)
    signing_key = serializers.CharField(write_only=True, required=False, min_length=16, max_length=400)
    sites = serializers.ListField(child=serializers.CharField(max_length=80), max_length=50, required=False)
    options = serializers.DictField(child=serializers.CharField(max_length=400), required=False)
    has_secret = serializers.SerializerMethodField()
    has_signing_key = serializers.SerializerMethodField()
    has_former_key = serializers.SerializerMethodField()

    class Meta:
        model = ChangeSystem
        exclude: ClassVar = ["former_key"]
        read_only_fields: ClassVar = ["version", "answered_at", "failing_since", "error", "rotated_at"]
        extra_kwargs: ClassVar = {"name": {"max_length": LONGEST}}

    def get_has_secret(self, row: ChangeSystem) -> bool:
        return bool(row.secret)

    def get_has_signing_key(self, row: ChangeSystem) -> bool:
        return bool(row.signing_key)

    def get_has_former_key(self, row: ChangeSystem) -> bool:
        return bool(row.former_key)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Kind, address and options fit each other."""
        row = self.instance or ChangeSystem()
        kind, url, options = (attrs.get(name, getattr(row, name)) for name in ("kind", "url", "options"))
        if wrong := problem_of(kind, url, options):
            raise serializers.ValidationError({"url": [wrong]})
        return attrs


class Tried(serializers.Serializer[Any]):
    """good: it is reached, trusted, and lets the portal in."""

    good = serializers.BooleanField()
    sentence = serializers.CharField()


class NewKey(serializers.Serializer[Any]):
    """The signing key, shown this once. The one before counts until it is dropped."""

    signing_key = serializers.CharField()


class LiftReason(serializers.Serializer[Any]):
    """Why it cannot wait."""

    reason = serializers.CharField(max_length=lifting.LONGEST)


class Lifted(serializers.Serializer[Any]):
    """A lift of the gate. until null: a second person has not confirmed it. ended_at: before its time."""

    reason = serializers.CharField()
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    confirmed_by = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField(allow_blank=True)
    ended_at = serializers.DateTimeField(allow_null=True)


WITH_TAG = OpenApiResponse(SystemRow, description="With its ETag.")


class Systems(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ChangeSystem]):
    """Change systems, by key."""

    queryset = ChangeSystem.objects.order_by("pk")
    serializer_class = SystemRow
    pagination_class = ByKey
    permission_classes = (Needs("run.view", "estate.manage"),)
    lookup_value_regex = r"[0-9]{1,18}"

    @extend_schema(responses={200: WITH_TAG})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One, with the ETag that an edit sends back as If-Match."""
        return self._shown(self.get_object())

    @extend_schema(request=SystemRow, responses={201: WITH_TAG})
    def create(self, request: Request) -> Response:
        """Adds one. Needs the act estate.manage."""
        wish = SystemRow(data=request.data)
        wish.is_valid(raise_exception=True)
        row = self._saved(ChangeSystem(), wish.validated_data, request)
        return self._shown(row, status.HTTP_201_CREATED)

    @extend_schema(request=SystemRow, parameters=[MATCH], responses={200: WITH_TAG})
    def partial_update(self, request: Request, pk: str = "") -> Response:
        """Edits one. Needs the act estate.manage and If-Match: 428 without it, 412 when somebody was faster."""
        row = self.get_object()
        required_match(request, row.version)
        wish = SystemRow(row, data=request.data, partial=True)
        wish.is_valid(raise_exception=True)
        return self._shown(self._saved(row, wish.validated_data, request))

    @extend_schema(request=None, responses=Tried)
    @action(detail=True, methods=["post"], url_path="test")
    def try_it(self, request: Request, pk: str = "") -> Response:
        """Asks it for a change that does not exist: whether it is reached, trusted, and lets the portal in."""
        good, sentence = systems.try_it(self.get_object(), _who(request), timezone.now())
        return Response({"good": good, "sentence": sentence})

    @extend_schema(request=None, responses=NewKey)
    @action(detail=True, methods=["post"], url_path="rotate-key")
    def rotate_key(self, request: Request, pk: str = "") -> Response:
        """A new signing key; the former one counts until it is dropped."""
        fresh = systems.rotate(self.get_object().pk, _who(request), timezone.now())
        return Response({"signing_key": fresh.reveal()}, headers={"Cache-Control": "no-store"})

    @extend_schema(request=None, responses=SystemRow)
    @action(detail=True, methods=["post"], url_path="drop-former-key")
    def drop_former_key(self, request: Request, pk: str = "") -> Response:
        """Ends the former signing key. 409 when there is none."""
        row = self.get_object()
        if not systems.drop_former(row.pk, _who(request)):
            raise Conflict(f"{row.name} has no former key.")
        row.refresh_from_db()
        return self._shown(row)

    @extend_schema(request=LiftReason, responses={202: Lifted})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def lift(self, request: Request, pk: str = "") -> Response:
        """The first person asks to lift its gate for acts other than drills. Needs the act run.start."""
        row, wish = self.get_object(), LiftReason(data=request.data)
        wish.is_valid(raise_exception=True)
        return _lifted(lambda: lifting.ask(row, _who(request), wish.validated_data["reason"], timezone.now()))

    @extend_schema(request=None, responses={202: Lifted})
    @action(detail=True, methods=["post"], url_path="lift/confirm", permission_classes=(Needs("run.approve"),))
    def confirm_lift(self, request: Request, pk: str = "") -> Response:
        """The second person confirms it: lifted for four hours, an alarm on every page. Needs the act run.approve."""
        row = self.get_object()
        return _lifted(lambda: lifting.confirm(row, _who(request), timezone.now()))

    @extend_schema(request=None, responses={200: Lifted})
    @action(detail=True, methods=["post"], url_path="lift/end", permission_classes=(Needs("run.view"),))
    def end_lift(self, request: Request, pk: str = "") -> Response:
        """Ends a lift before its time, or takes back the wish for one. Needs the act run.start or run.approve. 409 when
        there is none."""
        token = request.auth if isinstance(request.auth, Token) else None
        Needs("run.approve" if may(request.user, "run.approve", token) else "run.start")().has_permission(request, self)
        row = self.get_object()
        return _lifted(lambda: lifting.end(row, _who(request), timezone.now()), status.HTTP_200_OK)

    def _saved(self, row: ChangeSystem, given: dict[str, Any], request: Request) -> ChangeSystem:
        based_on = row.version if row.pk else None
        for name, value in given.items():
            setattr(row, name, Secret(value) if name in ("secret", "signing_key") else value)
        try:
            return systems.save(row, _who(request), given, based_on)
        except systems.Stale as error:
            raise PreconditionFailed(str(error)) from None

    def _shown(self, row: ChangeSystem, code: int = status.HTTP_200_OK) -> Response:
        return Response(SystemRow(row).data, status=code, headers={"ETag": tag_of(row.version)})


def _who(request: Request) -> str:
    return str(request.user.get_username())


def _lifted(deed: Any, code: int = status.HTTP_202_ACCEPTED) -> Response:
    try:
        row = deed()
    except lifting.LiftRefused as refusal:
        kind = Unprocessable if refusal.kind == "parameters" else Conflict
        raise kind(str(refusal)) from None
    return Response(Lifted(row).data, status=code)


router = SimpleRouter()
router.register("change-systems", Systems, basename="api-change-system")
