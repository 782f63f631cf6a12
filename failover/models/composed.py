"""Plans that people compose, in versions. A version never changes: the database itself refuses it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ComposedPlan(models.Model):
    """A plan of this estate's own. Retired: no new drill uses it; old ones still find their version."""

    name = models.CharField(max_length=60, unique=True)  # begins with failover.plans_composed.PREFIX
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    retired_by = models.CharField(max_length=150, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """What the plan was from one edit to the next. steps: [{"step": name} | {"step": "ask_person", "question": text,
    "minutes": whole number}]."""

    plan = models.ForeignKey(ComposedPlan, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()  # from 1, without gaps
    title = models.CharField(max_length=80)
    steps = models.JSONField()
    sha256 = models.CharField(max_length=64)  # of title and steps, as failover.plans_composed.fingerprint has it
    why = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["plan", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "number"], name="failover_plan_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}, version {self.number}"
