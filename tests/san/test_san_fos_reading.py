"""Fabric OS REST bodies as shapes: the samples, old and new forms, and what an error means."""

from __future__ import annotations

import json

import pytest

from portal.connectors.san.reading import fos_names, fos_ports, fos_switch, fos_zoning
from portal.connectors.san.reading.fos_body import Means, container, heard
from portal.connectors.san.reading.leaves import Unreadable, dbm, document, flag, real, rows, text, whole
from portal.kernel.san import Unit, Zone
from tests.fixtures_san_devices import body, fault, raw, response


def listed(name):
    said = heard(200, raw(f"brocade-rest/{name}.json"))
    return container(said.content, name.rpartition("_")[0])


@pytest.mark.parametrize(("side", "domain", "base"), [("A", 1, "c4f57c01a000"), ("B", 2, "c4f57c01b000")])
def test_the_samples_ports_read(side, domain, base):
    ports = fos_ports.ports(listed(f"fibrechannel_{side}"), {})
    assert len(ports) == 24
    assert [port.wwn for port in ports] == [f"2{n:03x}{base}" for n in range(24)]
    online = [port for port in ports if port.state == "online"]
    assert [port.number for port in online] == [0, 1, 4, 5, 6, 7]
    assert {(port.kind, port.gbit, port.enabled, port.licensed) for port in online} == {("F", 32.0, True, True)}
    assert ports[2].state == "no_light"
    assert (ports[2].kind, ports[2].gbit, ports[2].neighbors) == ("U", None, ())
    assert ports[8].licensed is False
    first = {"A": "100000109ba10100", "B": "100000109ba20100"}[side]
    assert ports[0].neighbors == (first,)
    assert ports[0].name == {"A": "olvm-h1_hba0", "B": "olvm-h1_hba1"}[side]


@pytest.mark.parametrize(("side", "key", "domain"), [("A", "1000c4f57c01a000", 1), ("B", "1000c4f57c01b000", 2)])
def test_the_samples_switch_reads(side, key, domain):
    told = fos_switch.identity(listed(f"fibrechannel-switch_{side}"))
    assert (told.wwn, told.domain, told.model, told.firmware) == (key, domain, "170.5", "v8.2.3c1")
    assert (told.name, told.state, told.principal) == (f"SW{side}1", "online", True)
    (member,) = fos_switch.members(listed(f"fabric-switch_{side}"))
    assert (member.wwn, member.domain, member.name, member.principal) == (key, domain, f"SW{side}1", True)
    assert fos_switch.serial(listed(f"chassis_{side}")).startswith("XYZ")


def test_the_samples_logins_read():
    logins = fos_names.logins(listed("fibrechannel-name-server_A"))
    assert [(one.wwpn, one.fcid, one.device) for one in logins] == [
        ("100000109ba10100", "010000", "initiator"),
        ("100000109ba10200", "010100", "initiator"),
        ("20083400a30d0001", "010400", "target"),
        ("20183400a30d0001", "010500", "target"),
        ("20083400a30d0002", "010600", "target"),
        ("20183400a30d0002", "010700", "target"),
    ]
    ports = {port.wwn for port in fos_ports.ports(listed("fibrechannel_A"), {})}
    assert {one.fabric_port for one in logins} <= ports
    assert "HN:olvm-h1" in logins[0].node_symbol


def test_the_samples_zoning_reads():
    now = fos_zoning.effective(listed("effective-configuration_A"))
    kept = fos_zoning.defined(listed("defined-configuration_A"))
    assert (now.cfg_effective, now.all_access, now.transaction) == ("CFG_FAB_A", False, False)
    zones = {zone.name: zone for zone in now.effective}
    assert zones["Z_olvm-h1_hba0_PROD"] == Zone(
        "Z_olvm-h1_hba0_PROD", ("100000109ba10100", "20083400a30d0001", "20183400a30d0001")
    )
    assert set(kept.cfgs["CFG_FAB_A"]) == set(zones) == {zone.name for zone in kept.defined}
    for zone in kept.defined:
        resolved = {one for name in zone.members for one in kept.aliases[name]}
        assert resolved == set(zones[zone.name].members)


