"""Issues found in drills, and what became of them. Rows are written by failover.services.issues only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from failover.models.drill import Drill

GRADES = [(one, one) for one in ("low", "medium", "high", "critical")]


class Issue(models.Model):
    """Something that a drill showed to be wrong, or that stood out. What the drill's own report quotes is the note of
    then (Drill.issues); this row is what became of it."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        FIXED = "fixed", "fixed, to be tested again"
        ACCEPTED = "accepted", "risk accepted"
        CLOSED = "closed", "closed"

    SEVERITIES: ClassVar = tuple(one for one, _ in GRADES)

    drill = models.ForeignKey(Drill, null=True, blank=True, on_delete=models.PROTECT, related_name="found")
    title = models.CharField(max_length=500)
    severity = models.CharField(max_length=10, choices=GRADES)
    owner = models.CharField(max_length=150, blank=True)
    due = models.DateField(null=True, blank=True)
    link = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    raised_by = models.CharField(max_length=150)
    raised_at = models.DateTimeField()
    changed_at = models.DateTimeField()  # what an edit is based on
    fixed_by = models.CharField(max_length=150, blank=True)
    fixed_words = models.CharField(max_length=500, blank=True)
    # the risk: who asked that it be accepted, why, until when; who agreed
    risk_asked_by = models.CharField(max_length=150, blank=True)
    risk_why = models.CharField(max_length=500, blank=True)
    risk_until = models.DateField(null=True, blank=True)
    risk_accepted_by = models.CharField(max_length=150, blank=True)
    risk_accepted_at = models.DateTimeField(null=True, blank=True)
    retest = models.ForeignKey(Drill, null=True, blank=True, on_delete=models.PROTECT, related_name="retests")
    closed_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            # also for whoever comes by a shell
            models.CheckConstraint(
                condition=Q(risk_accepted_by="") | ~Q(risk_accepted_by=F("risk_asked_by")),
                name="failover_issue_risk_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | ~Q(risk_accepted_by=""), name="failover_issue_accepted_by_somebody"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due"], name="failover_issue_due")]

    def __str__(self) -> str:
        return self.ident

    @property
    def ident(self) -> str:
        """IS-014."""
        return f"IS-{self.pk:03d}"
