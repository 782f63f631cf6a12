"""What the lab's engine notices by itself, and writes into its audit log (facts/engine-api.md 7)."""

from __future__ import annotations

import re
import time

import pytest

from lab import estate, life
from lab.audit import FIRST_ID, record
from lab.world import Clock
from tests.fixtures_lab_engine import lab_engine

pytestmark = pytest.mark.wire


@pytest.fixture
def engine(tmp_path):
    with lab_engine(tmp_path, speed=60) as running:
        yield running


def host(engine, name):
    return engine.world.hosts[name]


def seen(engine, name):
    return next(vm for vm in engine.get("/vms").xml if vm.findtext("name") == name)


def test_a_host_without_power_becomes_connecting_then_non_responsive(engine):
    second = host(engine, "kvm02")
    engine.do(lambda: life.power(engine.world, "kvm02", False))
    engine.wait(lambda: engine.status("kvm02") == "connecting")
    assert seen(engine, "oradb02").findtext("status") == "up", "the engine does not know better yet"
    engine.wait(lambda: engine.status("kvm02") == "non_responsive")
    assert seen(engine, "oradb02").findtext("status") == "unknown"
    assert seen(engine, "oradb02").find("host").get("id") == second.id
    stale = next(h for h in engine.get("/hosts?all_content=true").xml if h.findtext("name") == "kvm02")
    assert (stale.findtext("hosted_engine/active"), stale.findtext("hosted_engine/score")) == ("true", "3400")
    assert engine.get(f"/hosts/{second.id}/storage").status == 400
    codes = engine.codes()
    assert codes.index("9008") < codes.index("9027") < codes.index("9013")
    assert "142" in codes


def test_ha_vms_of_a_lost_host_start_elsewhere_when_their_lease_is_free(engine):
    engine.do(lambda: life.power(engine.world, "kvm02", False))
    here = host(engine, "kvm01").id

    def where():
        return seen(engine, "oradb02").find("host").get("id")

    engine.wait(lambda: seen(engine, "oradb02").findtext("status") == "up" and where() == here)
    codes = engine.codes()
    assert codes.index("9027") < codes.index("9602") < codes.index("506")
    engine.do(lambda: life.power(engine.world, "kvm02", True))
    engine.wait(lambda: engine.status("kvm02") == "up")
    assert engine.codes()[-20:].count("13") == 1


def test_the_engine_fences_a_lost_host_of_a_larger_cluster_only_where_fencing_works(tmp_path):
    with lab_engine(tmp_path, speed=100, size=estate.Size(hosts=4)) as engine:
        engine.do(lambda: engine.world.engine_faults.update(auto_fence=True))
        boot = host(engine, "kvm03").boot_id
        engine.do(lambda: setattr(host(engine, "kvm03"), "hanging", True))
        engine.wait(lambda: engine.status("kvm03") == "reboot")
        engine.do(lambda: setattr(host(engine, "kvm03"), "hanging", False))
        engine.wait(lambda: engine.status("kvm03") == "up")
        assert host(engine, "kvm03").boot_id != boot
        engine.do(engine.world.engine_faults.clear)
        engine.do(lambda: life.power(engine.world, "kvm04", False))
        engine.wait(lambda: engine.status("kvm04") == "non_responsive")
        codes = engine.codes()
        assert codes.index("9017") < codes.index("121") < codes.index("9019")


def test_databases_on_one_host_break_their_affinity(engine):
    database = next(vm for vm in engine.world.vms.values() if vm.name == "oradb02")
    assert engine.post(f"/vms/{database.id}/migrate").status == 200
    engine.wait(lambda: engine.get("/clusters?follow=affinity_groups").xml.findtext(".//broken") == "true")


