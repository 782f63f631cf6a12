"""Whether a drill could begin, as it was looked up last: each check has an age at which it counts no more."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine


class Readiness(models.Model):
    """The last result per engine and plan. JSON shape of checks: docs/adr/0017."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="readiness")
    plan = models.CharField(max_length=60)
    at = models.DateTimeField()
    checks = models.JSONField(default=list)
    depends = models.JSONField(default=dict)  # what it rested on: name -> fingerprint; a change of one voids it

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["engine", "plan"], name="failover_readiness_once")]

    def __str__(self) -> str:
        return f"{self.plan} of {self.engine}"
