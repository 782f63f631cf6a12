"""Looking: the latest look per (host, device, VM or engine, probe), the findings it gave, and their transitions. Never
one row per sample."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from inventory.models.device import Device
from inventory.models.estate import Engine, Host, Vm
from portal.kernel.outcome import Outcome

OUTCOMES = [(outcome.value, outcome.value) for outcome in Outcome]


class Capture(models.Model):
    """Raw evidence of a look that changed a finding, kept once per distinct content. `sections`: see Look."""

    sha256 = models.CharField(max_length=64, unique=True)
    sections = models.JSONField()
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256[:12]


class Look(models.Model):
    """The latest look of one probe at one host, device, VM or engine, overwritten in place.

    `sections` is the raw evidence: section name -> {"asked": argv or path, "exit_code" or "status", "stdout" or
    "body", "stderr", "took", "truncated"}; bytes that are not UTF-8 are stored as {"base64": "..."}. `sha256` is
    over what came back, times left out, so that an unchanged answer is written once."""

    class State(models.TextChoices):
        NEVER = "never"  # not looked yet
        READ = "read"  # answered and understood
        UNREADABLE = "unreadable"  # answered, not understood
        UNANSWERED = "unanswered"  # no answer: refused, hung, wrong key

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="looks")
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.CASCADE, related_name="looks")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="looks")
    vm = models.ForeignKey(Vm, null=True, blank=True, on_delete=models.CASCADE, related_name="looks")
    probe = models.CharField(max_length=40)
    due_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEVER)
    at = models.DateTimeField(null=True, blank=True)  # when the latest look ended
    answered_at = models.DateTimeField(null=True, blank=True)  # when a look last ended in `read`
    took_ms = models.PositiveIntegerField(default=0)
    sentence = models.TextField(blank=True)  # why it was not read
    facts = models.JSONField(null=True, blank=True)  # of the latest look in state read
    # what the overview adds up over all hosts, judged with the findings (verdicts/luns.py, Part); null: nothing known
    brief = models.JSONField(null=True, blank=True)
    sections = models.JSONField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    facts_sha256 = models.CharField(
        max_length=64, blank=True
    )  # of the facts: whether they changed, without reading them
    # of the answer and all that it was judged by: while it stays, facts and findings stay, and the answer is not read
    # (services/sameness.py); "": read the next answer, whatever it is
    mark = models.CharField(max_length=64, blank=True)
    numbers = models.JSONField(null=True, blank=True)  # of a look with a mark: what every further one adds to roll-ups

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "probe"], condition=Q(host__isnull=False), name="inventory_look_host"
            ),
            models.UniqueConstraint(
                fields=["device", "probe"], condition=Q(device__isnull=False), name="inventory_look_device"
            ),
            models.UniqueConstraint(fields=["vm", "probe"], condition=Q(vm__isnull=False), name="inventory_look_vm"),
            models.UniqueConstraint(
                fields=["engine", "probe"],
                condition=Q(host__isnull=True, device__isnull=True, vm__isnull=True),
                name="inventory_look_engine",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.probe} at {self.subject}"

    @property
    def subject(self) -> Host | Device | Vm | Engine:
        """What is looked at."""
        return self.host or self.device or self.vm or self.engine


class Finding(models.Model):
    """The present answer of one check about one subject, as one look sees it."""

    look = models.ForeignKey(Look, on_delete=models.CASCADE, related_name="findings")
    check_name = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=12)
    subject_key = models.CharField(max_length=120)
    outcome = models.CharField(max_length=8, choices=OUTCOMES)
    sentence = models.TextField()
    since = models.DateTimeField()  # when this outcome began

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["look", "check_name", "subject_kind", "subject_key"], name="inventory_finding_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["subject_kind", "subject_key"], name="inventory_finding_subject")]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.sentence}"


class Transition(models.Model):
    """A finding changed. Copied out in words, so that it outlives the finding. from_outcome "" = first seen."""

    at = models.DateTimeField(db_index=True)
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="transitions")
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.SET_NULL, related_name="transitions")
    probe = models.CharField(max_length=40)
    check_name = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=12)
    subject_key = models.CharField(max_length=120)
    from_outcome = models.CharField(max_length=8, blank=True)
    to_outcome = models.CharField(max_length=8, choices=OUTCOMES)
    sentence = models.TextField()
    capture = models.ForeignKey(Capture, null=True, blank=True, on_delete=models.PROTECT, related_name="transitions")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["subject_kind", "subject_key", "-at"], name="inventory_transition_subject"),
            models.Index(fields=["host", "-at"], name="inventory_transition_host"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind}:{self.subject_key} {self.from_outcome}>{self.to_outcome}"


class Rollup(models.Model):
    """A number worth plotting, per 5-minute bucket."""

    look = models.ForeignKey(Look, on_delete=models.CASCADE, related_name="rollups")
    series = models.CharField(max_length=60)  # "score", "paths_active"
    bucket = models.DateTimeField()  # start, UTC, whole 5 minutes
    count = models.PositiveIntegerField()
    low = models.FloatField()
    high = models.FloatField()
    total = models.FloatField()
    last = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["look", "series", "bucket"], name="inventory_rollup_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.bucket:%Y-%m-%d %H:%M}"
