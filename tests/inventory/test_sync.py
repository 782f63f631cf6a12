"""The sync against a scripted engine: what lands in the tables, and what must not be written."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Attachment, Cluster, Engine, EngineEvent, Host, HostLun, Lun, Site, StorageDomain, Vm
from inventory.services.reach import credentials
from inventory.services.sync import sync, sync_quick
from portal.connectors.engine import Session
from portal.evidence.models import Record
from tests.fixtures_engine import (
    API,
    HTML_500,
    PASSWORD,
    Said,
    sample,
)

pytestmark = [pytest.mark.django_db, pytest.mark.wire]

HOST = "0f1e0a10-1111-4a01-9a01-00000000a001"
VM = "0f1e0a10-4444-4a01-9a01-00000000d001"
DIRECT = "363400a31000d00010a1b2c3d00000002"
OF_DOMAIN = "363400a31000d00010a1b2c3d00000001"
NUMA = f"{API}/vms/{VM}/numanodes"
NODES = b"""<vm_numa_nodes><vm_numa_node id="n1"><index>1</index><memory>131072</memory></vm_numa_node>
<vm_numa_node id="n0"><index>0</index><memory>131072</memory><numa_node_pins><numa_node_pin><index>1</index>
</numa_node_pin><numa_node_pin><index>0</index></numa_node_pin></numa_node_pins><numa_tune_mode>strict</numa_tune_mode>
</vm_numa_node></vm_numa_nodes>"""
STORAGE = f"{API}/hosts/{HOST}/storage"
KEY = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=="
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE=="


@pytest.fixture
def estate(scripted):
    scripted.answers[f"{API}/clusters"] = Said(body=CLUSTERS)
    scripted.answers[f"{API}/hosts"] = Said(body=hosts(KEY))
    scripted.answers[NUMA] = Said(body=NODES)
    site = Site.objects.create(name="Main")
    engine = Engine.objects.create(
        site=site,
        name="engine1",
        url=scripted.url,
        username="admin@ovirt@internalsso",
        password=PASSWORD,
        ca_pem=scripted.ca_pem,
    )
    engine.refresh_from_db()
    with Session(credentials(engine), timeout=10) as session:
        yield Estate(scripted, engine, session)


class Estate:
    def __init__(self, scripted, engine, session):
        self.scripted, self.engine, self.session = scripted, engine, session

    def sync(self, storage=True):
        self.engine.refresh_from_db()
        return sync(self.engine, storage=storage, session=self.session)

    def say(self, path, body):
        self.scripted.answers[f"{API}/{path}"] = Said(body=body if isinstance(body, bytes) else body.encode())

    def change(self, path, old, new):
        said = self.scripted.answers[f"{API}/{path}"]
        assert old.encode() in said.body
        self.scripted.answers[f"{API}/{path}"] = Said(body=said.body.replace(old.encode(), new.encode()))


CLUSTERS = b"""<clusters><cluster id="0f1e0a10-2222-4a01-9a01-00000000b002"><name>Default</name>
<cpu><type>Icelake</type></cpu><affinity_groups>
<affinity_group id="a"><name>rac-anti</name><broken>true</broken></affinity_group>
<affinity_group id="b"><name>other</name><broken>false</broken></affinity_group>
</affinity_groups></cluster></clusters>"""


def hosts(key):
    body = sample("hosts-all_content-follow-nics-statistics.xml").decode()
    return re.sub("<public_key>.*</public_key>", f"<public_key>{key}</public_key>", body).encode()


def test_the_first_sync_fills_every_table(estate):
    report = estate.sync()
    assert (report.failed, report.requests) == ({}, 10)
    host, vm = Host.objects.get(uuid=HOST), Vm.objects.get(uuid=VM)
    assert (host.name, host.status, host.he_score, host.ssh_port) == ("olvm01", "up", 3400, 22)
    assert host.hugepages == {"1048576": {"free": 412, "total": 900}}
    assert host.nics[0]["mac"] == "52:54:00:00:00:11"
    assert host.cluster == Cluster.objects.get() == vm.cluster
    assert Cluster.objects.get().broken_affinity == ["rac-anti"]
    assert (vm.host, vm.vcpus, vm.hugepages_kib, vm.high_availability) == (host, 16, 1048576, True)
    domain = StorageDomain.objects.get()
    assert (domain.status, domain.available) == ("active", 53687091200)
    direct, of_domain = Lun.objects.get(uuid=DIRECT), Lun.objects.get(uuid=OF_DOMAIN)
    assert (direct.name, direct.size, direct.shareable, direct.domain) == ("ora_data01", 1099511627776, True, None)
    assert (of_domain.domain, of_domain.disk_uuid) == (domain, "")
    assert Attachment.objects.get().lun == direct
    assert set(HostLun.objects.values_list("lun__uuid", "paths", "active_paths")) == {(DIRECT, 8, 8), (OF_DOMAIN, 8, 8)}
    assert EngineEvent.objects.count() == 2
    estate.engine.refresh_from_db()
    assert (estate.engine.last_event_id, estate.engine.version) == (12346, "4.5.5-1.42.el8")
    assert report.rows_written == {
        "inventory_cluster": 1,
        "inventory_host": 2,  # the row, then its pin
        "inventory_vm": 2,  # the row, then its NUMA nodes
        "inventory_storagedomain": 1,
        "inventory_lun": 2,
        "inventory_attachment": 1,
        "inventory_hostlun": 2,
        "inventory_engineevent": 2,
        "inventory_engine": 1,
    }


def test_an_unchanged_engine_writes_no_row(estate):
    estate.sync()
    with CaptureQueriesContext(connection) as queries:
        report = estate.sync()
    assert (report.rows_written, report.failed) == ({}, {})
    written = [
        one["sql"] for one in queries if re.match(r"(?i)\s*(insert|update|delete|copy|select pg_notify)", one["sql"])
    ]
    assert written == []
    assert len(queries) <= 26


@pytest.mark.parametrize("broken", ["hosts", "vms", "disks", "datacenters", "clusters", "jobs", "events"])
def test_a_failed_collection_changes_nothing_of_its_own(estate, broken):
    estate.sync()
    before = picture()
    estate.scripted.answers[f"{API}/{broken}"] = HTML_500
    estate.change("datacenters" if broken == "vms" else "vms", "<status>", "<status>x")
    report = estate.sync(storage=False)
    name = {"datacenters": "data_centers"}.get(broken, broken)
    assert list(report.failed) == [name]
    assert "engine1" in report.failed[name]
    assert "HTTP 500" in report.failed[name]
    table = "inventory_storagedomain" if broken == "vms" else "inventory_vm"
    assert report.rows_written == {table: 1}
    after = picture()
    assert {name for name in before if before[name] != after[name]} == {table}


def picture():
    tables = (Cluster, Host, Vm, StorageDomain, Lun, Attachment, HostLun, EngineEvent)
    return {model._meta.db_table: sorted(map(str, model.objects.values_list())) for model in tables}


def test_an_engine_that_is_down_changes_nothing_and_says_so_once_per_part(estate):
    estate.sync()
    before = picture()
    estate.scripted.close()
    report = estate.sync()
    assert report.rows_written == {}
    assert picture() == before
    assert set(report.failed) >= {"api", "hosts", "vms", "disks", "events"}
    assert len(set(report.failed.values())) <= 2  # the engine's sentence, and the storage of its one host


def test_what_the_engine_no_longer_lists_is_gone_and_comes_back(estate):
    estate.sync()
    whole = {path: estate.scripted.answers[f"{API}/{path}"] for path in ("vms", "disks")}
    estate.say("vms", "<vms/>")
    estate.say("disks", "<disks/>")
    estate.change(f"hosts/{HOST}/storage", DIRECT, "3600000000000000000000000000000ff")
    report = estate.sync()
    assert report.failed == {}
    vm, lun = Vm.objects.get(), Lun.objects.get(uuid=DIRECT)
    assert vm.gone_since is not None
    assert lun.gone_since is not None
    assert Attachment.objects.count() == 0
    assert estate.sync().rows_written == {}
    assert Vm.objects.get().gone_since == vm.gone_since
    for path, said in whole.items():
        estate.scripted.answers[f"{API}/{path}"] = said
    estate.sync()
    assert (Vm.objects.get().gone_since, Vm.objects.get().pk) == (None, vm.pk)
    assert Lun.objects.get(uuid=DIRECT).gone_since is None
    assert Attachment.objects.count() == 1


def test_a_direct_lun_that_loses_its_disk_stays_while_a_host_sees_it(estate):
    estate.sync()
    estate.say("disks", "<disks/>")
    estate.sync(storage=False)
    lun = Lun.objects.get(uuid=DIRECT)
    assert (lun.gone_since, lun.disk_uuid, lun.name, lun.shareable) == (None, "", DIRECT, None)
    assert Attachment.objects.count() == 0


def test_a_lun_that_only_a_host_lists_has_a_row(estate):
    estate.change(f"hosts/{HOST}/storage", DIRECT, "360000000000000000000000000000abc")
    estate.sync()
    lun = Lun.objects.get(uuid="360000000000000000000000000000abc")
    assert (lun.name, lun.size, lun.disk_uuid, lun.domain) == (lun.uuid, 1099511627776, "", None)
    assert estate.sync().rows_written == {}


def test_a_host_that_is_not_up_has_no_live_numbers(estate):
    estate.sync()
    estate.change("hosts", "<status>up</status>", "<status>non_responsive</status>")
    report = estate.sync()
    host = Host.objects.get()
    assert (host.he_configured, host.he_active, host.he_score) == (True, None, None)
    assert (host.he_global_maintenance, host.he_local_maintenance) == (None, None)
    assert set(HostLun.objects.values_list("paths", "active_paths")) == {(None, None)}
    assert report.requests == 9  # a host that is not up is not asked for its storage
    assert estate.sync().rows_written == {}


def test_a_host_that_goes_takes_its_path_counts_along(estate):
    estate.sync()
    estate.say("hosts", "<hosts/>")
    estate.sync()
    assert Host.objects.get().gone_since is not None
    assert HostLun.objects.count() == 0


def test_a_failed_storage_call_leaves_the_hosts_rows_and_is_reported(estate):
    estate.sync()
    fault = b"<fault><detail>[Cannot get device list.]</detail><reason>Operation Failed</reason></fault>"
    estate.scripted.answers[STORAGE] = Said(400, fault)
    report = estate.sync()
    assert list(report.failed) == ["storage of olvm01"]
    assert "Cannot get device list" in report.failed["storage of olvm01"]
    assert set(HostLun.objects.values_list("paths", "active_paths")) == {(8, 8)}


def test_lost_paths_are_updated_in_place(estate):
    estate.sync()
    keys = set(HostLun.objects.values_list("pk", flat=True))
    estate.change(f"hosts/{HOST}/storage", "<active_paths>8</active_paths>", "<active_paths>4</active_paths>")
    report = estate.sync()
    assert report.rows_written == {"inventory_hostlun": 2}
    assert set(HostLun.objects.values_list("active_paths", flat=True)) == {4}
    assert set(HostLun.objects.values_list("pk", flat=True)) == keys


def test_a_vm_that_is_down_has_no_host_and_keeps_its_name_in_the_network(estate):
    estate.sync()
    estate.say("vms", sample("vms-down.xml"))
    estate.sync()
    vm = Vm.objects.get()
    assert (vm.status, vm.host, vm.fqdn) == ("down", None, "oradb01.bank.example")


def test_text_that_is_too_long_for_its_column_is_cut_once(estate):
    estate.change("vms", "<name>oradb01</name>", f"<name>{'x' * 400}</name>")
    estate.sync()
    assert Vm.objects.get().name == "x" * 255
    assert estate.sync().rows_written == {}


def test_numbers_that_no_column_holds_become_unknown(estate):
    estate.change("vms", "<memory>274877906944</memory>", "<memory>99999999999999999999999</memory>")
    estate.change("vms", "<cores>8</cores>", "<cores>eight</cores>")
    assert estate.sync().failed == {}
    assert (Vm.objects.get().memory, Vm.objects.get().vcpus) == (None, None)


def test_an_account_that_sees_only_a_part_marks_nothing_as_gone(estate):
    estate.sync()
    estate.say("vms", "<vms/>")
    root = estate.scripted.answers[API].body
    estate.scripted.answers[API] = Said(body=re.sub(rb"<summary>.*</summary>", b"", root, flags=re.DOTALL))
    report = estate.sync()
    assert "ReadOnlyAdmin" in report.failed["account"]
    assert Vm.objects.get().gone_since is None


def test_another_engine_at_the_address_is_not_taken_over(estate):
    estate.sync()
    before = picture()
    estate.say("vms", "<vms/>")
    body = estate.scripted.answers[API].body
    estate.scripted.answers[API] = Said(body=body.replace(b"0f1e0a10-9999-4a01-9a01-000000009001", b"another"))
    report = estate.sync()
    assert list(report.failed) == ["engine"]
    assert "another" in report.failed["engine"]
    assert (report.rows_written, picture()) == ({}, before)


def test_a_restored_engine_is_noticed_and_its_events_are_kept_beside_the_old_ones(estate):
    estate.sync()
    older = sample("events.xml").replace(b"12346", b"901").replace(b"12345", b"900")
    estate.say("events", older)
    report = estate.sync()
    estate.engine.refresh_from_db()
    assert (report.failed, estate.engine.last_event_id) == ({}, 901)
    assert set(EngineEvent.objects.values_list("number", flat=True)) == {12346, 12345, 901, 900}
    assert Record.objects.get(kind="engine.counts_anew").body == {"last_event": 12346, "newest_event": 901}
    assert estate.sync().rows_written == {}
    assert Record.objects.filter(kind="engine.counts_anew").count() == 1


def test_the_fast_loop_follows_statuses_and_leaves_the_rest(estate):
    estate.sync()
    body = sample("vms-follow-disk_attachments.xml").decode()
    body = re.sub("<disk_attachments>.*</disk_attachments>", "", body, flags=re.DOTALL)
    estate.say("vms", body.replace("<status>up</status>", "<status>migrating</status>"))
    body = re.sub(r"<(nics|statistics)>.*?</\1>", "", hosts(KEY).decode(), flags=re.DOTALL)
    estate.say("hosts", body.replace("<score>3400</score>", "<score>2400</score>"))
    estate.engine.refresh_from_db()
    report = sync_quick(estate.engine, session=estate.session)
    assert (report.failed, report.requests) == ({}, 4)
    assert report.rows_written == {"inventory_vm": 1, "inventory_host": 1}
    assert (Vm.objects.get().status, Host.objects.get().he_score) == ("migrating", 2400)
    assert Host.objects.get().hugepages == {"1048576": {"free": 412, "total": 900}}
    assert Attachment.objects.count() == 1


def test_an_attachment_that_changes_is_updated_in_place(estate):
    estate.sync()
    key = Attachment.objects.get().pk
    estate.change("vms", "<interface>virtio_scsi</interface>", "<interface>virtio</interface>")
    assert estate.sync().rows_written == {"inventory_attachment": 1}
    assert Attachment.objects.values_list("pk", "interface").get() == (key, "virtio")


def test_what_a_vm_is_bound_to_is_kept_and_an_unchanged_one_writes_nothing(estate):
    estate.sync()
    vm, lun = Vm.objects.get(), Lun.objects.exclude(disk_uuid="").get()
    assert (vm.pins, vm.pinning, vm.cpu_mode, vm.numa_mode) == ([[0, "2"]], "manual", "host_passthrough", "interleave")
    assert (vm.may_run, vm.queues, vm.resume_behaviour) == (["0f1e0a10-1111-4a01-9a01-00000000a001"], 8, "kill")
    assert lun.propagate_errors is False
    assert estate.sync().rows_written == {}
    estate.change("vms", "<cpu_set>2</cpu_set>", "<cpu_set>3</cpu_set>")
    assert estate.sync().rows_written == {"inventory_vm": 1}
    estate.change("disks", "<propagate_errors>false", "<propagate_errors>true")
    assert estate.sync().rows_written == {"inventory_lun": 1}


def test_vms_whose_attachments_were_not_told_keep_them(estate):
    estate.sync()
    body = sample("vms-follow-disk_attachments.xml").decode()
    estate.say("vms", re.sub("<disk_attachments>.*</disk_attachments>", "", body, flags=re.DOTALL))
    assert estate.sync().rows_written == {}
    assert Attachment.objects.count() == 1


def test_a_domain_of_two_data_centres_counts_by_where_it_is_active(estate):
    body = sample("datacenters-follow-storage_domains.xml").decode()
    center = re.search("<data_center .*</data_center>", body, flags=re.DOTALL).group()
    other = center.replace("-00000000b001", "-00000000b009").replace("<status>active", "<status>maintenance")
    for both in (center + other, other + center):
        estate.say("datacenters", f"<data_centers>{both}</data_centers>")
        assert estate.sync().failed == {}
        assert StorageDomain.objects.get().status == "active"


def test_an_engine_without_events_is_no_failure(estate):
    estate.say("events", "<events/>")
    assert estate.sync().failed == {}
    estate.engine.refresh_from_db()
    assert estate.engine.last_event_id == 0


def test_a_change_is_announced_when_it_is_committed(estate):
    with CaptureQueriesContext(connection) as queries:
        estate.sync()
    assert any("pg_notify" in one["sql"] and "estate" in one["sql"] for one in queries)


def test_numa_nodes_of_a_vm_with_huge_pages(estate):
    half = 128 * 2**30
    estate.sync()
    assert Vm.objects.get(uuid=VM).numa_nodes == [[0, half, "strict", [0, 1]], [1, half, "", []]]
    estate.say(f"vms/{VM}/numanodes", "<vm_numa_nodes/>")
    assert "NUMA" not in str(estate.sync(storage=False).failed)
    assert Vm.objects.get(uuid=VM).numa_nodes != [], "the fast syncs do not ask"
    assert estate.sync().rows_written == {"inventory_vm": 1}
    assert Vm.objects.get(uuid=VM).numa_nodes == []
    estate.scripted.answers[NUMA] = Said(body=HTML_500, status=500)
    report = estate.sync()
    assert list(report.failed) == ["NUMA nodes of oradb01"]
    assert Vm.objects.get(uuid=VM).numa_nodes == [], "what was not told stays"
    estate.change("vms", "<name>hugepages</name>", "<name>other</name>")
    assert estate.sync().failed == {}
    assert Vm.objects.get(uuid=VM).numa_nodes is None