def test_the_spm_moves_away_from_a_lost_host(engine):
    engine.do(lambda: [setattr(h, "spm", h.name == "kvm02") for h in engine.world.hosts.values()])
    engine.do(lambda: life.power(engine.world, "kvm02", False))
    engine.wait(lambda: host(engine, "kvm01").spm)
    assert engine.get("/datacenters").xml.findtext("data_center/status") == "up"
    codes = engine.codes()
    assert codes.index("980") < codes.index("204")


def test_multipath_events_tell_changes_only_and_recover_when_the_paths_are_gone(engine):
    first = host(engine, "kvm01")
    lun = next(lun for lun in engine.world.luns.values() if lun.disk_id)
    targets = [target for target in engine.world.targets if target.fabric == "A"]
    hba = next(hba for hba in first.hbas if hba.fabric == "A")
    now = engine.world.clock.now()
    engine.do(lambda: first.failed_paths.update({(hba.wwpn, t.wwpn, lun.wwid): now for t in targets}))
    faulty = engine.wait(lambda: engine.get("/events?search=type%3D11500").xml.find("event"))
    assert lun.wwid in faulty.findtext("description")
    assert faulty.find("host").get("id") == first.id
    storage = engine.get(f"/hosts/{first.id}/storage?report_status=false").xml
    unit = next(unit for unit in storage.iter("logical_unit") if unit.get("id") == lun.wwid)
    assert (unit.findtext("paths"), unit.findtext("active_paths")) == ("4", "2")
    engine.wait(lambda: engine.get("/events?search=type%3D11501").xml.find("event"))
    unit = next(u for u in engine.get(f"/hosts/{first.id}/storage?report_status=false").xml.iter("logical_unit")
                if u.get("id") == lun.wwid)  # fmt: skip
    assert (unit.findtext("paths"), unit.findtext("active_paths")) == ("2", "2"), "healed in words, not in paths"
    assert engine.codes().count("11500") == 1


def test_a_map_without_any_path_and_a_lost_domain(tmp_path):
    with lab_engine(tmp_path, speed=200) as engine:
        lose_domain(engine)


def lose_domain(engine):
    second = host(engine, "kvm02")
    lun = next(lun for lun in engine.world.luns.values() if lun.name == "sd_vm01")
    pairs = [(h.wwpn, t.wwpn, lun.wwid) for h in second.hbas for t in engine.world.targets if t.fabric == h.fabric]
    engine.do(lambda: second.failed_paths.update(dict.fromkeys(pairs, engine.world.clock.now() + 10_000)))
    engine.wait(lambda: engine.get("/events?search=type%3D11502").xml.find("event"))
    engine.wait(lambda: engine.status("kvm02") == "non_operational")
    shown = engine.get(f"/hosts/{second.id}").xml
    assert shown.findtext("status_detail") == "storage_domain_unreachable"
    assert "522" in engine.codes()


def test_the_device_list_of_a_hanging_host_waits_and_then_fails(engine):
    second = host(engine, "kvm02")
    engine.do(lambda: setattr(second, "hanging", True))
    reply = engine.get(f"/hosts/{second.id}/storage?report_status=false")
    assert (reply.status, reply.xml.findtext("reason")) == (400, "Operation Failed")
    engine.wait(lambda: engine.status("kvm02") == "non_responsive")
    engine.do(lambda: setattr(second, "hanging", False))
    engine.wait(lambda: engine.status("kvm02") == "up")
    assert engine.get(f"/hosts/{second.id}/storage?report_status=false").status == 200


def test_the_alert_about_a_missing_backup_goes_when_one_completes(engine):
    engine.wait(lambda: "9022" in engine.codes())
    engine.do(lambda: record(engine.world, 9025, "normal", "engine-backup: Backup Finished, scope=db, log=/a.log"))
    assert "9022" not in engine.codes()


