"""Sections that describe the estate: engine VM, hosts, files, networks, storage, VMs."""

from __future__ import annotations

from backups.kit import drift
from backups.kit.content import ConfFile, Host, Kit
from backups.kit.section import Cell, Section, cell, facts, origin, yes
from backups.kit.words import fours, listed, size, when

_MONO = frozenset({"MAC", "vds_unique_id", "FC ports", "hosted-engine.conf", "answers.conf"})


def sections(kit: Kit) -> tuple[Section, ...]:
    """In the order in which the deployment asks."""
    return (
        _engine(kit),
        *(_host(host, kit) for host in kit.hosts),
        _files(kit),
        _networks(kit),
        _domains(kit),
        _direct(kit),
        _vms(kit),
    )


def _engine(kit: Kit) -> Section:
    vm = kit.engine
    vlan = "untagged" if vm.vlan == 0 else vm.vlan
    pairs = (
        ("FQDN", vm.fqdn),
        ("Engine", vm.version),
        ("System", f"{vm.release} {vm.kernel}".strip()),
        ("Address", f"{vm.address}/{'?' if vm.prefix is None else vm.prefix}" if vm.address else ""),
        ("Gateway", vm.gateway),
        ("DNS", listed(vm.dns, "")),
        ("MAC", vm.mac),
        ("Bridge, VLAN", f"{vm.bridge}, {vlan}" if vm.bridge and vlan is not None else vm.bridge),
        ("vCPUs, memory, disk", f"{vm.vcpus or '?'}, {size(vm.memory)}, {size(vm.disk)}"),
        ("Time zone", vm.time_zone),
        (
            "Data centre, cluster",
            f"{vm.data_center or '?'}, {vm.cluster or '?'} {vm.compatibility} {vm.cpu_type}".strip(),
        ),
        ("Keycloak", {True: "yes", False: "no", None: ""}[vm.keycloak]),
        ("SMTP", vm.smtp),
        ("CA ends", when(vm.ca_expires, kit.zone)),
        ("Admin password", vm.admin_custody),
        ("Root password", vm.root_custody),
    )
    rows = tuple((cell(one.name), cell(one.version, mono=True)) for one in vm.packages)
    empty = "No package is known."
    return Section("Engine VM", origin(vm.source, kit.zone), facts(pairs, _MONO), ("Package", "Version"), rows, empty)


def _host(host: Host, kit: Kit) -> Section:
    pairs = (
        ("Address, FQDN", f"{host.address or '?'}, {host.fqdn or '?'}"),
        ("vds_unique_id", host.unique_id),
        ("HE host_id", host.he_host_id),
        ("On the day", host.role),
        ("FC ports", listed(host.wwpns, "")),
        ("BMC", host.bmc),
        ("System", f"{host.release} {host.kernel}".strip()),
        ("Engine in the appliance", host.appliance_engine),
        ("Interfaces", "; ".join(_nics(host))),
    )
    rows = tuple((cell(one.name), cell(one.version, mono=True)) for one in host.packages)
    title = f"Host {host.name}"
    empty = "No package is known."
    return Section(title, origin(host.source, kit.zone), facts(pairs, _MONO), ("Package", "Version"), rows, empty)


def _nics(host: Host) -> list[str]:
    told = []
    for nic in host.nics:
        parts = [nic.name, nic.kind if nic.kind != "physical" else nic.mac, f"MTU {nic.mtu}" if nic.mtu else ""]
        parts += [f"VLAN {nic.vlan}" if nic.vlan else "", f"in {nic.master}" if nic.master else "", *nic.addresses]
        told.append(" ".join(part for part in parts if part))
    return told


