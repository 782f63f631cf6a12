"""LUNs and who uses them: Direct LUN disks, LUNs of storage domains, and LUNs that a host merely sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inventory.models import Attachment
from inventory.services.sync_rows import BATCH, KEEP, Tally, Values, copy_in
from portal.connectors.engine.shapes import Disk, Domain, LogicalUnit, VmSeen

LUN = ("name", "disk_uuid", "domain_id", "size", "vendor", "product", "serial", "shareable", "sgio", "propagate_errors")
ATTACHMENT = ("interface", "logical_name", "active", "bootable", "read_only", "pass_discard", "scsi_reservation")

_NO_DISK = ("", None, "", None)  # disk_uuid, shareable, sgio, propagate_errors
_NOT_TOLD = (KEEP,) * 4


@dataclass(frozen=True)
class Told:
    """What one snapshot says of LUNs. None: that collection failed, so what it would say stays as it is."""

    disks: Mapping[str, Disk] | None  # by WWID
    domains: Mapping[str, Domain] | None  # by WWID
    domain_keys: Mapping[str, int]  # domain uuid -> primary key

    @property
    def whole(self) -> bool:
        """Both collections answered: what they do not list is not there."""
        return self.disks is not None and self.domains is not None

    def wwids(self) -> set[str]:
        """All that are listed."""
        return {*(self.disks or ()), *(self.domains or ())}


def told(disks: Iterable[Disk] | None, domains: Iterable[Domain] | None, domain_keys: Mapping[str, int]) -> Told:
    """Disks and domains by the WWID of their LUNs."""
    return Told(
        None if disks is None else {disk.lun.wwid: disk for disk in disks if disk.lun is not None},
        None if domains is None else {unit.wwid: domain for domain in domains for unit in domain.luns},
        domain_keys,
    )


def rows(told: Told, known: Iterable[str]) -> dict[str, Values]:
    """Columns LUN by WWID: of what is listed, and of `known`, LUNs that are there and may have lost their disk or
    domain."""
    return {wwid: _row(told, wwid) for wwid in told.wwids().union(known)}


def bare(units: Iterable[LogicalUnit], keys: Mapping[str, int]) -> dict[str, Values]:
    """Columns LUN by WWID of LUNs that only hosts list. keys: the LUNs that have a row already."""
    return {
        unit.wwid: (
            KEEP if unit.wwid in keys else unit.wwid,
            KEEP,
            KEEP,
            unit.size,
            unit.vendor,
            unit.product,
            unit.serial,
            KEEP,
            KEEP,
            KEEP,
        )
        for unit in units
    }


def _row(told: Told, wwid: str) -> Values:
    disk = (told.disks or {}).get(wwid)
    domain = (told.domains or {}).get(wwid)
    unit = disk.lun if disk is not None else None
    if unit is None and domain is not None:
        unit = next(one for one in domain.luns if one.wwid == wwid)
    disk_uuid, shareable, sgio, propagates = _disk(told, disk)
    return (
        _name(told, disk, domain, wwid),
        disk_uuid,
        _domain(told, domain),
        *((KEEP,) * 4 if unit is None else (unit.size, unit.vendor, unit.product, unit.serial)),
        shareable,
        sgio,
        propagates,
    )


def _disk(told: Told, disk: Disk | None) -> tuple[Any, Any, Any, Any]:
    if told.disks is None:
        return _NOT_TOLD
    return _NO_DISK if disk is None else (disk.uuid, disk.shareable, disk.sgio, disk.propagate)


def _domain(told: Told, domain: Domain | None) -> Any:
    if told.domains is None:
        return KEEP
    return None if domain is None else told.domain_keys.get(domain.uuid)


def _name(told: Told, disk: Disk | None, domain: Domain | None, wwid: str) -> Any:
    if disk is not None:
        return disk.name
    if domain is not None:
        return domain.name
    return wwid if told.whole else KEEP


def attachments(
    vms: Iterable[VmSeen], vm_keys: Mapping[str, int], luns: Mapping[str, int]
) -> dict[tuple[int, int], Values]:
    """Columns ATTACHMENT by (VM, LUN) key. luns: disk uuid -> primary key of its LUN; image disks are not in it."""
    return {
        (vm_keys[vm.uuid], luns[one.disk_uuid]): (
            one.interface[:32],
            one.logical_name[:120],
            one.active,
            one.bootable,
            one.read_only,
            one.pass_discard,
            one.scsi_reservation,
        )
        for vm in vms
        for one in vm.attachments or ()
        if one.disk_uuid in luns
    }


def bring_attachments(
    engine_pk: int, vms: Iterable[VmSeen], vm_keys: Mapping[str, int], luns: Mapping[str, int], tally: Tally
) -> None:
    """Direct LUNs in VMs. luns: disk uuid -> its LUN's primary key. A VM whose attachments were not told keeps its
    own."""
    seen = list(vms)
    wanted = attachments(seen, vm_keys, luns)
    untold = {vm_keys[vm.uuid] for vm in seen if vm.attachments is None}
    found = Attachment.objects.filter(vm__engine_id=engine_pk).values_list("pk", "vm_id", "lun_id", *ATTACHMENT)
    present = {(row[1], row[2]): (row[0], row[3:]) for row in found}
    lost = [pk for key, (pk, _) in present.items() if key not in wanted and key[0] not in untold]
    fresh = [(*key, *values) for key, values in wanted.items() if key not in present]
    changed = [
        Attachment(pk=present[key][0], **dict(zip(ATTACHMENT, values, strict=True)))
        for key, values in wanted.items()
        if key in present and present[key][1] != values
    ]
    if lost:
        Attachment.objects.filter(pk__in=lost).delete()
    if fresh:
        copy_in(Attachment, ("vm_id", "lun_id", *ATTACHMENT), fresh)
    if changed:
        Attachment.objects.bulk_update(changed, ATTACHMENT, batch_size=BATCH)
    tally.add(Attachment, len(lost) + len(fresh) + len(changed))
