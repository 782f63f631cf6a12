"""The engine VM, networks, storage, VMs, what changed since, and what people must have told."""

from __future__ import annotations

from backups.kit.content import DirectLun, Kit, Source, Spare
from backups.kit.line import Limits, Line, Part
from backups.kit.words import listed, size, when
from portal.kernel.outcome import Outcome
from portal.kernel.words import span


def engine_vm(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """All that `hosted-engine --deploy` asks for, and where its passwords are kept."""
    vm = kit.engine
    part = Part("engine", "Engine VM", vm.source, now, limits.collected)
    if vm.source.at is None:
        return [part.unknown("Look at the engine VM over SSH.")]
    needed = {
        "FQDN": vm.fqdn,
        "version": vm.version,
        "address and prefix": vm.address and vm.prefix,
        "gateway": vm.gateway,
        "DNS": vm.dns,
        "MAC": vm.mac,
        "bridge": vm.bridge,
        "VLAN": vm.vlan is not None,
        "vCPUs": vm.vcpus,
        "memory": vm.memory,
        "disk size": vm.disk,
        "time zone": vm.time_zone,
        "data centre": vm.data_center,
        "cluster": vm.cluster,
        "custody of the admin password": vm.admin_custody,
        "custody of the root password": vm.root_custody,
    }
    if lacking := [label for label, value in needed.items() if not value]:
        return [part.missing(lacking, "Collect it, or declare it.")]
    if vm.ca_expires is not None and vm.ca_expires < now:
        told = f"The engine's CA ended {when(vm.ca_expires, kit.zone)}: answer Yes to renewing it, reinstall all hosts"
        return [part.line(Outcome.WARN, f"{told}.")]
    return [
        part.good(f"{vm.fqdn}, engine {vm.version}, {vm.address}/{vm.prefix}: all that the deployment asks is known.")
    ]


def networks(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """A host without a required network becomes non_operational, and the deployment waits for it."""
    part = Part("networks", "Networks", kit.networks.source, now, limits.collected)
    rows = kit.networks.rows
    if kit.networks.source.at is None:
        return [part.unknown("Look at the engine's networks.")]
    if not rows:
        return [part.line(Outcome.FAIL, "The engine named no logical network. Look at its networks.")]
    if open_ := [row.name for row in rows if row.required is None]:
        return [part.line(Outcome.UNKNOWN, f"Whether {listed(open_)} is required is not known. Look at the cluster.")]
    required = [row for row in rows if row.required]
    bare = [
        f"{row.name} on {host.name}"
        for row in required
        for host in kit.hosts
        if host.name not in {one.host for one in row.attached}
    ]
    if bare:
        return [part.line(Outcome.FAIL, f"Required networks are not attached: {listed(bare)}. Attach them.")]
    return [part.good(f"{len(required)} required of {len(rows)} logical networks are attached to every host.")]


def storage(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """The domain that carries the engine VM, the others, and the LUNs that VMs use directly."""
    part = Part("storage", "Storage", kit.storage.source, now, limits.collected)
    if kit.storage.source.at is None:
        return [part.unknown("Look at the engine's storage.")]
    if not any(domain.engine for domain in kit.storage.domains):
        return [part.missing(["the domain of the engine VM"], "Look at the engine's storage domains.")]
    if blind := [domain.name for domain in kit.storage.domains if not domain.wwids]:
        return [part.missing([f"the LUNs of {name}" for name in blind], "Look at the engine's storage domains.")]
    direct: tuple[DirectLun, ...] = kit.storage.direct
    told = f"{len(kit.storage.domains)} domains and {len(direct)} Direct LUNs of {len({one.vm for one in direct})} VMs"
    return [part.good(f"{told} are known by WWID.")]


def spare(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """The LUN that waits for the new domain. FC refuses one that holds data; the old one is never used."""
    lun = kit.storage.spare
    if lun is None:
        part = Part("spare", "Spare LUN", Source(), now, limits.declared)
        told = "No spare LUN is reserved for the new hosted-engine domain. Reserve an empty one of"
        least = size(limits.spare_bytes)
        return [part.line(Outcome.FAIL, f"{told} {least} or more, zone it to every host, and declare it.")]
    part = Part("spare", "Spare LUN", lun.source, now, limits.declared)
    if lun.source.at is None:
        return [part.unknown("Declare the spare LUN.")]
    return [_spare(part, lun, kit, limits)]


def _spare(part: Part, lun: Spare, kit: Kit, limits: Limits) -> Line:
    used = {wwid for domain in kit.storage.domains for wwid in domain.wwids} | {one.wwid for one in kit.storage.direct}
    if lun.wwid in used:
        return part.line(Outcome.FAIL, f"{lun.wwid} is declared as the spare LUN and is in use. Declare another one.")
    if lun.size is None:
        return part.missing(["its size"], "Declare it.")
    if lun.size < limits.spare_bytes:
        told = f"{lun.wwid} has {size(lun.size)}, {size(limits.spare_bytes)} are needed"
        return part.line(Outcome.FAIL, f"{told}. Enlarge it, or reserve another one.")
    if blind := [host.name for host in kit.hosts if host.name not in lun.zoned_to]:
        return part.line(Outcome.FAIL, f"{lun.wwid} is not zoned to {listed(blind)}. Zone it there.")
    if lun.empty is None:
        return part.line(Outcome.UNKNOWN, f"Whether {lun.wwid} is empty is not known. Look at it, and say so.")
    if part.now - lun.empty > limits.empty:
        told = f"{lun.wwid} was last seen empty {span(part.now - lun.empty)} ago, limit {span(limits.empty)}"
        return part.line(Outcome.WARN, f"{told}. Look at it again.")
    told = f"{lun.wwid}, {size(lun.size)} on {lun.array or 'an array that is not named'}"
    return part.good(f"{told}, was seen empty {when(lun.empty, kit.zone)} and is zoned to {listed(lun.zoned_to)}.")


def vms(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """HA VMs without a lease: the restore marks them down, and the engine may start them a second time."""
    part = Part("vms", "VMs", kit.vms.source, now, limits.collected)
    rows = kit.vms.rows
    if kit.vms.source.at is None:
        return [part.unknown("Look at the engine's VMs.")]
    if open_ := [vm.name for vm in rows if vm.ha is None or (vm.ha and vm.lease is None)]:
        return [part.line(Outcome.UNKNOWN, f"HA or lease of {listed(open_)} is not known. Look at the engine's VMs.")]
    bare = [vm.name for vm in rows if vm.ha and not vm.lease]
    if bare:
        verb = "is highly available without a lease" if len(bare) == 1 else "are highly available without a lease"
        told = f"{listed(bare)} {verb}: the restored engine may start them while they still run. Give them a lease"
        return [part.line(Outcome.WARN, f"{told}.")]
    ha = sum(bool(vm.ha) for vm in rows)
    return [part.good(f"{len(rows)} VMs are known; {ha} are highly available, each with a lease.")]


def maintenance(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """What is set now: the day begins from there."""
    part = Part("maintenance", "Maintenance", kit.maintenance.source, now, limits.collected)
    seen = kit.maintenance
    if seen.source.at is None or seen.everywhere is None:
        return [part.unknown("Look at `hosted-engine --vm-status` on every host.")]
    if seen.everywhere:
        return [
            part.line(Outcome.WARN, "Global maintenance is on: a dead engine VM stays dead. End it when it is done.")
        ]
    if seen.hosts:
        return [part.line(Outcome.WARN, f"Local maintenance is on at {listed(seen.hosts)}. End it when it is done.")]
    where = f"; the engine VM runs on {seen.engine_host}" if seen.engine_host else ""
    return [part.good(f"No maintenance is on{where}.")]


def delta(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """What the restored engine would not know. Changes are normal: they are listed, not judged."""
    part = Part("delta", "Changes since the archive", kit.delta.source, now, limits.collected)
    if kit.delta.source.at is None or kit.delta.since is None:
        return [part.unknown("It is known once an inventory was kept with the archive.")]
    if (archive := kit.archives.latest) and kit.delta.since > archive.taken + 3600:
        told = f"The inventory is {span(kit.delta.since - archive.taken)} younger than the archive"
        return [part.line(Outcome.WARN, f"{told}: what changed in between is not listed.")]
    count = len(kit.delta.changes)
    if not count:
        return [part.good(f"Nothing changed since {when(kit.delta.since, kit.zone)}.")]
    verb = "object differs" if count == 1 else "objects differ"
    return [part.good(f"{count} {verb} from {when(kit.delta.since, kit.zone)}; each is listed below.")]


def drill(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """When somebody last did it, and how long it took."""
    if kit.drill is None or kit.drill.source.at is None:
        part = Part("drill", "Last drill", Source(), now, limits.drill)
        return [part.line(Outcome.WARN, "No restore of this engine was ever drilled. Plan a drill on a spare host.")]
    part = Part("drill", "Last drill", kit.drill.source, now, limits.drill)
    took = f"took {kit.drill.minutes} min" if kit.drill.minutes is not None else "was not timed"
    return [part.good(f"{kit.drill.name} {took}. {kit.drill.sentence}".strip())]


def contacts(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """Who is called."""
    part = Part("contacts", "Contacts", kit.contacts_source, now, limits.declared)
    if not kit.contacts or kit.contacts_source.at is None:
        return [part.line(Outcome.FAIL, "Nobody is named to be called. Name storage, network, database and vendor.")]
    return [part.good(f"{len(kit.contacts)} are named: {listed(one.role for one in kit.contacts)}.")]
