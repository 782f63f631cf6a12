"""DeviceManager bodies as shapes: the samples, odd values, both mapping models, replication."""

from __future__ import annotations

import json

import pytest

from portal.connectors.san.reading import array_access, array_hardware, array_replication
from portal.connectors.san.reading.array_body import Means, count, heard, listed, lun_wwn, one, told, yes
from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.san import Mapped, Pool, RemoteArray
from tests.fixtures_san_devices import OK, body, failure, found, raw


def data(name):
    return listed(heard(200, raw(f"dorado-rest/{name}.json")).data)


@pytest.mark.parametrize(
    ("side", "serial", "name", "last"),
    [("prod", "2102353XYZ00000001", "DORADO-PROD", "1"), ("dr", "2102353XYZ00000002", "DORADO-DR", "2")],
)
def test_the_samples_hardware_reads(side, serial, name, last):
    system = array_hardware.system(one(heard(200, raw(f"dorado-rest/{side}-system.json")).data))
    assert (system.serial, system.name, system.wwn) == (serial, name, f"21003400a30d000{last}")
    assert (system.model, system.firmware, system.health) == ("OceanStor Dorado 5000 V6", "6.1.6", "1")
    assert [(c.ident, c.location, c.running) for c in array_hardware.controllers(data(f"{side}-controller"))] == [
        ("0A", "CTE0.A", "27"),
        ("0B", "CTE0.B", "27"),
    ]
    ports = array_hardware.ports(data(f"{side}-fc_port"))
    assert [(p.wwpn, p.controller, p.module, p.running, p.gbit) for p in ports] == [
        (f"20083400a30d000{last}", "0A", "0A.0", "10", 32.0),
        (f"20093400a30d000{last}", "0A", "0A.0", "10", 32.0),
        (f"20183400a30d000{last}", "0B", "0B.0", "10", 32.0),
        (f"20193400a30d000{last}", "0B", "0B.0", "10", 32.0),
    ]
    assert ports[0].enabled is True
    assert ports[0].errors == dict.fromkeys(("LOSTSIGNALS", "LOSTSYNC", "LINKFAIL", "BADCRCNUM", "BADCHARNUMBER"), 0)


def test_the_samples_access_reads():
    hosts = array_access.hosts(data("prod-host"))
    assert hosts == {"0": "olvm-h1", "1": "olvm-h2"}
    initiators = array_access.initiators(data("prod-fc_initiator_host0"))
    assert [(i.wwpn, i.host, i.online, i.free) for i in initiators] == [
        ("100000109ba10100", "0", True, False),
        ("100000109ba20100", "0", True, False),
    ]
    links = array_access.links(data("prod-host_link_host0"), "0")
    assert {(link.initiator, link.target, link.running) for link in links} == {
        ("100000109ba10100", "20083400a30d0001", "27"),
        ("100000109ba10100", "20183400a30d0001", "27"),
        ("100000109ba20100", "20093400a30d0001", "27"),
        ("100000109ba20100", "20193400a30d0001", "27"),
    }
    luns = array_access.luns(data("prod-lun"))
    assert [(lun.ident, lun.name, lun.size) for lun in luns] == [
        ("1", "he_sd", 2 * 1024**4),
        ("2", "ora_data01", 2 * 1024**4),
        ("3", "ora_redo01", 2 * 1024**4),
        ("4", "ora_fra01", 2 * 1024**4),
    ]
    assert luns[1].wwn == "63400a31000d00010a1b2c3d00000002"
    mapped = array_access.mapped(data("prod-lun_associate_host0"), "0", ())
    assert mapped == tuple(Mapped("0", str(n), n, None) for n in range(1, 5))


