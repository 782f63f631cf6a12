"""Commands to the lab's engine: echoes, refusals, what they bring about (facts/engine-api.md 4, hosted-engine.md 4)."""

from __future__ import annotations

import json

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from tests.fixtures_lab_engine import API, lab_engine, sample, shape

pytestmark = pytest.mark.wire


@pytest.fixture
def engine(tmp_path):
    with lab_engine(tmp_path, speed=40) as running:
        yield running


def host(engine, name):
    return engine.world.hosts[name]


def vm(engine, name):
    return next(vm for vm in engine.world.vms.values() if vm.name == name)


def refusal(reply):
    """(HTTP status, action status, detail)"""
    return reply.status, reply.xml.findtext("status"), reply.xml.findtext("fault/detail")


def test_maintenance_of_the_active_host_moves_everything_and_ends_in_maintenance(engine):
    first = host(engine, "kvm01")
    body = "<action><reason>drill 42</reason></action>"
    reply = engine.post(f"/hosts/{first.id}/deactivate", body, Correlation_Id="drill-42/§" + "x" * 60)
    assert shape(reply.xml) == shape(sample("action-complete.xml"))
    assert reply.headers["correlation-id"] == ("drill-42" + "x" * 60)[:36]
    assert engine.status("kvm01") == "preparing_for_maintenance"
    assert engine.get(f"/vms/{vm(engine, 'oradb01').id}").xml.findtext("status") == "migrating"
    assert first.local_maintenance is True
    assert first.local_maintenance_manual is False
    engine.wait(lambda: engine.status("kvm01") == "maintenance")
    assert {v.host for v in engine.world.vms.values()} == {"kvm02"}
    job = reply.xml.find("job").get("id")
    engine.wait(lambda: engine.get(f"/jobs/{job}").xml.findtext("status") == "finished")
    assert shape(sample("job.xml")) <= shape(engine.get(f"/jobs/{job}").xml)
    codes = engine.codes()
    assert codes.index("600") < codes.index("62") < codes.index("63") < codes.index("15")
    mine = engine.get("/events?search=correlation_id%3D" + reply.headers["correlation-id"]).xml
    assert {"600", "62", "15"} <= {event.findtext("code") for event in mine}
    assert engine.get("").status == 200, "a live migration of the engine VM is no outage"


def test_activation_brings_the_host_back_but_leaves_the_manual_flag(engine):
    second = host(engine, "kvm02")
    engine.post(f"/hosts/{second.id}/deactivate")
    engine.wait(lambda: engine.status("kvm02") == "maintenance")
    engine.do(lambda: setattr(second, "local_maintenance_manual", True))
    assert refusal(engine.post(f"/hosts/{second.id}/deactivate"))[:2] == (409, "failed")
    assert engine.post(f"/hosts/{second.id}/activate").status == 200
    engine.wait(lambda: engine.status("kvm02") == "up")
    assert (second.local_maintenance, second.local_maintenance_manual) == (False, True)
    assert refusal(engine.post(f"/hosts/{second.id}/activate"))[0] == 409


def test_the_active_host_stays_when_nobody_else_can_carry_the_engine(engine):
    engine.do(lambda: host(engine, "kvm02").units.update({"ovirt-ha-broker": "inactive"}))
    engine.wait(lambda: engine.server.engine.ha[host(engine, "kvm02").id]["active"] is False)
    status, word, detail = refusal(engine.post(f"/hosts/{host(engine, 'kvm01').id}/deactivate"))
    assert (status, word) == (409, "failed")
    assert "mode.\nNone of the hosts capable of running the engine VM has score more than 0" in detail
    assert engine.status("kvm01") == "up"


def test_refusals_of_the_engine_vm(engine):
    manager = vm(engine, "HostedEngine")
    for verb in ("start", "stop", "shutdown"):
        assert refusal(engine.post(f"/vms/{manager.id}/{verb}"))[:2] == (409, "failed")
    on = "<action><maintenance_enabled>true</maintenance_enabled></action>"
    other = engine.post(f"/vms/{vm(engine, 'oradb01').id}/maintenance", on)
    assert (other.status, other.headers["content-type"]) == (400, "text/plain;charset=UTF-8")
    assert engine.post(f"/vms/{manager.id}/maintenance", on).status == 200
    assert engine.world.global_maintenance is True
    engine.wait(lambda: "<global_maintenance>true" in engine.get("/hosts?all_content=true").text)
    assert "10450" in engine.codes()


