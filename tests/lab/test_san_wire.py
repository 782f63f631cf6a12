"""Switches and arrays over HTTPS and SSH: sessions, caps, refusals, releases, and that nothing is ever written."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.request

import paramiko
import pytest

from lab import faults
from lab.san.faults import FAULTS
from tests.fixtures_lab import RunningLab, make_key, pass_time
from tests.fixtures_san import SAMPLES, SanInProcess, Wire

pytestmark = pytest.mark.wire

JSON = "application/yang-data+json"
CHASSIS = "/rest/running/brocade-chassis/chassis"
SWITCH = "/rest/running/brocade-fibrechannel-switch/fibrechannel-switch"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key_file(str(make_key(tmp_path_factory.mktemp("key"))))


@pytest.fixture(scope="module")
def san(tmp_path_factory: pytest.TempPathFactory, key: paramiko.PKey):
    running = SanInProcess(tmp_path_factory.mktemp("san"), {key.asbytes()})
    yield running
    running.close()


@pytest.fixture(autouse=True)
def clean(san: SanInProcess):
    yield
    faults.clear(san.world)
    san.follow()
    for device in san.world.san.devices.values():
        device.sessions.clear()
        for account in device.accounts.values():
            account.failures = 0


def inject(san: SanInProcess, name: str, target: str = "", **args: str) -> None:
    faults.inject(san.world, name, target, args)
    san.follow()


# --- a switch


def login(wire: Wire) -> tuple[int, str, bytes]:
    status, headers, body = wire.send("POST", "/rest/login", Authorization=wire.basic, Accept=JSON)
    return status, headers.get("Authorization", ""), body


def get(wire: Wire, path: str, auth: str = "", **headers: str) -> tuple[int, dict]:
    status, _, body = wire.send("GET", path, Authorization=auth or wire.basic, Accept=JSON, **headers)
    return status, json.loads(body)


def message(body: dict) -> str:
    error = body["errors"]["error"]
    return (error if isinstance(error, dict) else error[0])["error-message"]


def test_login_and_logout_as_in_the_sample(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    sample = (SAMPLES / "brocade-rest" / "login-headers.txt").read_text("utf-8")
    assert "Custom_Basic" in sample
    status, token, body = login(wire)
    assert (status, body) == (200, b"")
    assert re.fullmatch(r"portal:xxx:[0-9a-f]{64}", base64.b64decode(token.removeprefix("Custom_Basic ")).decode())
    assert get(wire, CHASSIS, token)[1]["Response"]["chassis"]["product-name"] == "g610"
    assert wire.send("POST", "/rest/logout", Authorization=token)[0] == 204
    assert get(wire, CHASSIS, token)[0] == 401


def test_custom_basic_is_a_login_too_and_every_request_is_a_connection(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    status, headers, _ = wire.send("POST", "/rest/login", Authorization=wire.basic.replace("Basic", "Custom_Basic"))
    assert (status, headers["Connection"]) == (200, "close")


def test_the_fourth_session_is_refused_and_a_single_read_needs_a_place_too(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    tokens = [login(wire)[1] for _ in range(3)]
    status, _, body = login(wire)
    assert (status, message(json.loads(body))) == (403, "Max limit for REST sessions reached")
    assert get(wire, CHASSIS)[0] == 403
    assert get(wire, CHASSIS, tokens[2])[0] == 200
    wire.send("POST", "/rest/logout", Authorization=tokens[0])
    assert get(wire, CHASSIS)[0] == 200
    assert login(wire)[0] == 200


def test_others_hold_every_session(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWB1")
    inject(san, "session-cap", "SWB1")
    assert login(wire)[0] == 403
    faults.clear(san.world)
    assert login(wire)[0] == 200


def test_a_wrong_password_and_a_configured_refusal(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    assert wire.send("POST", "/rest/login", Authorization="Basic cG9ydGFsOndyb25n")[0] == 401
    inject(san, "login-refused", "SWA1", status="503", message="Try later")
    status, _, body = login(wire)
    assert (status, message(json.loads(body))) == (503, "Try later")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_nothing_is_written(san: SanInProcess, method: str):
    wire = Wire(san.estate, "switches", "SWA1")
    token = login(wire)[1]
    path = "/rest/running/brocade-interface/fibrechannel/name/0%2F0"
    before = get(wire, path, token)
    assert before[1]["Response"]["fibrechannel"][0]["name"] == "0/0"
    body = {"fibrechannel": [{"name": "0/0", "is-enabled-state": False}]}
    status, _, raw = wire.send(method, path, body, Authorization=token, Accept=JSON)
    assert (status, message(json.loads(raw))) == (403, "User does not have permission to perform this operation")
    assert get(wire, path, token) == before


def test_busy_answers(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    inject(san, "rest-503-once", "SWA1")
    assert message(get(wire, CHASSIS)[1]) == "Service Unavailable"
    assert get(wire, CHASSIS)[0] == 200
    inject(san, "rest-not-ready", "SWA1")
    assert get(wire, CHASSIS)[0] == 503
    faults.clear(san.world)
    inject(san, "rest-busy", "SWA1")
    status, body = get(wire, CHASSIS)
    assert (status, message(body)) == (400, "The Fabric is busy")


def test_rest_may_be_off(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    inject(san, "rest-off", "SWA1")
    status, headers, body = wire.send("POST", "/rest/login", Authorization=wire.basic, Accept=JSON)
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=iso-8859-1")
    assert b"Not Found" in body


def test_who_does_not_ask_for_json_gets_xml(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    status, headers, body = wire.send("GET", CHASSIS, Authorization=wire.basic)
    assert (status, headers["Content-Type"]) == (200, "application/yang-data+xml")
    assert b"<product-name>g610</product-name><date>" in body


def test_virtual_fabrics_are_off(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    sample = json.loads((SAMPLES / "brocade-rest" / "error-400-vf-off.json").read_text("utf-8"))
    assert get(wire, f"{CHASSIS}?vf-id=10") == (400, sample)
    assert get(wire, f"{CHASSIS}?vf-id=-1")[0] == 200


def test_the_first_releases(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    inject(san, "fos-version", "SWA1", version="8.2.1")
    assert get(wire, SWITCH)[0] == 400
    one = get(wire, "/rest/running/switch/fibrechannel-switch")[1]["Response"]["fibrechannel-switch"]
    assert (one["user-friendly-name"], one["ip-address"]) == ("SWA1", {"ip-address": "127.0.240.1"})
    assert isinstance(get(wire, "/rest/running/brocade-interface/fibrechannel")[1]["Response"]["fibrechannel"], list)
    status, body = get(wire, "/rest/brocade-module-version")
    assert (status, isinstance(body["errors"]["error"], dict)) == (400, True)
    assert get(wire, "/rest/running/brocade-logging/error-log")[0] == 400


def test_release_9(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    inject(san, "fos-version", "SWA1", version="9.1")
    told = json.loads(login(wire)[2])["Response"]["switch-parameters"]
    assert (told["user-role"], told["firmware-version"]) == ("user", "v9.1.0b")
    assert told["days-to-user-password-expiration"] == 71
    ports = get(wire, "/rest/running/brocade-interface/fibrechannel")[1]["Response"]["fibrechannel"]
    assert (ports[0]["port-type-string"], ports[0]["port-type"], ports[0]["protocol-speed"]) == ("f-port", 15, "32-gfc")
    lock = "/rest/running/brocade-zone/fabric-lock"
    assert get(wire, lock)[1]["Response"]["fabric-lock"] == {"lock-principal-domain-id": 0}
    inject(san, "open-transaction", "A")
    assert get(wire, lock)[1]["Response"]["fabric-lock"]["client-user-name"] == "sanadmin"
    assert ports[8]["port-type-string"] == "universal-port"
    modules = get(wire, "/rest/brocade-module-version")[1]["Response"]["brocade-module-version"]["module"]
    assert {"name": "brocade-media", "uri": "/rest/running/brocade-media", "version": "1.0.0",
            "objects": {"object": ["media-rdp"]}} in modules  # fmt: skip
    assert get(wire, "/rest/running/brocade-fru/sensor")[0] == 404


def test_a_dead_switch_answers_nothing_and_comes_back(san: SanInProcess):
    wire = Wire(san.estate, "switches", "SWA1")
    inject(san, "fail-switch", "SWA1")
    with pytest.raises(OSError, match="refused"):
        login(wire)
    with pytest.raises(OSError, match="Unable to connect"):
        shell(san, paramiko.RSAKey.generate(1024))
    faults.clear(san.world)
    san.follow()
    assert login(wire)[0] == 200
    inject(san, "fail-switch", "SWA1", how="disable")
    assert get(wire, SWITCH)[1]["Response"]["fibrechannel-switch"][0]["operational-status"] == 3
    assert get(wire, "/rest/running/brocade-name-server/fibrechannel-name-server")[0] == 404


# --- its shell


def shell(san: SanInProcess, key: paramiko.PKey | None, name: str = "SWA1", user: str = "portal", password: str = ""):
    told = next(one for one in san.estate["switches"] if one["name"] == name)
    client = paramiko.SSHClient()
    kind, blob = told["host_key"].split()
    client.get_host_keys().add(
        f"[{told['address']}]:{told['ssh_port']}", kind, paramiko.Ed25519Key(data=base64.b64decode(blob))
    )
    client.connect(told["address"], told["ssh_port"], user, pkey=key, password=password or None, timeout=10,
                   banner_timeout=10, auth_timeout=10, allow_agent=False, look_for_keys=False)  # fmt: skip
    return client


def test_commands_with_and_without_a_terminal(san: SanInProcess, key: paramiko.PKey):
    with shell(san, key) as client:
        _, out, _ = client.exec_command("cfgactvshow", timeout=10)
        plain = out.read().decode()
        assert out.channel.recv_exit_status() == 0
        assert " cfg:\tCFG_FAB_A\t\n" in plain
        _, out, _ = client.exec_command("cfgactvshow", timeout=10, get_pty=True)
        assert out.read().decode() == plain.expandtabs(8).replace("\n", "\r\n")
        _, out, _ = client.exec_command("switchshow | grep switchName; version", timeout=10)
        lines = out.read().decode().splitlines()
        assert (lines[0], lines[2]) == ("switchName:     SWA1", "Fabric OS:  v8.2.3c1")


def test_nodefind_and_what_a_user_may_not(san: SanInProcess, key: paramiko.PKey):
    with shell(san, key, "SWB1") as client:
        _, out, _ = client.exec_command("nodefind 20:19:34:00:a3:0d:00:02", timeout=10)
        text = out.read().decode()
        assert text.startswith("Local:\n")
        assert text.endswith("    Aliases: DR_CTE0_B_IOM0_P1\n")
        for line in ("portdisable 0", "cfgsave", "switchdisable"):
            _, out, _ = client.exec_command(line, timeout=10)
            assert out.read().decode() == f"rbash: {line.split()[0]}: command not found\n"
            assert out.channel.recv_exit_status() == 127


def test_an_interactive_shell(san: SanInProcess, key: paramiko.PKey):
    with shell(san, key) as client:
        channel = client.invoke_shell(term="vt100")
        channel.settimeout(20)
        channel.sendall(b"cfgtransshow\nexit\n")
        text = b""
        while data := channel.recv(4096):
            text += data
    assert b"There is no outstanding zoning transaction\r\n" in text


def test_who_gets_in(san: SanInProcess, key: paramiko.PKey):
    password = next(one for one in san.estate["switches"] if one["name"] == "SWA1")["password"]
    shell(san, None, password=password).close()
    for wrong in ({"key": None, "password": "nonsense"}, {"key": key, "user": "root"}):
        with pytest.raises(paramiko.AuthenticationException):
            shell(san, **wrong)
    inject(san, "login-refused", "SWA1")
    with pytest.raises(paramiko.AuthenticationException):
        shell(san, key)


# --- an array


def enter(san: SanInProcess, name: str = "DORADO-PROD", address: int = 0, password: str = "") -> tuple[Wire, dict]:
    wire = Wire(san.estate, "arrays", name, address)
    given = {"username": wire.told["username"], "password": password or wire.told["password"], "scope": "0"}
    status, headers, body = wire.send("POST", "/deviceManager/rest/xxxxx/sessions", given)
    answer = json.loads(body)
    assert status == 200
    if answer["error"]["code"] == 0:
        cookie = headers["Set-Cookie"].partition(";")[0]
        wire.headers = {"iBaseToken": answer["data"]["iBaseToken"], "Cookie": cookie}
    return wire, answer


def read(wire: Wire, path: str) -> dict:
    status, _, body = wire.send("GET", f"/deviceManager/rest/{wire.told['serial']}/{path}")
    return {"status": status, **json.loads(body)}


def test_a_login_has_the_fields_of_the_sample(san: SanInProcess):
    _, answer = enter(san)
    sample = json.loads((SAMPLES / "dorado-rest" / "login-200.json").read_text("utf-8"))
    assert list(answer["data"]) == list(sample["data"])
    assert answer["error"] == sample["error"]
    assert answer["data"]["accountstate"] == 1


def test_a_session_at_both_controllers_and_its_end(san: SanInProcess):
    wire, _ = enter(san)
    assert read(wire, "system/")["data"]["NAME"] == "DORADO-PROD"
    other = Wire(san.estate, "arrays", "DORADO-PROD", 1)
    other.headers = wire.headers
    assert len(read(other, "lun?range=[0-100]")["data"]) == 8
    status, _, body = wire.send("DELETE", f"/deviceManager/rest/{wire.told['serial']}/sessions")
    assert (status, json.loads(body)) == (200, {"data": {}, "error": {"code": 0, "description": "0"}})
    sample = json.loads((SAMPLES / "dorado-rest" / "error-token-expired.json").read_text("utf-8"))
    assert read(wire, "lun") == {"status": 200, **sample}


def test_an_empty_collection_and_an_unknown_address(san: SanInProcess):
    wire, _ = enter(san, "DORADO-DR")
    assert read(wire, "HyperMetroPair") == {"status": 200, "error": {"code": 0, "description": "0"}}
    assert wire.send("GET", f"/deviceManager/rest/{wire.told['serial']}/nonsense")[0] == 404


def test_sessions_end_after_twenty_idle_minutes(san: SanInProcess):
    wire, _ = enter(san)
    for _ in range(3):
        pass_time(san.world, 1100, step=100)
        assert read(wire, "system/")["error"]["code"] == 0, "a session that is used lives"
    pass_time(san.world, 1201, step=100)
    assert read(wire, "system/")["error"]["code"] == -401


def test_expired_by_a_fault_and_with_http_401(san: SanInProcess):
    wire, _ = enter(san)
    inject(san, "array-sessions-expired", "DORADO-PROD")
    assert read(wire, "system/")["status"] == 200
    inject(san, "array-sessions-401", "DORADO-PROD")
    assert (read(wire, "system/")["status"], read(wire, "system/")["error"]["code"]) == (401, -401)


def test_a_token_without_its_cookie_or_at_the_other_array_is_nothing(san: SanInProcess):
    wire, _ = enter(san)
    bare = Wire(san.estate, "arrays", "DORADO-PROD")
    bare.headers = {"iBaseToken": wire.headers["iBaseToken"]}
    assert read(bare, "system/")["error"]["code"] == -401
    other = Wire(san.estate, "arrays", "DORADO-DR")
    other.headers = wire.headers
    assert read(other, "system/")["error"]["code"] == -401


def test_wrong_passwords_lock_the_account(san: SanInProcess):
    codes = [enter(san, password="wrong")[1]["error"]["code"] for _ in range(4)]
    assert codes == [1077949061] * 3 + [1077949070]
    assert enter(san)[1]["error"]["code"] == 1077949070


def test_a_configured_refusal_of_logins(san: SanInProcess):
    inject(san, "login-refused", "DORADO-DR", code="1077949071", message="The IP address is locked.")
    answer = enter(san, "DORADO-DR")[1]
    assert (answer["error"]["code"], answer["error"]["description"]) == (1077949071, "The IP address is locked.")


def test_nothing_is_written_at_an_array(san: SanInProcess):
    wire, _ = enter(san)
    base = f"/deviceManager/rest/{wire.told['serial']}"
    before = read(wire, "REPLICATIONPAIR?range=[0-100]")
    for method, path in (("PUT", "REPLICATIONPAIR/split"), ("POST", "mapping"), ("DELETE", "lun/3")):
        status, _, body = wire.send(method, f"{base}/{path}", {"ID": "3400a30d00010003"})
        assert (status, json.loads(body)["error"]["code"]) == (200, 1077949004)
    assert read(wire, "REPLICATIONPAIR?range=[0-100]") == before


def test_performance(san: SanInProcess):
    wire, _ = enter(san)
    asked = {"object_type": 11, "object_list": ["2"], "indicators": [22, 370, 384, 385, 7]}
    _, _, body = wire.send("POST", f"/deviceManager/rest/{wire.told['serial']}/performance_data", asked)
    (row,) = json.loads(body)["data"]
    (sample,) = json.loads((SAMPLES / "dorado-rest" / "performance_data.json").read_text("utf-8"))["data"]
    assert list(row) == list(sample)
    assert row["indicator_values"] == [*sample["indicator_values"], "-1"]


def test_a_dead_controller_and_a_dead_address(san: SanInProcess):
    inject(san, "array-address-dead", "DORADO-PROD", controller="0A")
    with pytest.raises(OSError, match="refused"):
        enter(san, address=0)
    wire, _ = enter(san, address=1)
    assert [row["RUNNINGSTATUS"] for row in read(wire, "controller")["data"]] == ["27", "27"]
    inject(san, "fail-controller", "DORADO-PROD", controller="0B")
    with pytest.raises(OSError, match="refused"):
        enter(san, address=1)


def test_the_clock_of_an_array(san: SanInProcess):
    wire, _ = enter(san)
    right = int(read(wire, "system_utc_time")["data"]["CMO_SYS_UTC_TIME"])
    inject(san, "array-clock-skew", "DORADO-PROD", seconds="300")
    assert int(read(wire, "system_utc_time")["data"]["CMO_SYS_UTC_TIME"]) - right in range(300, 330)


def test_the_ledger_has_every_request(san: SanInProcess):
    wire, _ = enter(san)
    read(wire, "lun?range=[0-100]")
    rows = [row for row in san.world.ledger if row["host"] == "DORADO-PROD"]
    assert [row["argv"] for row in rows[-2:]] == [
        ["POST", "/deviceManager/rest/xxxxx/sessions"],
        ["GET", "/deviceManager/rest/2102353XYZ00000001/lun?range=[0-100]"],
    ]
    assert {row["kind"] for row in rows} == {"rest"}


# --- the lab as a whole


def html(lab: RunningLab, path: str) -> str:
    with urllib.request.urlopen(lab.control + path, timeout=10) as answer:
        return answer.read().decode()


def answers(wire: Wire) -> bool:
    try:
        return get(wire, SWITCH)[0] == 200
    except OSError:
        return False


def test_a_running_lab_announces_its_san_and_takes_its_faults(tmp_path):
    lab = RunningLab(tmp_path, 50.0, "--san", "isl")
    try:
        assert [one["name"] for one in lab.estate["switches"]] == ["SWA1", "SWA2", "SWB1", "SWB2"]
        assert [one["role"] for one in lab.estate["arrays"]] == ["production", "dr"]
        wire = Wire(lab.estate, "switches", "SWB2")
        assert get(wire, SWITCH)[1]["Response"]["fibrechannel-switch"][0]["domain-id"] == 12
        page = html(lab, "/")
        for name in FAULTS:
            assert f'name="name" value="{name}"' in page
        assert "All switches and controllers work." in html(lab, "/now")
        lab.fault("one-controller-zoned", "DORADO-PROD", controller="0B")
        told = lab.http("GET", "/san/truth?host=kvm02")["luns"]
        assert {row["host"] for row in told} == {"kvm02"}
        row = lab.http("GET", "/san/truth")["luns"][0]
        assert row["spof"] == ["controller:DORADO-PROD/0B", "module:DORADO-PROD/0B.0"]
        lab.fault("fail-switch", "SWB2")
        end = time.monotonic() + 60
        while answers(wire):
            assert time.monotonic() < end, "a switch without power goes on answering"
    finally:
        assert lab.stop() == 0
