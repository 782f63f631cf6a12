"""VMs (facts/engine-api.md 3.5)."""

from __future__ import annotations

from collections.abc import Iterable

from lab import sys_node
from lab.engine.shapes import API, collection, escape, flag, links, part, ref, stamp
from lab.engine.shapes_storage import attachments, home_domain
from lab.engine.state import Engine
from lab.world import Vm, uid

ACTIONS = "cancelmigration migrate reboot reset shutdown start stop suspend"
LINKS = "affinitylabels cdroms diskattachments nics numanodes permissions snapshots statistics tags watchdogs"
VM = (
    """<vm href="%(h)s" id="%(id)s">
    <name>%(name)s</name>
    <description>%(description)s</description>
    <comment/>
    <actions>
"""
    + links(ACTIONS, 2)
    + "    </actions>\n"
    + links(LINKS)
    + """    <bios>
        <boot_menu>
            <enabled>false</enabled>
        </boot_menu>
        <type>q35_secure_boot</type>
    </bios>
    <cpu>
        <architecture>x86_64</architecture>
%(tune)s%(mode)s        <topology>
            <cores>%(cores)s</cores>
            <sockets>%(sockets)s</sockets>
            <threads>1</threads>
        </topology>
    </cpu>
    <cpu_pinning_policy>%(pinning)s</cpu_pinning_policy>
%(properties)s    <delete_protected>true</delete_protected>
%(disk_attachments)s    <high_availability>
        <enabled>%(ha)s</enabled>
        <priority>%(priority)s</priority>
    </high_availability>
    <io>
        <threads>%(threads)s</threads>
    </io>
%(lease)s    <memory>%(memory)s</memory>
    <memory_policy>
        <ballooning>false</ballooning>
        <guaranteed>%(memory)s</guaranteed>
        <max>%(max)s</max>
    </memory_policy>
    <migration_downtime>-1</migration_downtime>
    <multi_queues_enabled>true</multi_queues_enabled>
%(nics)s    <origin>%(origin)s</origin>
    <os>
        <boot>
            <devices>
                <device>hd</device>
            </devices>
        </boot>
        <type>ol_8x64</type>
    </os>
%(placement)s    <storage_error_resume_behaviour>%(resume)s</storage_error_resume_behaviour>
%(tags)s    <type>%(kind)s</type>
%(queues)s    <virtio_scsi_multi_queues_enabled>true</virtio_scsi_multi_queues_enabled>
    %(cluster)s
%(fqdn)s    <next_run_configuration_exists>false</next_run_configuration_exists>
    <numa_tune_mode>interleave</numa_tune_mode>
    <run_once>false</run_once>
%(start)s    <status>%(status)s</status>
%(detail)s%(stop_reason)s%(stop)s%(host)s</vm>"""
)
TUNE = """        <cpu_tune>
            <vcpu_pins>
                <vcpu_pin>
                    <cpu_set>2</cpu_set>
                    <vcpu>0</vcpu>
                </vcpu_pin>
            </vcpu_pins>
        </cpu_tune>
"""
PROPERTIES = """    <custom_properties>
        <custom_property>
            <name>hugepages</name>
            <value>%s</value>
        </custom_property>
    </custom_properties>
"""
PLACEMENT = """    <placement_policy>
        <affinity>%s</affinity>
    </placement_policy>
"""
LEASE = """    <lease>
        <storage_domain href="%(api)s/storagedomains/%(id)s" id="%(id)s"/>
    </lease>
"""
NUMA_NODE = """<vm_numa_node href="%(h)s/numanodes/%(id)s" id="%(id)s">
    <index>%(index)s</index>
    <memory>%(mib)s</memory>
    <numa_node_pins>
        <numa_node_pin>
            <index>%(index)s</index>
        </numa_node_pin>
    </numa_node_pins>
    <numa_tune_mode>strict</numa_tune_mode>
    <vm href="%(h)s" id="%(vm)s"/>
</vm_numa_node>"""
NIC = """<nic href="%(h)s/nics/%(id)s" id="%(id)s">
    <name>nic1</name>
    <interface>virtio</interface>
    <linked>true</linked>
    <mac>
        <address>56:6f:%(mac)s</address>
    </mac>
    <plugged>true</plugged>
    <vm href="%(h)s" id="%(vm)s"/>
</nic>"""
DAY = 86_400


def nics(vm: Vm) -> list[str]:
    """The one NIC of a VM."""
    identifier = uid("vnic", vm.name)
    tail = identifier.replace("-", "")[-8:]
    mac = ":".join([tail[i : i + 2] for i in range(0, 8, 2)])
    return [NIC % {"h": f"{API}/vms/{vm.id}", "id": identifier, "mac": mac, "vm": vm.id}]


