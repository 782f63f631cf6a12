"""The recovery-day kit as it was last collected."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine
from portal.runs.models import Run


class Kit(models.Model):
    """One collection. `content` is what backups.kit.content says; the bundle is a file in the vault."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="kits")
    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="kit")
    at = models.DateTimeField()
    content = models.JSONField(default=dict)
    changes = models.JSONField(default=list)  # sentences: what differs from the kit before
    bundle = models.CharField(max_length=200, blank=True)  # name of the file in the vault
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.engine}, {self.at:%Y-%m-%d %H:%M}"


class Declared(models.Model):
    """What only people know about an engine's recovery: custody of secrets, the spare LUN, contacts."""

    engine = models.OneToOneField(Engine, on_delete=models.CASCADE, related_name="recovery")
    spare_lun = models.CharField(max_length=120, blank=True)  # WWID, empty and zoned to both hosts
    spare_lun_gib = models.PositiveIntegerField(null=True, blank=True)
    admin_custody = models.CharField(max_length=200, blank=True)
    root_custody = models.CharField(max_length=200, blank=True)
    target_host = models.CharField(max_length=255, blank=True)
    contacts = models.TextField(blank=True)
    notes = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"recovery of {self.engine}"
