"""What the API lets people do with backups: the same services, refusals and evidence as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from backups.models import Backup, Destination, Policy
from backups.services import accept, copies, download, hold, prove, retain, take
from backups.views.acts import sent
from portal.access.admission import trace
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs, actor
from portal.runs.api import POLL_AFTER, RunDetail
from portal.runs.models import Run
from portal.runs.services import Refused

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    BackupRows = GenericViewSet[Backup]
    PolicyRows = GenericViewSet[Policy]
else:
    BackupRows = PolicyRows = object

KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="Same key and body: same Run.")
ACCEPTED = OpenApiResponse(RunDetail, description="Accepted; poll the Location, which is the Run's.")
REASONS = [(each.value, each.label) for each in (Backup.Reason.PERSON, Backup.Reason.CHANGE)]
_CONFLICTS = ("active", "state", "four_eyes", "evidence")


class TakeWish(serializers.Serializer[Any]):
    """Which policy takes it. reason: change when it is taken before one; left out, a change number says so."""

    policy = serializers.PrimaryKeyRelatedField(queryset=Policy.objects.select_related("engine"))
    change = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    reason = serializers.ChoiceField(REASONS, required=False, allow_null=True, default=None)


class KeepWish(serializers.Serializer[Any]):
    """Why it is kept."""

    why = serializers.CharField(max_length=hold.LONGEST)


class CopyWish(serializers.Serializer[Any]):
    """Where to."""

    destination = serializers.PrimaryKeyRelatedField(queryset=Destination.objects.all())


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


def granted(deed: Callable[[], Any]) -> Any:
    """What the deed gives, or its refusal as a problem."""
    try:
        return deed()
    except Refused as refusal:
        if refusal.kind in _CONFLICTS:
            raise Conflict(str(refusal)) from None
        raise Unprocessable(str(refusal)) from None


def accepted(run: Run) -> Response:
    """202 with the Run and where it is."""
    body = RunDetail(Run.objects.prefetch_related("steps").get(pk=run.pk)).data
    headers = {"Location": reverse("api-run-detail", args=[run.pk]), "Retry-After": POLL_AFTER}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


def _key(request: Request) -> str:
    return str(request.headers.get("Idempotency-Key", ""))


def _who(request: Request) -> str:
    return str(request.user.get_username())


class BackupActs(BackupRows):
    """The acts with backups, for their viewset."""

    @extend_schema(request=TakeWish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Takes a backup as a policy says. Needs the act run.start. 409 while another Run has the engine."""
        wish = TakeWish(data=request.data)
        wish.is_valid(raise_exception=True)
        given = wish.validated_data
        reason = given["reason"] or (Backup.Reason.CHANGE if given["change"] else Backup.Reason.PERSON)
        who, key = _who(request), _key(request)
        return accepted(granted(lambda: take.start(given["policy"], who, reason, given["change"], key=key)))

    @extend_schema(request=None, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def verify(self, request: Request, pk: str = "") -> Response:
        """Climbs the ladder again. Needs the act run.start."""
        return accepted(granted(lambda: prove.verify(self._archive(), _who(request), _key(request))))

    @extend_schema(request=None, parameters=[KEY], responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def rehearse(self, request: Request, pk: str = "") -> Response:
        """Restores every dump into a scratch server. Needs the act run.start."""
        return accepted(granted(lambda: prove.rehearse(self._archive(), _who(request), _key(request))))

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
        return accepted(granted(lambda: copies.push(backup, place, _who(request), _key(request))))

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
        backup, why = self._archive(), wish.validated_data["why"]
        return accepted(granted(lambda: accept.size(backup, actor(request), why, _key(request))))

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
    @extend_schema(methods=["post"], request=None, parameters=[KEY], responses={202: ACCEPTED})
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
        return accepted(granted(lambda: retain.start(policy, _who(request), _key(request))))
