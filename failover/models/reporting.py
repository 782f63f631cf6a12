"""Reports that are made by themselves: what, when, for whom; each that was made; and what became of its delivery."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from inventory.models import Engine, Site


class ReportDefinition(models.Model):
    """A report that is made after each of its periods. roles, addresses: who gets it. readers: roles that may read it
    in the portal; [] is every role that may read reports."""

    class Period(models.TextChoices):
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week, from Monday"
        MONTHLY = "monthly", "Every month"
        QUARTERLY = "quarterly", "Every quarter"
        YEARLY = "yearly", "Every year"

    class Delivery(models.TextChoices):
        ATTACHMENT = "attachment", "The files, attached"
        LINK = "link", "A link to the portal"

    title = models.CharField(max_length=120, unique=True)
    engine = models.ForeignKey(Engine, null=True, blank=True, on_delete=models.PROTECT, related_name="reports")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="reports")
    period = models.CharField(max_length=10, choices=Period.choices, default=Period.MONTHLY)
    zone = models.CharField(max_length=60, default="UTC")
    hour = models.PositiveSmallIntegerField(default=6)  # of the day after the period, by the clock of the zone
    language = models.CharField(max_length=10, default="en-GB")  # of dates and numbers
    roles = models.JSONField(default=list, blank=True)
    addresses = models.JSONField(default=list, blank=True)
    webhooks = models.JSONField(default=list, blank=True)  # names of receivers of alerts that are told, too
    formats = models.JSONField(default=list)  # pdf, html, csv, json
    delivery = models.CharField(max_length=10, choices=Delivery.choices, default=Delivery.ATTACHMENT)
    readers = models.JSONField(default=list, blank=True)
    late_hours = models.PositiveSmallIntegerField(default=24)  # after its due time, from which on it is an alarm
    enabled = models.BooleanField(default=True)
    decided_to = models.DateTimeField()  # periods that were due up to here have a report, made or not
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["title"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(engine=None) | Q(site=None), name="failover_report_one_scope"),
        ]

    def __str__(self) -> str:
        return self.title


class PeriodReport(models.Model):
    """One report of one period. content: what was hashed (failover.reports.period.content), from which every form is
    made; it never changes once it is there. A report that is made anew has the next version."""

    class State(models.TextChoices):
        DUE = "due", "to be made"
        MADE = "made", "made"
        FAILED = "failed", "could not be made"

    definition = models.ForeignKey(ReportDefinition, on_delete=models.PROTECT, related_name="made")
    # as the definition had them when the report became due
    period = models.CharField(max_length=10, choices=ReportDefinition.Period.choices)
    zone = models.CharField(max_length=60)
    language = models.CharField(max_length=10)
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DUE)
    asked_by = models.CharField(max_length=150, default="portal")
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    taken_until = models.DateTimeField(null=True, blank=True)  # a worker has it
    sentence = models.TextField(blank=True)  # why it could not be made, or what its making met
    content = models.JSONField(null=True, blank=True)
    seal = models.JSONField(null=True, blank=True)  # failover.reports.period.content.Seal
    sha256 = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-ends", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["definition", "begins", "version"], name="failover_report_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=Q(state="due"), name="failover_report_to_make"),
        ]

    def __str__(self) -> str:
        return f"{self.definition_id} {self.begins:%Y-%m-%d} v{self.version}"

    @property
    def ident(self) -> str:
        """RP-007-20261001: by its definition and the first day of its period there."""
        return f"RP-{self.definition_id:03d}-{self.begins.astimezone(ZoneInfo(self.zone)):%Y%m%d}"


class ReportFile(models.Model):
    """One form of a report, as it was made and given out. The bytes lie in the vault, named by their hash."""

    class Form(models.TextChoices):
        PDF = "pdf", "PDF"
        HTML = "html", "HTML"
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    report = models.ForeignKey(PeriodReport, on_delete=models.CASCADE, related_name="files")
    form = models.CharField(max_length=6, choices=Form.choices)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=60)
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["report", "form"], name="failover_report_file_once"),
        ]

    def __str__(self) -> str:
        return self.name
