"""The outbox. Rows are made and moved by portal.outbox.services only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class RoleAddress(models.Model):
    """Where mail for everybody in a role goes, such as a list of the bank. Without one it goes to each of them."""

    role = models.CharField(max_length=40, unique=True)
    address = models.EmailField(max_length=254)

    class Meta:
        verbose_name_plural: ClassVar = "role addresses"

    def __str__(self) -> str:
        return f"{self.role}: {self.address}"


class Mail(models.Model):
    """One message to one address. `key` names what it says to whom, so that it is queued once; the server may get it
    more than once, always with the same Message-ID. channel: "mail", or one of settings.HOLDFAST_CHANNELS, whose
    sender makes its own of `payload`; the address then names the receiver there."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not delivered"  # a dead letter: it is not tried again by itself

    key = models.CharField(max_length=200, unique=True)
    message_id = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)  # drill.ahead, window.overdue, ...
    channel = models.CharField(max_length=16, default="mail")
    payload = models.JSONField(default=dict, blank=True)  # what other channels say; never a secret
    about = models.CharField(max_length=80)  # as the evidence names it: drill:7
    person = models.CharField(max_length=150)  # whom it is for: an account, a name, or "role operator"
    address = models.CharField(max_length=254, blank=True)  # "": none is known
    subject = models.CharField(max_length=200)
    body = models.TextField()
    # [{"name", "kind", "sha256", "place"}]: what is attached; place: below the vault
    files = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)  # of the last attempt, one sentence
    queued_at = models.DateTimeField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # from then on it is worth nothing
    taken_until = models.DateTimeField(null=True, blank=True)  # a worker has it
    ended_at = models.DateTimeField(null=True, blank=True)
    # of one that was not delivered: since when it is nobody's worry any more, because a later one arrived at the same
    # place, or a person has closed its alert
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=models.Q(state="queued"), name="outbox_due"),
            models.Index(fields=["channel"], condition=models.Q(state="failed", settled_at=None), name="outbox_lost"),
            models.Index(fields=["kind", "queued_at"], condition=~models.Q(state="sent"), name="outbox_unsent"),
            models.Index(fields=["ended_at"], condition=models.Q(ended_at__isnull=False), name="outbox_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.person}"
