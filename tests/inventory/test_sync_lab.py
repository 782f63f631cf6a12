"""The sync and the acts against the lab's engine: faithful XML, search, faults, restarts."""

from __future__ import annotations

import pytest

from inventory.models import Attachment, Engine, EngineEvent, Host, HostLun, Lun, Site, StorageDomain, Vm
from inventory.services.reach import credentials
from inventory.services.sync import sync, sync_quick
from lab import audit
from portal.connectors.engine import Session, activate_host, deactivate_host, global_maintenance, migrate_vm
from portal.connectors.engine import events as feed
from portal.kernel.probe import Request
from tests.fixtures_lab_engine import lab_engine

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
KEY = "6f1d6b1e-0000-4000-8000-00000000f457"


@pytest.fixture
def lab(tmp_path):
    with lab_engine(tmp_path, speed=40) as running:
        yield running


def add(lab, who=""):
    Engine.objects.create(
        site=Site.objects.create(name="Lab"),
        name="lab",
        url=lab.facts["url"],
        username=lab.facts[f"{who}username"],
        password=lab.facts[f"{who}password"],
        ca_pem=lab.facts["ca_pem"],
    )
    return Engine.objects.get()


@pytest.fixture
def engine(lab):
    return add(lab)


@pytest.fixture
def session(engine):
    with Session(credentials(engine), timeout=10) as opened:
        yield opened


def test_the_labs_estate_lands_in_the_tables(lab, engine, session):
    report = sync(engine, storage=True, session=session)
    assert report.failed == {}
    assert report.requests == 8 + len(lab.world.hosts) + 2  # VMs with huge pages: their NUMA nodes
    world = lab.world
    assert set(Host.objects.values_list("uuid", "name", "address")) == {
        (host.id, host.name, host.address) for host in world.hosts.values()
    }
    assert set(Vm.objects.values_list("uuid", "name", "host__name", "is_engine")) == {
        (vm.id, vm.name, vm.host, vm.is_engine) for vm in world.vms.values()
    }
    assert set(Lun.objects.values_list("uuid", "size", "disk_uuid")) == {
        (lun.wwid, lun.size, lun.disk_id) for lun in world.luns.values()
    }
    assert set(Attachment.objects.values_list("vm__name", "lun__uuid")) == {
        (vm.name, wwid) for vm in world.vms.values() for wwid in vm.luns
    }
    assert set(StorageDomain.objects.values_list("uuid", "status")) == {(key, "active") for key in world.domains}
    assert set(HostLun.objects.values_list("paths", "active_paths")) == {(4, 4)}
    assert HostLun.objects.count() == len(world.hosts) * len(world.luns)
    assert set(Host.objects.values_list("he_configured", "he_score")) == {(True, 3400)}


def test_an_unchanged_lab_writes_no_row(engine, session):
    sync(engine, storage=True, session=session)
    report = sync(engine, storage=True, session=session)
    assert (report.failed, report.rows_written) == ({}, {})


def test_no_session_id_reaches_the_database(lab, engine, session):
    sync(engine, storage=False, session=session)
    logins = EngineEvent.objects.filter(code=30)
    assert logins.exists()
    for event in logins:
        assert "session '***'" in event.description


def test_a_backlog_of_events_is_read_page_by_page(lab, engine, session, monkeypatch):
    sync(engine, storage=False, session=session)
    lab.do(lambda: [audit.record(lab.world, 9802, "warning", f"external {number}") for number in range(250)])
    monkeypatch.setattr(feed, "PAGE", 100)
    report = sync_quick(engine, session=session)
    assert report.failed == {}
    assert report.requests >= 6  # root, hosts, VMs, and three pages
    kept = EngineEvent.objects.filter(description__startswith="external ").values_list("description", flat=True)
    assert sorted(kept) == sorted(f"external {number}" for number in range(250))


