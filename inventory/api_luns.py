"""What the API tells of LUNs, paths and FC ports beyond their rows: the same answers as the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.models import Host, Look, Lun
from inventory.services import latency, pages_ports
from portal.kernel.outcome import Outcome

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    HostRows = GenericViewSet[Host]
    LunRows = GenericViewSet[Lun]
else:
    HostRows = LunRows = object

OUTCOMES = [one.value for one in Outcome]


class FcPort(serializers.Serializer[Any]):
    """One FC port. Speeds in Gbit/s: now, as declared, the best that was seen; null where there is none. new_errors:
    growth of each counter in the last hour, null where the driver does not count."""

    wwpn = serializers.CharField()
    host = serializers.CharField()
    card = serializers.CharField(allow_blank=True)
    state = serializers.CharField(allow_blank=True)
    gbit = serializers.FloatField(allow_null=True)
    declared_gbit = serializers.FloatField(source="declared", allow_null=True)
    best_gbit = serializers.FloatField(source="best", allow_null=True)
    slow = serializers.BooleanField()
    new_errors = serializers.DictField(source="errors", child=serializers.IntegerField(allow_null=True))


class FcPorts(serializers.Serializer[Any]):
    """A host's FC ports. why: what keeps them from being known now, "" when they are."""

    why = serializers.CharField(allow_blank=True)
    ports = FcPort(source="rows", many=True)


class FailingPath(serializers.Serializer[Any]):
    """A path that failed in the last hour, as its host's kernel counts. flaps_since null: it does not flap."""

    host = serializers.CharField()
    wwid = serializers.CharField()
    device = serializers.CharField(source="dev")
    failures = serializers.IntegerField(source="count")
    last = serializers.DateTimeField()
    flaps_since = serializers.DateTimeField(source="since", allow_null=True)


class LatencyWindow(serializers.Serializer[Any]):
    """The objective over one window. p50, p95, p99 (ms) and kept (a share) are null where there is no data."""

    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()
    window_seconds = serializers.FloatField(source="window")
    reads = serializers.IntegerField()
    samples = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    kept = serializers.FloatField(allow_null=True)
    told_by = serializers.CharField(source="source")


class LatencyDay(serializers.Serializer[Any]):
    """One day on which reads were counted. state unknown: too few for a verdict."""

    begin = serializers.DateTimeField()
    state = serializers.ChoiceField(("ok", "warn", "unknown"))
    reads = serializers.IntegerField()
    sentence = serializers.CharField(source="words")


class Latency(serializers.Serializer[Any]):
    """A LUN's read latency on one host: windows of an hour, a day, a week and thirty days, and the days of the last
    thirty."""

    host = serializers.CharField()
    windows = LatencyWindow(source="slos", many=True)
    days = LatencyDay(many=True)


def _looks(host: Host, probe: str) -> list[Look]:
    return list(Look.objects.filter(host=host, probe=probe).defer("sections"))


class HostPorts(HostRows):
    """What a host counts, for its viewset."""

    @extend_schema(responses=FcPorts)
    @action(detail=True, url_path="fc-ports", filter_backends=(), pagination_class=None)
    def fc_ports(self, request: Request, pk: str = "") -> Response:
        """The host's FC ports: speeds, and the errors of the last hour."""
        host = self.get_object()
        declared = dict(host.declared_ports.values_list("wwpn", "gbit"))
        return Response(
            FcPorts(pages_ports.ports(host, _looks(host, pages_ports.PORTS), declared, timezone.now())).data
        )

    @extend_schema(responses=FailingPath(many=True))
    @action(detail=True, url_path="failing-paths", filter_backends=(), pagination_class=None)
    def failing_paths(self, request: Request, pk: str = "") -> Response:
        """The host's paths that failed in the last hour, those that flap first."""
        host = self.get_object()
        found = pages_ports.failing(host, _looks(host, pages_ports.DEVICES), timezone.now())
        return Response(FailingPath(found, many=True).data)


class LunViews(LunRows):
    """What is told of one LUN, for its viewset."""

    @extend_schema(responses=FailingPath(many=True))
    @action(detail=True, url_path="failing-paths", filter_backends=(), pagination_class=None)
    def failing_paths(self, request: Request, pk: str = "") -> Response:
        """The LUN's paths that failed in the last hour, on every host, those that flap first."""
        found = pages_ports.failing_lun(self.get_object().uuid, timezone.now())
        return Response(FailingPath(found, many=True).data)

    @extend_schema(responses=Latency(many=True))
    @action(detail=True, filter_backends=(), pagination_class=None)
    def latency(self, request: Request, pk: str = "") -> Response:
        """The LUN's read latency on every host that counted reads of it in the last thirty days."""
        found = latency.month(self.get_object().uuid, timezone.now())
        return Response(Latency(found, many=True).data)