def test_the_samples_counters_and_optics_read():
    known = fos_ports.numbers(listed("fibrechannel_A"))
    values, cleared = fos_ports.counters(listed("fibrechannel-statistics_A"), known)
    assert sorted(values) == [0, 1, 4, 5, 6, 7]
    assert values[1]["in-frames"] == 2_000_000_001
    assert "sampling-interval" not in values[0]
    assert "time-generated" not in values[0]
    assert "in-peak-rate" not in values[0]
    assert cleared == {}
    optics = fos_ports.sfps(listed("media-rdp_A"), known)
    assert [one.number for one in optics] == [0, 1, 4, 5, 6, 7]
    assert (optics[0].rx_dbm, optics[0].tx_dbm, optics[0].celsius) == (-2.6, 0.5, 27.0)
    assert (optics[0].part, optics[0].serial) == ("SFP28-32G85-SW", "EX000100")


def test_a_clearing_is_told_by_its_time():
    row = {"name": "0/3", "crc-errors": 5, "reset-statistics": 1710430840, "bad": "x", "negative": -1}
    assert fos_ports.counters((row,), {}) == ({3: {"crc-errors": 5}}, {3: 1710430840})


NINE = {
    "name": "0/22",
    "index": 22,
    "wwn": "20:16:c4:f5:7c:01:a0:00",
    "port-type": 15,
    "port-type-string": "e-port",
    "protocol-speed": "32G",
    "speed": 16000000000,
    "max-speed": 32000000000,
    "physical-state": "Online",
    "is-enabled-state": True,
    "is-persistent-disable": False,
    "persistent-disable": 1,
    "pod-license-state": "released",
    "pod-license-status": True,
    "neighbor": {"wwn": ["20:17:c4:f5:7c:02:a0:00"]},
    "neighbor-node-wwn": "10:00:c4:f5:7c:02:a0:00",
    "neighbor-slot-port": "0/24",
    "port-health": "HEALTHY",
    "disable-reason": "None",
    "segmentation-reason": "zone-conflict",
}


def test_strings_of_9x_stand_above_numbers():
    (port,) = fos_ports.ports((NINE,), {22: 4})
    assert (port.kind, port.gbit, port.most_gbit, port.state) == ("E", 32.0, 32.0, "online")
    assert (port.persistent_disable, port.licensed, port.enabled) == (False, True, True)
    assert (port.neighbors, port.peer_port, port.trunk) == (("1000c4f57c02a000",), 24, 4)
    assert (port.health, port.why_disabled, port.why_segmented) == ("healthy", "", "zone-conflict")
    row = {"operational-status-string": "Faulty", "operational-status": 2, "name": "10:00:c4:f5:7c:01:a0:00"}
    told = fos_switch.identity((row | {"is-principal": False, "principal": 1},))
    assert (told.state, told.principal) == ("faulty", False)


def test_speeds_of_a_release_that_answers_no_deprecated_leaf():
    """9.2 names them 32-gfc, as far as its manual shows."""
    now = {"protocol-speed": "16-gfc", "max-protocol-speed": "32-gfc", "index": 4, "physical-state": "online"}
    (port,) = fos_ports.ports((now | {"name": "0/4"},), {})
    assert (port.gbit, port.most_gbit) == (16.0, 32.0)
    (dark,) = fos_ports.ports((now | {"name": "0/4", "physical-state": "no_light"},), {})
    assert (dark.gbit, dark.most_gbit) == (None, 32.0)


def test_a_device_that_the_name_server_does_not_know_is_neither():
    rows = ({"port-name": "20:28:d8:1f:cc:5a:5d:e8", "name-server-device-type": "Physical Unknown(initiator/target)"},)
    assert fos_names.logins(rows)[0].device == ""


