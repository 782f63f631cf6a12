"""Builds the estate that the lab plays: the same names, UUIDs and WWIDs at every start."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from lab import engine_vm, life_broker, life_vm, oracle_vm
from lab.life_agent import publish
from lab.san import settle as san
from lab.world import Clock, Hba, Host, Lun, TargetPort, Vm, VmRecord, World, uid

GIB = 1 << 30
ARRAY, DR_ARRAY = "DORADO-PROD", "DORADO-DR"
SHARED = ("he_sd", "sd_vm01")  # every host sees them
GROUP_HOSTS = 2  # hosts that share their LUNs, in estates larger than one group
FC_UNITS = ("sshd", "vdsmd", "supervdsmd", "sanlock", "wdmd", "libvirtd", "multipathd", "chronyd")
HA_UNITS = ("ovirt-ha-agent", "ovirt-ha-broker")
ORACLE_LUNS = ("ora_data01", "ora_redo01", "ora_fra01", "ora_data02", "ora_redo02", "ora_fra02")


@dataclass(frozen=True)
class Size:
    """How large an estate: hosts, of which he_hosts run the HA services (at most 7), VMs and LUNs in all.

    isl: two switches per fabric, joined by two ISLs, the DR array on the second."""

    hosts: int = 2
    vms: int = 7
    luns: int = 8
    he_hosts: int = 2
    isl: bool = False


def build(size: Size | None = None, clock: Clock | None = None, quick: bool = False) -> World:
    """A healthy estate: the engine VM runs on the first host, everything is live."""
    size = size or Size()
    world = World(
        clock=clock or Clock(),
        hosts={},
        vms={},
        luns={},
        targets=_targets(),
        cluster_id=uid("cluster", "core"),
        data_center_id=uid("data_center", "bank"),
        domains={},
        quick=quick,
    )
    world.at = world.clock.now()
    for number in range(1, size.hosts + 1):
        host = _host(number, number <= min(size.he_hosts, 7))
        world.hosts[host.name] = host
    next(iter(world.hosts.values())).spm = True
    _luns(world, size.luns)
    _domains(world)
    _vms(world, size.vms)
    _settle(world)
    world.engine_machine = engine_vm.build(world)
    world.oracle_machines = oracle_vm.build(world)
    san.attach(world, size.isl)
    return world


def _host(number: int, hosted_engine: bool) -> Host:
    name = f"kvm{number:02d}"
    uptime = 197_761.0 if number == 1 else 594_760.0 - 1_000.0 * (number - 2)
    units = {unit: "active" for unit in FC_UNITS + (HA_UNITS if hosted_engine else ())}
    return Host(
        id=uid("host", name),
        name=name,
        hostname=f"{name}.bank.example",
        address=f"127.0.{1 + (number - 1) // 250}.{1 + (number - 1) % 250}",
        he_host_id=number if hosted_engine else None,
        booted=-max(uptime, 90_000.0),
        units=units,
        hbas=[
            Hba(scsi_host=index, wwpn=f"100000109ba{index}{number & 0xFF:02x}{number >> 8:02x}", fabric=fabric)
            for index, fabric in ((1, "A"), (2, "B"))
        ],
        boot_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.boot")),
        group=(number - 1) // GROUP_HOSTS,
    )


def _targets() -> list[TargetPort]:
    return [
        TargetPort(f"20{index}{8 + port}3400a30d{number:04d}", controller, fabric, array, port=port)
        for number, array in ((1, ARRAY), (2, DR_ARRAY))
        for index, controller in ((0, "0A"), (1, "0B"))
        for port, fabric in ((0, "A"), (1, "B"))
    ]


def wwid(name: str) -> str:
    """A Huawei-like WWID for a LUN name: 3, the array's part, then hex."""
    return "363400a31000d0001" + hashlib.sha256(name.encode()).hexdigest()[:16]


