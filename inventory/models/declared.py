"""What people declared about the hosts' Fibre Channel ports."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from inventory.models.estate import Host


class DeclaredPort(models.Model):
    """The speed that an FC port of a host must run at, Gbit/s. Learned with the paths and approved with them; a port
    that is slower is told, although every path works (facts/luns-and-tuning.md 2.1)."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="declared_ports")
    wwpn = models.CharField(max_length=16)
    gbit = models.FloatField()
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "wwpn"], name="inventory_declaredport_once"),
        ]

    def __str__(self) -> str:
        return f"{self.wwpn} at {self.gbit:g} Gbit on {self.host}"