@pytest.mark.parametrize(("side", "primary", "other"), [("prod", True, "2"), ("dr", False, "1")])
def test_the_samples_replication_reads(side, primary, other):
    pairs = array_replication.pairs(data(f"{side}-REPLICATIONPAIR"))
    assert [(p.local_lun, p.remote_lun) for p in pairs] == [("2", "2"), ("3", "3"), ("4", "4")]
    first = pairs[0]
    assert (first.primary, first.synchronous, first.running, first.health) == (primary, True, "1", "1")
    assert (first.local_data, first.remote_data, first.secondary_access) == ("1", "1", "2")
    assert (first.remote_serial, first.group_name) == (f"2102353XYZ0000000{other}", "CG_ORA")
    assert (first.started, first.ended, first.interval, first.progress) == (1763802000, 1763802060, None, None)
    assert first.synced is True
    (group,) = array_replication.groups(data(f"{side}-CONSISTENTGROUP"), "replication")
    assert (group.name, group.primary, group.synchronous, group.ended) == ("CG_ORA", primary, True, 1763802060)
    (remote,) = array_replication.remotes(data(f"{side}-remote_device"))
    assert (remote.serial, remote.links, remote.running) == (f"2102353XYZ0000000{other}", 4, "10")


def test_data_of_a_pair_follows_its_direction():
    row = {"ID": "1", "PRIRESDATASTATUS": "1", "SECRESDATASTATUS": "2", "REPLICATIONMODEL": "2", "TIMINGVAL": "60"}
    (prod,) = array_replication.pairs((row | {"ISPRIMARY": "true"},))
    (dr,) = array_replication.pairs((row | {"ISPRIMARY": "false"},))
    (unknown,) = array_replication.pairs((row,))
    assert (prod.local_data, prod.remote_data) == ("1", "2")
    assert (dr.local_data, dr.remote_data) == ("2", "1")
    assert (unknown.primary, unknown.local_data, unknown.remote_data) == (None, "", "")
    assert (prod.synchronous, prod.interval) == (False, 60)
    assert array_replication.pairs(({"ID": "2", "LOCALRESTYPE": "40"},)) == ()


def test_hypermetro():
    remotes = (RemoteArray("SN2", "DR", "", "1", "10"),)
    domains = (
        {"ID": "0", "REMOTEDEVICES": '[{"devId":"0","devESN":"SN9"}]'},
        {"ID": "1", "REMOTEDEVICES": "[]"},
        {"ID": "2"},
        {"ID": "3", "REMOTEDEVICES": [{"devESN": "SN8"}]},
        {"ID": "4", "REMOTEDEVICES": "{"},
    )
    known = array_replication.partners(domains, remotes)
    assert known == {"0": "SN9", "1": "SN2", "2": "SN2", "3": "SN8", "4": "SN2"}
    assert array_replication.partners(domains[:3], ()) == {"0": "SN9", "1": "", "2": ""}
    row = {"ID": "9", "DOMAINID": "0", "LOCALOBJID": "5", "REMOTEOBJID": "6", "ISPRIMARY": "true", "LINKSTATUS": "10"}
    (pair,) = array_replication.metro_pairs((row,), {"0": "SN9"})
    assert (pair.kind, pair.remote_serial, pair.local_lun, pair.remote_lun, pair.link) == (
        "metro",
        "SN9",
        "5",
        "6",
        "10",
    )
    assert pair.synchronous is True
    (group,) = array_replication.groups(({"ID": "1"},), "metro")
    assert (group.kind, group.synchronous, group.primary) == ("metro", True, None)


