"""Trust and probes: what is verified before a word is sent, and what a probe gets whatever happens."""

from __future__ import annotations

import subprocess
import threading
import time
from io import BytesIO

import pycurl
import pytest

from portal.connectors.engine import Session, Unreachable, wire
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
        assert session.reply(Request("/ovirt-engine/services/health")).untrusted
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


def test_a_trusted_system_ca_is_enough(scripted, tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_text(scripted.ca_pem)
    monkeypatch.setattr(wire, "_system_ca", lambda: str(tmp_path / "ca.pem"))
    with Session(scripted.credentials(ca_pem="")) as session:
        assert session.inventory().root.failed is None


def test_a_pinned_ca_stands_alone(scripted, tmp_path):
    """A folder of CAs that libcurl was built with does not count beside the pin."""
    (tmp_path / "cas").mkdir()
    certificate = tmp_path / "cas" / "ca.pem"
    certificate.write_text(scripted.ca_pem)
    subprocess.run(["openssl", "rehash", str(certificate.parent)], check=True)
    url = scripted.url.replace("/api", "/services/health")

    def ask(pinned):
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.CAPATH, str(certificate.parent))
        wire.bound(curl, timeout=5, ca_pem=pinned, sink=BytesIO())
        curl.perform()

    ask("")
    with pytest.raises(pycurl.error, match="60"):
        ask(make_identity(tmp_path, issuer="Another CA").ca_pem)


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


def test_a_probe_does_not_wait_for_another_threads_login_beyond_its_deadline(scripted, session):
    scripted.sso = threading.Event()
    other = threading.Thread(target=session.inventory)
    other.start()
    while not scripted.logins:
        time.sleep(0.01)
    began = time.monotonic()
    reply = session.reply(Request(API, login=True, timeout=0.4))
    assert time.monotonic() - began < 2
    assert "deadline" in reply.error
    scripted.sso.set()
    other.join(10)
