"""What the lab's engine answers to GET: shapes as sampled, traps as documented (facts/engine-api.md)."""

from __future__ import annotations

import json

import pytest

from lab.engine.shapes_storage import volume_group
from tests.fixtures_lab_engine import API, lab_engine, sample, shape

pytestmark = pytest.mark.wire
FOLLOWED = "/vms?follow=disk_attachments"
FULL_HOSTS = "/hosts?all_content=true&follow=nics,statistics"
# In the samples, but not in every estate: only a sampled engine of 4.5.7 has engine_backup, OLVM sends no vendor.
ROOT_EXTRA = ("engine_backup", "vendor")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with lab_engine(tmp_path_factory.mktemp("engine")) as running:
        for vm in running.world.vms.values():
            vm.high_availability = False  # else the engine starts again what a test has stopped
        for host in running.world.hosts.values():
            host.host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8wcGR0aGVsYWJzaG9zdGtleWZvcnRlc3Rzb25seQ=="
        yield running


def missing(engine, path, name):
    """What the sample has and the lab does not."""
    return shape(sample(name)) - shape(engine.get(path).xml)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/hosts", "hosts-plain.xml"),
        (FULL_HOSTS, "hosts-all_content-follow-nics-statistics.xml"),
        ("/datacenters?follow=storage_domains", "datacenters-follow-storage_domains.xml"),
        ("/disks", "disks-direct-lun.xml"),
    ],
)
def test_the_lab_has_everything_that_the_sample_has(engine, path, name):
    assert missing(engine, path, name) == set()


def test_a_running_vm_has_the_sampled_shape(engine):
    lacking = missing(engine, FOLLOWED, "vms-follow-disk_attachments.xml")
    assert {path for path in lacking if "/placement_policy/hosts" not in path} == set()


def test_attachments_have_the_sampled_shape(engine):
    vm = next(vm for vm in engine.world.vms.values() if vm.luns)
    assert missing(engine, f"/vms/{vm.id}/diskattachments", "vm-diskattachments.xml") == set()


def test_host_storage_has_the_sampled_shape_and_live_paths(engine):
    host = next(iter(engine.world.hosts.values()))
    path = f"/hosts/{host.id}/storage?report_status=false"
    assert missing(engine, path, "host-storage.xml") == set()
    counts = {(u.findtext("paths"), u.findtext("active_paths")) for u in engine.get(path).xml.iter("logical_unit")}
    assert counts == {("4", "4")}
    assert "/host_storages/host_storage/status" not in shape(engine.get(path).xml)


def test_disks_and_domains_show_zero_paths_from_the_database(engine):
    for path in ("/disks", "/datacenters?follow=storage_domains"):
        units = list(engine.get(path).xml.iter("logical_unit"))
        assert units
        assert {unit.findtext("paths") for unit in units} == {"0"}


def test_a_direct_lun_has_no_status_and_no_size_of_its_own(engine):
    disk = next(disk for disk in engine.get("/disks").xml if disk.findtext("storage_type") == "lun")
    for absent in ("status", "provisioned_size", "actual_size", "format", "storage_domains"):
        assert disk.find(absent) is None


def test_a_down_vm_loses_host_and_start_time(engine):
    vm = next(vm for vm in engine.world.vms.values() if vm.name == "bastion01")
    before = vm.status, vm.host
    engine.do(lambda: (setattr(vm, "status", "down"), setattr(vm, "host", "")))
    engine.wait(lambda: engine.get(f"/vms/{vm.id}").xml.findtext("status") == "down")
    down = engine.get(f"/vms/{vm.id}").xml
    lacking = shape(sample("vms-down.xml").find("vm")) - shape(down)
    assert all(word not in path for path in lacking for word in ("stop_time", "stop_reason", "status"))
    assert [down.find(name) for name in ("host", "fqdn", "start_time")] == [None] * 3
    engine.do(lambda: (setattr(vm, "status", before[0]), setattr(vm, "host", before[1])))
    engine.wait(lambda: engine.get(f"/vms/{vm.id}").xml.findtext("status") == "up")


def test_the_root_has_the_sampled_shape(engine):
    lacking = missing(engine, "", "api-root.xml")
    assert {path for path in lacking if not any(word in path for word in ROOT_EXTRA)} == set()
    assert engine.get("").xml.findtext("product_info/version/full_version") == "4.5.5-1.73.el8"


def test_hosted_engine_only_with_all_content(engine):
    assert engine.get("/hosts").xml.find("host/hosted_engine") is None
    for reply in (engine.get("/hosts?all_content=true"), engine.get("/hosts", All_Content="true")):
        assert [h.findtext("hosted_engine/score") for h in reply.xml] == ["3400", "3400"]


def test_ssh_key_and_fingerprint_come_from_the_host_key(engine):
    ssh = engine.get("/hosts").xml.find("host/ssh")
    assert ssh.findtext("public_key") == next(iter(engine.world.hosts.values())).host_key
    assert ssh.findtext("fingerprint", "").startswith("SHA256:")


