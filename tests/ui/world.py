"""Estates for the pages' tests: rows as looks would have written them, judged by the real probes.

scenes: empty (nothing), new (an engine, no look yet), healthy, warning (kvm02 with a penalty, one path faulty), lost
(kvm01 does not answer for 102 s, kvm02 is starting the engine VM), stale (every look too old)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from inventory.models import (
    Attachment,
    Cluster,
    DeclaredPath,
    Engine,
    Host,
    Look,
    Lun,
    Site,
    StorageDomain,
    Transition,
    Vm,
)
from inventory.probes import PROBES
from inventory.probes.engine_health import Answer, Backup, Certificate, Count, EngineHealth
from inventory.probes.ha_state import UNITS, HaState, Unit
from inventory.probes.host_facts import FileSystem, HostFacts
from inventory.probes.multipath import MultipathFacts
from inventory.probes.reading.agent_log import AgentLog, Penalty
from inventory.probes.reading.multipath import HbaFact, MapFact, PathFact
from inventory.probes.reading.vm_status import HeHostStatus, HeSnapshot
from inventory.services.looks import Result, brief
from inventory.services.reach import Reach
from inventory.services.record import record
from inventory.services.watch import declared_for, ensure
from portal.kernel import facts as facts_json
from portal.kernel.freshness import allowed_age
from portal.kernel.output import LookFailed
from portal.kernel.probe import Declared

GIB = 1024**3
WWID = "363400a31000d00010a1b2c3d0000000"
LUNS = (
    ("he_sd", 120, ""),
    ("ora_data01", 4096, "oradb01"),
    ("ora_redo01", 256, "oradb01"),
    ("ora_fra01", 2048, "oradb01"),
    ("ora_data02", 4096, "oradb02"),
    ("ora_redo02", 256, "oradb02"),
    ("ora_fra02", 2048, "oradb02"),
    ("sd_vm01", 8192, ""),
)
TARGETS = {"A": ("2008000a31000001", "2018000a31000001"), "B": ("2009000a31000001", "2019000a31000001")}
FABRICS = {"A": "10000000c9a1a000", "B": "10000000c9a1b000"}


def hba(host: int, fabric: str) -> str:
    return f"2100000e1e{host:02d}0{'a' if fabric == 'A' else 'b'}0{1 if fabric == 'A' else 2}"


def build(scene: str, hosts: int = 2, now: datetime | None = None) -> Engine | None:
    """Makes a scene. hosts: how many KVM hosts; the first two are hosted-engine hosts."""
    now = now or timezone.now()
    if scene == "empty":
        return None
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(
        site=site,
        name="olvm-engine",
        url="https://olvm-engine.bank.example/ovirt-engine/api",
        username="admin@internal",
        password="not-shown-anywhere",
        version="4.5.5",
    )
    cluster = Cluster.objects.create(engine=engine, uuid="c1", name="core")
    rows = [_host(engine, cluster, number) for number in range(1, hosts + 1)]
    _storage(engine, cluster, rows)
    ensure(engine)
    if scene != "new":
        person = User.objects.get_or_create(username="operator2")[0]
        _declare(rows, person, now - timedelta(days=8))
        look(engine, rows, "healthy", now - timedelta(hours=23))
        _scores(engine, scene, now)
        if scene == "warning":
            look(engine, rows, scene, now - timedelta(hours=2, minutes=18))
        if scene == "lost":  # "silent": not called dead yet
            for told, seconds in (("healthy", 105), ("silent", 102), ("lost", 28)):
                look(engine, rows, told, now - timedelta(seconds=seconds))
        if scene != "stale":
            look(engine, rows, scene, now - timedelta(seconds=1))
    return engine


def _host(engine: Engine, cluster: Cluster, number: int) -> Host:
    he = number <= 2
    return Host.objects.create(
        engine=engine,
        cluster=cluster,
        uuid=f"h{number}",
        name=f"kvm{number:02d}",
        address=f"kvm{number:02d}.bank.example",
        he_host_id=number if he else None,
        he_configured=he,
        he_active=he or None,
        he_score=3400 if he else None,
        he_global_maintenance=False if he else None,
        he_local_maintenance=False if he else None,
        status="up",
        spm_status="spm" if number == 1 else "none",
        memory=768 * GIB,
        os_version="Oracle Linux 8.9",
        vdsm_version="4.50.5",
        cpu_model="Intel Xeon Gold 6346",
        power_management=True,
    )


def _storage(engine: Engine, cluster: Cluster, hosts: list[Host]) -> None:
    vms = {
        name: Vm.objects.create(
            engine=engine,
            cluster=cluster,
            uuid=f"v-{name}",
            name=name,
            status="up",
            host=hosts[index % len(hosts)],
            memory=size * GIB,
            vcpus=16,
            is_engine=name == "HostedEngine",
            fqdn=f"{name.lower()}.bank.example",
            high_availability=True,
            hugepages_kib=1048576 if name.startswith("ora") else None,
        )
        for index, (name, size) in enumerate([("HostedEngine", 16), ("oradb02", 256), ("oradb01", 256)])
    }
    domain = StorageDomain.objects.create(engine=engine, uuid="sd1", name="hosted_storage", status="active")
    for number, (name, gib, user) in enumerate(LUNS, 1):
        lun = Lun.objects.create(
            engine=engine,
            uuid=f"{WWID}{number}",
            name=name,
            size=gib * GIB,
            vendor="HUAWEI",
            product="XSG1",
            disk_uuid=f"d{number}" if user else "",
            domain=None if user else domain,
        )
        if user:
            Attachment.objects.create(vm=vms[user], lun=lun, interface="virtio_scsi", active=True)


def _declare(hosts: list[Host], person: User, at: datetime) -> None:
    DeclaredPath.objects.bulk_create(
        DeclaredPath(
            host=host,
            wwid=f"{WWID}{number}",
            hba_wwpn=hba(index, fabric),
            target_wwpn=target,
            declared_at=at,
            declared_by=person,
        )
        for index, host in enumerate(hosts, 1)
        for number in range(1, len(LUNS) + 1)
        for fabric in "AB"
        for target in TARGETS[fabric]
    )


def _scores(engine: Engine, scene: str, now: datetime) -> None:
    """A day of five-minute roll-ups; kvm02 was in local maintenance for half an hour and loses score later."""
    start = int((now - timedelta(hours=24)).timestamp()) // 300 * 300 + 300
    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into inventory_rollup (look_id, series, bucket, count, low, high, total, last)
            select look, 'score_' || host, bucket, 30, score, score, score * 30, score
            from (
                select look.id as look, host, to_timestamp(%s + step * 300) as bucket, case
                    when host = 2 and step between 137 and 143 then 0.0
                    when host = 2 and step > 210 and %s then greatest(2980.0, 3400.0 - (step - 210) * 12)
                    else 3400.0 end as score
                from inventory_look as look, generate_series(0, 285) as step, generate_series(1, 2) as host
                where look.engine_id = %s and look.probe = 'she_status' and look.host_id is not null
            ) as told
            on conflict do nothing
            """,
            [start, scene == "warning", engine.pk],
        )


