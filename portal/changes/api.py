"""Changes over the REST API: read them, ask for one, read one back, what was written back and what was not taken."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from portal.access.filtering import filtered
from portal.access.idempotency import KEY, key_of
from portal.access.paging import ByKey
from portal.access.problems import Conflict, InProgress, SystemFailed, Unprocessable
from portal.access.rest import Needs
from portal.changes.asked import KINDS, LONGEST
from portal.changes.fields import Window
from portal.changes.models import Callback, Change, ChangeNote, ChangeSystem, Wish
from portal.changes.services import asking, delivering, looking
from portal.kernel.change import ChangeFailed, ChangeWanted, Gate

POLL_AFTER = "5"  # seconds that a client should wait before it asks again
STATES = [one.value for one in Gate]


class ChangeRow(serializers.ModelSerializer[Change]):
    """A change as it was read back last. gate: awaiting, allowed, prevented, invalid; whether an act may use it also
    depends on the act's time and window. error: why it could not be read back the last time. undelivered: notes that
    were refused: held, or for good."""

    system = serializers.CharField(source="system.name", read_only=True)
    gate = serializers.ChoiceField(STATES)
    window = serializers.SerializerMethodField()
    undelivered = serializers.IntegerField(read_only=True)

    class Meta:
        model = Change
        exclude: ClassVar = ["mark", "begins", "ends", "look_at"]

    @extend_schema_field(Window(allow_null=True))
    def get_window(self, row: Change) -> dict[str, Any] | None:
        return {"start": row.begins, "end": row.ends} if row.begins or row.ends else None


class ChangeDetail(ChangeRow):
    """A change with the runs that belong to it."""

    runs = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_runs(self, row: Change) -> list[int]:
        return list(row.runs.order_by("pk").values_list("pk", flat=True))


class NoteRow(serializers.ModelSerializer[ChangeNote]):
    """Something that the portal owes to a change. state: queued, delivered, held (refused for
    what people can put right there; tried each hour), dead (not delivered), dropped, withdrawn."""

    class Meta:
        model = ChangeNote
        exclude: ClassVar = ["change", "content", "taken_until"]


class CallbackRow(serializers.ModelSerializer[Callback]):
    """A call of a change system and what it was taken for."""

    system = serializers.CharField(source="system.name", read_only=True)

    class Meta:
        model = Callback
        fields = "__all__"


class Wanted(serializers.Serializer[Any]):
    """A change to be asked for. type: standard, normal, emergency."""

    system = serializers.CharField(max_length=LONGEST)
    short = serializers.CharField(max_length=160)
    description = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    plan = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    backout = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    ci = serializers.ListField(child=serializers.CharField(max_length=200), max_length=50, required=False, default=list)
    window = Window()
    type = serializers.ChoiceField(KINDS, required=False, default="normal")


class Sequence(serializers.Serializer[Any]):
    """From which note on."""

    sequence = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class Replayed(serializers.Serializer[Any]):
    """How many are tried again."""

    replayed = serializers.IntegerField()


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


class InOrder(ByKey):
    """As they were queued."""

    ordering = "sequence"


ACCEPTED = OpenApiResponse(ChangeDetail, description="Accepted; poll the Location, which is the change's.")
FAILED = OpenApiResponse(description="The change system refuses or does not answer.")
LOST = Count("notes", filter=Q(notes__state__in=ChangeNote.LOST))


class Changes(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Change]):
    """Changes that acts of the portal belong to, newest first."""

    queryset = Change.objects.select_related("system").annotate(undelivered=LOST).order_by("-pk")
    serializer_class = ChangeRow
    pagination_class = Newest
    permission_classes = (Needs("run.view"),)
    filter_backends = (filtered("number", "gate", "sys_id"),)
    lookup_value_regex = r"[0-9]{1,18}"

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return ChangeRow if self.action == "list" else ChangeDetail

    def get_queryset(self) -> QuerySet[Change]:
        return super().get_queryset()

    @extend_schema(request=Wanted, parameters=[KEY], responses={202: ACCEPTED, 424: FAILED})
    def create(self, request: Request) -> Response:
        """Asks a change system for a change; its approval is decided there. Needs the act run.start. 424 when the
        change system does not take it. Where its answer was lost the same key finds out; 409 meanwhile."""
        Needs("run.start")().has_permission(request, self)
        wish = Wanted(data=request.data)
        wish.is_valid(raise_exception=True)
        given = wish.validated_data
        system = ChangeSystem.objects.filter(name=given["system"], enabled=True).first()
        if system is None:
            raise Unprocessable(f"There is no change system {given['system']!r} that is switched on.")
        who, key = str(request.user.get_username()), key_of(request) or uuid.uuid4().hex
        try:
            change = asking.ask(system, _wanted(given, asking.mark_of(who, key)), who, timezone.now())
        except asking.WishRefused as error:
            raise (InProgress(str(error), error.wait) if error.wait else Unprocessable(str(error))) from None
        except ChangeFailed as error:
            raise SystemFailed(f"{error} {error.detail}".strip()) from None
        return self._accepted(change.pk)

    @extend_schema(request=None, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], url_path="read-back", permission_classes=(Needs("look.now"),))
    def read_back(self, request: Request, pk: str = "") -> Response:
        """Reads the change back now. Needs the act look.now."""
        change = self.get_object()
        if not looking.look(change.pk, 1.0).error:
            looking.ask_clashes(change.pk)
        return self._accepted(change.pk)

    @extend_schema(responses=NoteRow(many=True))
    @action(detail=True, pagination_class=InOrder, filter_backends=())
    def notes(self, request: Request, pk: str = "") -> Response:
        """What was written back, and what was not taken, in order."""
        rows: QuerySet[Any] = ChangeNote.objects.filter(change=self.get_object()).defer("content").order_by("sequence")
        return self.get_paginated_response(NoteRow(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=Sequence, responses={202: Replayed})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def replay(self, request: Request, pk: str = "") -> Response:
        """Tries everything again that was not delivered, from a sequence on. Needs the act run.start."""
        change, wish = self.get_object(), Sequence(data=request.data)
        wish.is_valid(raise_exception=True)
        who = str(request.user.get_username())
        many = delivering.again_from(change.pk, wish.validated_data["sequence"], who, timezone.now())
        return Response({"replayed": many}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=Sequence, responses={202: NoteRow})
    @action(detail=True, methods=["post"], url_path="give-up", permission_classes=(Needs("run.start"),))
    def give_up(self, request: Request, pk: str = "") -> Response:
        """Gives up one note that was not delivered, so that the change can be closed. Needs the act run.start."""
        change, wish = self.get_object(), Sequence(data=request.data)
        wish.is_valid(raise_exception=True)
        row = get_object_or_404(ChangeNote, change=change, sequence=wish.validated_data["sequence"])
        if not delivering.drop(row.pk, str(request.user.get_username()), timezone.now()):
            raise Conflict(f"Note {row.sequence} is {row.get_state_display().lower()}: there is nothing to give up.")
        row.refresh_from_db()
        return Response(NoteRow(row).data, status=status.HTTP_202_ACCEPTED)

    def _accepted(self, pk: int) -> Response:
        body = ChangeDetail(self.get_queryset().get(pk=pk)).data
        headers = {"Location": reverse("api-change-detail", args=[pk]), "Retry-After": POLL_AFTER}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


def _wanted(given: dict[str, Any], mark: str) -> ChangeWanted:
    window = given["window"]
    return ChangeWanted(
        given["short"], given["description"], given["plan"], given["backout"], window["start"], window["end"],
        tuple(given["ci"]), given["type"], mark,
    )  # fmt: skip


class Callbacks(viewsets.ReadOnlyModelViewSet[Callback]):
    """Calls of change systems, newest first; refused ones, too."""

    queryset = Callback.objects.select_related("system").order_by("-pk")
    serializer_class = CallbackRow
    pagination_class = Newest
    permission_classes = (Needs("run.view"),)
    filter_backends = (filtered("verdict", "number"),)


class WishRow(serializers.ModelSerializer[Wish]):
    """A change that was asked for. state: asking, made, not_made, unknown; error: of the last attempt. change: what was
    made."""

    system = serializers.CharField(source="system.name", read_only=True)
    short = serializers.CharField(source="wanted.short", read_only=True)

    class Meta:
        model = Wish
        fields: ClassVar = ["id", "system", "short", "by", "state", "error", "asked_at", "change"]


class Wishes(viewsets.ReadOnlyModelViewSet[Wish]):
    """Changes that were asked for, newest first. `unknown`: an answer was lost; the portal looks for it."""

    queryset = Wish.objects.select_related("system").order_by("-pk")
    serializer_class = WishRow
    pagination_class = Newest
    permission_classes = (Needs("run.view"),)
    filter_backends = (filtered("state"),)
    lookup_value_regex = r"[0-9]{1,18}"


router = SimpleRouter()
router.register("changes", Changes, basename="api-change")
router.register("change-callbacks", Callbacks, basename="api-change-callback")
router.register("change-wishes", Wishes, basename="api-change-wish")
