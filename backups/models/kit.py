"""The recovery-day kit as it was last collected."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine
from portal.runs.models import Run


class Kit(models.Model):
    """One collection. `content` is what backups.kit.content says; the bundle is a file in the vault. Both are emptied
    when the bundle is too old to be kept; the row stays, for its changes."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="kits")
    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="kit")
    at = models.DateTimeField()
    content = models.JSONField(default=dict)
    changes = models.JSONField(default=list)  # sentences: what differs from the kit before
    bundle = models.CharField(max_length=200, blank=True)  # name of the file in the vault
    sha256 = models.CharField(max_length=64, blank=True)
    # the verdict as it was when the kit was made
    outcome = models.CharField(max_length=8, blank=True)
    headline = models.CharField(max_length=120, blank=True)
    sentence = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.engine}, {self.at:%Y-%m-%d %H:%M}"


class Declared(models.Model):
    """What only people know about an engine's recovery. Custody: where a password lies and who may open it, never the
    password itself. vlan null: not declared; 0: untagged."""

    engine = models.OneToOneField(Engine, on_delete=models.CASCADE, related_name="recovery")
    by = models.CharField(max_length=150, blank=True)  # who declared last
    at = models.DateTimeField(null=True, blank=True)
    spare_lun = models.CharField(max_length=120, blank=True)  # WWID
    spare_lun_gib = models.PositiveIntegerField(null=True, blank=True)
    spare_array = models.CharField(max_length=120, blank=True)
    spare_zoned_to = models.JSONField(default=list, blank=True)  # names of hosts
    spare_empty_at = models.DateTimeField(null=True, blank=True)  # when somebody last saw it empty
    admin_custody = models.CharField(max_length=200, blank=True)
    root_custody = models.CharField(max_length=200, blank=True)
    bridge = models.CharField(max_length=40, blank=True)  # the network that the engine VM is in
    vlan = models.PositiveIntegerField(null=True, blank=True)
    smtp = models.CharField(max_length=255, blank=True)
    target_host = models.CharField(max_length=255, blank=True)
    keeps_host = models.CharField(max_length=255, blank=True)  # whose databases keep running meanwhile
    bmc = models.JSONField(default=dict, blank=True)  # host's name -> address of its BMC
    contacts = models.JSONField(default=list, blank=True)  # [{"role", "name", "reach"}]
    notes = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"recovery of {self.engine}"