def test_storage_domains_have_a_status_only_under_the_data_centre(engine):
    assert {d.find("status") for d in engine.get("/storagedomains").xml} == {None}
    centre = engine.world.data_center_id
    under = engine.get(f"/datacenters/{centre}/storagedomains").xml
    assert [d.findtext("status") for d in under] == ["active", "active"]
    assert under.find("storage_domain/storage/volume_group").get("id") in {
        volume_group(key) for key in engine.world.domains
    }


@pytest.mark.parametrize("path", ["/hosts?follow=storage", "/hosts?follow=storages", "/hosts?follow=fence_agents",
                                  "/clusters?follow=hosts", "/vms?follow=lease.storage_domain"])  # fmt: skip
def test_follows_that_the_engine_cannot_resolve_are_html_500(engine, path):
    reply = engine.get(path)
    assert (reply.status, reply.headers["content-type"]) == (500, "text/html;charset=UTF-8")


def test_follow_host_breaks_the_whole_list_while_any_vm_is_down(engine):
    assert engine.get("/vms?follow=host").status == 200
    vm = next(vm for vm in engine.world.vms.values() if vm.name == "app02")
    before = vm.status, vm.host
    engine.do(lambda: (setattr(vm, "status", "down"), setattr(vm, "host", "")))
    engine.wait(lambda: engine.get("/vms?follow=host").status == 500)
    engine.do(lambda: (setattr(vm, "status", before[0]), setattr(vm, "host", before[1])))
    engine.wait(lambda: engine.get("/vms?follow=host").status == 200)


def test_search_sort_and_pages(engine):
    def names(query):
        return [vm.findtext("name") for vm in engine.get("/vms?" + query).xml]

    everyone = names("")
    assert everyone == sorted(everyone)
    assert names("search=name%3Doradb*+sortby+name+desc") == ["oradb02", "oradb01"]
    assert names("search=sortby+name+asc+page+2&max=3") == everyone[3:6]
    assert names("search=page+2") == []
    assert names("search=NAME%3DORADB01") == ["oradb01"]
    assert names("search=name%3DORADB01&case_sensitive=true") == []
    assert names("max=2") == everyone[:2]
    assert engine.get("/vms?search=colour%3Dred").status == 400


def test_unknown_ids_are_an_empty_404_and_odd_ones_a_400(engine):
    unknown = "0f1e0a10-0000-4a01-9a01-000000000000"
    for place in ("hosts", "vms", "disks", "storagedomains", "datacenters", "clusters", "jobs"):
        reply = engine.get(f"/{place}/{unknown}")
        assert (reply.status, reply.body) == (404, b"")
    reply = engine.get("/hosts/h1")
    assert (reply.status, reply.xml.findtext("reason")) == (400, "Operation failed")
    assert engine.get("/events/999999").status == 404


def test_a_pure_fc_estate_has_no_storage_connections(engine):
    text = engine.get("/storageconnections").text
    assert text == '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<storage_connections/>\n'


def test_affinity_groups_have_the_sampled_shape(engine):
    path = f"/clusters/{engine.world.cluster_id}/affinitygroups"
    assert missing(engine, path, "affinitygroups.xml") == set()
    assert engine.get("/clusters?follow=affinity_groups").xml.findtext(".//affinity_group/broken") == "false"


def test_gzip_when_asked_and_v4_paths_are_the_same(engine):
    plain, zipped = engine.get("/disks"), engine.get("/v4/disks", Accept_Encoding="deflate, gzip, br")
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.body == plain.body
    assert zipped.raw < plain.raw / 4
    assert engine.get("/disks", Version="3").status == 400


def test_json_when_asked(engine):
    token = engine.token()
    reply = engine.ask("GET", API + FULL_HOSTS, Authorization=f"Bearer {token}", Accept="application/json")
    hosts = json.loads(reply.body)["host"]
    assert [host["name"] for host in hosts] == ["kvm01", "kvm02"]
    assert hosts[0]["hosted_engine"]["score"] == "3400"
    assert len(hosts[0]["statistics"]["statistic"]) > 10
    assert len(hosts[0]["nics"]["host_nic"]) == 2


def test_a_plain_user_sees_less(engine):
    token = engine.token("user_")
    vm = engine.get("/vms", token).xml.find("vm")
    assert [vm.find(name) for name in ("host", "placement_policy")] == [None, None]
    assert engine.get("", token).xml.find("summary") is None
    assert engine.get("/vms?filter=false", token).status == 400
    reader = engine.token("readonly_")
    assert engine.get("/vms", reader).xml.find("vm/host") is not None
    assert engine.get("", reader).xml.find("summary") is not None
    assert engine.get("/vms?filter=true", reader).xml.find("vm/host") is None
