"""Drills: a plan exercised with objectives that were fixed before, and what was measured."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine
from portal.runs.models import Run


class Service(models.Model):
    """Something that users notice when it is away. The prober asks it, in a process of its own, while a drill runs."""

    class Kind(models.TextChoices):
        HTTP = "http", "HTTP or HTTPS answers 2xx and, where given, holds the words"
        TCP = "tcp", "TCP connects"

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    address = models.CharField(max_length=300)  # URL, or host:port
    words = models.CharField(max_length=120, blank=True)  # what the body must hold
    ca_pem = models.TextField(blank=True)
    every = models.FloatField(default=0.5)  # seconds between two questions
    objective = models.PositiveIntegerField(null=True, blank=True)  # RTO in seconds

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["engine", "name"], name="failover_service_once")]

    def __str__(self) -> str:
        return self.name


class Schedule(models.Model):
    """When a drill is to happen, and how long without a proven one is too long."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="drill_schedules")
    plan = models.CharField(max_length=60)
    kind = models.CharField(max_length=60, blank=True)  # of a composed plan: the built-in one whose injection it makes
    parameters = models.JSONField(default=dict)
    objectives = models.JSONField(default=list)
    cron = models.CharField(max_length=120, blank=True)  # "": only by people
    zone = models.CharField(max_length=60, default="UTC")
    overdue_days = models.PositiveIntegerField(default=95)
    notify = models.JSONField(default=list)  # names of the people involved
    enabled = models.BooleanField(default=True)
    decided_to = models.DateTimeField()
    decided_by = models.CharField(max_length=150, blank=True)  # who asks for what it proposes; another one approves
    minutes = models.PositiveIntegerField(default=240)  # how long the window of a proposed drill is
    change = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"{self.plan} of {self.engine}"


class Missed(models.Model):
    """A planned drill that did not happen: it was not proposed in time, or nobody approved and began it."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="missed")
    due_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    sentence = models.TextField()

    class Meta:
        ordering: ClassVar = ["-due_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["schedule", "due_at"], name="failover_missed_once")]

    def __str__(self) -> str:
        return self.sentence


class Drill(models.Model):
    """One exercise. What is decided before it begins is frozen with the Run; what was measured is written by the
    portal only. JSON shapes: docs/adr/0017."""

    engine = models.ForeignKey(Engine, on_delete=models.PROTECT, related_name="drills")
    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="drill")
    schedule = models.ForeignKey(Schedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="drills")
    plan = models.CharField(max_length=60)
    kind = models.CharField(max_length=60, blank=True)  # of a composed plan: the built-in one whose injection it makes
    title = models.CharField(max_length=160)
    scenario = models.TextField(blank=True)
    assumptions = models.TextField(blank=True)
    announced = models.BooleanField(default=True)
    objectives = models.JSONField(default=list)  # [{"key", "title", "kind": "rto" | "rpo", "service", "seconds"}]
    people = models.JSONField(default=list)  # [{"name", "role", "present": bool or null}]
    window_begins = models.DateTimeField(null=True, blank=True)
    window_ends = models.DateTimeField(null=True, blank=True)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    readiness = models.JSONField(default=dict)  # the checks as they stood when it began
    before = models.JSONField(default=dict)  # fingerprints
    after = models.JSONField(default=dict)
    measured = models.JSONField(default=dict)
    verdicts = models.JSONField(default=list)  # [{"key", "word": "met" | "not met" | "not tested", "sentence"}]
    issues = models.JSONField(default=list)  # [{"title", "severity", "owner", "due", "accepted_by", "link"}]
    signatures = models.JSONField(default=list)  # [{"role", "name", "at", "words"}]
    clock_began = models.DateTimeField(null=True, blank=True)  # the injection, on the portal's clock
    clock_began_mono = models.FloatField(null=True, blank=True)  # the prober's monotonic clock
    clock_boot = models.CharField(max_length=64, blank=True)  # of which boot that clock is
    clock_ended = models.DateTimeField(null=True, blank=True)  # when the steps saw the service back; not the RTO itself
    clock_ended_mono = models.FloatField(null=True, blank=True)
    marks = models.JSONField(default=dict)  # what its works have written down for each other: {"fenced": true}
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-requested_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def like(self) -> str:
        """The built-in plan whose rules it goes by."""
        return self.kind or self.plan


class Span(models.Model):
    """A time during which one service answered, or did not, as the prober saw it. Seconds of the prober's monotonic
    clock; `began` and `last` are wall times for people. A service that was not asked has no span then; one that was
    asked without its answer telling anything (a certificate that does not verify, no way out of the portal) has one
    with up None. The prober writes a row again and again by its key: drill, service, boot, began_mono."""

    drill = models.ForeignKey(Drill, on_delete=models.CASCADE, related_name="spans")
    service = models.CharField(max_length=80)
    up = models.BooleanField(null=True)
    why = models.CharField(max_length=200, blank=True)
    boot = models.CharField(max_length=64)
    began_mono = models.FloatField()
    last_mono = models.FloatField()
    began = models.DateTimeField()
    last = models.DateTimeField()
    questions = models.PositiveIntegerField(default=1)
    widest = models.FloatField(default=0.0)  # the longest time between two questions inside it

    class Meta:
        ordering: ClassVar = ["began_mono", "pk"]
        indexes: ClassVar = [models.Index(fields=["drill", "service", "began_mono"], name="failover_span_order")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["drill", "service", "boot", "began_mono"], name="failover_span_once"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {'not known' if self.up is None else 'up' if self.up else 'down'}"


class Blackout(models.Model):
    """A time in which no drill begins: month end, a release, the bank's peak days."""

    engine = models.ForeignKey(Engine, null=True, blank=True, on_delete=models.CASCADE, related_name="blackouts")
    title = models.CharField(max_length=120)
    begins = models.DateTimeField()
    ends = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["begins"]

    def __str__(self) -> str:
        return self.title