def test_power_loss_of_the_active_host_is_seen_by_the_engine_that_starts_elsewhere(tmp_path):
    with lab_engine(tmp_path, speed=150) as engine:
        token = engine.token()
        assert engine.get("", token).status == 200
        engine.do(lambda: life.power(engine.world, "kvm01", False))
        engine.wait(lambda: engine.server.listener is None)
        engine.wait(lambda: engine.do(lambda: life.engine_phase(engine.world)) == "up", 12)
        engine.wait(lambda: engine.server.listener is not None)
        assert engine.get("", token).status == 401
        engine.wait(lambda: engine.status("kvm01") == "non_responsive")
        engine.wait(lambda: seen(engine, "oradb01").findtext("status") == "up")
        homes = [seen(engine, name).find("host").get("id") for name in ("HostedEngine", "oradb01")]
        assert homes == [host(engine, "kvm02").id] * 2
        codes = engine.codes()
        assert codes.index("1") < codes.index("9027") < codes.index("506")


def test_events_are_newest_first_and_max_cuts_the_oldest(engine):
    def fill():
        for number in range(30):
            record(engine.world, 9801, "normal", f"row {number}", correlation_id=f"c{number}")

    engine.get("")  # the login event comes first
    engine.do(fill)

    def ids(query):
        return [int(event.get("id")) for event in engine.get("/events?" + query).xml]

    newest = engine.world.events[-1]["id"]
    start = int(newest) - 30
    assert ids(f"from={start}") == list(range(int(newest), start, -1))
    assert ids(f"from={start}&max=5") == list(range(int(newest), int(newest) - 5, -1))
    assert ids(f"from={start}&search=sortby+time+asc+page+2&max=10") == list(range(start + 11, start + 21))
    assert len(ids("search=correlation_id%3Dc7")) == 1
    assert ids("max=1") == [newest]
    assert ids(f"from={newest}") == []


def test_flood_control_keeps_repeats_out():
    world = estate.build(clock=Clock(speed=1000))
    assert record(world, 9027, "warning", "Host kvm01 is not responding.", host="kvm01") == FIRST_ID
    assert record(world, 9027, "warning", "Host kvm01 is not responding.", host="kvm01") is None
    assert record(world, 9027, "warning", "Host kvm02 is not responding.", host="kvm02") == FIRST_ID + 1
    assert record(world, 13, "normal", "x", host="kvm01") == FIRST_ID + 2
    assert record(world, 13, "normal", "x", host="kvm01") == FIRST_ID + 3
    time.sleep(0.2)
    assert record(world, 9027, "warning", "Host kvm01 is not responding.", host="kvm01") == FIRST_ID + 4
    assert {event["host"] for event in world.events} == {host.id for host in world.hosts.values()}


def test_backup_times_come_from_completed_events_of_newer_engines_only(tmp_path):
    with lab_engine(tmp_path, version="4.5.7-1.el9") as running:
        text = "engine-backup: Backup Finished, scope=%s, log=/var/log/a.log"
        running.do(lambda: [record(running.world, 9025, "normal", text % scope) for scope in ("files", "db")])
        shown = running.get("").xml.find("engine_backup")
        assert [child.tag for child in shown] == ["last_db_backup", "last_engine_backup"]
        event = running.get("/events?search=type%3D9025").xml.find("event")
        assert [event.find(name) for name in ("host", "user", "cluster", "correlation_id")] == [None] * 4


def test_a_large_estate_is_listed_fast(tmp_path):
    size = estate.Size(hosts=100, vms=1000, luns=5000)
    with lab_engine(tmp_path, size=size) as running:
        running.get("")
        for path, tag, count in (
            ("/vms?follow=disk_attachments,nics", "vm", 1000),
            ("/disks", "disk", 4998),
            ("/hosts?all_content=true&follow=nics,statistics", "host", 100),
        ):
            began = time.monotonic()
            reply = running.get(path, Accept_Encoding="gzip")
            took = time.monotonic() - began
            assert len(re.findall(rf"^    <{tag} ", reply.text, flags=re.MULTILINE)) >= count
            assert took < 5