def look(engine: Engine, hosts: list[Host], scene: str, at: datetime) -> None:
    """One sweep: every look of every host and of the engine, recorded as the worker does."""
    declared, about = declared_for(hosts), {engine.pk: Declared(name=engine.name)}
    results = []
    for row in engine.looks.select_related("host"):
        if row.host is None:
            if row.probe in PROBES:  # not what is made from the tables
                results.append(result(row, health(scene, at), about[engine.pk], at))
            continue
        number = int(row.host.name.removeprefix("kvm"))
        if scene in ("silent", "lost") and number == 1:
            results.append(unanswered(row, at))
            continue
        facts = facts_of(row.probe, number, scene, at)
        if facts is not None:
            results.append(result(row, facts, declared[row.host.pk], at))
        elif row.probe == "ssh":
            results.append(
                Result(
                    row.pk,
                    Look.State.READ,
                    at,
                    40,
                    facts={"answers": True, "error": ""},
                    sections={"ssh": {"asked": f"ssh root@{row.host.address}", "answer": "answered"}},
                    sha256="5" * 64,
                )
            )
    record(results)


def unanswered(row: Look, at: datetime) -> Result:
    """The host lets nobody in: the visit says so, and no other look is read."""
    words = f"{row.host.name} does not answer on {row.host.address} port 22 (no route to host): see its console."
    if row.probe != "ssh":
        return Result(row.pk, Look.State.UNANSWERED, at, 3000, words)
    reach = Reach.refused(row.host, LookFailed(words), "")
    facts = {"answers": False, "error": words, "offered": ""}
    return Result(
        row.pk, Look.State.READ, at, 3000, "", facts, reach.findings, {}, {"ssh": {"answer": words}}, "6" * 64
    )


