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
    watched = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["kind", "name"]

    def __str__(self) -> str:
        return self.name
