"""What each side says, by page and API; and looks that people ask for at devices and Oracle VMs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Device, HostLun, Look, Lun, OracleVm, Vm
from inventory.services import watch
from portal.evidence.models import Record
from tests.ui import san_scene, world

pytestmark = pytest.mark.django_db
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq0Yxh1fWT7nJZ4zB2r5tX8y0u2mQ3pVd9sLkGfHcAe"


@pytest.fixture
def engine():
    made = world.build("healthy")
    san_scene.declare(made)
    san_scene.tell(made, san_scene.san(made))
    return made


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_luns_sides_stand_beside_each_other(engine, reader, django_assert_max_num_queries):
    lun = Lun.objects.get(name=world.LUNS[0][0])
    for host in engine.hosts.all():
        HostLun.objects.create(host=host, lun=lun, paths=4, active_paths=4)
    reader.get("/help/keys/")
    with django_assert_max_num_queries(12):
        page = text(reader.get(f"/luns/{lun.pk}/sides/"))
    assert "What each side says" in page
    assert "DORADO-PROD" in page
    assert "On kvm01" in page
    assert f"/luns/{lun.pk}/sides/" in text(reader.get(f"/luns/{lun.pk}/"))
    told = reader.get(f"/api/v1/luns/{lun.pk}/sides/").json()
    sizes = next(one for one in told if one["fact"] == "Size")
    assert {one["who"] for one in sizes["told"]} >= {"engine", "DORADO-PROD"}
    paths = next(one for one in told if one["fact"] == "Paths up on kvm01")
    assert {one["value"] for one in paths["told"]} == {"4 of 4"}, "what multipath counts is what the engine counts"


def test_a_lun_of_another_size_on_the_array_is_named_first(engine, reader):
    lun = Lun.objects.get(name=world.LUNS[0][0])
    Lun.objects.filter(pk=lun.pk).update(size=1 << 30, disk_uuid="d")
    page = text(reader.get(f"/luns/{lun.pk}/sides/"))
    assert f"{lun.name}: 1 fact differs" in page
    assert "refresh the LUN in the engine" in page


def test_a_vms_settings_and_sides(engine, reader):
    vm = Vm.objects.get(name="oradb01")
    page = text(reader.get(f"/vms/{vm.pk}/"))
    assert "May run on" in page
    assert "CPU pinning" in page
    assert "On an I/O error" in page
    sides = text(reader.get(f"/vms/{vm.pk}/sides/"))
    assert "nobody looks into it" in sides
    told = reader.get(f"/api/v1/vms/{vm.pk}/settings/").json()
    assert "high availability" in {one["parameter"] for one in told["settings"]}
    assert next(one["fact"] for one in told["sides"]) == "Memory"
    assert reader.get("/vms/999999/sides/").status_code == 404
    assert reader.get("/luns/999999/sides/").status_code == 404


# --- looks that people ask for ----------------------------------------------------------------------------------------
def later(**of):
    Look.objects.filter(**of).update(due_at=timezone.now() + timedelta(minutes=4))
    return Look.objects.get(**of)


def test_a_device_is_looked_at_now(engine, reader, person):
    device = Device.objects.get(name="SWA1")
    look = later(device=device)
    assert "Look now" in text(reader.get(f"/devices/{device.pk}/"))
    answer = reader.post(f"/devices/{device.pk}/look/", follow=True)
    assert "SWA1 is looked at now by 1 look" in text(answer)
    look.refresh_from_db()
    assert look.due_at <= timezone.now()
    assert Record.objects.get(kind="look.asked").subject == "device:SWA1"
    reader.post(f"/devices/{device.pk}/look/")
    assert Record.objects.filter(kind="look.asked").count() == 1, "what is due already is asked for once"
    later(device=device)
    assert reader.post(f"/api/v1/devices/{device.pk}/look/").status_code == 202
    Device.objects.filter(pk=device.pk).update(watched=False)
    watch.ensure(engine)
    assert "No look at SWA1 is planned" in text(reader.post(f"/devices/{device.pk}/look/", follow=True))
    assert reader.post(f"/api/v1/devices/{device.pk}/look/").status_code == 409
    viewer = Client()
    viewer.force_login(person("viewer"))
    assert viewer.post(f"/devices/{device.pk}/look/").status_code == 403
    assert "Look now" not in text(viewer.get(f"/devices/{device.pk}/"))


def test_an_oracle_vm_is_looked_at_now(engine, reader):
    vm = Vm.objects.get(name="oradb01")
    assert "No look at oradb01 is planned" in text(reader.post(f"/vms/{vm.pk}/look/", follow=True))
    row = OracleVm.objects.create(vm=vm, address="10.0.0.1", host_key=KEY)
    watch.ensure(engine)
    look = later(vm=vm)
    assert "Look now" in text(reader.get(f"/vms/{vm.pk}/"))
    assert "oradb01 is looked at now by 1 look" in text(reader.post(f"/vms/{vm.pk}/look/", follow=True))
    look.refresh_from_db()
    assert look.due_at <= timezone.now()
    later(vm=vm)
    assert reader.post(f"/api/v1/oracle-vms/{row.pk}/look/").json() == {"looks": 1}
    assert Record.objects.filter(kind="look.asked", subject="vm:oradb01").count() == 2
