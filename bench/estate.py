"""An estate of any number of hosts for the page benchmark: rows as the product itself would have written them (the real
probes read prepared answers), plus history made with SQL."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

LUNS_PER_HOST = 25
YEAR = 365


def grow(count: int) -> None:
    """Brings the estate to `count` hosts (the first two run the hosted engine), five VMs and 25 LUN maps each."""
    from inventory.models import Attachment, Cluster, DeclaredPath, Engine, Host, Lun, Site, Vm

    site, _ = Site.objects.get_or_create(name="PROD")
    engine, _ = Engine.objects.get_or_create(
        name="olvm-engine", defaults={"site": site, "url": "https://127.0.0.1/ovirt-engine/api", "username": "u"}
    )
    cluster, _ = Cluster.objects.get_or_create(engine=engine, uuid="c", defaults={"name": "Default"})
    first = Host.objects.count()
    now = timezone.now()
    hosts = Host.objects.bulk_create(
        [
            Host(
                engine=engine,
                cluster=cluster,
                uuid=f"h{n}",
                name=f"kvm{n:03}",
                address=f"127.0.1.{n}",
                status="up",
                he_configured=n <= 2,
                he_active=n <= 2 or None,
                he_score=3400 if n <= 2 else None,
                he_host_id=n if n <= 2 else None,
                memory=512 << 30,
            )
            for n in range(first + 1, count + 1)
        ]
    )
    luns = Lun.objects.bulk_create(
        [
            Lun(
                engine=engine,
                uuid=wwid(host.pk, n),
                name=f"{host.name}_lun{n:02}",
                disk_uuid=f"{host.pk}.{n}",
                size=1 << 40,
            )
            for host in hosts
            for n in range(LUNS_PER_HOST)
        ]
    )
    vms = Vm.objects.bulk_create(
        [
            Vm(engine=engine, cluster=cluster, host=host, uuid=f"{host.pk}-{n}", name=f"{host.name}-vm{n}", status="up")
            for host in hosts
            for n in range(5)
        ]
    )
    Attachment.objects.bulk_create(
        [Attachment(vm=vms[n // LUNS_PER_HOST * 5], lun=lun, interface="virtio_scsi") for n, lun in enumerate(luns)]
    )
    DeclaredPath.objects.bulk_create(
        [
            DeclaredPath(host=host, wwid=wwid(host.pk, n), hba_wwpn=hba, target_wwpn=target, declared_at=now)
            for host in hosts
            for n in range(LUNS_PER_HOST)
            for hba, target in pairs(host.pk)
        ]
    )
    look(engine, hosts)
    history()


def wwid(host: int, number: int) -> str:
    """A multipath name: 3 and 32 hex digits."""
    return f"3600a31000d00010a1b2c3d{host:04x}{number:06x}"


def pairs(host: int) -> list[tuple[str, str]]:
    """Four paths: two HBA ports, two controllers."""
    return [
        (f"21000024ff{host:04x}{card:02x}", f"2{controller}0000aabbccdd{card:02x}")
        for card in (1, 2)
        for controller in (0, 1)
    ]


def look(engine: Any, hosts: list[Any]) -> None:
    """Looks of every probe for these hosts, read by the product's own probes from prepared answers."""
    from inventory.models import Look
    from inventory.probes import PROBES
    from inventory.services import looks, record, watch

    watch.ensure(engine)
    declared = watch.declared_for(hosts)
    results = []
    for row in Look.objects.filter(host__in=hosts, probe__in=("multipath", "she_status", "ha_state")).select_related(
        "host"
    ):
        host = row.host
        assert host is not None, "the query asked for looks of hosts"
        answers = {name: answer(row.probe, name, host) for name in PROBES[row.probe].commands}
        about = type(declared[host.pk])(**{**vars(declared[host.pk]), "checked_at": timezone.now().timestamp()})
        results.append(looks.read(PROBES[row.probe], row.pk, answers, about))
    record.record(results)
    # the pages must show present findings, not stale ones: nobody looks again while the benchmark runs
    Look.objects.update(at=timezone.now() + timedelta(seconds=4), due_at=timezone.now() + timedelta(days=1))


