"""The API's root, data centres, clusters, affinity groups and tags (facts/engine-api.md 2, 3.2, 3.3)."""

from __future__ import annotations

import re

from lab import wiring
from lab.engine.shapes import API, collection, escape, lines, links, part, ref, stamp, tree
from lab.engine.state import Account, Engine
from lab.world import Vm, World, uid

ZERO = "00000000-0000-0000-0000-000000000000"
SEARCHABLE = ["clusters", "datacenters", "disks", "events", "hosts", "storagedomains", "templates", "users", "vms"]
COLLECTIONS = [*SEARCHABLE, "affinitylabels", "jobs", "networks", "storageconnections", "tags"]
BACKUPS = {
    "last_db_backup": "db", "last_dwh_backup": "dwhdb", "last_engine_backup": "files",
    "last_keycloak_backup": "keycloak", "last_grafana_backup": "grafanadb",
}  # fmt: skip


def root(engine: Engine, account: Account, filtered: bool) -> str:
    """GET /api."""
    rows = []
    for name in sorted(COLLECTIONS):
        rows.append(f'    <link href="{API}/{name}" rel="{name}"/>\n')
        if name in SEARCHABLE:
            rows.append(f'    <link href="{API}/{name}?search={{query}}" rel="{name}/search"/>\n')
    user = f"{API}/users/{account.id}"
    people = f"    {ref('authenticated_user', user, account.id)}\n    {ref('effective_user', user, account.id)}\n"
    backups = "" if filtered else part(_backups(engine))
    summary = "" if filtered else part(_summary(engine))
    special = (
        "    <special_objects>\n"
        f"        {ref('blank_template', f'{API}/templates/{ZERO}', ZERO)}\n"
        f"        {ref('root_tag', f'{API}/tags/{ZERO}', ZERO)}\n    </special_objects>\n"
    )
    body = f"{''.join(rows)}{people}{backups}{part(_product(engine))}{special}{summary}"
    return f"<api>\n{body}    <time>{stamp(engine.wall)}</time>\n</api>"


def _version(text: str) -> tuple[int, int, int]:
    numbers = [int(number) for number in re.findall(r"\d+", text)[:3]]
    return numbers[0], numbers[1], numbers[2]


def _product(engine: Engine) -> str:
    major, minor, build = _version(engine.version)
    version = {"build": build, "full_version": engine.version, "major": major, "minor": minor, "revision": 0}
    fields = {
        "instance_id": uid("engine", engine.world.cluster_id),
        "name": "Oracle Linux Virtualization Manager",
        "version": version,
    }
    return tree("product_info", fields)


def _backups(engine: Engine) -> str:
    """Only engines from 4.5.7 have it; a scope that never was backed up is absent (facts/engine-backup.md)."""
    if _version(engine.version) < (4, 5, 7):
        return ""
    last: dict[str, str] = {}
    for event in engine.world.events:
        found = re.search(r"scope=(\w+)", str(event["text"])) if event["code"] == 9025 else None
        if found:
            last[found[1]] = stamp(float(str(event["time"])))
    return tree("engine_backup", {tag: last[scope] for tag, scope in BACKUPS.items() if scope in last})


def _summary(engine: Engine) -> str:
    world = engine.world
    up = sum(host.engine_status == "up" for host in world.hosts.values())
    running = sum(engine.seen(vm)[0] != "down" for vm in world.vms.values())
    active = sum(domain.get("status") == "active" for domain in world.domains.values())
    counts = {
        "hosts": {"active": up, "total": len(world.hosts)},
        "storage_domains": {"active": active, "total": len(world.domains)},
        "users": {"active": len({s.account.id for s in engine.tokens.values()}), "total": len(engine.accounts)},
        "vms": {"active": running, "total": len(world.vms)},
    }
    return tree("summary", counts)


def data_center(engine: Engine, inline: str) -> str:
    """The data centre. inline: followed collections."""
    world = engine.world
    href = f"{API}/datacenters/{world.data_center_id}"
    subs = links("clusters iscsibonds networks permissions qoss quotas storagedomains") % {"h": href}
    version = {"major": 4, "minor": 7}
    return (
        f'<data_center href="{href}" id="{world.data_center_id}">\n    <name>Default</name>\n    <description/>\n{subs}'
        f"{lines({'local': False, 'quota_mode': 'disabled', 'status': data_center_status(engine)})}"
        f"    <storage_format>v5</storage_format>\n{inline}"
        f"{part(tree('supported_versions', {'version': version}))}{part(tree('version', version))}</data_center>"
    )


def data_center_status(engine: Engine) -> str:
    """up needs an SPM; no host at all makes it not_operational."""
    hosts = engine.world.hosts.values()
    if not any(host.engine_status == "up" for host in hosts):
        return "not_operational"
    return "up" if any(host.spm for host in hosts) else "contend"