def _files(kit: Kit) -> Section:
    rows = []
    for host in kit.hosts:
        for name, file in (("hosted-engine.conf", host.he_conf), ("answers.conf", host.answers)):
            rows.append(_file(host, name, file))
        rows += [_file(host, one.path.rpartition("/")[2], one) for one in host.saved]
    differences = (*drift.he_conf(kit.hosts), *drift.answers(kit.hosts))
    note = "Between the hosts differ: " + "; ".join(map(str, differences)) + "." if differences else ""
    heads = ("Host", "File", "SHA-256 (passwords masked)", "Masked")
    return Section("Configuration files, kept in this bundle", "", (), heads, tuple(rows), "None is known.", note)


def _file(host: Host, name: str, file: ConfFile | None) -> tuple[Cell, ...]:
    if file:
        return cell(host.name), cell(name, mono=True), cell(fours(file.sha256), mono=True), cell(file.masked)
    absent = Cell("not there") if host.conf_read else cell(None)
    return cell(host.name), cell(name, mono=True), absent, cell("0") if host.conf_read else cell(None)


def _networks(kit: Kit) -> Section:
    rows = tuple(
        (
            cell(row.name),
            yes(row.required),
            cell("untagged" if row.vlan == 0 else row.vlan),
            cell(row.mtu),
            cell(", ".join(f"{one.host} {one.device}" for one in row.attached), mono=True),
        )
        for row in kit.networks.rows
    )
    heads = ("Network", "Required", "VLAN", "MTU", "Attached to")
    return Section("Networks", origin(kit.networks.source, kit.zone), (), heads, rows, "Not known.")


def _domains(kit: Kit) -> Section:
    spare = kit.storage.spare
    pairs: tuple[tuple[str, str | int | None], ...] = (("Reserved spare LUN", None),)
    if spare:
        seen = f"seen empty {when(spare.empty, kit.zone)}"
        zoned = f"zoned to {listed(spare.zoned_to, 'hosts that are not known')}"
        told = f"{spare.wwid}, {size(spare.size)}, {spare.array or 'array not known'}, {zoned}, {seen}"
        pairs = (("Reserved spare LUN", f"{told}. {origin(spare.source, kit.zone)}"),)
    rows = tuple(
        (
            cell(one.name),
            cell(one.kind),
            yes(one.engine),
            cell(", ".join(one.wwids), mono=True),
            cell(one.uuid, mono=True),
        )
        for one in kit.storage.domains
    )
    heads = ("Domain", "Kind", "Engine VM", "LUNs (WWID)", "Id")
    return Section("Storage domains", origin(kit.storage.source, kit.zone), facts(pairs), heads, rows, "Not known.")


def _direct(kit: Kit) -> Section:
    rows = tuple(
        (cell(one.vm), cell(one.disk), cell(one.wwid, mono=True), cell(size(one.size)), cell(one.twin, mono=True))
        for one in kit.storage.direct
    )
    heads = ("VM", "Disk", "WWID", "Size", "DR twin")
    empty = "No VM uses a LUN directly." if kit.storage.source.at is not None else "Not known."
    return Section("Direct LUNs", origin(kit.storage.source, kit.zone), (), heads, rows, empty)


def _vms(kit: Kit) -> Section:
    known = kit.maintenance.source.at is not None
    where = kit.maintenance.engine_host if known else ""
    on = {True: "on", False: "off", None: None}[kit.maintenance.everywhere if known else None]
    pairs = (
        ("Global maintenance", on),
        ("Local maintenance", listed(kit.maintenance.hosts, "none") if known else None),
        ("Engine VM runs on", where),
    )
    rows = tuple(
        (
            cell(vm.name),
            yes(vm.ha),
            cell("none" if vm.lease == "" else vm.lease),
            cell(vm.host or "down"),
            cell(f"{vm.hugepages_kib >> 10} MiB" if vm.hugepages_kib else None if vm.hugepages_kib is None else "no"),
            cell(vm.uuid, mono=True),
        )
        for vm in kit.vms.rows
    )
    heads = ("VM", "HA", "Lease on", "Runs on", "Huge pages", "Id")
    empty = "The engine has no VM." if kit.vms.source.at is not None else "Not known."
    return Section("VMs", origin(kit.vms.source, kit.zone), facts(pairs), heads, rows, empty)
