"""What is different between two kits, one sentence each: for the page after each collection."""

from __future__ import annotations

from collections.abc import Mapping

from backups.kit.content import ConfFile, Host, Kit, Vm
from backups.kit.words import size, when

Traits = Mapping[str, str]
_EMPTY = "not known"


def changes(old: Kit, new: Kit) -> tuple[str, ...]:
    """Sentences, in the order of the kit; () when nothing that counts changed. Times of collection do not count."""
    before, after = _subjects(old), _subjects(new)
    found: list[str] = []
    for subject in dict.fromkeys((*before, *after)):
        if subject not in before:
            found.append(f"{subject} is new.")
        elif subject not in after:
            found.append(f"{subject} is no longer there.")
        else:
            found += _traits(subject, before[subject], after[subject])
    return tuple(found)


def _traits(subject: str, before: Traits, after: Traits) -> list[str]:
    told = []
    for trait in dict.fromkeys((*before, *after)):
        was, now = before.get(trait) or _EMPTY, after.get(trait) or _EMPTY
        if was != now:
            told.append(f"{subject}: {trait} was {was} and is now {now}.")
    return told


def _subjects(kit: Kit) -> dict[str, Traits]:
    """Everything that is worth a sentence: "Host kvm01" -> its traits."""
    rows: dict[str, Traits] = {"Engine": _engine(kit), "Archives": _archives(kit), "Maintenance": _maintenance(kit)}
    rows |= {f"Host {host.name}": _host(host) for host in kit.hosts}
    rows |= {
        f"Network {row.name}": {
            "required": _word(row.required),
            "VLAN": _number(row.vlan),
            "MTU": _number(row.mtu),
            "attached to": ", ".join(f"{one.host} {one.device}" for one in row.attached),
        }
        for row in kit.networks.rows
    }
    rows |= {f"Domain {one.name}": {"LUNs": ", ".join(one.wwids), "kind": one.kind} for one in kit.storage.domains}
    rows |= {
        f"Direct LUN {one.wwid} of {one.vm}": {"size": size(one.size), "disk": one.disk, "twin": one.twin}
        for one in kit.storage.direct
    }
    if kit.storage.spare:
        rows["Spare LUN"] = {"WWID": kit.storage.spare.wwid, "size": size(kit.storage.spare.size)}
    rows |= {f"VM {vm.name}": _vm(vm) for vm in kit.vms.rows}
    rows |= {f"Contact {one.role}": {"name": one.name, "reach": one.reach} for one in kit.contacts}
    return rows


def _engine(kit: Kit) -> Traits:
    vm = kit.engine
    return {
        "FQDN": vm.fqdn,
        "version": vm.version,
        "release": vm.release,
        "address": f"{vm.address}/{vm.prefix}" if vm.address else "",
        "gateway": vm.gateway,
        "DNS": ", ".join(vm.dns),
        "MAC": vm.mac,
        "bridge": vm.bridge,
        "VLAN": _number(vm.vlan),
        "vCPUs": _number(vm.vcpus),
        "memory": size(vm.memory) if vm.memory else "",
        "disk": size(vm.disk) if vm.disk else "",
        "time zone": vm.time_zone,
        "data centre": vm.data_center,
        "cluster": vm.cluster,
        "Keycloak": _word(vm.keycloak),
        "custody of the admin password": vm.admin_custody,
        "custody of the root password": vm.root_custody,
    } | {one.name: one.version for one in vm.packages if one.name != "ovirt-engine"}


def _archives(kit: Kit) -> Traits:
    latest, previous = kit.archives.latest, kit.archives.previous
    return {
        "latest proven": f"{latest.name} ({when(latest.taken, kit.zone)})" if latest else "none",
        "previous proven": f"{previous.name} ({when(previous.taken, kit.zone)})" if previous else "none",
        "places": ", ".join(f"{one.site} {one.where}" for one in latest.places) if latest else "",
        "recipients": ", ".join(f"{one.name} ({one.custodian})" for one in kit.archives.recipients),
    }


def _maintenance(kit: Kit) -> Traits:
    return {
        "global": _word(kit.maintenance.everywhere),
        "local": ", ".join(kit.maintenance.hosts) or "none",
        "engine VM on": kit.maintenance.engine_host,
    }


def _host(host: Host) -> Traits:
    return {
        "address": host.address,
        "FQDN": host.fqdn,
        "vds_unique_id": host.unique_id,
        "host_id": _number(host.he_host_id),
        "role": host.role,
        "FC ports": ", ".join(host.wwpns),
        "BMC": host.bmc,
        "release": host.release,
        "kernel": host.kernel,
        "engine in the appliance": host.appliance_engine,
        "hosted-engine.conf": _file(host.he_conf, host.conf_read),
        "answers.conf": _file(host.answers, host.conf_read),
    } | {one.name: one.version for one in host.packages}


def _file(file: ConfFile | None, looked: bool) -> str:
    if file:
        return f"SHA-256 {file.sha256[:16]}"
    return "not there" if looked else ""


def _vm(vm: Vm) -> Traits:
    return {
        "HA": _word(vm.ha),
        "lease": vm.lease or ("" if vm.lease is None else "none"),
        "hugepages": _number(vm.hugepages_kib),
    }


def _word(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
