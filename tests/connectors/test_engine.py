"""The engine connector over real HTTPS: login, renewal, the request plan, every shape of failure."""

from __future__ import annotations

import gzip
import os
import threading
import time

import pytest

from portal.connectors.engine import (
    Cursor,
    Protocol,
    Refused,
    Session,
    Unreachable,
    close_shared,
    shared,
)
from portal.connectors.engine.tickets import give_back, take
from portal.kernel.output import LookFailed
from portal.kernel.secret import Secret
from tests.fixtures_engine import API, HTML_401, HTML_500, HTML_503, XML, Said, sample

pytestmark = pytest.mark.wire

HOST = "0f1e0a10-1111-4a01-9a01-00000000a001"
PARTS = ("root", "data_centers", "clusters", "hosts", "vms", "disks", "jobs", "events")


@pytest.fixture
def session(scripted):
    with Session(scripted.credentials(name="engine1"), timeout=5) as opened:
        yield opened


def test_the_plan_is_eight_requests_with_one_login(scripted, session):
    snapshot = session.inventory()
    assert [getattr(snapshot, part).failed for part in PARTS] == [None] * 8
    assert (session.requests, scripted.issued) == (8, 1)
    asked = {one.path.removeprefix(API): one.query for one in scripted.asked}
    assert asked == {
        "": {},
        "/datacenters": {"follow": "storage_domains"},
        "/clusters": {"follow": "affinity_groups"},
        "/hosts": {"all_content": "true", "follow": "nics,statistics"},
        "/vms": {"follow": "disk_attachments"},
        "/disks": {},
        "/jobs": {},
        "/events": {"max": "500"},
    }
    assert all("gzip" in one.headers["accept-encoding"] for one in scripted.asked)
    session.inventory()
    assert scripted.issued == 1


def test_values_are_plain_and_in_utc(session):
    snapshot = session.inventory()
    assert snapshot.root.rows.time.isoformat() == "2026-11-22T09:00:00.123000+00:00"
    assert dict(snapshot.root.rows.backups)["db"].isoformat() == "2026-11-21T23:00:41.120000+00:00"
    (host,) = snapshot.hosts.rows
    assert (host.he_score, host.he_configured, host.power_management) == (3400, True, True)
    (vm,) = snapshot.vms.rows
    assert vm.attachments[0].disk_uuid == snapshot.disks.rows[0].uuid
    lun = session.storage(HOST)[0]
    assert (lun.unit.wwid, lun.paths, lun.active_paths) == ("363400a31000d00010a1b2c3d00000002", 8, 8)


def test_a_compressed_body_is_read(scripted, session):
    packed = gzip.compress(sample("disks-direct-lun.xml"))
    scripted.answers[f"{API}/disks"] = Said(body=packed, headers={"Content-Encoding": "gzip"})
    assert session.inventory().disks.rows[0].name == "ora_data01"


# --- the token ------------------------------------------------------------------------------------------------


def test_sessions_of_one_account_share_a_login_and_the_last_one_logs_out(scripted):
    first, second = Session(scripted.credentials()), Session(scripted.credentials())
    first.inventory()
    second.inventory()
    assert scripted.issued == 1
    first.close()
    assert scripted.revoked == []
    second.close()
    second.close()
    assert scripted.revoked == ["token-1"]


def test_a_dead_token_is_renewed_once_for_all_threads(scripted, session):
    session.inventory()
    scripted.tokens.clear()
    snapshot = session.inventory()
    assert [getattr(snapshot, part).failed for part in PARTS] == [None] * 8
    assert scripted.issued == 2


def test_a_token_that_dies_in_the_middle_of_the_plan_costs_nothing(scripted, session):
    def dies(asked):
        scripted.tokens.clear()
        return HTML_401

    scripted.answers[f"{API}/vms"] = once(dies, Said(body=sample("vms-follow-disk_attachments.xml")))
    snapshot = session.inventory()
    assert [getattr(snapshot, part).failed for part in PARTS] == [None] * 8
    assert snapshot.vms.rows[0].name == "oradb01"


def once(first, then):
    calls = []

    def answer(asked):
        calls.append(asked)
        return first(asked) if len(calls) == 1 else then

    return answer


def test_a_401_that_stays_is_refused_after_one_more_try(scripted, session):
    scripted.answers[f"{API}/events"] = HTML_401
    with pytest.raises(Refused, match=r"engine1 does not accept the login .*HTTP 401") as caught:
        session.events(Cursor(5))
    assert caught.value.status == 401
    assert scripted.paths() == ["/events", "/events"]


