"""What stands between hosts and their LUNs: Fibre Channel switches and storage arrays, and how to read them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models.estate import Engine, Site
from portal.access.sealed import SealedField


class Device(models.Model):
    """A switch or an array, as people declared it; what it told is in its Look. The account only reads.

    Trust is pinned: pin_pem is the certificate that a person has compared, since both kinds sign their own
    (facts/san.md 2); ca_pem instead where the bank's CA has signed it."""

    class Kind(models.TextChoices):
        SWITCH = "switch", "Brocade switch"
        ARRAY = "array", "Huawei OceanStor Dorado array"

    # the estate that it belongs to; a fabric that two engines share is declared with one of them
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="devices")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=80, unique=True)
    address = models.CharField(max_length=255)
    second_address = models.CharField(max_length=255, blank=True)  # of an array: its other controller
    port = models.PositiveIntegerField(default=443)
    username = models.CharField(max_length=120)
    password = SealedField()
    pin_pem = models.TextField(blank=True)
    ca_pem = models.TextField(blank=True)
    sessionless = models.BooleanField(default=False)  # of a switch: the account with each request, and no session
    # of a switch: its command line, where REST is off
    ssh_port = models.PositiveIntegerField(default=22)
    ssh_host_key = models.TextField(blank=True)
    # of an array: the most seconds of data that may be lost when it is, for all pairs whose primary it holds
    rpo_seconds = models.PositiveIntegerField(null=True, blank=True)
    watched = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


class ApprovedCopy(models.Model):
    """Which LUN at the other site belongs to which production LUN, as a person approved it: a drift of this map is the
    likeliest reason of a failed recovery (facts/san.md 4.5). WWNs are 32 hex digits."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="approved_copies")
    production = models.CharField(max_length=32)
    copy = models.CharField(max_length=32)
    approved_by = models.CharField(max_length=150)
    approved_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "production"], name="inventory_copy_once"),
        ]

    def __str__(self) -> str:
        return f"{self.production} > {self.copy}"
