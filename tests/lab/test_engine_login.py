"""Logging in to the lab's engine, and the ways in which it does not answer (facts/engine-api.md 1)."""

from __future__ import annotations

import base64
import json
import re
import socket

import ovirtsdk4
import pytest

from tests.fixtures_lab_engine import API, SSO, lab_engine

pytestmark = pytest.mark.wire


@pytest.fixture
def engine(tmp_path):
    with lab_engine(tmp_path, speed=20) as running:
        yield running


def test_a_token_has_the_sampled_keys_and_opens_the_api(engine):
    reply = engine.login()
    body = json.loads(reply.body)
    assert set(body) == {"access_token", "scope", "exp", "token_type"}
    assert body["exp"] == "9223372036854775807"
    assert len(body["access_token"]) == 86
    assert engine.get("", body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"password": "wrong"}, "access_denied"),
        ({"username": "nobody@internal"}, "access_denied"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_sso_refuses_with_400(engine, form, code):
    reply = engine.login(**form)
    body = json.loads(reply.body)
    assert (reply.status, body["error_code"]) == (400, code)
    assert body["error"]


def test_sso_wants_exactly_its_accept_header(engine):
    reply = engine.ask("POST", SSO, "grant_type=password", Accept="application/json, */*",
                       Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    assert reply.status == 400
    assert "Accept Header" in reply.text


def test_without_the_api_scope_errors_are_oauth_ones(engine):
    assert set(json.loads(engine.login(scope="openid", password="x").body)) == {"error", "error_description"}


def test_no_token_is_a_401_in_html(engine):
    for headers in ({}, {"Authorization": "Bearer dead"}):
        reply = engine.ask("GET", API, Accept="application/xml", **headers)
        assert (reply.status, reply.headers["content-type"]) == (401, "text/html;charset=UTF-8")
        assert reply.headers["www-authenticate"] == 'Basic realm="RESTAPI"'
        assert reply.text.startswith("<html>")


def test_logins_and_logouts_are_events(engine):
    token = engine.token()
    engine.get("", token)
    engine.login(password="wrong")
    gone = engine.ask("POST", "/ovirt-engine/services/sso-logout", f"scope=ovirt-app-api&token={token}",
                      Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    assert (gone.status, gone.body) == (200, b"{}")
    assert engine.get("", token).status == 401
    assert [code for code in engine.codes() if code in ("30", "31", "114")] == ["30", "114", "31", "30"]


def test_basic_credentials_log_in_and_out_each_time(engine):
    pair = f"{engine.facts['username']}:{engine.facts['password']}"
    reply = engine.ask("GET", API, Authorization="Basic " + base64.b64encode(pair.encode()).decode())
    assert reply.status == 200
    assert engine.codes()[:2] == ["30", "31"]


def test_an_idle_token_dies(engine):
    token = engine.token()
    assert engine.get("", token).status == 200
    engine.do(lambda: setattr(engine.server.engine.tokens[token], "used", engine.server.engine.now - 1801))
    assert engine.get("", token).status == 401


def test_the_expire_fault_kills_all_tokens(engine):
    token = engine.token()
    engine.do(lambda: engine.world.engine_faults.update(expire=1))
    assert engine.get("", token).status == 401
    assert engine.get("", engine.token()).status == 200


def test_a_jwt_sized_token_works(tmp_path):
    with lab_engine(tmp_path, jwt=True, username="admin@internal") as running:
        token = running.token()
        assert len(token) > 900
        assert token.count(".") == 2
        assert running.get("", token).status == 200


def test_unauthenticated_places(engine):
    health = engine.ask("GET", "/ovirt-engine/services/health")
    assert (health.status, health.body) == (200, b"DB Up!Welcome to Health Status!")
    assert json.loads(engine.ask("GET", "/ovirt-engine/sso/status").body)["status"] == "active"
    pem = engine.ask("GET", "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA")
    assert re.sub(r"\s", "", pem.text) == re.sub(r"\s", "", engine.facts["ca_pem"])
    assert max(len(line) for line in pem.text.splitlines()) == 76
    assert engine.ask("GET", "/ovirt-engine/services/pki-resource?resource=x").status == 400
    engine.do(lambda: engine.world.engine_faults.update(db_down=True))
    assert engine.ask("GET", "/ovirt-engine/services/health").body == b"DB Down!"
    assert json.loads(engine.login().body)["error_code"] == "server_error"
    assert engine.ask("GET", API).status == 500


def test_the_engine_restarts_refused_503_up_and_all_tokens_dead(engine):
    token = engine.token()
    port = engine.server.port
    sdk = ovirtsdk4.Connection(url=engine.facts["url"], token=token, ca_file=_ca(engine), timeout=5)
    assert sdk.test()
    engine.do(lambda: setattr(engine.world, "engine_health", "dead"))
    reply = engine.ask("GET", "/ovirt-engine/services/health")
    assert (reply.status, reply.headers["content-type"]) == (503, "text/html; charset=iso-8859-1")
    with pytest.raises(ovirtsdk4.Error, match="content type") as seen:
        sdk.system_service().get()
    assert seen.value.code is None
    sdk.close(logout=False)
    engine.do(lambda: restart(engine.world))
    engine.wait(lambda: refused(port))
    engine.wait(lambda: not refused(port))
    engine.wait(lambda: engine.ask("GET", "/ovirt-engine/services/health").status == 200, 15)
    assert engine.get("", token).status == 401
    assert engine.get("", engine.token()).status == 200


def restart(world):
    from lab import life_vm

    life_vm.restart_service(world)
    life_vm.settle(world)


def refused(port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _ca(engine):
    path = engine.folder / "ca-for-sdk.pem"
    path.write_text(engine.facts["ca_pem"])
    return str(path)


def test_a_hanging_engine_answers_nothing_until_it_is_released(engine):
    engine.do(lambda: engine.world.engine_faults.update(hang=True))
    with pytest.raises(TimeoutError):
        engine.ask("GET", "/ovirt-engine/services/health", timeout=0.5)
    engine.do(lambda: engine.world.engine_faults.update(hang=False, sso_hang=True))
    assert engine.ask("GET", "/ovirt-engine/services/health").status == 200
    with pytest.raises(TimeoutError):
        engine.ask("GET", SSO, timeout=0.5)


def test_one_collection_may_break_and_the_clock_may_be_wrong(engine):
    engine.do(lambda: engine.world.engine_faults.update(html_500={"vms"}, clock_skew=3600))
    assert engine.get("/vms").status == 500
    assert engine.get("/hosts").status == 200
    year = engine.get("").xml.findtext("time")
    from datetime import datetime, timedelta

    skew = datetime.fromisoformat(year) - datetime.now().astimezone()
    assert timedelta(minutes=59) < skew < timedelta(minutes=61)


def test_the_certificate_authority_outlives_a_restart(tmp_path):
    with lab_engine(tmp_path) as first:
        pem, password = first.facts["ca_pem"], first.facts["password"]
    with lab_engine(tmp_path) as second:
        assert second.facts["ca_pem"] == pem
        assert second.facts["password"] != password
        assert second.get("").status == 200
    assert (tmp_path / "engine-pki" / "ca.key").stat().st_mode & 0o077 == 0