def numa_nodes(vm: Vm) -> list[str]:
    """Two virtual nodes of a VM with huge pages, each bound to the host's node of its number; of another VM none."""
    return [
        NUMA_NODE
        % {
            "h": f"{API}/vms/{vm.id}", "id": uid("numa", f"{vm.name}/{node}"), "index": node,
            "mib": vm.memory // 2 >> 20, "vm": vm.id,
        }
        for node in (sys_node.NODES if vm.hugepages_kib else ())
    ]  # fmt: skip


def _running(engine: Engine, vm: Vm, status: str, host: str) -> dict[str, str]:
    """What only a running VM has, and what a stopped one has instead."""
    since = engine.vm_since.get(vm.id, engine.world.clock.wall - DAY)
    if status == "down":
        stop = f"    <stop_reason/>\n    <stop_time>{stamp(since)}</stop_time>\n"
        return {"fqdn": "", "start": "", "stop_reason": "", "stop": stop, "host": ""}
    name = engine.world.engine_fqdn if vm.is_engine else f"{vm.name}.bank.example"
    shown = ""
    if host in engine.world.hosts:
        identifier = engine.world.hosts[host].id
        shown = "    " + ref("host", f"{API}/hosts/{identifier}", identifier) + "\n"
    return {
        "fqdn": f"    <fqdn>{escape(name)}</fqdn>\n",
        "start": f"    <start_time>{stamp(since)}</start_time>\n", "stop_reason": "",
        "stop": f"    <stop_time>{stamp(since - 600)}</stop_time>\n", "host": shown,
    }  # fmt: skip


def _tuning(engine: Engine, vm: Vm) -> dict[str, object]:
    tuned = vm.kind == "high_performance"
    sockets = 2 if vm.cores % 2 == 0 else 1
    return {
        "tune": TUNE if tuned else "", "mode": "        <mode>host_passthrough</mode>\n" if tuned else "",
        "pinning": "manual" if tuned else "none", "cores": vm.cores // sockets, "sockets": sockets,
        "properties": PROPERTIES % vm.hugepages_kib if vm.hugepages_kib else "", "threads": vm.io_threads or 0,
        "queues": "    <virtio_scsi_multi_queues>8</virtio_scsi_multi_queues>\n" if tuned else "",
        "resume": "kill" if vm.lease and vm.high_availability else "auto_resume", "kind": vm.kind,
        "lease": LEASE % {"api": API, "id": home_domain(engine.world, vm)} if vm.lease and not vm.is_engine else "",
    }  # fmt: skip


def _followed(engine: Engine, vm: Vm, follow: set[str], tags: Iterable[str]) -> dict[str, str]:
    inline = "disk_attachments.disk" in follow
    disks = inline or "disk_attachments" in follow
    return {
        "disk_attachments": part(collection("disk_attachments", attachments(engine.world, vm, inline)))
        if disks
        else "",
        "nics": part(collection("nics", nics(vm))) if "nics" in follow else "",
        "tags": part(collection("tags", tags)) if "tags" in follow else "",
    }


def vm(engine: Engine, vm: Vm, *, follow: Iterable[str] = (), tags: Iterable[str] = (), admin: bool = True) -> str:
    """One VM in the engine's eyes. admin False strips host and placement_policy (facts/engine-api.md 0.18)."""
    status, host = engine.seen(vm)
    cluster = engine.world.cluster_id
    affinity = "user_migratable" if vm.kind == "high_performance" else "migratable"
    values: dict[str, object] = {
        "h": f"{API}/vms/{vm.id}", "id": vm.id, "name": escape(vm.name), "memory": vm.memory, "max": vm.memory * 2,
        "description": "Hosted engine VM" if vm.is_engine else "",
        "ha": flag(vm.high_availability and not vm.is_engine),
        "priority": 100 if vm.high_availability else 0, "origin": "managed_hosted_engine" if vm.is_engine else "ovirt",
        "placement": PLACEMENT % affinity if admin else "",
        "cluster": ref("cluster", f"{API}/clusters/{cluster}", cluster), "status": status,
        "detail": "    <status_detail>eio</status_detail>\n" if status == "paused" else "",
        **_tuning(engine, vm), **_followed(engine, vm, set(follow), tags), **_running(engine, vm, status, host),
    }  # fmt: skip
    if not admin:
        values["host"] = ""
    return VM % values