def test_what_an_answer_means():
    assert heard(200, raw("dorado-rest/empty-collection.json")).data is None
    assert listed(heard(200, raw("dorado-rest/empty-collection.json")).data) == ()
    assert heard(200, raw("dorado-rest/error-token-expired.json")).means is Means.LOGIN
    assert heard(200, raw("dorado-rest/error-pair-not-found.json")).means is Means.ROWS
    assert heard(401, b"<html>").means is Means.LOGIN
    for code, means in [
        (1077939726, Means.LOGIN),
        (4294967297, Means.LOGIN),
        (50331651, Means.NO_RANGE),
        (1077949001, Means.LATER),
        (1077949006, Means.LATER),
        (4711, Means.FAILED),
    ]:
        assert heard(200, failure(code)).means is means
    assert heard(200, failure(4711, " What \n now. ")).said == "code 4711: What now"
    assert heard(500, failure(4711, "0")).said == "HTTP 500, code 4711"
    assert heard(500, body({"data": [1]} | OK)).means is Means.FAILED
    assert heard(200, body({"error": {"code": "0"}})).means is Means.ROWS
    assert one(heard(200, raw("dorado-rest/count.json")).data)["COUNT"] == "12"


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b"{}", b'{"error": 5}', b"<html>", b'{"error": {"code": "x"}}', b"[" * 99_999]
)
def test_what_is_no_devicemanager_cannot_be_read(sent):
    with pytest.raises(Unreadable):
        heard(200, sent)


def test_values():
    row = {"snapType": "1", "SNAPTYPE": "2", "A": "18446744073709551615", "B": "--", "C": -1, "D": True, "E": "False"}
    assert (told(row, "SNAPTYPE"), told(row, "snapType"), told(row, "SnapType")) == ("2", "1", "1")
    assert (told(row, "A"), told(row, "B"), told(row, "missing")) == ("", "", "")
    assert (count(row, "C"), count(row, "SNAPTYPE")) == (None, 2)
    assert (yes(row, "D"), yes(row, "E"), yes(row, "A")) == (True, False, None)
    assert lun_wwn({"WWN": "63400A31000D00010A1B2C3D00000002"}) == "63400a31000d00010a1b2c3d00000002"
    assert lun_wwn({"WWN": "6340"}) == ""
    for data_ in (None, [{}, {}]):
        with pytest.raises(Unreadable):
            one(data_)


@pytest.mark.parametrize(
    ("module", "location", "controller"),
    [
        ("0A.0", "", "0A"),
        ("1B", "", "1B"),
        ("", "CTE0.B.IOM0.P1", "0B"),
        ("x", "CTE12.C", "12C"),
        ("", "", ""),
        ("A", "CTE.A", ""),
    ],
)
def test_the_controller_of_a_port(module, location, controller):
    assert array_hardware.controller_of(module, location) == controller


def test_odd_hardware():
    (port,) = array_hardware.ports(({"ID": "1", "RUNSPEED": "-1", "RUNNINGSTATUS": "11", "PORTSWITCH": "false"},))
    assert (port.gbit, port.wwpn, port.controller, port.enabled, port.errors) == (None, "", "", False, {})
    assert array_hardware.system({"ID": "S", "PRODUCTMODE": "77"}).model == "code 77"
    assert array_hardware.system({"ID": "S"}).model == ""
    assert array_hardware.system({"ID": "S", "productModeString": "X", "PRODUCTVERSION": "V7"}).firmware == "V7"
    with pytest.raises(Unreadable):
        array_hardware.system({"ID": ""})
    with pytest.raises(Unreadable):
        array_hardware.controllers(())


def test_alarms_and_clock():
    (alarm,) = array_hardware.alarms(({"sequence": "5", "name": "Link down", "level": "5", "startTime": "1763802000"},))
    assert (alarm.ident, alarm.name, alarm.level, alarm.since) == ("5", "Link down", 5, 1763802000)
    assert array_hardware.alarms(({"strEventID": "0xF1"}, {"eventID": 7}))[0].ident == "0xF1"
    assert array_hardware.offset({"CMO_SYS_UTC_TIME": "1000"}, 900.0, 901.0) == 100.0
    for row in ({}, {"CMO_SYS_UTC_TIME": "0"}, {"CMO_SYS_UTC_TIME": "now"}):
        with pytest.raises(Unreadable):
            array_hardware.offset(row, 0, 0)


