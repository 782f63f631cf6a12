"""Hosts, their statistics, NICs and live storage (facts/engine-api.md 3.4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from lab import sys_node, wiring
from lab.engine.paths import PathCount
from lab.engine.shapes import API, collection, deeper, escape, flag, lines, links, part, ref, tree
from lab.engine.shapes_storage import logical_unit
from lab.engine.state import Engine
from lab.world import Host, Lun, uid

ACTIONS = (
    "activate approve commitnetconfig copyhostnetworks deactivate discoveriscsi enrollcertificate fence forceselectspm "
    "install iscsidiscover iscsilogin refresh setupnetworks syncallnetworks unregisteredstoragedomainsdiscover upgrade "
    "upgradecheck"
)
LINKS = (
    "affinitylabels cpuunits devices externalnetworkproviderconfigurations fenceagents hooks katelloerrata "
    "networkattachments nics numanodes permissions statistics storage storageconnectionextensions tags "
    "unmanagednetworks"
)
HOST = (
    """<host href="%(h)s" id="%(id)s">
    <name>%(name)s</name>
    <comment/>
    <actions>
"""
    + links(ACTIONS, 2)
    + "    </actions>\n"
    + links(LINKS)
    + """    <address>%(address)s</address>
    <auto_numa_status>disable</auto_numa_status>
    <certificate>
        <organization>bank.example</organization>
        <subject>O=bank.example,CN=%(hostname)s</subject>
    </certificate>
    <cpu>
        <name>Lab Server CPU @ 2.60GHz</name>
        <speed>2600.0</speed>
        <topology>
            <cores>28</cores>
            <sockets>2</sockets>
            <threads>2</threads>
        </topology>
        <type>Secure Intel Icelake Server Family</type>
    </cpu>
    <device_passthrough>
        <enabled>true</enabled>
    </device_passthrough>
    <external_status>ok</external_status>
    <hardware_information>
        <family>Lab</family>
        <manufacturer>Lab</manufacturer>
        <product_name>Lab 2U</product_name>
        <serial_number>LAB%(serial)s</serial_number>
        <supported_rng_sources>
            <supported_rng_source>random</supported_rng_source>
        </supported_rng_sources>
        <uuid>%(hardware)s</uuid>
        <version>V1</version>
    </hardware_information>
%(hosted_engine)s    <kdump_status>enabled</kdump_status>
    <ksm>
        <enabled>false</enabled>
    </ksm>
    <libvirt_version>
        <build>0</build>
        <full_version>libvirt-7.10.0-2.module+el8</full_version>
        <major>7</major>
        <minor>10</minor>
        <revision>0</revision>
    </libvirt_version>
    <max_scheduling_memory>%(schedulable)s</max_scheduling_memory>
    <memory>%(memory)s</memory>
%(network_operation)s%(nics)s    <numa_supported>true</numa_supported>
    <os>
        <custom_kernel_cmdline/>
        <description>Oracle Linux Server 8.10</description>
        <reported_kernel_cmdline>%(cmdline)s</reported_kernel_cmdline>
        <type>RHEL</type>
        <version>
            <full_version>8.10 - 1.0.1.el8</full_version>
            <major>8</major>
            <minor>10</minor>
        </version>
    </os>
    <ovn_configured>false</ovn_configured>
    <port>54321</port>
    <power_management>
        <automatic_pm_enabled>true</automatic_pm_enabled>
        <enabled>true</enabled>
        <kdump_detection>true</kdump_detection>
        <pm_proxies/>
    </power_management>
    <protocol>stomp</protocol>
    <reinstallation_required>false</reinstallation_required>
    <se_linux>
        <mode>enforcing</mode>
    </se_linux>
    <spm>
        <priority>5</priority>
        <status>%(spm)s</status>
    </spm>
    <ssh>
%(ssh)s        <user>
            <user_name>root</user_name>
        </user>
    </ssh>
%(statistics)s    <status>%(status)s</status>
%(status_detail)s    <summary>
        <active>%(active)s</active>
        <migrating>%(migrating)s</migrating>
        <total>%(total)s</total>
    </summary>
