"""Odd bodies: what is read, what becomes unknown, what is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from io import BytesIO

import pycurl
import pytest

from portal.connectors.engine import host_reader, readers, wire, xml
from portal.connectors.engine.errors import Protocol, Unreachable, Untrusted, from_curl, from_sdk
from portal.connectors.engine.xml import Unreadable, boolean, count, integer, moment


@pytest.fixture(params=["whole", "streamed"], autouse=True)
def way(request, monkeypatch):
    """Small bodies are read as one tree, large ones as a stream: each must come to the same."""
    if request.param == "streamed":
        monkeypatch.setattr(xml, "WHOLE", -1)


@pytest.mark.parametrize(
    ("raw", "number"),
    [("7", 7), (" 7\n", 7), ("412.0", 412), ("-3", -3), ("", None), (None, None), ("4.5", None), ("seven", None),
     ("nan", None), ("inf", None), ("1e400", None), (str(2**63), None), (str(2**63 - 1), 2**63 - 1)],
)  # fmt: skip
def test_whole_numbers(raw, number):
    assert integer(raw) == number


@pytest.mark.parametrize(("raw", "number"), [("0", 0), ("-1", None), (str(2**31), None), (str(2**31 - 1), 2**31 - 1)])
def test_counts_fit_their_column(raw, number):
    assert count(raw) == number


@pytest.mark.parametrize(
    ("raw", "value"), [("true", True), (" FALSE ", False), ("yes", None), ("", None), (None, None)]
)
def test_truth(raw, value):
    assert boolean(raw) is value


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        ("2026-11-22T11:54:35.229+03:00", datetime(2026, 11, 22, 8, 54, 35, 229000, UTC)),
        ("2026-11-22T08:54:35", datetime(2026, 11, 22, 8, 54, 35, tzinfo=UTC)),
        ("2026-11-22T08:54:35.1234567Z", datetime(2026, 11, 22, 8, 54, 35, 123456, UTC)),
        ("soon", None),
        (None, None),
    ],
)
def test_times(raw, at):
    assert moment(raw) == at


def test_references_deeper_down_are_no_objects():
    body = b"<vms><vm id='1'><name>a</name><x><vm id='9'/></x></vm><vm id='2'><name>b</name></vm></vms>"
    assert [vm.name for vm in readers.vms(body)] == ["a", "b"]


def test_entities_are_not_resolved(tmp_path):
    (tmp_path / "secret").write_text("hunter2")
    body = f"<!DOCTYPE vms [<!ENTITY x SYSTEM 'file://{tmp_path}/secret'>]><vms><vm id='1'><name>&x;</name></vm></vms>"
    assert "hunter2" not in repr(readers.vms(body.encode()))
    bomb = "<!DOCTYPE vms [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '" + "&a;" * 1000 + "'>]>"
    with pytest.raises(Unreadable):
        readers.vms((bomb + "<vms><vm id='1'><name>" + "&b;" * 1000 + "</name></vm></vms>").encode())


def test_a_vm_of_which_little_is_said():
    (vm,) = readers.vms(b"<vms><vm id='1'/></vms>")
    assert (vm.name, vm.status, vm.vcpus, vm.memory, vm.attachments, vm.is_engine) == ("", "", None, None, None, False)


def test_what_a_vm_is_bound_to():
    """facts/engine-api.md 3.5. A pin without its vCPU or its set says nothing."""
    body = b"""<vms><vm id='1'><cpu><mode>host_passthrough</mode><cpu_tune><vcpu_pins>
        <vcpu_pin><cpu_set>2-3</cpu_set><vcpu>1</vcpu></vcpu_pin><vcpu_pin><cpu_set>2</cpu_set><vcpu>0</vcpu></vcpu_pin>
        <vcpu_pin><cpu_set/><vcpu>3</vcpu></vcpu_pin><vcpu_pin><cpu_set>4</cpu_set><vcpu>x</vcpu></vcpu_pin>
        </vcpu_pins></cpu_tune></cpu><cpu_pinning_policy>manual</cpu_pinning_policy>
        <numa_tune_mode>strict</numa_tune_mode><storage_error_resume_behaviour>kill</storage_error_resume_behaviour>
        <virtio_scsi_multi_queues>8</virtio_scsi_multi_queues><placement_policy><affinity>pinned</affinity>
        <hosts><host id='b'/><host id='a'/></hosts></placement_policy></vm></vms>"""
    (vm,) = readers.vms(body)
    assert (vm.pins, vm.pinning, vm.cpu_mode) == (((0, "2"), (1, "2-3")), "manual", "host_passthrough")
    assert (vm.may_run, vm.affinity) == (("a", "b"), "pinned")
    assert (vm.numa_mode, vm.resume, vm.queues) == ("strict", "kill", 8)
    (bare,) = readers.vms(b"<vms><vm id='1'><cpu/><placement_policy/></vm></vms>")
    assert (bare.pins, bare.may_run, bare.queues, bare.resume) == ((), (), None, "")


def test_the_processors_of_a_host():
    (host,) = host_reader.hosts(
        b"<hosts><host id='1'><cpu><topology><cores>28</cores><sockets>2</sockets><threads>2</threads></topology></cpu>"
        b"</host></hosts>"
    )
    assert host.cpus == 112
    (mute,) = host_reader.hosts(b"<hosts><host id='1'/></hosts>")
    assert mute.cpus is None


def test_an_empty_list_of_attachments_is_not_an_absent_one():
    (vm,) = readers.vms(b"<vms><vm id='1'><disk_attachments/></vm></vms>")
    assert vm.attachments == ()


def test_the_engines_own_vm_is_known_by_its_origin():
    (vm,) = readers.vms(b"<vms><vm id='1'><origin>managed_hosted_engine</origin></vm></vms>")
    assert vm.is_engine


def test_a_disk_whose_lun_has_no_id_of_its_own_takes_the_storages():
    body = b"""<disks><disk id='1'><lun_storage id='36'><logical_units><logical_unit><size>5</size></logical_unit>
        </logical_units></lun_storage></disk><disk id='2'><lun_storage id='37'/></disk></disks>"""
    first, second = readers.disks(body)
    assert (first.lun.wwid, first.lun.size, second.lun) == ("36", 5, None)


@pytest.mark.parametrize(
    "body",
    [
        f"<disks><disk id='{'x' * 65}'/></disks>",
        "<disks><disk id='1'><lun_storage><logical_units>"
        f"<logical_unit id='{'3' * 65}'/></logical_units></lun_storage></disk></disks>",
        "<disks><disk id=''/></disks>",
    ],
)
def test_ids_that_are_no_keys_are_refused(body):
    with pytest.raises(Unreadable, match="64"):
        readers.disks(body.encode())


def test_a_device_whose_wwid_no_column_holds_costs_no_other():
    wwids = ("nvme." + "4d" * 60, "36a353241000000000000000000000001")
    body = "".join(
        f"<host_storage id='{wwid}'><logical_units><logical_unit id='{wwid}'><paths>8</paths></logical_unit>"
        "</logical_units></host_storage>"
        for wwid in wwids
    )
    (one,) = readers.host_luns(f"<host_storages>{body}</host_storages>".encode())
    assert (one.unit.wwid, one.paths) == (wwids[1], 8)


@pytest.mark.parametrize(
    ("origin", "is_engine"), [("managed_hosted_engine", True), ("hosted_engine", True), ("ovirt", False), ("", False)]
)
def test_the_engine_vm_is_known_by_its_origin(origin, is_engine):
    (vm,) = readers.vms(f"<vms><vm id='1'><origin>{origin}</origin></vm></vms>".encode())
    assert vm.is_engine is is_engine


def test_jobs():
    body = b"<jobs><job id='j'><description>Move</description><status>started</status><start_time>2026-11-22T08:00:00Z"
    (job,) = readers.jobs(body + b"</start_time></job></jobs>")
    assert (job.status, job.started, job.ended) == ("started", datetime(2026, 11, 22, 8, tzinfo=UTC), None)


def host(inner):
    return host_reader.hosts(f"<hosts><host id='1'>{inner}</host></hosts>".encode())[0]


def test_a_host_without_the_hosted_engine_element():
    assert host("<status>up</status>").he_configured is False
    assert host("<status>maintenance</status>").he_configured is None
    assert (
        host("<status>up</status><hosted_engine><configured>false</configured></hosted_engine>").he_configured is False
    )


def test_the_memory_of_a_host_that_vdsm_has_not_told_of_is_not_known():
    body = b"<hosts><host id='h'><status>initializing</status><memory>0</memory></host></hosts>"
    assert host_reader.hosts(body)[0].memory is None


def test_free_memory_counts_of_a_host_that_is_up_only():
    free = "<max_scheduling_memory>68719476736</max_scheduling_memory>"
    assert host(f"<status>up</status>{free}").schedulable == 64 << 30
    assert host(f"<status>non_responsive</status>{free}").schedulable is None
    assert host("<status>up</status>").schedulable is None


def test_a_host_without_an_os_description():
    os = "<os><type>RHEL</type><version><full_version>9.8 - 1.0.7.el9</full_version></version></os>"
    assert host(os).os_version == "RHEL 9.8 - 1.0.7.el9"


def test_huge_pages_without_a_total_and_without_a_value():
    rows = "".join(
        f"<statistic id='{n}'><name>hugepages.{n}</name><values>{v}</values></statistic>"
        for n, v in (("2048.free", "<value><datum>3.0</datum></value>"), ("1048576.free", ""))
    )
    small, large = host(f"<statistics>{rows}</statistics>").hugepages
    assert (small.kib, small.free, small.total) == ("2048", 3, None)
    assert (large.kib, large.free, large.total) == ("1048576", None, None)


def test_a_root_without_backups_and_summary():
    root = readers.root(b"<api><product_info><instance_id>i</instance_id></product_info></api>")
    assert (root.instance_id, root.administrator, root.backups, root.time) == ("i", False, (), None)
    with pytest.raises(Unreadable):
        readers.root(b"<fault/>")


# --- transport details ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"x"), ("gzip", b"x"), ("gzip", b"\x1f\x8b\x08")],
)
def test_bodies_that_do_not_inflate_are_refused(encoding, body):
    with pytest.raises(ValueError, match=r".+"):
        wire.unpacked(body, {"content-encoding": encoding})


def test_a_body_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_BODY", 1000)
    with pytest.raises(ValueError, match="too large"):
        wire.unpacked(gzip.compress(b"x" * 5000), {"content-encoding": "gzip"})
    curl, sink = pycurl.Curl(), BytesIO()
    wire.bound(curl, timeout=1, ca_pem="", sink=sink)
    write = wire._capped(sink)
    assert write(b"x" * 900) == 900
    assert write(b"x" * 200) == 0


def test_the_last_answers_headers_count():
    lines = ["HTTP/1.1 100 Continue", "A: 1", "", "HTTP/1.1 200 OK", "Content-Type: text/xml; charset=x", "odd line"]
    assert wire.header_map(lines) == {"content-type": "text/xml; charset=x"}
    assert wire.Answer(200, wire.header_map(lines)).content_type == "text/xml"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [(6, Unreachable, "name"), (7, Unreachable, "nothing listens"), (28, Unreachable, "deadline"),
     (35, Unreachable, "TLS handshake"), (60, Untrusted, "does not verify (self-signed)"),
     (77, Untrusted, "PEM"), (23, Protocol, "cannot be taken in"), (999, Unreachable, "self-signed")],
)  # fmt: skip
def test_curls_numbers_in_words(code, kind, words):
    failed = from_curl("engine1", "GET /vms", code, "self-signed")
    assert type(failed) is kind
    assert words in str(failed)
    assert "engine1" in str(failed)
    assert (failed.status, failed.detail) == (None, "self-signed")


def test_what_the_sdk_says_without_a_number_is_a_broken_protocol():
    failed = from_sdk("engine1", "GET /vms", TypeError("expected string"))
    assert isinstance(failed, Protocol)
    assert "expected string" in str(failed)


def test_numa_nodes_of_a_vm():
    body = b"""<vm_numa_nodes><vm_numa_node id="b"><index>1</index><numa_node_pins/></vm_numa_node>
    <vm_numa_node id="a"><index>0</index><memory>1024</memory><numa_tune_mode>strict</numa_tune_mode><numa_node_pins>
    <numa_node_pin><index>1</index></numa_node_pin><numa_node_pin><index>x</index></numa_node_pin>
    <numa_node_pin><index>0</index></numa_node_pin></numa_node_pins></vm_numa_node></vm_numa_nodes>"""
    assert readers.numa_nodes(body) == ((0, 2**30, "strict", (0, 1)), (1, None, "", ()))
    assert readers.numa_nodes(b"<vm_numa_nodes/>") == ()
    with pytest.raises(Unreadable, match="without a number"):
        readers.numa_nodes(b'<vm_numa_nodes><vm_numa_node id="a"/></vm_numa_nodes>')
