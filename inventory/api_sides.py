"""What the API says of a VM's settings, and of where engine, hosts, arrays and guests differ. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.models import Lun, Vm
from inventory.models.looks import OUTCOMES
from inventory.services import sides
from inventory.services.tuning import rows_of, told_of

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    VmRows = GenericViewSet[Vm]
    LunRows = GenericViewSet[Lun]
else:
    VmRows = LunRows = object


class Setting(serializers.Serializer[Any]):
    """One setting of a VM as the engine tells it. severity info: it never counts as a fault."""

    parameter = serializers.CharField()
    running = serializers.CharField(allow_blank=True)
    expected = serializers.CharField()
    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()
    severity = serializers.ChoiceField(["fail", "warn", "info"])


class SideTold(serializers.Serializer[Any]):
    """What one side says. value "": it says nothing, and why."""

    who = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    why = serializers.CharField(allow_blank=True)


class SideLine(serializers.Serializer[Any]):
    """One fact beside what every side says of it. agree null: it is not compared."""

    fact = serializers.CharField()
    agree = serializers.BooleanField(allow_null=True)
    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField(allow_blank=True)
    told = SideTold(many=True)


class VmSettings(serializers.Serializer[Any]):
    """settings: by the engine; sides: beside what hosts and guest say."""

    settings = Setting(many=True)
    sides = SideLine(many=True)


class VmSides(VmRows):
    """What is said of one VM, for its viewset."""

    @extend_schema(responses=VmSettings)
    @action(detail=True, url_path="settings", filter_backends=(), pagination_class=None)
    def flags(self, request: Request, pk: str = "") -> Response:
        """The settings of a VM that matter to a database, judged, and what each side says of it now."""
        vm = self.get_object()
        told = told_of(vm)
        lines = sides.vm_lines(vm, told, timezone.now())
        return Response(VmSettings({"settings": rows_of(vm, told), "sides": lines}).data)


class LunSides(LunRows):
    """What is said of one LUN, for its viewset."""

    @extend_schema(responses=SideLine(many=True))
    @action(detail=True, filter_backends=(), pagination_class=None)
    def sides(self, request: Request, pk: str = "") -> Response:
        """What engine, hosts and arrays say of a LUN now, side by side."""
        return Response(SideLine(sides.lun_lines(self.get_object(), timezone.now()), many=True).data)
