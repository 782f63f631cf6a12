"""Maintenance windows over the REST API: read, enter, leave, extend, adopt. The same services, guard rails and evidence
as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.models import Window
from failover.services import windows
from inventory.models import Engine, Host
from portal.access.filtering import filtered
from portal.access.idempotency import KEY, key_of
from portal.access.paging import ByKey
from portal.access.rest import Needs
from portal.changes.asked import Asked
from portal.changes.fields import ChangeField, WithChange, asked_with
from portal.runs.api import POLL_AFTER
from portal.runs.models import Run
from portal.runs.problems import granted


class WindowRow(serializers.ModelSerializer[Window]):
    """A window with its Runs. owner "": it was set outside of the portal and nobody has adopted it."""

    engine_name = serializers.CharField(source="engine.name", read_only=True)
    host_name = serializers.CharField(source="host.name", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Window
        exclude: ClassVar = ["warned_at"]


class EnterWish(serializers.Serializer[Any]):
    """scope: global, local or host; the last two name a host. deadline: with its time zone. site: where the engine is
    meant to stand; where given, an engine at another one is refused."""

    engine = serializers.PrimaryKeyRelatedField(queryset=Engine.objects.all())
    scope = serializers.ChoiceField(Window.Scope.choices)
    host = serializers.PrimaryKeyRelatedField(
        queryset=Host.objects.all(), required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(max_length=300)
    deadline = serializers.DateTimeField()
    change = ChangeField()
    owner = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)
    site = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class DeadlineWish(serializers.Serializer[Any]):
    """A new deadline, with why."""

    deadline = serializers.DateTimeField()
    reason = serializers.CharField(max_length=300)
    change = ChangeField()


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


ACCEPTED = OpenApiResponse(WindowRow, description="Accepted; poll the Location, which is the window's.")


class Windows(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Window]):
    """Maintenance windows, newest first. state: entering, active, leaving, ended, failed."""

    queryset = Window.objects.select_related("engine", "host").order_by("-pk")
    serializer_class = WindowRow
    pagination_class = Newest
    permission_classes = (Needs("estate.view"),)
    filter_backends = (filtered("engine", "scope", "state", "foreign"),)

    @extend_schema(request=EnterWish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Enters a maintenance. Needs the act run.start. 409 with the rule's sentence when a guard rail refuses."""
        Needs("run.start")().has_permission(request, self)
        wish = EnterWish(data=request.data)
        wish.is_valid(raise_exception=True)
        given = {**wish.validated_data, "change": Asked.of(wish.validated_data["change"] or "")}
        engine, key = given.pop("engine"), key_of(request)
        return _accepted(lambda: windows.start(engine, windows.Wish(**given), _who(request), key))

    @extend_schema(request=WithChange, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def leave(self, request: Request, pk: str = "") -> Response:
        """Ends a maintenance, whoever has set it. Needs the act run.start."""
        row, change, key = self.get_object(), asked_with(request), key_of(request)
        return _accepted(lambda: windows.leave(row, _who(request), change if change.number else "", key), row)

    @extend_schema(request=DeadlineWish, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def extend(self, request: Request, pk: str = "") -> Response:
        """A later deadline; it counts when its release is armed. Needs the act run.start."""
        row, given, key = self.get_object(), _deadline(request), key_of(request)
        deed, change = windows.extend, Asked.of(given["change"] or "")
        return _accepted(lambda: deed(row, given["deadline"], _who(request), given["reason"], key, change), row)

    @extend_schema(request=DeadlineWish, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def adopt(self, request: Request, pk: str = "") -> Response:
        """Takes a maintenance that was set outside of the portal into one's charge. Needs the act run.start."""
        row, given, key = self.get_object(), _deadline(request), key_of(request)
        deed, change = windows.adopt, Asked.of(given["change"] or "")
        return _accepted(lambda: deed(row, given["deadline"], _who(request), given["reason"], change, key), row)


def _deadline(request: Request) -> dict[str, Any]:
    wish = DeadlineWish(data=request.data)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found


def _who(request: Request) -> str:
    return str(request.user.get_username())


def _accepted(deed: Callable[[], Run], row: Window | None = None) -> Response:
    """202 with the window and where it is; a refusal as a problem."""
    run = granted(deed)
    rows = Window.objects.select_related("engine", "host")
    window = rows.get(pk=row.pk) if row else rows.get(enter_run=run)
    headers = {"Location": reverse("api-window-detail", args=[window.pk]), "Retry-After": POLL_AFTER}
    return Response(WindowRow(window).data, status=status.HTTP_202_ACCEPTED, headers=headers)


router = SimpleRouter()
router.register("windows", Windows, basename="api-window")
