"""What the unattended side remembers between two ticks: what stands in its way, and what a watcher is to be told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from backups.models.policy import Policy


class Obstacle(models.Model):
    """Something that is due and does not get done, why, and when it is tried again. Gone once it is done."""

    class Act(models.TextChoices):
        TAKE = "take", "The backup"
        RETRY = "retry", "The second try"
        VERIFY = "verify", "The verification"
        COPY = "copy", "The copy"
        REHEARSE = "rehearse", "The rehearsal"
        RETIRE = "retire", "The deletion of obsolete backups"
        RECHECK = "recheck", "The reading back of a copy"
        KIT = "kit", "The recovery kit"

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="obstacles")
    act = models.CharField(max_length=8, choices=Act.choices)
    subject = models.CharField(max_length=80)  # "engine:3", "destination:2", "backup:40"
    sentence = models.TextField()
    since = models.DateTimeField()
    at = models.DateTimeField()  # when it was last met
    tries = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["since", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "act", "subject"], name="backups_obstacle_once"),
        ]

    def __str__(self) -> str:
        return self.sentence


class Ping(models.Model):
    """One word for the watcher outside, in the order in which it happened. Sent, or given up, or still to be sent."""

    class Kind(models.TextChoices):
        START = "start"
        SUCCESS = "success"
        FAIL = "fail"

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="pings")
    key = models.CharField(max_length=60)  # what it is about: "start:12", "end:12", "missed:7"
    kind = models.CharField(max_length=8, choices=Kind.choices)
    sentence = models.TextField(blank=True)
    made_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["policy", "key"], name="backups_ping_once")]
        indexes: ClassVar = [
            models.Index(
                fields=["policy", "id"],
                condition=models.Q(sent_at__isnull=True, given_up_at__isnull=True),
                name="backups_ping_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.key}"
