"""What the API lets people do with backups: the same services, refusals and evidence as the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from backups.models import Backup, Destination, Policy
from backups.services import accept, copies, download, hold, prove, retain, take
from backups.views.acts import sent
from portal.access.admission import trace
from portal.access.idempotency import KEY, key_of
from portal.access.problems import Conflict
from portal.access.rest import Needs, actor
from portal.changes.asked import Asked
from portal.changes.fields import ChangeField, WithChange, asked_with
from portal.runs.api import POLL_AFTER, RunDetail
from portal.runs.models import Run
from portal.runs.problems import granted

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    BackupRows = GenericViewSet[Backup]
    PolicyRows = GenericViewSet[Policy]
else:
    BackupRows = PolicyRows = object

ACCEPTED = OpenApiResponse(RunDetail, description="Accepted; poll the Location, which is the Run's.")
REASONS = [(each.value, each.label) for each in (Backup.Reason.PERSON, Backup.Reason.CHANGE)]


class TakeWish(serializers.Serializer[Any]):
    """Which policy takes it. reason: change when it is taken before one; left out, a change says so."""

    policy = serializers.PrimaryKeyRelatedField(queryset=Policy.objects.select_related("engine"))
    change = ChangeField()
    reason = serializers.ChoiceField(REASONS, required=False, allow_null=True, default=None)


class KeepWish(serializers.Serializer[Any]):
    """Why it is kept."""

    why = serializers.CharField(max_length=hold.LONGEST)


class CopyWish(serializers.Serializer[Any]):
    """Where to. change: that the copying belongs to."""

    destination = serializers.PrimaryKeyRelatedField(queryset=Destination.objects.all())
    change = ChangeField()


class Held(serializers.Serializer[Any]):
    """keep "": nobody holds it."""

    id = serializers.IntegerField(source="pk")
    ident = serializers.CharField()
    keep = serializers.CharField(allow_blank=True)
    keep_by = serializers.CharField(allow_blank=True)
    keep_at = serializers.DateTimeField(allow_null=True)


class Preview(serializers.Serializer[Any]):
    """One entry of the retention report: its class in Barman's words, and why."""

    backup = serializers.IntegerField(source="backup.pk")
    ident = serializers.CharField(source="backup.ident")
    word = serializers.CharField()
    why = serializers.CharField()


def accepted(run: Run) -> Response:
    """202 with the Run and where it is."""
    body = RunDetail(Run.objects.prefetch_related("steps").get(pk=run.pk)).data
    headers = {"Location": reverse("api-run-detail", args=[run.pk]), "Retry-After": POLL_AFTER}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


def _who(request: Request) -> str:
    return str(request.user.get_username())