def test_units_and_the_switchs_own_health():
    told = fos_switch.units(({"unit-number": 1, "operational-state": "OK"}, {"operational-state": None}), "fan")
    assert told == (Unit("fan", 1, "ok"), Unit("fan", None, ""))
    report = {"switch-health": "Marginal", "fan-health": "healthy", "flash-health": "", "other": "x"}
    assert fos_switch.health((report,)) == {"switch": "marginal", "fan": "healthy"}
    assert fos_switch.health(()) == {}


def test_a_reserved_licence_counts_where_no_status_is_told():
    def licensed(**row):
        return fos_ports.ports(({"name": "0/1"} | row,), {})[0].licensed

    assert licensed(**{"pod-license-state": "reserved"}) is True
    assert licensed(**{"pod-license-state": "released"}) is None
    assert licensed(**{"pod-license-status": False, "pod-license-state": "reserved"}) is False


def test_numbers_serve_where_no_strings_are():
    older = {key: value for key, value in NINE.items() if not key.endswith(("-string", "-slot-port", "-speed"))}
    (port,) = fos_ports.ports(
        (older | {"port-type": 7, "index": None, "default-index": 22, "pod-license-state": ""},), {}
    )
    assert (port.kind, port.gbit, port.peer_port, port.licensed) == ("E", 16.0, 0x17, True)
    (bare,) = fos_ports.ports(({"name": "0/5", "enabled-state": 6, "port-type": 7},), {})
    assert (bare.number, bare.enabled, bare.peer_port, bare.neighbors, bare.gbit) == (5, False, None, (), None)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"port-type": 15}, "F"),
        ({"port-type": 32768}, "LB"),
        ({"port-type": 99}, "code 99"),
        ({"port-type": "later"}, "code later"),
        ({"port-type": 0}, ""),
        ({}, ""),
        ({"port-type-string": "universal-port", "port-type": 15}, "U"),
        ({"port-type-string": "unknown"}, ""),
        ({"port-type-string": "ex-port"}, "EX"),
    ],
)
def test_port_types(row, kind):
    assert fos_ports.ports(({"name": "0/1"} | row,), {})[0].kind == kind


@pytest.mark.parametrize(
    ("told", "state"),
    [(2, "online"), (3, "offline"), (5, "faulty"), (6, "testing"), (0, ""), (77, "code 77"), (None, "")],
)
def test_switch_states(told, state):
    row = {"name": "10:00:c4:f5:7c:01:a0:00", "operational-status": told}
    assert fos_switch.identity((row,)).state == state


def test_peer_zones_of_both_kinds():
    entries = {"principal-entry-name": "20:08:34:00:a3:0d:00:01", "entry-name": ["10:00:00:10:9b:a1:01:00", "1, 4"]}
    zones = [
        {"zone-name": "p", "zone-type": 1, "member-entry": entries},
        {"zone-name": "t", "zone-type-string": "target-created-peer-zone", "zone-type": 0, "member-entry": entries},
        {"zone-name": "x", "zone-type": 9, "member-entry": {}},
        {"zone-name": "y", "zone-type-string": "later-kind"},
    ]
    told = fos_zoning.effective(({"cfg-name": "C", "enabled-zone": zones, "transaction-token": 7},))
    peer, target, odd, later = told.effective
    assert peer == Zone("p", ("20083400a30d0001", "100000109ba10100", "1,4"), "peer", ("20083400a30d0001",))
    assert (target.kind, odd.kind, odd.members, later.kind) == ("target_peer", "code 9", (), "later-kind")
    assert told.transaction is True


def test_no_configuration_in_effect_and_who_may_talk_then():
    none = fos_zoning.effective(())
    assert (none.cfg_effective, none.effective, none.all_access, none.transaction) == ("", (), None, None)
    assert fos_zoning.effective(({"default-zone-access": 1, "transaction-token": 0},)).all_access is True
    assert fos_zoning.effective(({"default-zone-access-string": "no-access"},)).all_access is False
    assert fos_zoning.effective(({"default-zone-access": "all-access"},)).all_access is True
    assert fos_zoning.effective(({"default-zone-access": 9},)).all_access is None