%(tags)s    <transparent_hugepages>
        <enabled>true</enabled>
    </transparent_hugepages>
    <type>rhel</type>
    <update_available>false</update_available>
    <version>
        <build>5</build>
        <full_version>vdsm-4.50.5.1-8.el8</full_version>
        <major>4</major>
        <minor>50</minor>
        <revision>5</revision>
    </version>
    <vgpu_placement>consolidated</vgpu_placement>
    %(cluster)s
</host>"""
)
STATISTIC = """<statistic href="%(h)s/statistics/%(id)s" id="%(id)s">
    <name>%(name)s</name>
    <description>%(name)s</description>
    <kind>gauge</kind>
    <type>%(type)s</type>
    <unit>%(unit)s</unit>
%(values)s    <host href="%(h)s" id="%(host)s"/>
</statistic>"""
VALUES = "    <values>\n        <value>\n            <datum>%s</datum>\n        </value>\n    </values>\n"
NIC = """<host_nic href="%(h)s/nics/%(id)s" id="%(id)s">
    <name>%(name)s</name>
    <boot_protocol>%(boot)s</boot_protocol>
    <bridged>%(bridged)s</bridged>
%(ip)s    <mac>
        <address>%(mac)s</address>
    </mac>
    <mtu>9000</mtu>
    <speed>25000000000</speed>
    <status>up</status>
    <host href="%(h)s" id="%(host)s"/>
    %(network)s
</host_nic>"""
STORAGE = """<host_storage href="%(h)s/storage/%(wwid)s" id="%(wwid)s">
    <logical_units>
%(unit)s
    </logical_units>
%(status)s    <type>fcp</type>
    <host href="%(h)s" id="%(host)s"/>
</host_storage>"""
UNREACHABLE = "    <status_detail>storage_domain_unreachable</status_detail>\n"
MIB, GIB = 1 << 20, 1 << 30


def host_href(host: Host) -> str:
    """The host's own address in the API."""
    return f"{API}/hosts/{host.id}"


def hugepages(engine: Engine, host: Host) -> tuple[int, int]:
    """(total, free) pages of 1 GiB."""
    return sys_node.pages(engine.world, host)


def ssh_lines(host: Host) -> str:
    """Fingerprint, port and public key, from the key that the host's SSH server really shows."""
    public = host.host_key
    fields: dict[str, object] = {"port": host.ssh_port}
    words = public.split()
    if len(words) >= 2:
        digest = hashlib.sha256(base64.b64decode(words[1])).digest()
        print_ = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
        fields = {"fingerprint": print_, **fields, "public_key": f"{words[0]} {words[1]}"}
    return lines(fields, 2)


