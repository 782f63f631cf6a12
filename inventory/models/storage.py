"""Storage: domains, LUNs, who uses them, which paths were declared, and what the engine counted per host."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from inventory.models.estate import Engine, Host, Seen, Vm


class StorageDomain(Seen):
    """A storage domain; status exists only under its data centre (facts/engine-api.md 0.1)."""

    status = models.CharField(max_length=40, blank=True)
    domain_type = models.CharField(max_length=32, blank=True)
    storage_type = models.CharField(max_length=32, blank=True)
    available = models.BigIntegerField(null=True, blank=True)  # bytes
    used = models.BigIntegerField(null=True, blank=True)
    committed = models.BigIntegerField(null=True, blank=True)
    master = models.BooleanField(null=True, blank=True)


class Lun(Seen):
    """A LUN by WWID (= multipath map name = `uuid` here). A Direct LUN has a disk; a domain LUN a domain; a LUN
    that a host merely sees has neither."""

    disk_uuid = models.CharField(max_length=64, blank=True)
    domain = models.ForeignKey(StorageDomain, null=True, blank=True, on_delete=models.SET_NULL, related_name="luns")
    size = models.BigIntegerField(null=True, blank=True)  # bytes, whole GiB (facts/engine-api.md 0.4)
    vendor = models.CharField(max_length=64, blank=True)
    product = models.CharField(max_length=64, blank=True)
    serial = models.CharField(max_length=120, blank=True)
    shareable = models.BooleanField(null=True, blank=True)
    sgio = models.CharField(max_length=16, blank=True)
    propagate_errors = models.BooleanField(null=True, blank=True)  # False: the VM pauses on an I/O error

    @property
    def wwid(self) -> str:
        return self.uuid


class Attachment(models.Model):
    """A Direct LUN in a VM."""

    vm = models.ForeignKey(Vm, on_delete=models.CASCADE, related_name="attachments")
    lun = models.ForeignKey(Lun, on_delete=models.CASCADE, related_name="attachments")
    interface = models.CharField(max_length=32, blank=True)
    logical_name = models.CharField(max_length=120, blank=True)
    active = models.BooleanField(null=True, blank=True)
    bootable = models.BooleanField(null=True, blank=True)
    read_only = models.BooleanField(null=True, blank=True)
    pass_discard = models.BooleanField(null=True, blank=True)
    scsi_reservation = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["vm", "lun"], name="inventory_attachment_once")]

    def __str__(self) -> str:
        return f"{self.lun} in {self.vm}"


class HostLun(models.Model):
    """What VDSM counted for one LUN on one host (`/hosts/{id}/storage`); which fabric is not in it."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="host_luns")
    lun = models.ForeignKey(Lun, on_delete=models.CASCADE, related_name="host_luns")
    paths = models.PositiveIntegerField(null=True)
    active_paths = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "lun"], name="inventory_hostlun_once")]

    def __str__(self) -> str:
        return f"{self.lun} on {self.host}"


class DeclaredPath(models.Model):
    """A path that must exist. Recorded from a healthy look and approved by a person; a path that vanishes is a
    failure even when every tool says ok (facts/luns-and-tuning.md 0.1)."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="declared_paths")
    wwid = models.CharField(max_length=64)
    hba_wwpn = models.CharField(max_length=16, blank=True)
    target_wwpn = models.CharField(max_length=16, blank=True)
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "wwid", "hba_wwpn", "target_wwpn"], name="inventory_declaredpath_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wwid} {self.hba_wwpn}>{self.target_wwpn} on {self.host}"


class EngineEvent(models.Model):
    """One event of the engine's audit log, session ids redacted. (number, at) is the key, since a restored engine
    database starts counting again (facts/engine-api.md 7)."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="events")
    number = models.BigIntegerField()
    at = models.DateTimeField()
    code = models.IntegerField()
    severity = models.CharField(max_length=16)
    description = models.TextField()
    correlation_id = models.CharField(max_length=64, blank=True)
    host_uuid = models.CharField(max_length=64, blank=True)
    vm_uuid = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "number", "at"], name="inventory_event_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["engine", "-at"], name="inventory_event_recent")]

    def __str__(self) -> str:
        return f"{self.code} {self.description[:60]}"
