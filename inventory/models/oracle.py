"""Oracle VMs as people declared them: how they are reached over SSH, how large their SGAs are, and the settings that a
person approved. What they told is in their Look."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models.estate import Vm


class OracleVm(models.Model):
    """A VM whose tuning is looked at. It is logged in to with the engine's SSH key; nothing that is asked needs root.

    host_key is the pin, one OpenSSH public key line that a person has compared: no engine keeps the key of a guest.
    instances: [{"name": "ORCL1", "sga_bytes": n}], n the SGA_MAX_SIZE; they decide how many huge pages are needed."""

    vm = models.OneToOneField(Vm, on_delete=models.CASCADE, related_name="oracle")
    address = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    ssh_user = models.CharField(max_length=64, default="oracle")
    host_key = models.TextField()
    instances = models.JSONField(default=list, blank=True)
    # who the ASM disks must belong to
    asm_owner = models.CharField(max_length=32, default="grid")
    asm_group = models.CharField(max_length=32, default="asmadmin")
    asm_mode = models.CharField(max_length=4, default="660")
    watched = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["vm__name"]
        verbose_name = "Oracle VM"

    def __str__(self) -> str:
        return self.vm.name


class ApprovedTuning(models.Model):
    """The running values of an Oracle VM that a person approved: parameter -> value. Another value is a drift."""

    oracle = models.OneToOneField(OracleVm, on_delete=models.CASCADE, related_name="approved")
    values = models.JSONField()
    approved_by = models.CharField(max_length=150)
    approved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.oracle} as of {self.approved_at:%Y-%m-%d %H:%M}"