def result(row: Look, facts, declared, at: datetime) -> Result:
    probe = PROBES[row.probe]
    from dataclasses import replace

    told = replace(declared, checked_at=at.timestamp())
    dumped = facts_json.dump(facts)
    digest = hashlib.sha256(json.dumps([row.pk, dumped], sort_keys=True, default=str).encode()).hexdigest()
    sections = {
        name: {
            "asked": list(command.argv),
            "exit_code": 0,
            "stdout": json.dumps(dumped, indent=1)[:2000],
            "stderr": "",
            "took": 0.084,
            "truncated": False,
        }
        for name, command in probe.commands.items()
    } or {
        name: {
            "asked": request.path,
            "status": 200,
            "body": "DB Up!Welcome to Health Status!",
            "error": "",
            "took": 0.02,
        }
        for name, request in probe.requests.items()
    }
    return Result(
        row.pk,
        Look.State.READ,
        at,
        84,
        "",
        dumped,
        tuple(probe.judge(facts, told)),
        dict(probe.numbers(facts)),
        sections,
        digest,
        brief(facts, told),
    )


def facts_of(probe: str, number: int, scene: str, at: datetime):
    if probe == "she_status":
        return snapshot(scene, number, at)
    if probe == "ha_state":
        return ha_state(scene, number)
    if probe == "host_facts":
        return HostFacts(
            "Oracle Linux Server 8.9",
            "5.15.0-200.el8uek",
            768 * GIB,
            (58 if number == 1 else 41) * GIB,
            0,
            0,
            2048,
            64,
            3.2,
            41 * 86400.0,
            at.timestamp(),
            (FileSystem("/", 41), FileSystem("/var", 33)),
            (),
            (),
        )
    if probe == "multipath":
        return multipath(scene, number)
    return None


def snapshot(scene: str, number: int, at: datetime) -> HeSnapshot:
    stamp = int(at.timestamp()) % 1_000_000
    up = HeHostStatus(
        1, "kvm01.bank.example", stamp, 3400, "up", "good", "Up", "", False, False, True, "EngineUp", None
    )
    score = 2980 if scene == "warning" else 3400
    down = HeHostStatus(
        2,
        "kvm02.bank.example",
        stamp + 5,
        score,
        "down",
        "bad",
        "unknown",
        "vm not running on this host",
        False,
        False,
        True,
        "EngineDown",
        None,
    )
    if scene == "lost":
        up = HeHostStatus(
            1, "kvm01.bank.example", 1, 3400, "up", "good", "Up", "", False, False, False, "EngineUp", None
        )
        down = HeHostStatus(
            2,
            "kvm02.bank.example",
            stamp,
            3400,
            "up",
            "bad",
            "WaitForLaunch",
            "bad vm status",
            False,
            False,
            True,
            "EngineStarting",
            None,
        )
    return HeSnapshot("ok", False, (up, down))


def ha_state(scene: str, number: int) -> HaState:
    penalties = (Penalty(420, "cpu load"),) if scene == "warning" and number == 2 else ()
    state = "EngineUp" if number == 1 else "EngineDown"
    log = AgentLog(state, 3400, penalties, (), waiting=False, started_ago=86400, span=86400)
    units = tuple(Unit(name, "active") for name in UNITS)
    return HaState(False, False, units, 41 * 86400.0, "b", 40 * 86400.0, number if number <= 2 else None, log, ())


def multipath(scene: str, number: int) -> MultipathFacts:
    maps = []
    for lun, (name, gib, _) in enumerate(LUNS, 1):
        paths = []
        for index, (fabric, target) in enumerate([(f, t) for f in "AB" for t in TARGETS[f]]):
            bad = scene == "warning" and number == 2 and name == "ora_data02" and index == 3
            paths.append(
                PathFact(
                    f"sd{chr(97 + lun)}{chr(97 + index)}",
                    f"8:{lun * 16 + index}",
                    "failed" if bad else "active",
                    "faulty" if bad else "ready",
                    "offline" if bad else "running",
                    hba_wwpn=hba(number, fabric),
                    target_wwpn=target,
                    kernel="F" if bad else "A",
                )
            )
        maps.append(
            MapFact(f"{WWID}{lun}", f"{WWID}{lun}", tuple(paths), size=gib * GIB, size_text=f"{gib}G", state="active")
        )
    hbas = tuple(HbaFact(f"host{15 + i}", hba(number, f), "Online", "16 Gbit", FABRICS[f]) for i, f in enumerate("AB"))
    return MultipathFacts("json", tuple(maps), (), hbas, (), ())


