"""A look at a switch over HTTPS: sessions, refusals, retries, and parts that fail alone."""

from __future__ import annotations

import base64
import socket
import threading

import pytest

from portal.connectors.san import https
from portal.connectors.san.errors import Busy, Garbled, Refused, Unreachable, Untrusted
from portal.connectors.san.fabric_rest import FabricRest
from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Door, WouldWrite, offered
from tests.fixtures_engine import make_identity
from tests.fixtures_san_devices import (
    EMPTY_404,
    MODULES,
    PASSWORD,
    USER,
    Said,
    account,
    body,
    fault,
    modules,
    raw,
    response,
)
from tests.san.rest_seen import rest_seen

RUN = "running/brocade-"


@pytest.fixture
def reader(fos, gate):
    pauses = []
    made = FabricRest(fos.endpoint(), account(), gate=gate, pause=pauses.append)
    made.pauses = pauses
    return made


def test_a_look_delivers_the_samples_and_ends_its_session(fos, reader):
    seen, expected = reader.look(), rest_seen("A")
    assert (seen.wwn, seen.name, seen.source, seen.domain) == (expected.wwn, "SWA1", "rest", 1)
    assert (seen.ports, seen.logins, seen.zoning) == (expected.ports, expected.logins, expected.zoning)
    assert (seen.members, seen.firmware, seen.serial) == (expected.members, "v8.2.3c1", "XYZ0000S001")
    assert sorted(seen.counters) == [one.number for one in seen.sfps] == [0, 1, 4, 5, 6, 7]
    assert set(seen.unread) == {"log"}
    assert seen.unread["log"].startswith("The log of SWA1 cannot be read: this Fabric OS does not offer it")
    assert fos.sessions == set()
    assert fos.asked[-1].path == "/rest/logout"
    assert len(fos.logins()) == 1


def test_nothing_but_reading_and_sessions_leaves(fos, reader):
    reader.look()
    posts = {(method, path) for method, path in fos.methods() if method != "GET"}
    assert posts == {("POST", "/rest/login"), ("POST", "/rest/logout")}
    assert all(not one.body for one in fos.asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/rest/running/brocade-interface/fibrechannel/name/0%2F0"),
        ("POST", "/rest/running/brocade-zone/defined-configuration"),
        ("DELETE", "/rest/running/brocade-zone/defined-configuration/zone"),
        ("PUT", "/rest/login"),
        ("POST", "/rest/login/x"),
        ("POST", "/deviceManager/rest/1/mapping"),
        ("DELETE", "/deviceManager/rest/1/lun/sessions"),
        ("POST", "/deviceManager/rest/xxxxx/sessions?x"),
        ("PUT", "/deviceManager/rest/1/sessions"),
    ],
)
def test_a_request_that_writes_does_not_leave(fos, method, path):
    door = Door(fos.endpoint())
    with pytest.raises(WouldWrite):
        door.session(method, path, {}, "", 5)
    door.close()
    assert fos.asked == []


def test_the_password_is_sent_once_and_the_token_after(fos, reader):
    reader.look()
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert [one.path for one in fos.asked if one.headers["authorization"] == basic] == ["/rest/login"]
    assert {one.headers["authorization"] for one in fos.asked[1:]} == {"Custom_Basic token1"}


def test_sessionless_opens_no_session(fos, gate):
    seen = FabricRest(fos.endpoint(), account(), gate=gate, sessionless=True).look()
    assert seen.wwn == "1000c4f57c01a000"
    assert {one.method for one in fos.asked} == {"GET"}


@pytest.mark.parametrize("sessionless", [False, True])
def test_a_refused_password_is_never_sent_again(fos, gate, sessionless):
    wrong = FabricRest(fos.endpoint(), account("wrong"), gate=gate, sessionless=sessionless)
    with pytest.raises(Refused, match="refuses the login of portal"):
        wrong.look()
    sent = len(fos.asked)
    assert sent == 1
    for _ in range(3):
        with pytest.raises(Refused, match="not sent again"):
            wrong.look()
    assert len(fos.asked) == sent
    gate.forget(fos.endpoint().where, USER)
    with pytest.raises(Refused):
        wrong.look()
    assert len(fos.asked) == sent + 1
    assert FabricRest(fos.endpoint(), account(), gate=gate).look().wwn == "1000c4f57c01a000"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_unknown_refusal_counts_as_one(fos, reader, status):
    fos.login = Said(status, fault("Something new", 4711))
    with pytest.raises(Refused, match="code 4711: Something new"):
        reader.look()
    with pytest.raises(Refused):
        reader.look()
    assert len(fos.logins()) == 1


