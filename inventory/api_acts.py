"""What the API lets people do to the estate's declarations: the same services, refusals and evidence as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.models import Device, Engine, Host, OracleVm
from inventory.services import allow_reads, host_keys, look_now
from inventory.services import declare as declaring
from portal.access.problems import Unprocessable
from portal.access.rest import Needs, actor

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    HostRows = GenericViewSet[Host]
    EngineRows = GenericViewSet[Engine]
    DeviceRows = GenericViewSet[Device]
    OracleRows = GenericViewSet[OracleVm]
else:
    HostRows = EngineRows = DeviceRows = OracleRows = object

CHANGES = ("added", "kept", "dropped")


class NotNow(exceptions.APIException):
    """409: what is known of the host or engine now does not allow it."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not-now"
    default_detail = "What is known now does not allow it."


class Changed(exceptions.APIException):
    """409: what was shown is no longer what is."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "changed"
    default_detail = "What was shown has changed."


class ProposedPair(serializers.Serializer[Any]):
    """One path. standing: how the look sees it now."""

    hba_wwpn = serializers.CharField(source="hba")
    target_wwpn = serializers.CharField(source="target")
    change = serializers.ChoiceField(CHANGES)
    standing = serializers.SerializerMethodField()

    def get_standing(self, pair: declaring.Pair) -> str:
        """One of up, down, unclear, not_seen."""
        return pair.standing or "not_seen"


class ProposedLun(serializers.Serializer[Any]):
    """One LUN's paths. name "": the engine does not list it."""

    wwid = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    pairs = ProposedPair(many=True)


class ProposedPort(serializers.Serializer[Any]):
    """One FC port and the speeds, Gbit/s: declared, now, the best that was seen. null: none, or no link."""

    wwpn = serializers.CharField()
    change = serializers.ChoiceField(("added", "kept", "raised", "lowered", "dropped"))
    declared_gbit = serializers.FloatField(source="was", allow_null=True)
    gbit = serializers.FloatField(source="now", allow_null=True)
    best_gbit = serializers.FloatField(source="best", allow_null=True)


class Proposal(serializers.Serializer[Any]):
    """What declaring would do now: to paths, and to the speeds of FC ports. dangers: why it would hide a loss; then
    `confirm` is needed."""

    host = serializers.IntegerField(source="host.pk")
    sha256 = serializers.CharField()
    look = serializers.IntegerField(source="look.pk")
    looked_at = serializers.DateTimeField(source="at")
    seen = serializers.IntegerField()
    declared = serializers.IntegerField()
    added = serializers.IntegerField()
    kept = serializers.IntegerField()
    dropped = serializers.IntegerField()
    dangers = serializers.ListField(child=serializers.CharField())
    notices = serializers.ListField(child=serializers.CharField())
    luns = ProposedLun(many=True)
    ports = ProposedPort(many=True)


class DeclareWish(serializers.Serializer[Any]):
    """sha256 of the proposal that was read; confirm: the host's name, where the proposal has dangers."""

    sha256 = serializers.CharField(max_length=64)
    confirm = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class KeyWish(serializers.Serializer[Any]):
    """The offered key's fingerprint, SHA256:..., as a person compared it."""

    fingerprint = serializers.CharField(max_length=120)


class KeyTaken(serializers.Serializer[Any]):
    """The key that is pinned now."""

    kind = serializers.CharField()
    fingerprint = serializers.CharField()


class ReadsWish(serializers.Serializer[Any]):
    """Whether one block of each LUN may be read now and then; confirm: the host's name, needed to allow it."""

    allowed = serializers.BooleanField()
    confirm = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class ReadsNow(serializers.Serializer[Any]):
    """What holds now."""

    allowed = serializers.BooleanField()


class Asked(serializers.Serializer[Any]):
    """How many looks are due now."""

    looks = serializers.IntegerField()


def _planned(deed: Callable[[], int]) -> Response:
    try:
        return Response({"looks": deed()}, status=status.HTTP_202_ACCEPTED)
    except look_now.NothingPlanned as refusal:
        raise NotNow(str(refusal)) from None