def test_an_object_in_the_place_of_a_list_is_a_list_of_one():
    whole_list = heard(200, raw("brocade-rest/fibrechannel-switch_A.json")).content["fibrechannel-switch"]
    one = heard(200, response({"fibrechannel-switch": whole_list[0]}))
    assert container(one.content, "fibrechannel-switch") == tuple(whole_list)
    zone = {"zone-name": "z", "member-entry": {"entry-name": "10:00:00:10:9b:a1:01:00"}}
    assert fos_zoning.effective(({"enabled-zone": zone},)).effective == (Zone("z", ("100000109ba10100",)),)


@pytest.mark.parametrize(
    ("status", "sent", "means"),
    [
        (404, raw("brocade-rest/error-404-nothing-to-list.json"), Means.EMPTY),
        (400, raw("brocade-rest/error-400-no-licenses.json"), Means.EMPTY),
        (404, raw("brocade-rest/error-object-form-old-fos.json"), Means.EMPTY),
        (400, raw("brocade-rest/error-400-vf-off.json"), Means.NO_VF),
        (400, raw("brocade-rest/error-400-invalid-uri.json"), Means.MISSING),
        (400, fault("No entries in the FDMI database"), Means.EMPTY),
        (400, fault("Not supported on this platform"), Means.EMPTY),
        (400, fault("AG mode is not enabled"), Means.EMPTY),
        (404, fault("No device was found"), Means.EMPTY),
        (404, fault("No trunking Links"), Means.EMPTY),
        (404, fault("No syslog servers are configured"), Means.EMPTY),
        (404, fault("No entries in Name Server"), Means.EMPTY),
        (500, fault("No entries found"), Means.FAILED),
        (405, b"", Means.EMPTY),
        (503, fault("Service Unavailable"), Means.AGAIN),
        (503, b"<html>", Means.AGAIN),
        (503, fault("Chassis is not ready for management"), Means.FAILED),
        (400, fault("The Fabric is busy"), Means.AGAIN),
        (401, fault("who"), Means.REFUSED),
        (403, b"", Means.REFUSED),
        (403, fault("Max limit for REST sessions reached"), Means.FULL),
        (503, fault("The number of sessions exceeds the maximum"), Means.FULL),
        (404, b"<html>404</html>", Means.MISSING),
        (404, fault("Permission denied"), Means.FAILED),
        (400, fault("whatever", 77), Means.FAILED),
        (200, body({"errors": {"error": [{"error-message": "No entries found"}]}}), Means.EMPTY),
        (204, b"", Means.ROWS),
        (200, b" ", Means.ROWS),
    ],
)
def test_what_an_answer_means(status, sent, means):
    assert heard(status, sent).means is means


def test_an_unknown_error_is_told_with_its_code():
    assert heard(400, fault("Something   new.", 4711)).said == "HTTP 400, code 4711: Something new"
    assert heard(500, b"\xff").said == "HTTP 500"
    assert heard(503, fault("Service Unavailable")).wait == 4
    assert heard(400, fault("The Fabric is busy")).wait == 10


@pytest.mark.parametrize("sent", [b"{", b"[]", b"1", b'{"Response": []}', b"[" * 100_000, b'{"a": NaN}', b"\xff\xfe"])
def test_a_success_without_a_response_cannot_be_read(sent):
    with pytest.raises(Unreadable):
        heard(200, sent)


def test_ports_tell_their_switch():
    ports = fos_ports.ports(listed("fibrechannel_A"), {})
    assert fos_switch.by_ports(ports) == "1000c4f57c01a000"
    odd = fos_ports.ports(({"name": "0/1", "wwn": "20:01:c4:f5:7c:01:b0:00"},), {})
    assert fos_switch.by_ports((*ports, *odd)) == ""
    assert fos_switch.by_ports(fos_ports.ports(({"name": "0/1"},), {})) == ""
    assert fos_switch.by_ports(()) == ""


