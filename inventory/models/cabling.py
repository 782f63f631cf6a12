"""What is designed: cables, links, cards, sites and power, declared as a whole and approved by a second person."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from inventory.models.estate import Engine


class Cabling(models.Model):
    """One version of an estate's cabling and power. text: the declaration in its canonical form, a line per fact, as
    inventory.redundancy.cabling writes it; sha256: over it. Rows are written by inventory.services.cabling only."""

    class State(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"  # it holds
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"  # by whoever proposed it
        REPLACED = "replaced"  # it held until another one was approved

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="cablings")
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=150)
    proposed_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)  # of the proposal: a change number, what was recabled
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)  # of a refusal

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"]) | ~Q(decided_by=F("proposed_by")),
                name="inventory_cabling_four_eyes",  # also for whoever comes by a shell
            ),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(state="approved"), name="inventory_cabling_one_that_holds"
            ),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(state="proposed"), name="inventory_cabling_one_that_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"cabling {self.pk} of {self.engine}"