class HostActs(HostRows):
    """The acts of one host, for its viewset."""

    @extend_schema(responses=Proposal)
    @action(detail=True, filter_backends=(), pagination_class=None)
    def proposal(self, request: Request, pk: str = "") -> Response:
        """What declaring the host's paths would add and drop now. 409 while its latest look does not speak for now."""
        try:
            return Response(Proposal(declaring.proposal(self.get_object())).data)
        except declaring.CannotDeclare as refusal:
            raise NotNow(str(refusal)) from None

    @extend_schema(request=DeclareWish, responses=Proposal)
    @action(detail=True, methods=["post"], url_path="declare-paths", permission_classes=(Needs("paths.declare"),))
    def declare_paths(self, request: Request, pk: str = "") -> Response:
        """Declares exactly the proposal that was read. Needs the act paths.declare. 409 when it changed, 422 when it
        has dangers and confirm is not the host's name."""
        wish = DeclareWish(data=request.data)
        wish.is_valid(raise_exception=True)
        person = request.user
        assert isinstance(person, User)
        given = wish.validated_data["sha256"], wish.validated_data["confirm"]
        try:
            done = declaring.declare(self.get_object(), person, *given, actor=actor(request))
        except declaring.ShownHasChanged as refusal:
            raise Changed(str(refusal)) from None
        except declaring.NotConfirmed as refusal:
            raise Unprocessable(str(refusal)) from None
        except declaring.CannotDeclare as refusal:
            raise NotNow(str(refusal)) from None
        return Response(Proposal(done).data)

    @extend_schema(request=KeyWish, responses=KeyTaken)
    @action(detail=True, methods=["post"], url_path="accept-key", permission_classes=(Needs("hostkey.accept"),))
    def accept_key(self, request: Request, pk: str = "") -> Response:
        """Pins the offered key with this fingerprint. Needs the act hostkey.accept. 409 when another key is offered by
        now, or none."""
        wish = KeyWish(data=request.data)
        wish.is_valid(raise_exception=True)
        try:
            taken = host_keys.accept(self.get_object(), actor(request), wish.validated_data["fingerprint"])
        except host_keys.AnotherKey as refusal:
            raise Changed(str(refusal)) from None
        except host_keys.KeyRefusal as refusal:
            raise NotNow(str(refusal)) from None
        return Response(KeyTaken(taken).data)

    @extend_schema(request=None, responses={202: Asked})
    @action(detail=True, methods=["post"], permission_classes=(Needs("look.now"),))
    def look(self, request: Request, pk: str = "") -> Response:
        """Makes all looks of the host due at once. Needs the act look.now. 409 when none is planned."""
        host = self.get_object()
        return _planned(lambda: look_now.look_at_host(host, actor(request)))

    @extend_schema(request=ReadsWish, responses=ReadsNow)
    @action(detail=True, methods=["post"], permission_classes=(Needs("estate.manage"),))
    def reads(self, request: Request, pk: str = "") -> Response:
        """Allows that one block of each LUN of the host is read every 5 minutes, or no longer. Needs the act
        estate.manage. 422 when it is to be allowed and confirm is not the host's name."""
        wish = ReadsWish(data=request.data)
        wish.is_valid(raise_exception=True)
        wanted = wish.validated_data["allowed"]
        try:
            allow_reads.allow(self.get_object(), actor(request), wanted=wanted, typed=wish.validated_data["confirm"])
        except allow_reads.NotAllowed as refusal:
            raise Unprocessable(str(refusal)) from None
        return Response({"allowed": wanted})


class DeviceActs(DeviceRows):
    """The act of one switch or array, for its viewset."""

    @extend_schema(request=None, responses={202: Asked})
    @action(detail=True, methods=["post"], permission_classes=(Needs("look.now"),))
    def look(self, request: Request, pk: str = "") -> Response:
        """Makes the look at it due at once. Needs the act look.now. 409 when none is planned."""
        device = self.get_object()
        return _planned(lambda: look_now.look_at_device(device, actor(request)))


class OracleActs(OracleRows):
    """The act of one Oracle VM, for its viewset."""

    @extend_schema(request=None, responses={202: Asked})
    @action(detail=True, methods=["post"], permission_classes=(Needs("look.now"),))
    def look(self, request: Request, pk: str = "") -> Response:
        """Makes the look at it due at once. Needs the act look.now. 409 when none is planned."""
        vm = self.get_object().vm
        return _planned(lambda: look_now.look_at_vm(vm, actor(request)))


class EngineActs(EngineRows):
    """The act of one engine, for its viewset."""

    @extend_schema(request=None, responses={202: Asked})
    @action(detail=True, methods=["post"], permission_classes=(Needs("look.now"),))
    def look(self, request: Request, pk: str = "") -> Response:
        """Makes the looks at the engine and its hosted-engine hosts due at once. Needs the act look.now."""
        engine = self.get_object()
        return _planned(lambda: look_now.look_at_engine(engine, actor(request)))