def statistics(engine: Engine, host: Host) -> list[str]:
    """The statistics of one host; boot.time has no value while the engine has not heard from it."""
    total, free = hugepages(engine, host)
    used = host.memory - host.free_memory
    reachable = engine.reachable(host)
    seed = int(engine.now // 60) + host.score
    load = seed % 9
    booted = int(engine.world.clock.wall_at(host.booted)) if reachable else None
    rows: list[tuple[str, str, str, object]] = [
        ("memory.total", "integer", "bytes", host.memory), ("memory.used", "integer", "bytes", used),
        ("memory.free", "integer", "bytes", host.free_memory), ("memory.shared", "integer", "bytes", 0),
        ("memory.buffers", "integer", "bytes", 64 * MIB), ("memory.cached", "integer", "bytes", 4 * GIB),
        ("swap.total", "integer", "bytes", 16 * GIB), ("swap.free", "integer", "bytes", 16 * GIB),
        ("swap.used", "integer", "bytes", 0), ("swap.cached", "integer", "bytes", 0),
        ("ksm.cpu.current", "decimal", "percent", 0), ("cpu.current.user", "decimal", "percent", 4 + load),
        ("cpu.current.system", "decimal", "percent", 2), ("cpu.current.idle", "decimal", "percent", 94 - load),
        ("cpu.load.avg.5m", "decimal", "percent", 3), ("boot.time", "integer", "none", booted),
        ("hugepages.1048576.free", "integer", "none", free), ("hugepages.1048576.total", "integer", "none", total),
    ]  # fmt: skip
    href = host_href(host)
    return [_statistic(href, host.id, row) for row in rows]


def _statistic(href: str, host_id: str, row: tuple[str, str, str, object]) -> str:
    name, kind, unit, value = row
    values = "    <values/>\n" if value is None else VALUES % value
    identifier = _statistic_id(name, host_id)
    return STATISTIC % {
        "h": href, "id": identifier, "name": name, "type": kind, "unit": unit, "values": values, "host": host_id
    }  # fmt: skip


def _statistic_id(name: str, host_id: str) -> str:
    # The engine gives a statistic of the same name the same tail on every host.
    return host_id[:24] + hashlib.sha1(name.encode()).hexdigest()[:12]


def nics(host: Host) -> list[str]:
    """Two NICs; the first carries the management network and the host's address."""
    made = []
    for number, nic in enumerate(wiring.nics(host)):
        fields = {"address": host.address, "gateway": "127.0.0.1", "netmask": "255.255.255.0", "version": "v4"}
        made.append(
            NIC
            % {
                "h": host_href(host),
                "id": uid("nic", f"{host.name}/{nic.name}"),
                "name": nic.name,
                "host": host.id,
                "boot": "none" if number else "static",
                "bridged": flag(not number),
                "ip": "" if number else part(tree("ip", fields)),
                "mac": nic.mac,
                "network": ref("network", f"{API}/networks/{nic.network.id}", nic.network.id),
            }
        )
    return made


def host_storage(host: Host, lun: Lun, counts: PathCount, volume_group: str, report_status: bool) -> str:
    """One LUN as the host sees it: live path counts (facts/engine-api.md 0.3 and 0.5)."""
    unit = logical_unit(lun, counts.of(lun), volume_group, joined=True)
    used = lun.disk_id or lun.domain_id
    status = f"    <status>{'used' if used else 'free'}</status>\n" if report_status else ""
    return STORAGE % {
        "h": host_href(host), "wwid": lun.wwid, "unit": deeper(unit, 2), "status": status, "host": host.id
    }  # fmt: skip


def host(
    engine: Engine,
    host: Host,
    *,
    all_content: bool,
    follow: Iterable[str],
    tags: Iterable[str],
    vms: tuple[int, int, int],
) -> str:
    """One host. vms: (active, migrating, total) VMs on it."""
    follow = set(follow)
    pages, _ = hugepages(engine, host)
    stats = engine.ha.get(host.id) if all_content and host.he_host_id is not None else None
    non_operational = host.engine_status == "non_operational"
    cluster = engine.world.cluster_id
    return HOST % {
        "h": host_href(host), "id": host.id, "name": escape(host.name), "address": host.address,
        "hostname": escape(host.hostname), "serial": host.id[-6:].upper(), "hardware": host.id,
        "hosted_engine": part(tree("hosted_engine", stats)) if stats else "",
        "schedulable": max(0, host.free_memory - 4 * GIB), "memory": host.memory,
        "network_operation": "    <network_operation_in_progress>false</network_operation_in_progress>\n" * all_content,
        "nics": part(collection("nics", nics(host))) if "nics" in follow else "",
        "cmdline": f"BOOT_IMAGE=(hd0,gpt2)/vmlinuz root=/dev/mapper/ol-root ro default_hugepagesz=1G hugepages={pages}",
        "spm": "spm" if host.spm else "none", "ssh": ssh_lines(host),
        "statistics": part(collection("statistics", statistics(engine, host))) if "statistics" in follow else "",
        "status": host.engine_status,
        "status_detail": UNREACHABLE if non_operational else "",
        "active": vms[0], "migrating": vms[1], "total": vms[2],
        "tags": part(collection("tags", tags)) if "tags" in follow else "",
        "cluster": ref("cluster", f"{API}/clusters/{cluster}", cluster),
    }  # fmt: skip