def _luns(world: World, count: int) -> None:
    groups = sorted({host.group for host in world.hosts.values()})
    named = [("he_sd", 120), ("sd_vm01", 2048), *((name, 500) for name in ORACLE_LUNS)]
    count = max(count, len(named))
    names = named + [(f"data{i:04d}", 100 + i % 400) for i in range(1, count - len(named) + 1)]
    numbers: dict[int, int] = {}
    for index, (name, gib) in enumerate(names):
        lun = Lun(
            wwid=wwid(name),
            name=name,
            size=gib * GIB,
            lun_number=0,
            array=ARRAY,
            serial=f"2102353GTH10{index:08d}",
            disk_id="" if name in SHARED else uid("disk", name),
            shareable=name.startswith("ora_"),
        )
        if len(groups) > 1 and name not in SHARED:
            world.lun_groups[lun.wwid] = 0 if name in ORACLE_LUNS else groups[index % len(groups)]
        group = world.lun_groups.get(lun.wwid, 0)
        numbers[group] = lun.lun_number = numbers.get(group, 0 if group == 0 else len(SHARED)) + 1
        world.luns[lun.wwid] = lun


def _domains(world: World) -> None:
    for name, lun_name, gib, master in (("hosted_storage", "he_sd", 120, False), ("sd_vm01", "sd_vm01", 2048, True)):
        identifier = uid("domain", name)
        lun = world.luns[wwid(lun_name)]
        lun.domain_id = identifier
        world.domains[identifier] = {
            "name": name,
            "status": "active",
            "type": "data",
            "available": gib * GIB * 6 // 10,
            "used": gib * GIB * 4 // 10,
            "committed": gib * GIB // 3,
            "wwids": [lun.wwid],
            "master": master,
        }


def _vms(world: World, count: int) -> None:
    hosts = list(world.hosts.values())
    first, second = hosts[0].name, hosts[min(1, len(hosts) - 1)].name
    engine = Vm(id=uid("vm", "HostedEngine"), name="HostedEngine", host=first, is_engine=True, memory=16 * GIB)
    rows = [engine, _oracle("oradb01", first, "01"), _oracle("oradb02", second, "02")]
    rows += [
        Vm(id=uid("vm", name), name=name, host=hosts[i % len(hosts)].name, memory=8 * GIB)
        for i, name in _apps(count - 3)
    ]
    spare = [lun.wwid for lun in world.luns.values() if lun.name.startswith("data")]
    apps = [vm for vm in rows[3:]]
    by_group: dict[int, list[Vm]] = {}
    for vm in apps:
        by_group.setdefault(world.hosts[vm.host].group, []).append(vm)
    for index, lun in enumerate(spare):
        group = by_group.get(world.lun_groups.get(lun, 0)) or []
        if group:
            group[index // max(1, len(by_group)) % len(group)].luns.append(lun)
    world.vms = {vm.id: vm for vm in rows}


def _apps(count: int) -> list[tuple[int, str]]:
    named = ["app01", "app02", "mq01", "bastion01"]
    return [(i, named[i] if i < len(named) else f"app{i - 1:03d}") for i in range(max(0, count))]


def _oracle(name: str, host: str, number: str) -> Vm:
    return Vm(
        id=uid("vm", name),
        name=name,
        host=host,
        memory=128 * GIB,
        cores=16,
        luns=[wwid(f"ora_{kind}{number}") for kind in ("data", "redo", "fra")],
        hugepages_kib=1_048_576,
        io_threads=4,
        kind="high_performance",
    )


def _settle(world: World) -> None:
    """The long-settled state: records published, everybody alive to everybody, the engine good for hours."""
    first = next(iter(world.hosts.values()))
    world.engine.records[first.name] = VmRecord("Up", world.at - 50_000.0)
    world.engine.lease_host = first.name
    world.engine.service_at = world.engine.served_since = world.at - 50_000.0
    he_hosts = [host for host in world.hosts.values() if host.he_host_id is not None]
    for index, host in enumerate(he_hosts):
        host.agent.next_tick = world.at + 2.0 + 3.0 * index
        host.broker.next_read = world.at + 1.0 + 2.7 * index
        host.broker.next_monitor = world.at + 0.5 + 2.1 * index
        host.state = "EngineUp" if host is first else "EngineDown"
        life_broker.poll(world, host)
        publish(world, host)
    for host in he_hosts:
        life_broker.read(world, host)
        host.broker.alive = tuple(sorted(world.records))
        host.broker.alive_at = world.at
        host.agent.seen = {n: (r.host_ts, world.at - 1000.0, world.at) for n, r in world.records.items()}
    life_vm.settle(world)