def test_the_fast_loop_sees_a_fault_and_its_events(lab, engine, session):
    sync(engine, storage=True, session=session)
    first = lab.world.hosts["kvm01"]
    lun = next(lun for lun in lab.world.luns.values() if lun.disk_id)
    hba = next(hba for hba in first.hbas if hba.fabric == "A")
    lost = {(hba.wwpn, target.wwpn, lun.wwid) for target in lab.world.targets if target.fabric == "A"}
    lab.do(lambda: first.failed_paths.update(dict.fromkeys(lost, lab.world.clock.now())))
    lab.wait(lambda: sync_quick(engine, session=session).failed or EngineEvent.objects.filter(code=11500).exists())
    assert lun.wwid in EngineEvent.objects.get(code=11500).description
    assert EngineEvent.objects.get(code=11500).host_uuid == first.id
    sync(engine, storage=True, session=session)
    assert HostLun.objects.get(host__name="kvm01", lun__uuid=lun.wwid).active_paths == 2
    assert HostLun.objects.get(host__name="kvm02", lun__uuid=lun.wwid).active_paths == 4


@pytest.mark.parametrize("broken", ["hosts", "vms", "disks", "datacenters", "clusters", "events"])
def test_a_broken_collection_of_the_lab_loses_no_other(lab, engine, session, broken):
    lab.do(lambda: lab.world.engine_faults.update(html_500={broken}))
    report = sync(engine, storage=False, session=session)
    assert list(report.failed) == [{"datacenters": "data_centers"}.get(broken, broken)]
    tables = {"hosts": Host, "vms": Vm, "datacenters": StorageDomain, "events": EngineEvent}
    for name, model in tables.items():
        assert model.objects.exists() == (name != broken)


def test_tokens_that_expire_cost_one_login(lab, engine, session):
    sync(engine, storage=True, session=session)
    lab.do(lambda: lab.world.engine_faults.update(expire=1.0))
    report = sync(engine, storage=True, session=session)
    assert report.failed == {}
    lab.do(lambda: lab.world.engine_faults.update(expire=2.0))
    assert session.reply(Request("/ovirt-engine/api", login=True)).status == 200


def test_an_account_with_little_sight_is_named(lab):
    engine = add(lab, "user_")
    with Session(credentials(engine), timeout=10) as session:
        report = sync(engine, storage=False, session=session)
    assert "ReadOnlyAdmin" in report.failed["account"]


def test_a_read_only_administrator_sees_everything_and_may_not_act(lab):
    engine = add(lab, "readonly_")
    with Session(credentials(engine), timeout=10) as session:
        assert sync(engine, storage=True, session=session).failed == {}
        host = Host.objects.get(name="kvm02")
        result = deactivate_host(session, host.uuid, reason="drill", correlation_id=KEY)
    assert not result.accepted
    assert result.status == 403
    assert result.fault
    assert lab.status("kvm02") == "up"


def test_acts_reach_the_estate_and_their_jobs_and_events_are_found(lab, engine, session):
    sync(engine, storage=False, session=session)
    host = Host.objects.get(name="kvm02")
    result = deactivate_host(session, host.uuid, reason="drill 42", correlation_id=KEY)
    assert result.accepted
    assert result.job_uuid in {job.uuid for job in session.inventory().jobs.rows}
    again = deactivate_host(session, host.uuid, reason="drill 42", correlation_id=KEY)
    assert (again.accepted, again.status) == (False, 409)
    lab.wait(lambda: lab.status("kvm02") == "maintenance")
    sync_quick(engine, session=session)
    host.refresh_from_db()
    assert (host.status, host.he_score) == ("maintenance", None)
    assert EngineEvent.objects.filter(correlation_id=KEY).exists()
    assert activate_host(session, host.uuid, correlation_id=KEY).accepted
    lab.wait(lambda: lab.status("kvm02") == "up")


def test_a_vm_is_migrated_and_global_maintenance_set(lab, engine, session):
    sync(engine, storage=False, session=session)
    vm = Vm.objects.get(name="app01")
    there = "kvm02" if vm.host.name == "kvm01" else "kvm01"
    target = Host.objects.get(name=there)
    assert migrate_vm(session, vm.uuid, host_uuid=target.uuid, correlation_id=KEY).accepted
    lab.wait(lambda: lab.world.vms[vm.uuid].host == there)
    assert global_maintenance(session, Vm.objects.get(is_engine=True).uuid, enabled=True, correlation_id=KEY).accepted
    lab.wait(lambda: lab.world.global_maintenance)
    refused = global_maintenance(session, vm.uuid, enabled=True, correlation_id=KEY)
    assert (refused.accepted, refused.status) == (False, 400)
    assert refused.fault
