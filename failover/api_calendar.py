"""What on-premise systems ask the portal: conflicts, free times, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.catalog.slots import Busy, free
from failover.services import booked, feed, items
from failover.services.durations import needed
from portal.access.problems import Unprocessable
from portal.access.rest import Needs
from portal.changes.fields import YEARS
from portal.kernel.words import span
from portal.runs.registry import UnknownPlan, plan_named

SLOTS = 50  # of one answer
AHEAD = timedelta(days=14)
CI = OpenApiParameter("ci", str, many=True, description="Name of a site, engine, host or VM; repeat it for several.")
START = OpenApiParameter("start", datetime, required=True, description="With its zone.")
END = OpenApiParameter("end", datetime, required=True, description="With its zone; at most 92 days after start.")


class BusyRow(serializers.Serializer[Busy]):
    """What holds an engine. ends null: nobody knows when. engine null: all."""

    kind = serializers.ChoiceField(["drill", "schedule", "window", "backup", "blackout", "run"])
    title = serializers.CharField()
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField(allow_null=True)
    engine = serializers.IntegerField(allow_null=True)
    change = serializers.CharField(allow_blank=True)
    link = serializers.CharField(allow_blank=True)


class ConflictsOf(serializers.Serializer[Any]):
    """conflicts: what holds one of the engines in that time, other than acts of the change `but`. unknown: items that
    mean nothing here, so nothing is said of them."""

    engines = serializers.ListField(child=serializers.IntegerField())
    unknown = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()
    conflicts = BusyRow(many=True)


class SlotRow(serializers.Serializer[Any]):
    """A free time, as long as it is."""

    start = serializers.DateTimeField(source="begins")
    end = serializers.DateTimeField(source="ends")


class SlotsOf(serializers.Serializer[Any]):
    """seconds: that a slot has at least."""

    engines = serializers.ListField(child=serializers.IntegerField())
    unknown = serializers.ListField(child=serializers.CharField())
    seconds = serializers.IntegerField()
    slots = SlotRow(many=True)


class EventRow(serializers.Serializer[feed.Event]):
    """One thing that happened: docs/api.md lists the types."""

    id = serializers.CharField()
    sequence = serializers.IntegerField()
    time = serializers.DateTimeField()
    type = serializers.ChoiceField(feed.TYPES)
    subject = serializers.CharField()
    change = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True)
    links = serializers.DictField(child=serializers.CharField())


@extend_schema_serializer(many=False)  # one, although the path has no key
class EventsOf(serializers.Serializer[feed.Page]):
    """after: ask after this sequence next. more: there are more now."""

    events = EventRow(many=True)
    after = serializers.IntegerField()
    more = serializers.BooleanField()


class Between(serializers.Serializer[Any]):
    """Two moments of a question."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """In order, not for ever, in times that calendars have."""
        if wrong := [name for name in ("start", "end") if attrs[name].year not in YEARS]:
            raise serializers.ValidationError({wrong[0]: [f"The year is none of {YEARS[0]} to {YEARS[-1]}."]})
        if attrs["end"] <= attrs["start"]:
            raise serializers.ValidationError({"end": ["It is not after start."]})
        if attrs["end"] - attrs["start"] > booked.LONGEST:
            raise serializers.ValidationError({"end": [f"It is more than {booked.LONGEST.days} days after start."]})
        return attrs


class Search(Between):
    """What a slot is to hold."""

    minutes = serializers.IntegerField(min_value=1, max_value=100_000, required=False)
    plan = serializers.CharField(max_length=60, required=False)


class After(serializers.Serializer[Any]):
    """Where to read on."""

    after = serializers.IntegerField(min_value=0, max_value=2**62, required=False, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=feed.MOST, required=False, default=100)


def _asked(kind: type[serializers.Serializer[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    wish = kind(data=given)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found


def _ci(request: Request) -> list[str]:
    names = [name for text in request.query_params.getlist("ci") for name in text.split(",")]
    if len(names) > 50 or any(len(name) > 200 for name in names):
        raise serializers.ValidationError({"ci": ["At most 50 names of at most 200 characters are taken."]})
    return names


class Conflicts(viewsets.ViewSet):
    """The portal's own calendar, for a change system: what would clash."""

    permission_classes = (Needs("estate.view"),)

    but = OpenApiParameter("but", str, description="Number of a change whose own acts are no conflict.")

    @extend_schema(parameters=[CI, START, END, but], responses=ConflictsOf)
    def list(self, request: Request) -> Response:
        """Drills, maintenance, backups, blackouts and other runs on the engines of these items in that time. Without
        an item: of every engine."""
        given = _asked(Between, request.query_params)
        found = items.meant(_ci(request))
        rows = booked.booked(found.engines, given["start"], given["end"])
        but = request.query_params.get("but", "")
        rows = [row for row in rows if not but or row.change != but]
        content = {
            "engines": found.engines,
            "unknown": found.unknown,
            "sentence": _sentence(len(rows), found.unknown),
            "conflicts": rows,
        }
        return Response(ConflictsOf(content).data)


