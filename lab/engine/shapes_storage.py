"""LUNs, disks and storage domains (facts/engine-api.md 3.2, 3.5, 3.6)."""

from __future__ import annotations

import hashlib
from typing import Any

from lab.engine.shapes import API, deeper, escape, flag, lines, links, part, ref
from lab.world import Lun, Vm, World, uid

GIB = 1 << 30
UNIT = """<logical_unit id="%(wwid)s">
    <active_paths>%(active)s</active_paths>
    <discard_max_size>0</discard_max_size>
    <discard_zeroes_data>false</discard_zeroes_data>
%(disk)s    <lun_mapping>%(number)s</lun_mapping>
    <paths>%(paths)s</paths>
    <product_id>XSG1</product_id>
    <serial>SHUAWEI_XSG1_%(serial)s</serial>
    <size>%(size)s</size>
%(domain)s    <vendor_id>HUAWEI</vendor_id>
%(group)s</logical_unit>"""
DISK_HEAD = (
    """<disk href="%(h)s" id="%(id)s">
    <name>%(name)s</name>
    <description/>
    <actions>
"""
    + links("convert copy export move reduce refreshlun sparsify", 2)
    + "    </actions>\n"
    + links("disksnapshots permissions statistics")
)
DIRECT_LUN = (
    DISK_HEAD
    + """    <alias>%(name)s</alias>
    <content_type>data</content_type>
    <logical_name/>
    <lun_storage id="%(wwid)s">
        <logical_units>
%(unit)s
        </logical_units>
        <type>fcp</type>
    </lun_storage>
    <propagate_errors>false</propagate_errors>
    <sgio>%(sgio)s</sgio>
    <shareable>%(shareable)s</shareable>
    <storage_type>lun</storage_type>
    <wipe_after_delete>false</wipe_after_delete>
</disk>"""
)
IMAGE = (
    DISK_HEAD
    + """    <actual_size>%(size)s</actual_size>
    <alias>%(name)s</alias>
    <backup>none</backup>
    <content_type>%(content)s</content_type>
    <format>raw</format>
    <image_id>%(image)s</image_id>
    <propagate_errors>false</propagate_errors>
    <provisioned_size>%(size)s</provisioned_size>
    <shareable>%(shareable)s</shareable>
    <sparse>false</sparse>
    <status>ok</status>
    <storage_type>image</storage_type>
    <total_size>%(size)s</total_size>
    <wipe_after_delete>false</wipe_after_delete>
    <storage_domains>
        <storage_domain href="%(api)s/storagedomains/%(domain)s" id="%(domain)s"/>
    </storage_domains>
</disk>"""
)
ATTACHMENT = """<disk_attachment href="%(h)s/diskattachments/%(id)s" id="%(id)s">
    <active>true</active>
    <bootable>%(boot)s</bootable>
    <interface>virtio_scsi</interface>
%(logical)s    <pass_discard>true</pass_discard>
    <read_only>false</read_only>
    <uses_scsi_reservation>%(reservation)s</uses_scsi_reservation>
    %(disk)s
    <vm href="%(h)s" id="%(vm)s"/>
</disk_attachment>"""
HE_CONTENT = ("hosted_engine", "hosted_engine_sanlock", "hosted_engine_metadata", "hosted_engine_configuration")


def volume_group(domain_id: str) -> str:
    """The LVM id of a domain's volume group."""
    text = hashlib.sha1(domain_id.encode()).hexdigest()
    return "-".join([text[:6], text[6:10], text[10:14], text[14:18], text[18:22], text[22:26], text[26:32]])


def logical_unit(lun: Lun, counts: tuple[int, int], group: str, joined: bool) -> str:
    """One LUN. counts: (paths, active paths), zeros when from the database. joined: with disk_id and domain."""
    domain = lun.domain_id if joined else ""
    return UNIT % {
        "wwid": lun.wwid, "paths": counts[0], "active": counts[1], "number": lun.lun_number,
        "serial": escape(lun.serial), "size": lun.size // GIB * GIB,
        "disk": f"    <disk_id>{lun.disk_id}</disk_id>\n" if joined and lun.disk_id else "",
        "domain": f"    <storage_domain_id>{domain}</storage_domain_id>\n" if domain else "",
        "group": f"    <volume_group_id>{group}</volume_group_id>\n" if domain else "",
    }  # fmt: skip


def direct_lun(lun: Lun) -> str:
    """A Direct LUN disk: no status, no size of its own, paths 0 (facts/engine-api.md 0.3 and 0.4)."""
    return DIRECT_LUN % {
        "h": f"{API}/disks/{lun.disk_id}", "id": lun.disk_id, "name": escape(lun.name), "wwid": lun.wwid,
        "unit": deeper(logical_unit(lun, (0, 0), "", joined=False), 3), "shareable": flag(lun.shareable),
        "sgio": "unfiltered" if lun.shareable else "filtered",
    }  # fmt: skip


def image_disks(world: World, vm: Vm) -> list[tuple[str, str, str, int]]:
    """(id, name, content type, bytes) of the image disks of a VM."""
    if vm.is_engine:
        sizes = (58, 1, 1, 1)
        return [
            (uid("disk", f"{vm.name}/{content}"), "he_virtio_disk" if not n else content, content, sizes[n] * GIB)
            for n, content in enumerate(HE_CONTENT)
        ]
    return [(uid("disk", f"{vm.name}/os"), f"{vm.name}_os", "data", 100 * GIB)]


