"""Trust and probes: what is verified before a word is sent, and what a probe gets whatever happens."""

from __future__ import annotations

import threading
import time

import pytest

from portal.connectors.engine import Session, Unreachable
from portal.kernel.probe import Request
from tests.fixtures_engine import API, HTML_500, HTML_503, Said, ScriptedEngine, make_identity, sample

pytestmark = pytest.mark.wire

HEALTH = Request("/ovirt-engine/services/health")


@pytest.fixture
def session(scripted):
    with Session(scripted.credentials(name="engine1"), timeout=5) as opened:
        yield opened


def test_another_ca_is_refused_and_named(scripted, tmp_path):
    other = make_identity(tmp_path).ca_pem
    with Session(scripted.credentials(ca_pem=other, name="engine1")) as session:
        failed = session.inventory().root.failed
    assert isinstance(failed, Unreachable)
    assert "engine1 shows a certificate that does not verify" in str(failed)
    assert scripted.logins == []


def test_without_a_ca_the_systems_decide(scripted):
    with Session(scripted.credentials(ca_pem="")) as session:
        failed = session.inventory().root.failed
    assert "does not verify" in str(failed)
    assert scripted.logins == []


def test_a_ca_that_is_no_pem_is_named(scripted):
    with Session(scripted.credentials(ca_pem="what is this")) as session:
        failed = session.inventory().root.failed
    assert isinstance(failed, Unreachable)
    assert "CA" in str(failed)
    assert scripted.logins == []


@pytest.mark.parametrize(("days", "names"), [(-1, ("127.0.0.1",)), (30, ("127.0.0.9",))])
def test_expired_and_foreign_certificates_are_refused(tmp_path, days, names):
    scripted = ScriptedEngine(make_identity(tmp_path, days, names))
    try:
        with Session(scripted.credentials()) as session:
            assert "does not verify" in str(session.inventory().root.failed)
            reply = session.reply(HEALTH)
        assert (reply.status, reply.body) == (None, b"")
        assert "does not verify" in reply.error
        assert scripted.asked == []
    finally:
        scripted.close()


def test_the_health_page_needs_no_login_and_brings_the_certificate(scripted, session):
    reply = session.reply(HEALTH)
    assert (reply.status, reply.body, reply.error) == (200, b"DB Up!Welcome to Health Status!", "")
    assert reply.peer_pem.startswith("-----BEGIN CERTIFICATE-----")
    assert abs(reply.at - time.time()) < 60
    assert scripted.logins == []
    assert "authorization" not in scripted.asked[0].headers


def test_a_probe_with_login_renews_its_token(scripted, session):
    session.inventory()
    scripted.tokens.clear()
    reply = session.reply(Request("/ovirt-engine/api", login=True))
    assert (reply.status, reply.body) == (200, sample("api-root.xml"))


@pytest.mark.parametrize("said", [HTML_500, HTML_503, Said(404, b"", None)])
def test_a_probe_gets_bad_answers_as_they_are(scripted, session, said):
    scripted.answers[API] = said
    reply = session.reply(Request(API, login=True))
    assert (reply.status, reply.body, reply.error) == (said.status, said.body, "")


def test_a_probe_of_an_engine_that_is_away_gets_a_sentence(scripted, session):
    scripted.close()
    for login in (False, True):
        reply = session.reply(Request(API, login=login))
        assert (reply.status, reply.body) == (None, b"")
        assert "engine1 does not answer" in reply.error


def test_a_probe_keeps_its_deadline(scripted, session):
    wake = threading.Event()
    scripted.answers[HEALTH.path] = lambda asked: wake.wait(20) and HTML_500
    began = time.monotonic()
    reply = session.reply(Request(HEALTH.path, timeout=0.5))
    assert time.monotonic() - began < 3
    assert "deadline" in reply.error
    wake.set()