def test_free_and_silent_initiators():
    rows = (
        {"ID": "100000109ba10100", "ISFREE": "true", "PARENTID": "0"},
        {"ID": "100000109ba10200", "RUNNINGSTATUS": "28"},
    )
    free, silent = array_access.initiators(rows)
    assert (free.host, free.free, free.online) == ("", True, None)
    assert silent.online is False
    with pytest.raises(Unreadable):
        array_access.initiators(({"ID": "iqn.1993"},))
    with pytest.raises(Unreadable):
        array_access.links(({"INITIATOR_PORT_WWN": "100000109ba10100"},), "0")


def test_luns_and_snapshots():
    rows = ({"ID": 7, "TYPE": 27, "USERCAPACITY": "2", "WWN": "x"}, {"ID": "8", "CAPACITY": "0"})
    snapshot, empty = array_access.luns(rows)
    assert (snapshot.ident, snapshot.snapshot, snapshot.size, snapshot.wwn) == ("7", True, 1024, "")
    assert (empty.size, empty.snapshot) == (None, False)
    assert array_access.luns(({"ID": "1"},), snapshot=True)[0].snapshot is True


def test_port_groups_restrict_only_what_every_view_restricts():
    view = array_access.View
    closed = view(frozenset("0"), frozenset("12"), frozenset({"p1"}))
    wider = view(frozenset("0"), frozenset("2"), frozenset({"p2"}))
    opened = view(frozenset("0"), frozenset("2"), None)
    rows = ({"ID": "1"}, {"ID": "2"}, {"ID": "3", "ASSOCIATEMETADATA": json.dumps({"HostLUNID": 9})})
    limited = array_access.mapped(rows, "0", (closed, wider))
    assert [(one_.lun, one_.ports) for one_ in limited] == [
        ("1", frozenset({"p1"})),
        ("2", frozenset({"p1", "p2"})),
        ("3", None),
    ]
    assert limited[2].host_lun_id == 9
    assert array_access.mapped(rows, "0", (closed, opened))[1].ports is None
    assert array_access.mapped(rows, "1", (closed,))[0].ports is None
    odd = ({"ID": "1", "ASSOCIATEMETADATA": "[]"}, {"ID": "2", "ASSOCIATEMETADATA": "{"})
    assert [one_.host_lun_id for one_ in array_access.mapped(odd, "0", ())] == [None, None]


def test_views_and_their_members():
    rows = ({"ID": "1", "hostGroupId": "3", "LUNGROUPID": "4", "PORTGROUPID": "--"}, {"ID": "2"})
    assert array_access.views(rows) == (array_access.Groups("3", "4", ""), array_access.Groups("", "", ""))
    assert array_access.idents(({"ID": 5}, {"ID": "6"})) == {"5", "6"}
    ports = ({"ID": "1", "WWN": "20083400a30d0001"}, {"ID": "2"})
    assert array_access.port_wwpns(ports, {"2": "20093400a30d0001"}) == {"20083400a30d0001", "20093400a30d0001"}
    with pytest.raises(Unreadable):
        array_access.port_wwpns(ports, {})
    with pytest.raises(Unreadable):
        array_access.idents(({"ID": None},))


def test_found_is_what_the_server_says():
    assert listed(heard(200, found({"ID": "1"})).data) == ({"ID": "1"},)


def test_pools_tell_sectors_and_per_cent():
    row = {"ID": "0", "NAME": "POOL0", "HEALTHSTATUS": "1", "RUNNINGSTATUS": "27", "USERTOTALCAPACITY": "2097152",
           "USERFREECAPACITY": "18446744073709551615", "USERCONSUMEDCAPACITYPERCENTAGE": "25",
           "USERCONSUMEDCAPACITYTHRESHOLD": "80"}  # fmt: skip
    (one,) = array_hardware.pools((row,))
    assert one == Pool("0", "POOL0", "1", "27", 2**30, None, 25, 80)
    with pytest.raises(Unreadable, match="without ID"):
        array_hardware.pools(({"NAME": "POOL0"},))