def cluster(engine: Engine, inline: str, all_content: bool) -> str:
    """The cluster. inline: followed collections."""
    world = engine.world
    href = f"{API}/clusters/{world.cluster_id}"
    subs = links("affinitygroups cpuprofiles enabledfeatures networkfilters networks permissions") % {"h": href}
    fencing = {
        "enabled": True, "skip_if_connectivity_broken": {"enabled": True, "threshold": 50},
        "skip_if_gluster_bricks_up": False, "skip_if_sd_active": {"enabled": True},
    }  # fmt: skip
    network = uid("network", "ovirtmgmt")
    management = f"    {ref('management_network', f'{href}/networks/{network}', network)}\n" * all_content
    elements = {
        "ballooning_enabled": False, "bios_type": "q35_secure_boot",
        "cpu": {"architecture": "x86_64", "type": "Secure Intel Icelake Server Family"},
        "error_handling": {"on_error": "migrate"}, "fencing_policy": fencing,
        "firewall_type": "firewalld", "ha_reservation": True,
        "memory_policy": {"over_commit": {"percent": 100}, "transparent_hugepages": {"enabled": True}},
        "migration": {"auto_converge": "inherit", "bandwidth": {"assignment_method": "auto"}, "compressed": "inherit"},
        "switch_type": "legacy", "upgrade_in_progress": False, "upgrade_percent_complete": 0,
        "version": {"major": 4, "minor": 7}, "virt_service": True,
    }  # fmt: skip
    body = tree("cluster", elements).split("\n", 1)[1].removesuffix("</cluster>")
    centre = ref("data_center", f"{API}/datacenters/{world.data_center_id}", world.data_center_id)
    return (
        f'<cluster href="{href}" id="{world.cluster_id}">\n    <name>Default</name>\n'
        f"    <description/>\n    <comment/>\n{subs}{inline}{body}    {centre}\n{management}</cluster>"
    )


def networks(engine: Engine, cluster: str) -> list[str]:
    """Logical networks. cluster: its address, "" for the data centre's list, which knows no `required`."""
    world = engine.world
    center = ref("data_center", f"{API}/datacenters/{world.data_center_id}", world.data_center_id)
    made = []
    for one in wiring.NETWORKS:
        here = {"display": "display" in one.roles, "required": one.required, "status": "operational"} if cluster else {}
        fields = {"mtu": one.mtu, "stp": False, **here, "vdsm_name": one.name}
        usages = "".join(f"        <usage>{role}</usage>\n" for role in one.roles)
        vlan = f'    <vlan id="{one.vlan}"/>\n' if one.vlan else ""
        made.append(
            f'<network href="{cluster or API}/networks/{one.id}" id="{one.id}">\n    <name>{one.name}</name>\n'
            f"    <description/>\n    <comment/>\n{lines(fields)}    <usages>\n{usages}    </usages>\n{vlan}"
            f"    {center}\n</network>"
        )
    return made


def groups_of(world: World) -> dict[str, list[Vm]]:
    """Affinity group name -> its VMs: the databases keep apart, softly, so that a host can still be emptied."""
    members = [vm for vm in world.vms.values() if vm.kind == "high_performance"]
    return {"oracle-apart": members} if len(members) > 1 else {}


def affinity_groups(engine: Engine) -> list[str]:
    """The affinity groups of the cluster; broken when two members run on one host."""
    world = engine.world
    made = []
    for name, members in groups_of(world).items():
        hosts = [host for _, host in map(engine.seen, members) if host]
        made.append(_affinity_group(world, name, members, broken=len(hosts) != len(set(hosts))))
    return made


def _affinity_group(world: World, name: str, members: list[Vm], broken: bool) -> str:
    cluster_href = f"{API}/clusters/{world.cluster_id}"
    identifier = uid("affinity", name)
    fields = {
        "broken": broken, "enforcing": False,
        "hosts_rule": {"enabled": False, "enforcing": False, "positive": True}, "positive": False, "priority": "1.0",
        "vms_rule": {"enabled": True, "enforcing": False, "positive": False},
    }  # fmt: skip
    body = tree("x", fields).split("\n", 1)[1].removesuffix("</x>")
    vms = collection("vms", [ref("vm", f"{API}/vms/{vm.id}", vm.id) for vm in members])
    return (
        f'<affinity_group href="{cluster_href}/affinitygroups/{identifier}" id="{identifier}">\n'
        f"    <name>{escape(name)}</name>\n{body}    {ref('cluster', cluster_href, world.cluster_id)}\n{part(vms)}"
        "</affinity_group>"
    )


def tags_of(world: World) -> dict[str, list[str]]:
    """Tag name -> ids of the VMs that carry it; VMs with Direct LUNs are the databases."""
    return {"oracle": [vm.id for vm in world.vms.values() if vm.luns]}


def tag(name: str, owner: str = "") -> str:
    """One tag. owner: href of the object that it is attached to, "" in the flat list."""
    identifier = ZERO if name == "root" else uid("tag", name)
    parent = (
        "" if name == "root" else f"    <parent>\n        {ref('tag', f'{API}/tags/{ZERO}', ZERO)}\n    </parent>\n"
    )
    return (
        f'<tag href="{owner or API}/tags/{identifier}" id="{identifier}">\n    <name>{escape(name)}</name>\n'
        f"    <description>{escape(name)}</description>\n{parent}</tag>"
    )