def test_full_sessions_are_said_and_not_hammered(fos, reader):
    fos.sessions |= {"one", "two", "three"}
    with pytest.raises(Busy, match="no REST session left"):
        reader.look()
    assert len(fos.logins()) == 1
    fos.sessions -= {"one"}
    assert reader.look().wwn == "1000c4f57c01a000"


def test_old_fabric_os_has_no_rest(fos, reader):
    fos.login = Said(404, b"<html>Not Found</html>", {"Content-Type": "text/html; charset=iso-8859-1"})
    with pytest.raises(Garbled, match="offers no REST interface"):
        reader.look()


def test_unavailable_is_asked_again_and_not_ready_is_not(fos, reader):
    answers = [Said(503, fault("Service Unavailable")), Said(400, fault("The Fabric is busy"))]
    usual = fos.answers["/rest/running/brocade-fabric/fabric-switch"]
    fos.put(RUN + "fabric/fabric-switch", lambda asked: answers.pop(0) if answers else usual)
    assert len(reader.look().members) == 1
    assert reader.pauses == [4, 10]
    fos.put(RUN + "fabric/fabric-switch", Said(503, fault("Chassis is not ready for management")))
    seen = reader.look()
    assert seen.unread["members"] == (
        "The switches of SWA1 cannot be read: HTTP 503, code 1: Chassis is not ready for management."
    )
    assert len(reader.pauses) == 2


def test_a_switch_that_stays_busy_is_left_alone_after_five_tries(fos, reader):
    fos.put(RUN + "media/media-rdp", Said(503, b""))
    seen = reader.look()
    assert "it is busy (HTTP 503)" in seen.unread["sfps"]
    assert len([one for one in fos.asked if one.path.endswith("media-rdp")]) == 5
    fos.login = Said(503, b"")
    with pytest.raises(Busy, match="takes no login now"):
        reader.look()


def test_a_part_that_fails_leaves_the_others(fos, reader):
    fos.put(RUN + "name-server/fibrechannel-name-server", Said(500, fault("boom", 99)))
    fos.put(RUN + "interface/fibrechannel-statistics", Said(200, b"{"))
    fos.put(RUN + "zone/defined-configuration", Said(200, response({"defined-configuration": [5]})))
    seen = reader.look()
    assert set(seen.unread) == {"logins", "counters", "defined", "log"}
    assert seen.unread["logins"] == "The logins of SWA1 cannot be read: HTTP 500, code 99: boom."
    assert seen.zoning.cfg_effective == "CFG_FAB_A"
    assert seen.zoning.defined == ()
    assert len(seen.ports) == 24
    fos.put(RUN + "fibrechannel-switch/fibrechannel-switch", Said(200, response({})))
    fos.put(RUN + "zone/effective-configuration", Said(200, response({"other": 1})))
    bare = reader.look()
    assert (bare.wwn, bare.name, bare.zoning) == ("1000c4f57c01a000", "SWA1", None)  # as its ports tell
    assert {"switch", "zoning"} <= set(bare.unread)
    fos.put(RUN + "interface/fibrechannel", Said(500, fault("boom", 99)))
    with pytest.raises(Garbled, match="The identity of SWA1 cannot be read"):
        reader.look()
    assert fos.sessions == set()


def test_no_zoning_is_none_in_effect_and_no_ports_is_not_empty(fos, reader):
    fos.put(RUN + "zone/effective-configuration", EMPTY_404)
    fos.put(RUN + "interface/fibrechannel", Said(405, b""))
    seen = reader.look()
    assert (seen.zoning.cfg_effective, seen.zoning.effective) == ("", ())
    assert "lists no port" in seen.unread["ports"]


def test_old_uris_serve_where_the_new_ones_are_not_known(fos, reader):
    for old, new in {
        "running/switch/fibrechannel-switch": RUN + "fibrechannel-switch/fibrechannel-switch",
        "running/zoning/effective-configuration": RUN + "zone/effective-configuration",
        "running/zoning/defined-configuration": RUN + "zone/defined-configuration",
    }.items():
        fos.put(old, fos.answers.pop(f"/rest/{new}"))
    seen = reader.look()
    assert seen.wwn == "1000c4f57c01a000"
    assert seen.zoning == rest_seen("A").zoning