def home_domain(world: World, vm: Vm) -> str:
    """Where a VM's image disks live: the hosted-engine domain for the engine VM, the first other data domain else."""
    hosted = next((key for key, value in world.domains.items() if value.get("name") == "hosted_storage"), "")
    others = [key for key in world.domains if key != hosted]
    return (hosted if vm.is_engine else "") or (others or [hosted])[0]


def image_disk(world: World, vm: Vm, row: tuple[str, str, str, int]) -> str:
    """One image disk."""
    identifier, name, content, size = row
    return IMAGE % {
        "h": f"{API}/disks/{identifier}", "id": identifier, "name": escape(name), "content": content, "size": size,
        "image": uid("image", identifier), "shareable": "false", "domain": home_domain(world, vm), "api": API,
    }  # fmt: skip


def attachments(world: World, vm: Vm, follow_disk: bool = False) -> list[str]:
    """The disk attachments of one VM, boot disk first; with follow_disk the disks themselves inside."""
    href = f"{API}/vms/{vm.id}"
    made = []
    images = image_disks(world, vm)
    rows = [(row[0], not number, False, None) for number, row in enumerate(images[:1] if vm.is_engine else images)]
    luns = [world.luns[wwid] for wwid in vm.luns if wwid in world.luns]
    rows += [(lun.disk_id, False, lun.shareable, lun) for lun in luns if lun.disk_id]  # type: ignore[misc]
    for number, (identifier, boot, reservation, lun) in enumerate(rows):
        disk = ref("disk", f"{API}/disks/{identifier}", identifier)
        if follow_disk:
            disk = deeper(direct_lun(lun) if lun else image_disk(world, vm, images[0])).lstrip()
        logical = f"    <logical_name>{_device(number)}</logical_name>\n" if vm.status == "up" else ""
        made.append(
            ATTACHMENT
            % {
                "h": href,
                "id": identifier,
                "boot": flag(boot),
                "reservation": flag(reservation),
                "disk": disk,
                "vm": vm.id,
                "logical": logical,
            }
        )
    return made


def _device(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"/dev/sd{letters[number]}" if number < 26 else f"/dev/sd{letters[number // 26 - 1]}{letters[number % 26]}"


def storage_domain(world: World, identifier: str, *, parent: str, admin: bool) -> str:
    """One domain. parent: id of the data centre it is shown under, which alone gives it a status; "" at the top."""
    domain = world.domains[identifier]
    base = f"{API}/datacenters/{parent}" if parent else API
    href = f"{base}/storagedomains/{identifier}"
    kind = str(domain.get("type", "data"))
    kind = kind if kind in ("data", "iso", "export", "image") else "data"
    actions = ("activate", "deactivate") if parent else ("isattached", "reduceluns", "refreshluns", "updateovfstore")
    verbs = "".join([f'        <link href="{href}/{verb}" rel="{verb}"/>\n' for verb in actions])
    rels = (
        ("disks", "permissions")
        if parent
        else ("diskprofiles", "disks", "disksnapshots", "permissions", "templates", "vms")
    )
    subs = "".join([f'    <link href="{href}/{rel}" rel="{rel}"/>\n' for rel in rels])
    body = lines(_before_storage(domain, parent)) + part(_storage(world, identifier, domain, admin))
    tail = lines(_after_storage(domain, kind))
    centre = world.data_center_id
    owner = ref("data_center", f"{API}/datacenters/{centre}", centre)
    if not parent:
        owner = f"<data_centers>\n        {owner}\n    </data_centers>"
    name = escape(str(domain.get("name", identifier)))
    return (
        f'<storage_domain href="{href}" id="{identifier}">\n    <name>{name}</name>\n'
        f"    <actions>\n{verbs}    </actions>\n"
        f"{subs}{body}{tail}    {owner}\n</storage_domain>"
    )


def _before_storage(domain: dict[str, object], parent: str) -> dict[str, Any]:
    return {
        "available": domain.get("available"), "backup": False, "block_size": 512, "committed": domain.get("committed"),
        "critical_space_action_blocker": 5, "discard_after_delete": False, "external_status": "ok",
        "master": bool(domain.get("master")), "status": domain.get("status") if parent else None,
    }  # fmt: skip


def _after_storage(domain: dict[str, object], kind: str) -> dict[str, Any]:
    return {
        "storage_format": "v5", "supports_discard": True, "supports_discard_zeroes_data": False, "type": kind,
        "used": domain.get("used"), "warning_low_space_indicator": domain.get("warning", 10),
        "wipe_after_delete": False,
    }  # fmt: skip


def _storage(world: World, identifier: str, domain: dict[str, object], admin: bool) -> str:
    group = volume_group(identifier)
    wwids = domain.get("wwids")
    luns = [world.luns[str(wwid)] for wwid in wwids if wwid in world.luns] if isinstance(wwids, list | tuple) else []
    units = "\n".join([deeper(logical_unit(lun, (0, 0), group, joined=True), 3) for lun in luns])
    inner = f'    <volume_group id="{group}"/>'
    if admin and units:
        listed = f"        <logical_units>\n{units}\n        </logical_units>"
        inner = f'    <volume_group id="{group}">\n{listed}\n    </volume_group>'
    return f"<storage>\n    <type>fcp</type>\n{inner}\n</storage>"