class BackupActs(BackupRows):
    """The acts with backups, for their viewset."""

    @extend_schema(request=TakeWish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Takes a backup as a policy says. Needs the act run.start. 423 while another Run has the engine."""
        wish = TakeWish(data=request.data)
        wish.is_valid(raise_exception=True)
        given = wish.validated_data
        change = Asked.of(given["change"] or "")
        reason = given["reason"] or (Backup.Reason.CHANGE if change.number else Backup.Reason.PERSON)
        who, key = _who(request), key_of(request)
        return accepted(granted(lambda: take.start(given["policy"], who, reason, change, key=key)))

    @extend_schema(request=WithChange, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def verify(self, request: Request, pk: str = "") -> Response:
        """Climbs the ladder again. Needs the act run.start."""
        backup, change, key = self._archive(), asked_with(request), key_of(request)
        return accepted(granted(lambda: prove.verify(backup, _who(request), key, change)))

    @extend_schema(request=WithChange, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def rehearse(self, request: Request, pk: str = "") -> Response:
        """Restores every dump into a scratch server. Needs the act run.start."""
        backup, change, key = self._archive(), asked_with(request), key_of(request)
        return accepted(granted(lambda: prove.rehearse(backup, _who(request), key, change)))

    @extend_schema(request=CopyWish, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def copies(self, request: Request, pk: str = "") -> Response:
        """Sends the vault's encrypted file to one more destination; to the vault, which lost its own, from a place that
        holds one. Needs the act run.start. 409 when it is held there."""
        backup = self._archive()
        wish = CopyWish(data=request.data)
        wish.is_valid(raise_exception=True)
        place = wish.validated_data["destination"]
        if not place.enabled:
            raise Conflict(f"{place.name} is switched off: nothing is sent there.")
        change, key = Asked.of(wish.validated_data["change"] or ""), key_of(request)
        return accepted(granted(lambda: copies.push(backup, place, _who(request), key, change)))

    @extend_schema(request=KeepWish, responses=Held)
    @action(detail=True, methods=["post"], permission_classes=(Needs("backup.hold"),))
    def keep(self, request: Request, pk: str = "") -> Response:
        """Holds a backup, so that retention does not touch it. Needs the act backup.hold."""
        wish = KeepWish(data=request.data)
        wish.is_valid(raise_exception=True)
        backup = self.get_object()
        return Response(Held(granted(lambda: hold.keep(backup, actor(request), wish.validated_data["why"]))).data)

    @extend_schema(request=KeepWish, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], url_path="accept-size", permission_classes=(Needs("backup.hold"),))
    def accept_size(self, request: Request, pk: str = "") -> Response:
        """Takes the archive's size for right though it is unlike those before, and verifies it again. Needs the act
        backup.hold. 409 when the ladder does not doubt its size."""
        wish = KeepWish(data=request.data)
        wish.is_valid(raise_exception=True)
        backup, why, key = self._archive(), wish.validated_data["why"], key_of(request)
        return accepted(granted(lambda: accept.size(backup, actor(request), why, key)))

    @extend_schema(request=None, responses=Held)
    @action(detail=True, methods=["post"], permission_classes=(Needs("backup.hold"),))
    def release(self, request: Request, pk: str = "") -> Response:
        """Lets a kept backup go. Needs the act backup.hold."""
        backup = self.get_object()
        return Response(Held(granted(lambda: hold.release(backup, actor(request)))).data)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, permission_classes=(Needs("backup.download"),))
    def download(self, request: Request, pk: str = "") -> HttpResponseBase:
        """The encrypted file as it lies in the vault. Needs the act backup.download; that it was taken is recorded."""
        backup = self.get_object()
        try:
            return sent(backup, download.begin(backup, actor(request), trace(request._request)))
        except download.NoFile as refusal:
            raise Conflict(str(refusal)) from None

    def _archive(self) -> Backup:
        """The backup while it has an archive."""
        backup = self.get_object()
        if backup.deleted_at is not None:
            raise Conflict(f"{backup.ident} was deleted, so there is no archive.")
        if backup.status != Backup.Status.DONE:
            raise Conflict(f"{backup.ident} is {backup.status}: only a backup that is DONE has an archive.")
        return backup


class PolicyActs(PolicyRows):
    """The acts with policies, for their viewset."""

    @extend_schema(methods=["get"], responses=Preview(many=True))
    @extend_schema(methods=["post"], request=WithChange, parameters=[KEY], responses={202: ACCEPTED})
    @action(
        detail=True,
        methods=["get", "post"],
        permission_classes=(Needs("estate.view", "run.start"),),
        filter_backends=(),
        pagination_class=None,
    )
    def retention(self, request: Request, pk: str = "") -> Response:
        """GET: every entry's class and why; nothing is deleted. POST: deletes what is obsolete, as a Run. Needs the act
        run.start."""
        policy = self.get_object()
        if request.method == "GET":
            return Response(Preview(retain.preview(policy, self.get_serializer_context()["now"]), many=True).data)
        change, key = asked_with(request), key_of(request)
        return accepted(granted(lambda: retain.start(policy, _who(request), key, change)))