def test_a_module_that_is_not_there_is_not_asked_for(fos, reader):
    fos.put("brocade-module-version", Said(body=modules("fibrechannel-switch", "interface", "zone", "chassis")))
    seen = reader.look()
    assert seen.unread["sfps"] == "The optics of SWA1 cannot be read: this Fabric OS has no brocade-media."
    assert not [one for one in fos.asked if "brocade-media" in one.path]
    assert len(seen.ports) == 24


def test_power_fans_and_health_are_asked_for_where_they_are_offered(fos, reader):
    seen = reader.look()
    assert (seen.units, seen.health, "fans" in seen.unread) == ((), {}, False), "nothing is missed that is not offered"
    fos.put("brocade-module-version", Said(body=modules("fibrechannel-switch", *MODULES, "fru", "maps")))
    supplies = [{"unit-number": 1, "operational-state": "ok"}, {"unit-number": 2, "operational-state": "faulty"}]
    fos.put(RUN + "fru/power-supply", Said(body=response({"power-supply": supplies})))
    fos.put(RUN + "fru/fan", Said(503, b""))
    report = {"switch-status-policy-report": {"switch-health": "marginal"}}
    fos.put(RUN + "maps/switch-status-policy-report", Said(body=response(report)))
    seen = reader.look()
    assert [(one.kind, one.number, one.state) for one in seen.units] == [
        ("power supply", 1, "ok"), ("power supply", 2, "faulty"),
    ]  # fmt: skip
    assert seen.health == {"switch": "marginal"}
    assert seen.unread["fans"].startswith("The fans of SWA1 cannot be read")


def test_the_holder_of_the_zoning_lock_is_asked_where_there_is_one(fos, reader):
    zone = {"name": "brocade-zone", "objects": {"object": ["fabric-lock"]}}
    rest = [{"name": f"brocade-{name}"} for name in (*MODULES, "fibrechannel-switch") if name != "zone"]
    fos.put("brocade-module-version", Said(body=response({"module": [zone, *rest]})))
    fos.put(RUN + "zone/fabric-lock", Said(body=response({"fabric-lock": {"lock-principal-domain-id": 3}})))
    assert reader.look().zoning.holder == "the switch with domain 3"


def test_the_login_of_9x_tells_when_the_password_expires(fos, reader):
    usual = fos._login

    def login(asked):
        fos.login = None
        said = usual(asked)
        fos.login = login
        return Said(headers=said.headers, body=response({"switch-parameters": {"days-to-user-password-expiration": 5}}))

    fos.login = login
    assert reader.look().password_days == 5


def test_virtual_fabrics_are_asked_for_and_left_where_they_are_off(fos, gate):
    off = Said(400, raw("brocade-rest/error-400-vf-off.json"))
    usual = dict(fos.answers)
    fos.answers = {path: (lambda asked, said=said: off if asked.query else said) for path, said in usual.items()}
    seen = FabricRest(fos.endpoint(vf_id=20), account(), gate=gate).look()
    assert len(seen.ports) == 24
    assert [one.query for one in fos.asked if "vf-id" in one.query] == ["vf-id=20"]


def test_a_session_that_is_ended_meanwhile_is_not_opened_again(fos, reader):
    def end(asked):
        fos.sessions.clear()
        return Said(401, fault("gone"))

    fos.put(RUN + "interface/fibrechannel", end)
    seen = reader.look()
    assert "ended the portal's session" in seen.unread["ports"]
    assert len(fos.logins()) == 1
    assert "logout" not in seen.unread
    assert reader.look().wwn == "1000c4f57c01a000"


def test_a_session_that_cannot_be_ended_holds_back_the_next_login(fos):
    now = [0.0]
    gate = Gate(lambda: now[0])
    reader = FabricRest(fos.endpoint(), account(), gate=gate)
    fos.logout = Said(500, b"")
    assert "could not be ended (HTTP 500)" in reader.look().unread["logout"]
    with pytest.raises(Busy, match="for another 15 min"):
        reader.look()
    now[0] = 901.0
    assert "logout" in reader.look().unread
    with pytest.raises(Busy, match="for another 30 min"):
        reader.look()
    assert fos.most_seen == 2
    now[0], fos.logout = 3000.0, None
    assert "logout" not in reader.look().unread
    assert reader.look().wwn


