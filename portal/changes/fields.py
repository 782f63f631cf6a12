"""`change` of API requests: the words of change systems (facts/drills-and-evidence.md 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from portal.changes.asked import KINDS, LONGEST, Asked

YEARS = range(2000, 2200)  # beyond them arithmetic with times overflows


class Window(serializers.Serializer[Any]):
    """Times with their zone."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """It ends later than it begins, in times that calendars have."""
        for name, at in attrs.items():
            if at.year not in YEARS:
                raise serializers.ValidationError({name: [f"The year {at.year} is none of {YEARS[0]} to {YEARS[-1]}."]})
        if attrs["end"] <= attrs["start"]:
            raise serializers.ValidationError("The window ends before it begins.")
        return attrs


class ChangeWish(serializers.Serializer[Any]):
    """The change that an act belongs to. system: the name of a change system of the portal; left out, the one that is
    in charge of the target. Its approval is read back from that system: `approval` is taken and never believed."""

    system = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True, default="")
    number = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True, default="")
    sys_id = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True, default="")
    ci = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=50, default=list)
    window = Window(required=False, allow_null=True, default=None)
    type = serializers.ChoiceField(KINDS, required=False, allow_blank=True, default="")
    approval = serializers.CharField(max_length=40, required=False, allow_blank=True)


_TEXT = {"type": "string", "maxLength": LONGEST}
_TIME = {"type": "string", "format": "date-time"}
_OBJECT = {
    "type": "object",
    "properties": {
        "system": _TEXT,
        "number": _TEXT,
        "sys_id": _TEXT,
        "ci": {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": 50},
        "window": {
            "type": "object",
            "nullable": True,
            "properties": {"start": _TIME, "end": _TIME},
            "required": ["start", "end"],
        },
        "type": {"type": "string", "enum": ["", *KINDS]},
        "approval": {"type": "string", "maxLength": 40},
    },
}


@extend_schema_field({"oneOf": [_TEXT, _OBJECT], "nullable": True})
class ChangeField(serializers.Field[Asked, Any, Any, Any]):
    """A number as text, or an object as ChangeWish; gives Asked."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "default": Asked, **given})

    def to_internal_value(self, data: Any) -> Asked:
        """Raises ValidationError."""
        if isinstance(data, str):
            data = {"number": data}
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("Give the change's number, or an object with `number`.")
        wish = ChangeWish(data=data)
        wish.is_valid(raise_exception=True)
        return Asked.read(wish.validated_data)

    def to_representation(self, value: Asked) -> Any:
        """As it is frozen."""
        return value.content()


class WithChange(serializers.Serializer[Any]):
    """An act that takes nothing but the change that it belongs to."""

    change = ChangeField()


def asked_with(request: Request) -> Asked:
    """The change of a request whose body holds nothing else, or nothing at all."""
    wish = WithChange(data=request.data)
    wish.is_valid(raise_exception=True)
    found: Asked = wish.validated_data["change"]
    return found if isinstance(found, Asked) else Asked()