def test_migration_of_a_vm(engine):
    database = vm(engine, "oradb01")
    same = f'<action><host id="{host(engine, "kvm01").id}"/></action>'
    assert refusal(engine.post(f"/vms/{database.id}/migrate", same))[0] == 409
    reply = engine.post(f"/vms/{database.id}/migrate", f'<action><host id="{host(engine, "kvm02").id}"/></action>')
    assert reply.status == 200
    assert refusal(engine.post(f"/vms/{database.id}/migrate"))[2] == "[Cannot migrate VM. Migration is in progress.]"
    engine.wait(lambda: engine.get(f"/vms/{database.id}").xml.find("host").get("id") == host(engine, "kvm02").id)
    assert "63" in engine.codes()


def test_stop_start_and_shutdown_of_a_vm(engine):
    app = vm(engine, "app01")
    assert engine.post(f"/vms/{app.id}/stop").status == 200
    assert engine.get(f"/vms/{app.id}").xml.findtext("status") == "down"
    reply = engine.post(f"/vms/{app.id}/migrate")
    assert refusal(reply) == (409, "failed", "[Cannot migrate VM. VM is not running.]")
    assert shape(reply.xml) == shape(sample("action-fault-409.xml"))
    where = f'<placement_policy><hosts><host id="{host(engine, "kvm02").id}"/></hosts></placement_policy>'
    run = f"<action><vm>{where}</vm></action>"
    assert engine.post(f"/vms/{app.id}/start", run).status == 200
    assert engine.get(f"/vms/{app.id}").xml.findtext("status") in ("wait_for_launch", "powering_up")
    engine.wait(lambda: engine.get(f"/vms/{app.id}").xml.findtext("status") == "up")
    assert app.host == "kvm02"
    assert engine.post(f"/vms/{app.id}/shutdown", "<action><reason>dr</reason></action>").status == 200
    assert app.status == "powering_down"
    engine.wait(lambda: engine.get(f"/vms/{app.id}").xml.findtext("status") == "down")
    assert "119" not in engine.codes(), "an ordered stop is not an error"
    assert "9602" not in engine.codes(), "and no reason for a restart"


def test_fence_status_is_200_either_way(engine):
    second = host(engine, "kvm02")
    ask = "<action><fence_type>status</fence_type></action>"
    good = engine.post(f"/hosts/{second.id}/fence", ask, engine.token("readonly_"))
    assert (good.status, good.xml.findtext("power_management/status")) == (200, "on")
    assert shape(good.xml) == shape(sample("action-fence-status-ok.xml"))
    engine.do(lambda: engine.world.engine_faults.update(bmc_dead={"kvm02"}))
    bad = engine.post(f"/hosts/{second.id}/fence", ask)
    assert bad.status == 200
    assert shape(bad.xml) == shape(sample("action-fence-status-failed-HTTP200.xml"))
    missing = engine.post(f"/hosts/{second.id}/fence", "<action/>")
    assert (missing.status, missing.xml.findtext("reason")) == (400, "Incomplete parameters")
    assert engine.post(f"/hosts/{second.id}/fence", "<action><fence_type>kick</fence_type></action>").status == 400


def test_fencing_is_refused_for_five_minutes_after_a_start_then_restarts_the_host(engine):
    second = host(engine, "kvm02")
    again = "<action><fence_type>restart</fence_type></action>"
    engine.do(lambda: setattr(engine.server.engine, "started", engine.server.engine.now))
    assert refusal(engine.post(f"/hosts/{second.id}/fence", again))[0] == 409
    boot = second.boot_id
    engine.do(lambda: setattr(engine.server.engine, "started", engine.server.engine.now - 301))
    assert engine.post(f"/hosts/{second.id}/fence", again).status == 200
    assert second.boot_id != boot
    assert engine.status("kvm02") == "reboot"
    engine.wait(lambda: engine.status("kvm02") == "up")
    assert refusal(engine.post(f"/hosts/{second.id}/fence", again))[0] == 409, "quiet time"