def test_a_login_that_is_not_answered_may_have_opened_a_session(fos, gate):
    fos.login = Said(body=b"x", cut=0)
    reader = FabricRest(fos.endpoint(), account(), gate=gate)
    with pytest.raises(Unreachable, match="does not answer POST /rest/login"):
        reader.look()
    with pytest.raises(Busy, match="may still hold a session"):
        reader.look()
    assert len(fos.logins()) == 1


def test_a_login_without_a_token_is_no_login(fos, reader):
    fos.login = Said(200, b"")
    with pytest.raises(Garbled, match="gives no session token"):
        reader.look()


def test_silence_in_the_middle_ends_the_look_and_the_session(fos, gate):
    fos.put(RUN + "interface/fibrechannel", Said(cut=0, body=b"x"))
    fos.put(RUN + "fibrechannel-trunk/trunk", Said(cut=0, body=b"x"))
    seen = FabricRest(fos.endpoint(), account(), gate=gate).look()
    assert seen.wwn == "1000c4f57c01a000"
    assert "does not answer GET" in seen.unread["ports"]
    assert {"zoning", "logins", "members", "sfps"} <= set(seen.unread)
    assert len([one for one in fos.asked if "/running/" in one.path]) == 3
    assert fos.sessions == set()


def test_the_time_of_a_look_ends(fos, gate):
    late = FabricRest(fos.endpoint(), account(), gate=gate, clock=lambda: 0.0 if len(fos.asked) < 2 else 120.0)
    with pytest.raises(Busy, match="was over before"):
        late.look()
    assert [one.path for one in fos.asked] == ["/rest/login", "/rest/brocade-module-version", "/rest/logout"]
    assert fos.sessions == set()


def test_a_body_without_end_is_not_taken_in(fos, reader, monkeypatch):
    monkeypatch.setattr(https, "LARGEST_BODY", 200_000)
    fos.put(RUN + "media/media-rdp", Said(body=b" " * 300_000))
    assert "more than the portal takes in" in reader.look().unread["sfps"]


def test_one_look_at_a_time(fos, reader, gate):
    begun, go = threading.Event(), threading.Event()

    def hold(asked):
        begun.set()
        return Said(404, fault("No trunking Links"), after=go)

    fos.put(RUN + "fibrechannel-trunk/trunk", hold)
    first = threading.Thread(target=reader.look)
    first.start()
    assert begun.wait(60)
    with pytest.raises(Busy, match="Another look at SWA1 is under way"):
        FabricRest(fos.endpoint(), account(), gate=gate).look()
    go.set()
    first.join(60)
    assert fos.most_seen == 1
    assert len(fos.logins()) == 1


def test_trust(fos, gate, tmp_path):
    other = make_identity(tmp_path, issuer="Other")
    shown = offered(fos.address, fos.port, 5)

    def look(**changes):
        return FabricRest(fos.endpoint(**changes), account(), gate=gate).look()

    assert look(pin_pem=shown, ca_pem="").wwn == "1000c4f57c01a000"
    sent = len(fos.asked)
    for trust in ({"ca_pem": other.ca_pem}, {"pin_pem": other.ca_pem}, {"ca_pem": ""}, {"ca_pem": "", "pin_pem": "x"}):
        with pytest.raises(Untrusted):
            look(**trust)
    assert len(fos.asked) == sent
    assert offered(fos.address, 1, 1) == ""


def test_nobody_there(fos, gate):
    endpoint = fos.endpoint()
    fos.close()
    with pytest.raises(Unreachable, match="nothing listens there"):
        FabricRest(endpoint, account(), gate=gate).look()
    with pytest.raises(Unreachable):  # nothing was sent, so no session can be open
        FabricRest(endpoint, account(), gate=gate).look()


def test_a_port_that_never_greets_holds_no_session(fos, gate):
    """Nothing was sent, so nothing is waited for: the next look may log in at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = FabricRest(fos.endpoint(port=silent.getsockname()[1]), account(), gate=gate, look_seconds=0.3)
        for _ in range(2):
            with pytest.raises(Unreachable, match="no whole answer came before the deadline"):
                reader.look()


def test_a_body_says_nothing_that_a_login_needs(fos, reader):
    usual = fos._login

    def login(asked):
        fos.login = None
        said = usual(asked)
        fos.login = login
        return Said(headers=said.headers, body=body([1]))

    fos.login = login
    assert reader.look().wwn == "1000c4f57c01a000"
    assert fos.sessions == set()
