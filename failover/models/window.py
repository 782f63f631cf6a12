"""Maintenance windows: who has taken HA away, why, and until when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from inventory.models import Engine, Host
from portal.runs.models import Run


class Window(models.Model):
    """One time in maintenance. Entered and left by Runs whose effect was seen from the other host; a foreign one was
    set by hand and found."""

    class Scope(models.TextChoices):
        GLOBAL = "global", "Global maintenance"
        LOCAL = "local", "Local maintenance of a host"
        HOST = "host", "Host in the engine's maintenance"

    class State(models.TextChoices):
        ENTERING = "entering"
        ACTIVE = "active"
        LEAVING = "leaving"
        ENDED = "ended"
        FAILED = "failed"  # it was never entered

    OPEN: ClassVar = (State.ENTERING, State.ACTIVE, State.LEAVING)

    engine = models.ForeignKey(Engine, on_delete=models.PROTECT, related_name="windows")
    scope = models.CharField(max_length=8, choices=Scope.choices)
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.PROTECT, related_name="windows")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ENTERING)
    sentence = models.TextField(blank=True)
    reason = models.CharField(max_length=300, blank=True)
    change = models.CharField(max_length=80, blank=True)
    owner = models.CharField(max_length=150, blank=True)  # "" while nobody has adopted a foreign one
    foreign = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    deadline = models.DateTimeField(null=True, blank=True)  # null: foreign, not adopted
    extended = models.PositiveIntegerField(default=0)
    warned_at = models.DateTimeField(null=True, blank=True)  # when the alarm before the deadline was raised
    overdue_at = models.DateTimeField(null=True, blank=True)  # when the alarm at the deadline was raised
    released_at = models.DateTimeField(null=True, blank=True)  # when the dead-man's release on the host is due
    release = models.CharField(max_length=64, blank=True)  # its name there; "" when none is armed
    release_on = models.ForeignKey(Host, null=True, blank=True, on_delete=models.SET_NULL, related_name="releases")
    entered_at = models.DateTimeField(null=True, blank=True)  # seen from another host
    ended_at = models.DateTimeField(null=True, blank=True)
    enter_run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="enters")
    leave_run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="leaves")

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            # the three modes overwrite each other (facts/hosted-engine.md 4), so an engine has one window at a time
            models.UniqueConstraint(
                fields=["engine"],
                condition=Q(state__in=["entering", "active", "leaving"]),
                name="failover_one_open_window",
            ),
        ]

    def __str__(self) -> str:
        return self.called(self.scope, str(self.host or self.engine))

    @classmethod
    def called(cls, scope: str, name: str) -> str:
        """What a window is called. name: of its host, or of its engine."""
        if scope == cls.Scope.HOST:
            return f"Maintenance of {name} in the engine"
        return f"{'Global' if scope == cls.Scope.GLOBAL else 'Local'} maintenance of {name}"
