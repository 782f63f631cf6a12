"""The rows of the VM's databases: the engine's from the lab's own world, so that its counts are those of the API; the
others of a chosen size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from lab.engine import shapes_storage
from lab.world import World, uid

SCHEMA = Path(__file__).with_name("schema.sql")
ENGINE_MIB = 1  # about what the engine's own dump weighs
_STATUS = {"up": 1, "down": 0, "powering_up": 2, "paused": 4, "migrating": 5}
_SAMPLES = """
create table history_configuration (var_name varchar(50) primary key, var_value varchar(255), var_datetime timestamptz);
insert into history_configuration values ('lastHourAggr', null, now()), ('firstSync', 'false', now());
create table host_samples_history (history_id bigserial primary key, history_datetime timestamptz not null,
  host_id uuid, host_status smallint, samples bytea);
alter table host_samples_history alter samples set storage external;
"""
# sixteen hashes are half a KiB that no compressor makes smaller
_ROWS = """
insert into host_samples_history (history_datetime, host_id, host_status, samples)
  select now() - n * interval '1 minute', %(host)s, 1,
    (select string_agg(sha256((n * 100 + m)::text::bytea), '') from generate_series(1, 32) m)
  from generate_series(1, %(rows)s) n
"""
_KEYCLOAK = """
create table realm (id varchar(36) primary key, name varchar(255) unique, enabled boolean default true);
insert into realm values (md5('master'), 'master'), (md5('ovirt'), 'ovirt-internal');
create table user_entity (id varchar(36) primary key, username varchar(255), realm_id varchar(36) references realm);
insert into user_entity select md5('user' || n), 'user' || n, md5('ovirt') from generate_series(1, 400) n;
"""


def fill_engine(link: psycopg.Connection[Any], world: World) -> None:
    """The engine's schema and the estate in it. link: autocommit, as the owner."""
    link.execute(SCHEMA.read_text("utf-8"))
    with link.transaction(), link.cursor() as cursor:
        for table, rows in _estate(world):
            for row in rows:
                marks = ", ".join(["%s"] * len(row))
                cursor.execute(f"insert into {table} values ({marks})", row)


def fill_dwh(link: psycopg.Connection[Any], world: World, mib: int) -> None:
    """The history database: as many MiB of samples as an archive of `mib` needs."""
    link.execute(_SAMPLES)
    host = next(iter(world.hosts.values())).id
    link.execute(_ROWS, {"host": host, "rows": max(200, (mib - ENGINE_MIB) * 950)})


def fill_keycloak(link: psycopg.Connection[Any]) -> None:
    """A realm and people."""
    link.execute(_KEYCLOAK)


def _estate(world: World) -> Iterator[tuple[str, Sequence[tuple[Any, ...]]]]:
    cluster, center = world.cluster_id, world.data_center_id
    yield "cluster (cluster_id, name)", [(cluster, "core")]
    yield "storage_pool (id, name)", [(center, "bank")]
    yield (
        "vds_static (vds_id, vds_name, vds_unique_id, host_name, cluster_id, ssh_port)",
        [(h.id, h.name, h.id.upper(), h.address, cluster, h.ssh_port) for h in world.hosts.values()],
    )
    yield "vds_dynamic (vds_id, status)", [(h.id, 3) for h in world.hosts.values()]
    hosted = next((key for key, value in world.domains.items() if value["name"] == "hosted_storage"), None)
    yield (
        "vm_static (vm_guid, vm_name, mem_size_mb, num_of_sockets, cluster_id, origin, auto_startup, lease_sd_id)",
        [
            (v.id, v.name, v.memory >> 20, v.cores, cluster, 6 if v.is_engine else 3, v.high_availability,
             hosted if v.lease and not v.is_engine else None)
            for v in world.vms.values()
        ],
    )  # fmt: skip
    yield (
        "vm_dynamic (vm_guid, status, run_on_vds)",
        [(v.id, _STATUS.get(v.status, 1), world.hosts[v.host].id if v.host else None) for v in world.vms.values()],
    )
    yield from _storage(world)


def _storage(world: World) -> Iterator[tuple[str, Sequence[tuple[Any, ...]]]]:
    domains = world.domains.items()
    yield (
        "storage_domain_static (id, storage, storage_name, storage_domain_type, storage_type)",
        [(key, uid("vg", str(d["name"])), d["name"], 0 if d.get("master") else 1, 2) for key, d in domains],
    )
    yield "storage_domain_dynamic", [(key, _gib(d["available"]), _gib(d["used"])) for key, d in domains]
    yield (
        "luns (lun_id, volume_group_id, serial, lun_mapping, vendor_id, product_id, device_size)",
        [
            (lun.wwid, uid("vg", lun.name) if lun.domain_id else "", lun.serial, lun.lun_number, "HUAWEI", "XSG1",
             lun.size >> 30)
            for lun in world.luns.values()
        ],
    )  # fmt: skip
    direct = [lun for lun in world.luns.values() if lun.disk_id]
    yield (
        "base_disks (disk_id, shareable, disk_alias, disk_storage_type)",
        [(lun.disk_id, lun.shareable, lun.name, 1) for lun in direct],
    )
    yield "disk_lun_map", [(lun.disk_id, lun.wwid) for lun in direct]
    images = [(vm, row) for vm in world.vms.values() for row in shapes_storage.image_disks(world, vm)]
    yield (
        "base_disks (disk_id, shareable, disk_alias, disk_storage_type)",
        [(row[0], False, row[1], 0) for _, row in images],
    )
    yield (
        "images (image_guid, image_group_id, size)",
        [(uid("image", row[0]), row[0], row[3]) for _, row in images],
    )
    yield (
        "image_storage_domain_map",
        [(uid("image", row[0]), shapes_storage.home_domain(world, vm)) for vm, row in images],
    )
    yield (
        "vm_device (device_id, vm_id, type, device, is_plugged)",
        [(world.luns[w].disk_id, vm.id, "disk", "disk", True) for vm in world.vms.values() for w in vm.luns],
    )


def _gib(size: object) -> int:
    return int(str(size)) >> 30
