"""What belongs to a person beside Django's account: API tokens and preferences."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Token(models.Model):
    """An API token of a person. The token itself is shown once; kept are a prefix to find it by and its SHA-256. It can
    do what is both in its scopes and in its owner's roles at the time of use."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12, unique=True)
    sha256 = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)  # acts
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)  # to five minutes
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="access_token_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"


class Preference(models.Model):
    """How one person wants to see the portal."""

    class Theme(models.TextChoices):
        SYSTEM = "system"
        LIGHT = "light"
        DARK = "dark"

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference")
    time_zone = models.CharField(max_length=64, blank=True)  # "": the portal's
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    shortcuts = models.BooleanField(default=True)  # single keys on pages

    def __str__(self) -> str:
        return f"preferences of {self.person}"


class Idempotency(models.Model):
    """An Idempotency-Key that a person has sent, with the hash of what it was sent with. What came of it is found by
    the act itself; this keeps one key from meaning two things."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)  # over method, path and body
    at = models.DateTimeField()
    taken_until = models.DateTimeField(null=True, blank=True)  # a request with it is under way

    class Meta:
        verbose_name_plural: ClassVar = "idempotency keys"
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "key"], name="access_idempotency_key")]

    def __str__(self) -> str:
        return self.key