def test_only_the_administrator_acts(engine):
    second = host(engine, "kvm02")
    for who in ("readonly_", "user_"):
        assert refusal(engine.post(f"/hosts/{second.id}/deactivate", token=engine.token(who)))[:2] == (403, "failed")
    assert engine.status("kvm02") == "up"


def test_bad_requests(engine):
    second = host(engine, "kvm02")
    assert (
        engine.post(f"/hosts/{second.id}/deactivate", "<action").xml.findtext("reason")
        == "Request syntactically incorrect."
    )
    assert engine.post("/hosts/h1/deactivate").status == 400
    assert engine.post(f"/hosts/{second.id}/dance").status == 404
    nobody = "0f1e0a10-0000-4a01-9a01-000000000000"
    assert refusal(engine.post(f"/hosts/{nobody}/deactivate"))[:2] == (400, "failed")


def test_json_commands(engine):
    second = host(engine, "kvm02")
    reply = engine.ask("POST", f"{API}/hosts/{second.id}/fence", json.dumps({"fence_type": "status"}),
                       Authorization=f"Bearer {engine.token()}", Accept="application/json",
                       Content_Type="application/json")  # fmt: skip
    assert json.loads(reply.body) == {
        "fence_type": "status",
        "power_management": {"status": "on"},
        "status": "complete",
    }


def test_external_events_need_four_fields_and_are_unique(engine):
    fields = {"custom_id": "42", "description": "Drill", "origin": "portal", "severity": "warning"}
    body = "<event>" + "".join([f"<{name}>{value}</{name}>" for name, value in fields.items()]) + "</event>"
    reply = engine.post("/events", body, Correlation_Id="abc")
    assert (reply.status, reply.xml.findtext("code"), reply.xml.findtext("origin")) == (201, "9802", "portal")
    assert reply.xml.findtext("correlation_id") == "abc"
    assert engine.post("/events", body).status == 400
    assert (
        engine.post("/events", "<event><origin>portal</origin></event>").xml.findtext("reason")
        == "Incomplete parameters"
    )


def test_refreshing_luns(engine):
    lun = next(lun for lun in engine.world.luns.values() if lun.disk_id)
    ask = f'<action><host id="{host(engine, "kvm01").id}"/></action>'
    assert engine.post(f"/disks/{lun.disk_id}/refreshlun", ask).xml.findtext("status") == "complete"
    assert engine.post(f"/disks/{lun.disk_id}/refreshlun").xml.findtext("reason") == "Incomplete parameters"
    domain = next(iter(engine.world.domains))
    units = f'<action><logical_units><logical_unit id="{lun.wwid}"/></logical_units></action>'
    assert engine.post(f"/storagedomains/{domain}/refreshluns", units).xml.findtext("status") == "complete"
    assert "1022" in engine.codes()


def test_the_real_sdk_acts_and_reads_the_fault(engine):
    ca = engine.folder / "sdk-ca.pem"
    ca.write_text(engine.facts["ca_pem"])
    sdk = ovirtsdk4.Connection(url=engine.facts["url"], username=engine.facts["username"],
                               password=engine.facts["password"], ca_file=str(ca), timeout=10)  # fmt: skip
    system = sdk.system_service()
    second = system.hosts_service().host_service(host(engine, "kvm02").id)
    power = second.fence(fence_type="status")
    assert power.status == types.PowerManagementStatus.ON
    assert second.force_select_spm() is None
    hosts = {h.name: h for h in system.hosts_service().list(all_content=True)}
    assert hosts["kvm02"].spm.status == types.SpmStatus.SPM
    assert hosts["kvm01"].hosted_engine.score == 3400
    with pytest.raises(ovirtsdk4.Error) as seen:
        second.force_select_spm()
    assert (seen.value.code, seen.value.fault.reason) == (409, "Operation Failed")
    with pytest.raises(ovirtsdk4.NotFoundError):
        system.vms_service().vm_service("0f1e0a10-0000-4a01-9a01-000000000000").get()
    sdk.close()