def answer(probe: str, section: str, host: Any) -> Any:
    """What a healthy host says."""
    from portal.kernel.output import Output

    text = ""
    if probe == "multipath" and section == "maps":
        text = json.dumps(
            {"major_version": 0, "minor_version": 1, "maps": [multipath_map(host.pk, n) for n in range(LUNS_PER_HOST)]}
        )
    elif probe == "she_status":
        text = vm_status()
    elif section == "ha_conf":
        text = "local_maintenance=False\nlocal_maintenance_manual=False\n"
    elif section == "uptime":
        text = "400000.00 1.0\n"
    return Output(text.encode(), b"", 0, 0.1)


def vm_status() -> str:
    """Both hosts live, the engine VM on the first."""
    records: dict[str, Any] = {}
    for number, state in ((1, "EngineUp"), (2, "EngineDown")):
        up = state == "EngineUp"
        status = (
            {"vm": "up", "health": "good", "detail": "Up"}
            if up
            else {"vm": "down", "health": "bad", "detail": "unknown", "reason": "vm not running on this host"}
        )
        records[str(number)] = {
            "host-id": number,
            "host-ts": 1000,
            "score": 3400,
            "engine-status": status,
            "hostname": f"kvm{number:03}",
            "maintenance": False,
            "stopped": False,
            "crc32": "ef1c086d",
            "conf_on_shared_storage": True,
            "local_conf_timestamp": 1000,
            "extra": f"state={state}\nstopped=False\n",
            "live-data": True,
        }
    return json.dumps({**records, "global_maintenance": False})


def multipath_map(host: int, number: int) -> dict[str, Any]:
    """One whole map with its four paths."""
    paths = [
        {
            "dev": f"sd{number}{n}",
            "dev_t": f"8:{n}",
            "dm_st": "active",
            "dev_st": "running",
            "chk_st": "ready",
            "checker": "tur",
            "pri": 50,
            "host_wwnn": "0x2000000000000001",
            "target_wwnn": "0x2000000000000002",
            "host_wwpn": f"0x{hba}",
            "target_wwpn": f"0x{target}",
            "host_adapter": "[undef]",
        }
        for n, (hba, target) in enumerate(pairs(host))
    ]
    name = wwid(host, number)
    return {
        "name": name,
        "uuid": name,
        "sysfs": f"dm-{number}",
        "failback": "immediate",
        "queueing": "16 chk",
        "paths": 4,
        "write_prot": "rw",
        "dm_st": "active",
        "features": "1 queue_if_no_path",
        "hwhandler": "1 alua",
        "action": "",
        "path_faults": 0,
        "vend": "HUAWEI",
        "prod": "XSG1",
        "rev": "6000",
        "switch_grp": 0,
        "map_loads": 1,
        "total_q_time": 0,
        "q_timeouts": 0,
        "path_groups": [{"selector": "service-time 0", "pri": 50, "dm_st": "active", "group": 1, "paths": paths}],
    }


def history() -> None:
    """A year of transitions (two a day and host) for hosts that have none; five-minute roll-ups of the two
    hosted-engine hosts for a year, and of every host's paths for a day."""
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into inventory_transition (at, engine_id, host_id, probe, check_name, subject_kind, subject_key,
                                                 from_outcome, to_outcome, sentence)
               select now() - make_interval(hours => n * 12), h.engine_id, h.id, 'multipath', 'paths', 'host', h.name,
                      case when n %% 2 = 0 then 'ok' else 'warn' end, case when n %% 2 = 0 then 'warn' else 'ok' end,
                      h.name || ' lost one path of fabric B; it keeps 3.'
               from inventory_host h, generate_series(1, %s) n
               where (select count(*) from inventory_transition t where t.host_id = h.id) < 400""",
            [YEAR * 2],
        )
        cursor.execute(
            """insert into inventory_rollup (look_id, series, bucket, count, low, high, total, last)
               select l.id, s.name, date_bin('5 minutes', now(), 'epoch') - make_interval(mins => 5 * n),
                      100, 3400, 3400, 340000, 3400
               from inventory_look l
               join (values ('she_status', 'score_1', %s), ('she_status', 'score_2', %s),
                            ('multipath', 'paths_active', 288)) s(probe, name, buckets) on s.probe = l.probe
               cross join generate_series(1, s.buckets) n
               on conflict do nothing""",
            [YEAR * 288, YEAR * 288],
        )