def _sentence(many: int, unknown: tuple[str, ...]) -> str:
    words = f"{many} conflict{'' if many == 1 else 's'}." if many else "Nothing is planned or under way in that time."
    return f"{words} Not known here, so nothing is said of them: {', '.join(unknown)}." if unknown else words


class FreeSlots(viewsets.ViewSet):
    """Times in which nothing holds the engines."""

    permission_classes = (Needs("estate.view"),)

    late = OpenApiParameter("start", datetime, description="With its zone; left out: now.")
    early = OpenApiParameter("end", datetime, description="With its zone; left out: 14 days later.")
    minutes = OpenApiParameter("minutes", int, description="That a slot has at least; left out: as the plan needs.")
    plan = OpenApiParameter("plan", str, description="Name of a plan: its time and that of its way back must fit.")

    @extend_schema(parameters=[CI, late, early, minutes, plan], responses=SlotsOf)
    def list(self, request: Request) -> Response:
        """The soonest first, at most 50."""
        start = request.query_params.get("start") or timezone.now().isoformat()
        given = {**request.query_params.dict(), "start": start}
        begins = _asked(_Start, given)["start"]
        if begins.year not in YEARS:
            raise serializers.ValidationError({"start": [f"The year is none of {YEARS[0]} to {YEARS[-1]}."]})
        given["end"] = request.query_params.get("end") or (begins + AHEAD).isoformat()
        asked = _asked(Search, given)
        least = _least(asked)
        found = items.meant(_ci(request))
        rows = booked.booked(found.engines, asked["start"], asked["end"])
        slots = [] if found.unknown else free(rows, asked["start"], asked["end"], least)
        seconds = int(least.total_seconds())
        content = {"engines": found.engines, "unknown": found.unknown, "seconds": seconds, "slots": slots[:SLOTS]}
        return Response(SlotsOf(content).data)


class _Start(serializers.Serializer[Any]):
    start = serializers.DateTimeField()


def _least(asked: Mapping[str, Any]) -> timedelta:
    """How long a slot must be."""
    seconds = 60.0 * asked.get("minutes", 0)
    if name := asked.get("plan"):
        try:
            seconds = max(seconds, sum(needed(plan_named(name))))
        except UnknownPlan as error:
            raise Unprocessable(str(error)) from None
    if not seconds:
        raise serializers.ValidationError({"minutes": ["Say how long it is to be: minutes, or a plan."]})
    if seconds > booked.LONGEST.total_seconds():
        raise Unprocessable(f"{span(seconds)} is longer than {booked.LONGEST.days} days.")
    return timedelta(seconds=seconds)


class Events(viewsets.ViewSet):
    """What happened, for systems that pull."""

    permission_classes = (Needs("run.view"),)

    after = OpenApiParameter(
        "after", int, description="Sequence of the last one that was seen; left out: from the first."
    )
    limit = OpenApiParameter("limit", int, description=f"At most {feed.MOST}; left out: 100.")

    @extend_schema(parameters=[after, limit], responses=EventsOf)
    def list(self, request: Request) -> Response:
        """In order of their sequence, which has gaps: other records lie between. Nothing is missed by asking after the
        last one seen, and nothing comes twice."""
        given = _asked(After, request.query_params)
        return Response(EventsOf(feed.events(given["after"], given["limit"])).data)


router = SimpleRouter()
router.register("conflicts", Conflicts, basename="api-conflict")
router.register("free-slots", FreeSlots, basename="api-free-slot")
router.register("events", Events, basename="api-event")