def health(scene: str, at: datetime) -> EngineHealth:
    good = Answer("good", "", 0.02)
    gone = Answer("unreachable", "No connection to olvm-engine.bank.example port 443.", 2.0)
    answer = gone if scene in ("silent", "lost") else good
    return EngineHealth(
        answer,
        answer,
        answer,
        "4.5.5" if answer is good else "",
        "a1",
        (Count("hosts", 2, 2), Count("vms", 3, 3)),
        (Backup("db", at.timestamp() - 15_000), Backup("files", at.timestamp() - 15_000)),
        0.1 if answer is good else None,
        0.5,
        Certificate(at.timestamp() + 300 * 86400, "olvm-engine.bank.example", "CA") if answer is good else None,
    )


def age_all(engine: Engine, seconds: float = 0.0) -> None:
    """Moves every look into the past, beyond what its schedule allows."""
    for row in engine.looks.exclude(at=None):
        every = PROBES[row.probe].every if row.probe in PROBES else 3.0
        back = timedelta(seconds=allowed_age(every) + 1 + seconds)
        Look.objects.filter(pk=row.pk).update(at=row.at - back)
        # what it changed happened when it was made
        Transition.objects.filter(engine=engine, host=row.host, probe=row.probe, at=row.at).update(at=row.at - back)


def runs() -> None:
    """One run under way at its second step, one that has failed, one that awaits approval."""
    from portal.runs.models import Run, RunLine, RunStep

    now = timezone.now()
    host = Host.objects.order_by("name")[0]
    titles = ["Make the bundle's folder", "Collect logs and settings", "Fetch the bundle", "Remove the folder"]
    for plan, status in (("failed", "failed"), ("awaiting", "awaiting_approval"), ("running", "running")):
        run = Run.objects.create(
            plan="support_bundle",
            plan_version=1,
            title="Support bundle",
            digest="4be190d27f3ca85519e06c4d" * 2 + "0" * 16,
            target=f"host:{host.pk}" if plan == "running" else f"host:{plan}",
            target_name=host.name,
            requested_by="operator1",
            change="CHG0034817",
            status=status,
            started=None if plan == "awaiting" else now - timedelta(seconds=40),
            ended=now if plan == "failed" else None,
            parameters={"log_lines": 5000},
            line_count=3,
            sentence="The home has 12 MB free; a bundle may need 200 MB: free some." if plan == "failed" else "",
        )
        for position, title in enumerate(titles, 1):
            state = {
                "failed": ["done", "failed", "skipped", "skipped"],
                "awaiting": ["waiting"] * 4,
                "running": ["done", "running", "waiting", "waiting"],
            }[plan][position - 1]
            begun = state in ("done", "running", "failed")
            RunStep.objects.create(
                run=run,
                position=position,
                name=f"step{position}",
                title=title,
                mutating=True,
                state=state,
                began=now - timedelta(seconds=40 - position * 10) if begun else None,
                ended=now - timedelta(seconds=31 - position * 10) if state in ("done", "failed") else None,
                deadline=now + timedelta(minutes=5) if state == "running" else None,
                expected_seconds=20,
                intended_at=now if begun else None,
                sentence={
                    "done": "It is there.",
                    "failed": "It ended with exit code 1.",
                    "running": "The bundle has 3 of 11 files.",
                }.get(state, ""),
                act=[{"argv": ["mkdir", "-m", "700", ".holdfast/bundle-1"], "timeout": 20, "root": False}]
                if begun
                else [],
                undo=[{"argv": ["rm", "-rf", ".holdfast/bundle-1"], "timeout": 60, "root": False}]
                if position == 1
                else [],
                no_undo="No undo: reading changes nothing." if position == 2 else "",
            )
        for number, (source, stream, text) in enumerate(
            [
                ("portal", "note", "Support bundle on kvm01, asked for by operator1."),
                ("host", "out", "agent.log 5000 lines"),
                ("host", "err", "cat: /var/log/missing: No such file"),
            ],
            1,
        ):
            RunLine.objects.create(run=run, number=number, source=source, stream=stream, text=text)
