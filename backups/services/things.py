"""What an engine has, for the difference that a restore makes: kept with each backup, and compared when a kit is made
(facts/engine-backup.md 8)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from backups.kit.delta import Inventory, Thing
from backups.kit.words import size
from inventory.models import Attachment, Engine, Host, Lun, StorageDomain, Vm
from inventory.services.reach import credentials
from inventory.services.sync import sync
from portal.connectors.engine import EngineFailed, Wiring, shared
from portal.kernel.facts import dump, load

# kind -> the parts of a sync that must have been read for it to be of now
PARTS: Mapping[str, tuple[str, ...]] = {
    "host": ("hosts",),
    "vm": ("vms",),
    "storage_domain": ("data_centers",),
    "lun": ("disks", "vms"),
}
WHOLE = ("api", "engine")  # without these nothing was read
Traits = tuple[tuple[str, str], ...]


def fresh(engine: Engine) -> dict[str, str]:
    """Brings the tables up to date. What was not read -> one sentence; {} when everything was."""
    return dict(sync(engine, storage=False).failed)


def lacking(failed: Mapping[str, str], *parts: str) -> tuple[str, ...]:
    """Why rows that stand on these parts of a sync are not of now; () when they are."""
    return tuple(dict.fromkeys(failed[part] for part in (*WHOLE, *parts) if part in failed))


def wiring(engine: Engine) -> Wiring | str:
    """The engine's networks, or one sentence why they are not known."""
    try:
        return shared(credentials(engine)).wiring()
    except EngineFailed as error:
        return str(error)


def inventory(engine: Engine, failed: Mapping[str, str], networks: Wiring | str, taken: int) -> Inventory | None:
    """What the tables and the networks say. taken: Unix seconds of the sync. None when nothing is of now."""
    kinds = [kind for kind, parts in PARTS.items() if not lacking(failed, *parts)]
    things = [thing for kind in kinds for thing in _ROWS[kind](engine)]
    if isinstance(networks, Wiring):
        kinds.append("network")
        things += _networks(networks)
    return Inventory(taken, tuple(things), tuple(kinds)) if kinds else None


def now(engine: Engine) -> dict[str, Any] | None:
    """Asks the engine and gives its inventory as JSON; None when it does not answer."""
    taken = int(time.time())
    found = inventory(engine, fresh(engine), wiring(engine), taken)
    return None if found is None else dump(found)


def then(kept: object) -> Inventory | None:
    """An inventory as it was kept with a backup; None when there is none, or another version wrote it."""
    try:
        return None if kept is None else load(Inventory, kept)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _hosts(engine: Engine) -> Iterator[Thing]:
    for row in Host.objects.filter(engine=engine, gone_since=None).select_related("cluster").order_by("uuid"):
        cluster = row.cluster.name if row.cluster else ""
        yield Thing("host", row.uuid, row.name, _traits(address=row.address, cluster=cluster))


def _vms(engine: Engine) -> Iterator[Thing]:
    """The engine's own VM is not among them: the deployment makes a new one."""
    domains = dict(StorageDomain.objects.filter(engine=engine).values_list("uuid", "name"))
    rows = Vm.objects.filter(engine=engine, gone_since=None, is_engine=False).select_related("cluster")
    for row in rows.order_by("uuid"):
        yield Thing(
            "vm",
            row.uuid,
            row.name,
            _traits(
                cluster=row.cluster.name if row.cluster else "",
                memory=size(row.memory) if row.memory else "",
                vCPUs=row.vcpus,
                HA={True: "on", False: "off", None: ""}[row.high_availability],
                lease=domains.get(row.lease_domain, row.lease_domain),
                hugepages=row.hugepages_kib,
                affinity=row.affinity,
            ),
        )


def _domains(engine: Engine) -> Iterator[Thing]:
    rows = StorageDomain.objects.filter(engine=engine, gone_since=None).prefetch_related("luns").order_by("uuid")
    for row in rows:
        luns = ", ".join(sorted(lun.uuid for lun in row.luns.all() if lun.gone_since is None))
        traits = _traits(type=row.domain_type, storage=row.storage_type, LUNs=luns)
        yield Thing("storage_domain", row.uuid, row.name, traits)


def _luns(engine: Engine) -> Iterator[Thing]:
    """Direct LUNs, each with the VMs that use it."""
    used: dict[int, list[str]] = {}
    pairs = Attachment.objects.filter(lun__engine=engine, vm__gone_since=None)
    for lun, vm in pairs.order_by("vm__name").values_list("lun_id", "vm__name"):
        used.setdefault(lun, []).append(vm)
    for row in Lun.objects.filter(engine=engine, gone_since=None).exclude(disk_uuid="").order_by("uuid"):
        traits = _traits(size=size(row.size) if row.size else "", VMs=", ".join(used.get(row.pk, [])))
        yield Thing("lun", row.uuid, row.name or row.uuid, traits)


_ROWS = {"host": _hosts, "vm": _vms, "storage_domain": _domains, "lun": _luns}


def _networks(found: Wiring) -> Iterator[Thing]:
    """One thing per network, whatever number of clusters has it."""
    clusters = {one.uuid: one.name for one in found.clusters}
    rows: dict[str, Thing] = {}
    for one in sorted(found.networks, key=lambda one: (one.uuid, clusters.get(one.cluster_uuid, ""))):
        required = {True: "required", False: "not required", None: "not known"}[one.required]
        here = ((f"in {clusters.get(one.cluster_uuid, one.cluster_uuid)}", required),)
        earlier = rows[one.uuid].traits if one.uuid in rows else _traits(VLAN=one.vlan, MTU=one.mtu)
        rows[one.uuid] = Thing("network", one.uuid, one.name, (*earlier, *here))
    yield from rows.values()


def _traits(**values: str | int | None) -> Traits:
    """What is known, in the order given."""
    return tuple((name, str(value)) for name, value in values.items() if value not in ("", None))
