"""Who agreed to a drill, and to exactly what. Rows are written by failover.services.approvals only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from failover.models.drill import Drill


class Approval(models.Model):
    """One agreement of a second person. It binds to the hash of the content; it holds until it is voided."""

    drill = models.ForeignKey(Drill, on_delete=models.PROTECT, related_name="approvals")
    hash = models.CharField(max_length=64)  # SHA-256 over canonical JSON of content
    content = models.JSONField()  # what was approved, so that a difference can be named
    requested_by = models.CharField(max_length=150)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    why = models.TextField(blank=True)  # why it is void, or why it was refused
    refused = models.BooleanField(default=False)  # the second person said no

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            # also for whoever comes by a shell
            models.CheckConstraint(condition=~Q(by=F("requested_by")), name="failover_four_eyes"),
            models.UniqueConstraint(
                fields=["drill"], condition=Q(voided_at=None), name="failover_one_approval_that_holds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} on drill {self.drill_id}"


class BreakGlass(models.Model):
    """Two people lift the calendar's gates (window, blackout, change) of one drill, with a reason. Nothing else is
    lifted: not the second pair of eyes, and no guard of the engine itself."""

    drill = models.ForeignKey(Drill, on_delete=models.PROTECT, related_name="broken_glass")
    reason = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)  # from then on the gates hold again

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(confirmed_by=F("asked_by")), name="failover_break_glass_two_people"),
        ]

    def __str__(self) -> str:
        return f"break glass of drill {self.drill_id}"
