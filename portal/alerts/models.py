"""Alerts, whom they were told to, and how that is decided. Rows move only through portal.alerts.services."""

from __future__ import annotations

from datetime import time
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from portal.access.sealed import SealedField
from portal.alerts.rules.alarm import Concern, Severity

SEVERITIES = [(one.value, one.value) for one in Severity]
CONCERNS = [(one.value, one.value) for one in Concern]


def words(length: int = 80) -> Any:
    """Names, in any number; empty means any."""
    return ArrayField(models.CharField(max_length=length), default=list, blank=True)


class Asked(models.Model):
    """When each source of alarms was last asked and answered; sentence: why it does not answer now."""

    source = models.CharField(max_length=120, unique=True)
    at = models.DateTimeField(null=True, blank=True)
    failed_since = models.DateTimeField(null=True, blank=True)
    sentence = models.TextField(blank=True)
    seen = models.JSONField(default=dict, blank=True)  # key -> since when, of what keeps no time of its own

    def __str__(self) -> str:
        return self.source


class Alert(models.Model):
    """One thing that is or was wrong. `key` names subject and what; one alert of it is open at most."""

    key = models.CharField(max_length=300)
    source = models.CharField(max_length=120)
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    concern = models.CharField(max_length=16, choices=CONCERNS)
    subject_kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=255)
    engine = models.CharField(max_length=80, blank=True)
    site = models.CharField(max_length=80, blank=True)
    sentence = models.TextField()
    link = models.CharField(max_length=200)
    since = models.DateTimeField()  # when it began
    again = models.DateTimeField()  # when it came last
    repeats = models.PositiveIntegerField(default=0)
    calm = models.FloatField(default=0)  # seconds that it must be gone
    calm_since = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    # telling: turn grows whenever it is to be told anew; told_at: when the present turn was routed
    turn = models.PositiveSmallIntegerField(default=1)
    saying = models.CharField(max_length=12, default="opened")  # what the present turn says
    told_at = models.DateTimeField(null=True, blank=True)
    held = models.TextField(blank=True)  # why nobody is told now
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_until = models.DateTimeField(null=True, blank=True)  # null: for as long as it is open
    note = models.CharField(max_length=500, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)  # a person said that nothing is left to do

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=Q(resolved_at=None), name="alerts_one_open"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["opened_at"], condition=Q(resolved_at=None), name="alerts_open"),
            models.Index(fields=["subject_kind", "subject", "-id"], name="alerts_subject"),
            models.Index(fields=["key", "-again"], condition=~Q(closed_by=""), name="alerts_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.severity} {self.subject}: {self.sentence}"


class Event(models.Model):
    """One line of an alert's history. by "": the portal."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16)  # opened, repeated, raised, held, told, acknowledged, lapsed, escalated, ...
    by = models.CharField(max_length=150, blank=True)
    sentence = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


class Receiver(models.Model):
    """Who is told, over which channel. Addresses of webhooks are secrets: whoever knows one can speak there."""

    class Channel(models.TextChoices):
        MAIL = "mail", "E-mail"
        WEBHOOK = "webhook", "Signed webhook"
        SLACK = "slack", "Slack-compatible webhook"
        TEAMS = "teams", "Teams-compatible webhook"
        SYSLOG = "syslog", "Syslog"

    class Transport(models.TextChoices):
        TLS = "tls", "TCP with TLS"
        TCP = "tcp", "TCP in the clear"
        UDP = "udp", "UDP in the clear, nobody confirms"

    name = models.CharField(max_length=80, unique=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    role = models.CharField(max_length=40, blank=True)  # of mail: everybody in it
    address = models.CharField(max_length=254, blank=True)  # of mail: an address; of syslog: host:port
    url = SealedField(blank=True)
    key = SealedField(blank=True)  # of a signed webhook
    old_key = SealedField(blank=True)  # while the other side changes to the new one
    transport = models.CharField(max_length=4, choices=Transport.choices, default=Transport.TLS)
    facility = models.PositiveSmallIntegerField(default=16, validators=[MaxValueValidator(23)])  # 16: local0
    ca_pem = models.TextField(blank=True)
    pin_pem = models.TextField(blank=True)
    resolved = models.BooleanField(default=True)  # is told of the end, too
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Filtered(models.Model):
    """Which alerts are meant; empty means any."""

    least = models.CharField(max_length=8, choices=SEVERITIES, default=Severity.INFO.value)
    concerns = words(16)
    engines = words()
    sites = words()
    kinds = words(24)
    subject = models.CharField(max_length=255, blank=True)  # a pattern with * and ?

    class Meta:
        abstract = True


class Route(Filtered):
    """One rule of who is told. Asked in the order of `position`."""

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=100)
    days = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # 0 is Monday; empty: every day
    begins = models.TimeField(default=time(0))
    ends = models.TimeField(default=time(0))
    zone = models.CharField(max_length=60, default="UTC")
    receivers = models.ManyToManyField(Receiver, blank=True, related_name="routes")
    digest = models.PositiveIntegerField(default=0)  # minutes
    escalate_after = models.PositiveIntegerField(default=0)  # minutes
    escalate_to = models.ForeignKey(
        Receiver, null=True, blank=True, on_delete=models.PROTECT, related_name="escalations"
    )
    goes_on = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class Silence(Filtered):
    """A person keeps alerts from being told, with a reason and an end."""

    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150)
    begins = models.DateTimeField()
    until = models.DateTimeField()
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.reason


class Notice(models.Model):
    """One receiver is to be told of one thing once. message: the key of the news in the outbox, once it is there;
    receiver null: it was taken away, or the portal's own way where no route is set (see `who`)."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    what = models.CharField(max_length=12)  # opened, raised, escalated, lapsed, resolved
    turn = models.PositiveSmallIntegerField()
    who = models.CharField(max_length=100)  # "receiver:3", "role:operator"
    receiver = models.ForeignKey(Receiver, null=True, on_delete=models.SET_NULL, related_name="notices")
    route = models.CharField(max_length=80, blank=True)
    due_at = models.DateTimeField()
    digest = models.BooleanField(default=False)
    message = models.CharField(max_length=120, blank=True, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)  # when it was given to the outbox
    escalate_minutes = models.PositiveIntegerField(default=0)
    escalate_at = models.DateTimeField(null=True, blank=True)
    escalate_to = models.ForeignKey(Receiver, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "what", "turn", "who"], name="alerts_notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(sent_at=None), name="alerts_notice_due"),
            models.Index(
                fields=["escalate_at"], condition=Q(escalate_at__isnull=False), name="alerts_notice_escalates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} to {self.who}"