def test_what_is_missing_is_not_empty():
    with pytest.raises(Unreadable, match="no fibrechannel"):
        container({}, "fibrechannel")
    for reader in (fos_switch.identity, lambda found: fos_ports.ports(found, {})):
        with pytest.raises(Unreadable):
            reader(())


@pytest.mark.parametrize(
    ("reader", "row"),
    [
        (fos_switch.identity, {"name": "nothing"}),
        (fos_switch.members, {"name": ""}),
        (fos_names.logins, {"port-name": 5.5}),
        (lambda found: fos_ports.ports(found, {}), {"name": "fc/x"}),
        (lambda found: fos_ports.counters(found, {}), {"name": ""}),
        (lambda found: fos_ports.sfps(found, {}), {}),
        (fos_zoning.effective, {"enabled-zone": [{"zone-name": ""}]}),
        (fos_zoning.effective, {"enabled-zone": "no list"}),
        (fos_zoning.defined, {"alias": [{}]}),
        (fos_zoning.defined, {"cfg": [5]}),
    ],
)
def test_a_row_without_its_key_makes_its_part_unreadable(reader, row):
    with pytest.raises(Unreadable):
        reader((row,))


def test_log_trunks_modules_and_expiry():
    log = fos_switch.log(
        (
            {
                "sequence-number": 2,
                "time-stamp": "b",
                "message-id": "ZONE-1062",
                "severity-level": "WARNING",
                "message-text": "x",
            },
            {
                "sequence-number": 1,
                "time-stamp": "a",
                "message-id": "ZONE-1022",
                "severity-level": "info",
                "message-text": "y",
            },
        )
    )
    assert log == (("a", "ZONE-1022", "info", "y"), ("b", "ZONE-1062", "warning", "x"))
    assert fos_switch.trunks(({"source-port": 22, "group": 1}, {"source-port": "23", "group": 1}, {})) == {
        22: 1,
        23: 1,
    }
    listed_modules = (
        {"name": "brocade-zone", "objects": {"object": ["fabric-lock"]}},
        {"objects": {"object": "x"}},
        {"name": "m"},
    )
    assert fos_switch.modules(listed_modules) == {"brocade-zone", "brocade-zone/fabric-lock", "m"}
    assert fos_switch.password_days({"switch-parameters": {"days-to-user-password-expiration": 12}}) == 12
    assert fos_switch.password_days({}) is None
    assert fos_switch.holder(({"lock-principal-domain-id": 3},)) == "the switch with domain 3"
    assert fos_switch.holder(()) == ""
    assert fos_switch.serial(()) == ""


def test_devices_of_the_name_server():
    assert fos_names.device("NPIV Initiator") == "initiator"
    assert fos_names.device("Physical Initiator+Target") == ""
    assert fos_names.device("Unknown") == ""
    (one,) = fos_names.logins(({"port-name": "20:08:34:00:a3:0d:00:01", "fc4-features": "FCP-Target"},))
    assert one.device == "target"


def test_leaves():
    assert [whole(v) for v in (5, "7", 8.0, 8.5, True, "x", None, "18446744073709551615", [])] == [
        5,
        7,
        8,
        None,
        None,
        None,
        None,
        None,
        None,
    ]
    assert [real(v) for v in ("1.5", 2, True, "nan", "inf", [], "x")] == [1.5, 2.0, None, None, None, None, None]
    assert [flag(v) for v in (True, 0, "Yes", "no", "perhaps", None)] == [True, False, True, False, None, None]
    assert [text(v) for v in (True, False, " a ", 5, None, {})] == ["true", "false", "a", "5", "", ""]
    assert rows(None) == rows({}) == rows("") == ()
    with pytest.raises(Unreadable):
        rows([1])
    assert (dbm(551.8), dbm(0.0), dbm(None)) == (-2.6, None, None)
    assert document(json.dumps({"a": 1}).encode()) == {"a": 1}
