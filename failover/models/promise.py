"""What was promised, from when on: the RPO of a policy, the days of a schedule of drills. Reports judge a period by
what was in force in it. Rows are written by failover.services.promises only, and never changed: the database refuses
it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine


class Promise(models.Model):
    """What one policy or one schedule promised from a moment on, until the next row of the same key."""

    class Kind(models.TextChoices):
        RPO = "rpo", "RPO of backups"
        DRILL = "drill", "Days between drills"

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="promises")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    key = models.PositiveBigIntegerField()  # of the policy, or of the schedule, which may be gone
    plan = models.CharField(max_length=60, blank=True)  # of a drill
    like = models.CharField(max_length=60, blank=True)  # the built-in plan whose rules it goes by
    seconds = models.PositiveBigIntegerField()  # how old the newest proof may be
    enabled = models.BooleanField()
    since = models.DateTimeField()
    first = models.BooleanField(default=False)  # nothing was promised under this key before
    kept_at = models.DateTimeField()  # when this row was written

    class Meta:
        ordering: ClassVar = ["kind", "key", "since", "pk"]
        indexes: ClassVar = [models.Index(fields=["kind", "key", "since"], name="failover_promise_order")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} from {self.since:%Y-%m-%d}"