def test_a_wrong_password_is_refused_and_not_tried_again(scripted):
    with Session(scripted.credentials(password=Secret("wrong"), name="engine1")) as session:
        first = session.inventory()
        for part in PARTS:
            failed = getattr(first, part).failed
            assert isinstance(failed, Refused)
            assert "engine1 refuses the login of admin@ovirt@internalsso (access_denied)" in str(failed)
            assert "wrong" not in str(failed)
        tries = len(scripted.logins)
        session.inventory()
        assert (tries, len(scripted.logins)) == (1, 1)


def test_a_password_that_stays_wrong_is_tried_ever_more_rarely(scripted):
    """Each try counts towards the lock of an account that people use too."""
    ticket = take(scripted.credentials(password=Secret("wrong"), name="engine1"))
    waits = []
    for _ in range(8):
        with pytest.raises(Refused):
            ticket.current(5)
        waits.append(ticket.refusal_seconds)
        ticket.refused_at -= ticket.refusal_seconds
    assert waits == [60, 60, 120, 240, 480, 900, 900, 900]
    assert len(scripted.logins) == 8
    give_back(ticket)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            Said(400, b'{"error":"invalid_grant","error_description":"Bad user"}', "application/json"),
            Refused,
            "Bad user",
        ),
        (Said(400, b'{"error_code":"server_error","error":"No DB"}', "application/json"), Refused, "No DB. Look at"),
        (HTML_503, Protocol, "is starting"),
        (HTML_500, Protocol, "no token"),
        (Said(200, b"<html>portal</html>", "text/html"), Protocol, "no token"),
        (Said(200, b'{"access_token": 7}', "application/json"), Protocol, "no token"),
        (Said(200, b"[]", "application/json"), Protocol, "no token"),
        (Said(200, b"", None), Protocol, "no content type"),
        (Said(200, b'{"access', "application/json", cut=3), Unreachable, "login"),
    ],
)
def test_logins_that_fail(scripted, session, said, kind, words):
    scripted.sso = said
    snapshot = session.inventory()
    assert isinstance(snapshot.root.failed, kind)
    assert words in str(snapshot.root.failed)
    assert "engine1" in str(snapshot.root.failed)
    if kind is Refused:
        assert snapshot.root.failed.status == 400


def test_a_login_that_hangs_ends_at_the_deadline(scripted):
    scripted.sso = threading.Event()
    with Session(scripted.credentials(), timeout=0.6) as session:
        began = time.monotonic()
        failed = session.inventory().vms.failed
        assert time.monotonic() - began < 3
    assert isinstance(failed, Unreachable)
    assert "no whole answer came before the deadline" in str(failed)
    scripted.sso.set()


def test_closing_while_the_engine_is_away_neither_fails_nor_waits(scripted):
    session = Session(scripted.credentials())
    session.inventory()
    scripted.close()
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 5


def test_a_token_never_shows(scripted, session):
    session.inventory()
    ticket = take(scripted.credentials(name="engine1"))
    try:
        assert "token-1" not in repr(ticket)
        assert "correct horse" not in repr(ticket)
    finally:
        give_back(ticket)


def test_the_shared_session_is_one_per_account(scripted):
    assert shared(scripted.credentials()) is shared(scripted.credentials())
    shared(scripted.credentials()).inventory()
    close_shared()
    assert scripted.revoked == ["token-1"]


def test_a_forked_child_keeps_its_hands_off_its_parents_token(scripted, session):
    session.inventory()
    pid = os.fork()
    if pid == 0:
        close_shared()
        ticket = take(scripted.credentials(name="engine1"))
        os._exit(0 if not ticket.token else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert scripted.revoked == []


# --- what a collection may answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (HTML_500, Protocol, "HTTP 500, text/html instead of XML"),
        (HTML_503, Protocol, "is starting"),
        (Said(404, b"", None), Protocol, "knows nothing under GET /vms"),
        (Said(404, b"<html>Not Found</html>", "text/html"), Protocol, "HTTP 404"),
        (Said(404, sample("fault-409.xml")), Refused, "VM is not running"),
        (Said(409, sample("fault-409.xml")), Refused, "(HTTP 409): Cannot migrate VM. VM is not running. "),
        (Said(500, sample("fault-409.xml")), Refused, "HTTP 500"),
        (Said(400, b"not for you", "text/plain"), Refused, "not for you"),
        (Said(403, b"<html>Forbidden</html>", "text/html"), Refused, "role"),
        (Said(302, b"", None, {"Location": "https://elsewhere/"}), Protocol, "https://elsewhere/"),
        (Said(200, b"<vms/>", None), Protocol, "no content type instead of XML"),
        (Said(200, b"<html>login</html>", "text/html"), Protocol, "text/html instead of XML"),
        (Said(200, b'{"vm": []}', "application/json"), Protocol, "application/json instead of XML"),
        (Said(200, b""), Protocol, "malformed"),
        (Said(200, b"<vms><vm id='1'>"), Protocol, "breaks off"),
        (Said(200, b"<vms><vm id='1'><name>\xff</name></vm></vms>"), Protocol, "malformed"),
        (Said(200, b"<hosts/>"), Protocol, "<vms> was expected, not <hosts>"),
        (Said(200, b"<vms><vm><name>x</name></vm></vms>"), Protocol, "a <vm> has no id"),
        (Said(200, b"<vms/>" * 100, cut=50), Unreachable, "GET /vms"),
    ],
)
def test_one_bad_collection_loses_no_other(scripted, session, said, kind, words):
    scripted.answers[f"{API}/vms"] = said
    snapshot = session.inventory()
    failed = snapshot.vms.failed
    assert isinstance(failed, kind)
    assert isinstance(failed, LookFailed)
    assert str(failed).startswith("Engine engine1 ")
    assert words in str(failed)
    assert failed.status == (said.status if kind is not Unreachable else None)
    assert [part for part in PARTS if getattr(snapshot, part).failed] == ["vms"]


