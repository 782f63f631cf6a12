"""What is promised of services, when they answered, and what people put right about it. Versions, corrections and
decisions never change: the database itself refuses it. docs/adr/0034."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from inventory.models import Engine


class Objective(models.Model):
    """A service that is watched always. What is promised of it stands in its versions. A retired one is asked no more
    and keeps its history."""

    class Kind(models.TextChoices):
        ENGINE = "engine", "Engine management"  # its health page and its API
        SERVICE = "service", "Declared service"
        LUN = "lun", "Read latency of a LUN"

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="objectives")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    key = models.CharField(max_length=120)  # "engine", the declared service's name, or the LUN's WWID
    title = models.CharField(max_length=160)
    since = models.DateTimeField()  # from when on it is promised
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.CharField(max_length=150, blank=True)
    retired_why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["engine", "kind", "key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "kind", "key"], name="failover_objective_once"),
        ]

    def __str__(self) -> str:
        return self.title


class ObjectiveVersion(models.Model):
    """What was promised from one edit to the next. It counts from the first period that begins after it; the first
    version counts from the beginning."""

    class Period(models.TextChoices):
        MONTH = "month", "Calendar month"
        QUARTER = "quarter", "Calendar quarter"
        YEAR = "year", "Calendar year"

    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()  # from 1, without gaps
    percent = models.DecimalField(max_digits=7, decimal_places=4)  # of the time: 99.9900
    period = models.CharField(max_length=8, choices=Period.choices, default=Period.MONTH)
    zone = models.CharField(max_length=60, default="UTC")  # whose calendar
    every = models.FloatField(default=5.0)  # seconds between two questions
    most_ms = models.FloatField(default=1.0)  # of a LUN: milliseconds per read from which on it counts as down
    why = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["objective", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["objective", "number"], name="failover_objective_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.objective_id}, version {self.number}"


class ServiceSpan(models.Model):
    """A time of equal answers of one part of a service: one row, however many questions. The prober moves `last` on
    with every answer, so that a row which stands still is a prober that is dead. No row: nobody asked, or the prober is
    gone. Written again and again by its key: objective, part, boot, began_mono."""

    class State(models.TextChoices):
        UP = "up"
        DOWN = "down"
        UNKNOWN = "unknown"  # it was asked, and nothing can be told

    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="spans")
    part = models.CharField(max_length=12)  # health | api | service | reads
    state = models.CharField(max_length=8, choices=State.choices)
    why = models.CharField(max_length=200, blank=True)
    boot = models.CharField(max_length=64)
    began_mono = models.FloatField()
    last_mono = models.FloatField()
    began = models.DateTimeField()
    last = models.DateTimeField()  # in no index: what is written every few seconds stays one row in place
    questions = models.PositiveIntegerField(default=1)
    widest = models.FloatField(default=0.0)  # the longest time between two questions inside it

    class Meta:
        ordering: ClassVar = ["began", "pk"]
        indexes: ClassVar = [models.Index(fields=["objective", "began"], name="failover_service_span_order")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["objective", "part", "boot", "began_mono"], name="failover_service_span_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.state}"


class Correction(models.Model):
    """What a named person puts right about a time of a service, with a reason. What was measured stays as it is. One
    that makes downtime less counts when a second person has confirmed it."""

    class Kind(models.TextChoices):
        CAUSE = "cause", "Name the cause"
        PLANNED = "planned", "It was planned"
        UNPLANNED = "unplanned", "It was not planned"
        UP = "up", "It was not down"
        DOWN = "down", "It was down"

    LESS: ClassVar = (Kind.PLANNED, Kind.UP)  # make downtime less

    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="corrections")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    cause = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    key = models.CharField(max_length=200, blank=True)  # the Idempotency-Key it came with

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(begins__lt=F("ends")), name="failover_correction_forward"),
            models.UniqueConstraint(fields=["by", "key"], condition=~Q(key=""), name="failover_correction_key"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.by})"


class CorrectionDecision(models.Model):
    """What became of a correction that waits for a second person. The one who asked may only take it back."""

    class Word(models.TextChoices):
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    correction = models.OneToOneField(Correction, on_delete=models.PROTECT, related_name="decision")
    word = models.CharField(max_length=10, choices=Word.choices)
    asked_by = models.CharField(max_length=150)  # of the correction, so that the database can tell them apart
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            # also for whoever comes by a shell
            models.CheckConstraint(
                condition=~Q(by=F("asked_by")) | Q(word="withdrawn"), name="failover_correction_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.word} by {self.by}"
