"""What the availability API takes and gives."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from failover.models import Correction, CorrectionDecision, Objective, ObjectiveVersion
from failover.services import corrections, objectives
from inventory.models import Engine
from inventory.models.looks import OUTCOMES


class OutageRow(serializers.Serializer[Any]):
    """ends null: it goes on."""

    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField()
    planned = serializers.BooleanField()
    corrected = serializers.BooleanField()
    cause = serializers.CharField(allow_blank=True)


class Amounts(serializers.Serializer[Any]):
    """Seconds; the five amounts from up_s to unknown_s add up to until - begins. ratio: of the time in which it was
    known and not planned to be down, null when there is none."""

    objective = serializers.FloatField()
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    until = serializers.DateTimeField()
    up_s = serializers.FloatField()
    down_planned_s = serializers.FloatField()
    down_unplanned_s = serializers.FloatField()
    not_watched_s = serializers.FloatField()
    unknown_s = serializers.FloatField()
    ratio = serializers.FloatField(allow_null=True)
    budget_s = serializers.FloatField()
    spent_s = serializers.FloatField()
    left_s = serializers.FloatField()
    outages = OutageRow(many=True)


class AvailabilityRow(Amounts):
    """A service with its objective in one period."""

    id = serializers.IntegerField()
    service = serializers.CharField()
    engine = serializers.CharField()
    kind = serializers.ChoiceField(Objective.Kind.choices)
    key = serializers.CharField()
    period = serializers.CharField()
    zone = serializers.CharField()
    projected_s = serializers.FloatField(allow_null=True)
    outcome = serializers.ChoiceField(OUTCOMES)
    word = serializers.CharField()
    sentence = serializers.CharField()
    watched_now = serializers.BooleanField()
    waiting_corrections = serializers.IntegerField()


class CorrectionRow(serializers.Serializer[Any]):
    """An entry of the ledger. counts: it is laid over what was seen. decision null: nobody has decided, or nobody has
    to."""

    id = serializers.IntegerField()
    objective = serializers.IntegerField()
    kind = serializers.ChoiceField(Correction.Kind.choices)
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    cause = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    counts = serializers.BooleanField()
    decision = serializers.ChoiceField(CorrectionDecision.Word.choices, allow_null=True)
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_why = serializers.CharField(allow_blank=True)


class AvailabilityDetail(AvailabilityRow):
    """With its corrections, and the same as it was seen before any of them."""

    as_seen = Amounts()
    corrections = CorrectionRow(many=True)


class VersionRow(serializers.ModelSerializer[ObjectiveVersion]):
    """What is promised: percent of the time over a period by the calendar of a zone."""

    class Meta:
        model = ObjectiveVersion
        exclude: ClassVar = ["id"]


class ObjectiveWish(serializers.Serializer[Any]):
    """What is to be promised from the next period on. why: needed for a change."""

    percent = serializers.DecimalField(max_digits=7, decimal_places=4, default=objectives.DEFAULT)
    period = serializers.ChoiceField(ObjectiveVersion.Period.choices, default="month")
    zone = serializers.CharField(max_length=60, default="UTC")
    every = serializers.FloatField(default=5.0)
    most_ms = serializers.FloatField(default=1.0)
    why = serializers.CharField(max_length=objectives.LONGEST, default="", allow_blank=True)


class PromiseWish(ObjectiveWish):
    """Of which service: kind engine has the key "engine", kind service its declared name, kind lun its WWID."""

    engine = serializers.PrimaryKeyRelatedField(queryset=Engine.objects.all())
    kind = serializers.ChoiceField(Objective.Kind.choices)
    key = serializers.CharField(max_length=120)


class RetireWish(serializers.Serializer[Any]):
    """Why nothing is promised any more."""

    why = serializers.CharField(max_length=objectives.LONGEST)


class CorrectionWish(serializers.Serializer[Any]):
    """Times with their zone. planned and up make downtime less: they count when a second person has confirmed them."""

    kind = serializers.ChoiceField(Correction.Kind.choices)
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    cause = serializers.CharField(max_length=corrections.LONGEST_CAUSE, default="", allow_blank=True)
    reason = serializers.CharField(max_length=objectives.LONGEST)


class DecisionWish(serializers.Serializer[Any]):
    """word: confirmed or refused by a second person, withdrawn by whoever has entered it."""

    word = serializers.ChoiceField(CorrectionDecision.Word.choices)
    why = serializers.CharField(max_length=objectives.LONGEST, default="", allow_blank=True)