def test_a_body_that_does_not_decompress_is_named(scripted, session):
    scripted.answers[f"{API}/vms"] = Said(200, b"not gzip", XML, {"Content-Encoding": "gzip"})
    failed = session.inventory().vms.failed
    assert isinstance(failed, Protocol)
    assert "cannot be taken in" in str(failed)


def test_numbers_that_are_no_numbers_lose_only_themselves(scripted, session):
    body = sample("vms-follow-disk_attachments.xml").replace(b"274877906944", b"lots")
    scripted.answers[f"{API}/vms"] = Said(body=body.replace(b"<active>true", b"<active>perhaps"))
    (vm,) = session.inventory().vms.rows
    assert (vm.name, vm.memory, vm.attachments[0].active, vm.vcpus) == ("oradb01", None, None, 16)


def test_a_host_that_is_not_up_keeps_no_live_statistics(scripted, session):
    body = sample("hosts-all_content-follow-nics-statistics.xml").replace(
        b"<status>up</status>", b"<status>non_responsive</status>"
    )
    scripted.answers[f"{API}/hosts"] = Said(body=body)
    (host,) = session.inventory().hosts.rows
    assert (host.status, host.he_configured, host.he_score, host.he_active) == ("non_responsive", True, None, None)


def test_an_engine_that_is_away_is_asked_once(scripted, session):
    first = session.inventory()
    assert all(getattr(first, part).failed is None for part in PARTS)  # none of them is still on its way
    scripted.close()
    before = session.requests
    snapshot = session.inventory()
    assert session.requests - before == 1
    assert all(isinstance(getattr(snapshot, part).failed, Unreachable) for part in PARTS)
    assert "nothing listens" in str(snapshot.vms.failed) or "connection" in str(snapshot.vms.failed)


def test_an_engine_that_comes_back_is_used_again(scripted, session):
    scripted.answers[API] = HTML_503
    snapshot = session.inventory()
    assert all("is starting" in str(getattr(snapshot, part).failed) for part in PARTS)
    scripted.answers[API] = Said(body=sample("api-root.xml"))
    assert session.inventory().hosts.failed is None


def test_a_collection_that_hangs_ends_at_its_deadline(scripted):
    wake = threading.Event()
    scripted.answers[f"{API}/disks"] = lambda asked: wake.wait(20) and HTML_500
    with Session(scripted.credentials(), timeout=0.7) as session:
        began = time.monotonic()
        snapshot = session.inventory()
        assert isinstance(snapshot.disks.failed, Unreachable)
        assert time.monotonic() - began < 4
        assert "deadline" in str(snapshot.disks.failed)
        assert snapshot.hosts.rows
    wake.set()


def test_at_most_four_requests_are_under_way(scripted, session):
    lock, now, most = threading.Lock(), [0], [0]

    def slow(asked):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return Said(body=sample("host-storage.xml"))

    scripted.answers[f"{API}/hosts/{HOST}/storage"] = slow
    threads = [threading.Thread(target=session.storage, args=(HOST,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 4


def test_what_came_first_can_be_used_while_the_rest_is_read(scripted):
    held = threading.Event()
    scripted.answers[f"{API}/disks"] = lambda asked: held.wait(10) and Said(body=sample("disks-direct-lun.xml"))
    with Session(scripted.credentials(), timeout=10) as session:
        snapshot = session.inventory()
        assert snapshot.vms.failed is None
        assert not held.is_set()
        held.set()
        assert snapshot.disks.rows


def test_a_closed_session_sends_nothing_more(scripted, session):
    session.close()
    failed = session.inventory().root.failed
    assert isinstance(failed, Unreachable)
    assert "ended before GET /api was sent" in str(failed)
    assert (scripted.asked, scripted.issued) == ([], 0)
