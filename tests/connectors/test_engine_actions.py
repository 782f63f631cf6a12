"""Acts at the engine: sent once, answered in plain words."""

from __future__ import annotations

import pytest

from portal.connectors.engine import (
    Protocol,
    Refused,
    Session,
    Unreachable,
    activate_host,
    deactivate_host,
    global_maintenance,
    migrate_vm,
)
from tests.fixtures_engine import API, HTML_401, HTML_500, HTML_503, Said, sample

pytestmark = pytest.mark.wire

JOB = "0f1e0a10-6666-4a01-9a01-00000000f001"
KEY = "6f1d6b1e-0000-4000-8000-00000000f457"


@pytest.fixture
def session(scripted):
    for path in ("hosts/h1/deactivate", "hosts/h1/activate", "vms/v1/migrate", "vms/v1/maintenance"):
        scripted.answers[f"{API}/{path}"] = Said(body=sample("action-complete.xml"))
    with Session(scripted.credentials(name="engine1"), timeout=5) as opened:
        yield opened


def words(xml):
    return "".join(xml.split())


@pytest.mark.parametrize(
    ("act", "path", "body"),
    [
        (
            lambda s: deactivate_host(s, "h1", reason="drill <42>", correlation_id=KEY),
            "/hosts/h1/deactivate",
            "<action><reason>drill&lt;42&gt;</reason></action>",
        ),
        (lambda s: activate_host(s, "h1", correlation_id=KEY), "/hosts/h1/activate", "<action/>"),
        (
            lambda s: migrate_vm(s, "v1", host_uuid="h2", correlation_id=KEY),
            "/vms/v1/migrate",
            '<action><hostid="h2"/></action>',
        ),
        (lambda s: migrate_vm(s, "v1", host_uuid="", correlation_id=KEY), "/vms/v1/migrate", "<action/>"),
        (
            lambda s: global_maintenance(s, "v1", enabled=True, correlation_id=KEY),
            "/vms/v1/maintenance",
            "<action><maintenance_enabled>true</maintenance_enabled></action>",
        ),
        (
            lambda s: global_maintenance(s, "v1", enabled=False, correlation_id=KEY),
            "/vms/v1/maintenance",
            "<action><maintenance_enabled>false</maintenance_enabled></action>",
        ),
    ],
)
def test_an_act_is_one_post_with_its_correlation_id(scripted, session, act, path, body):
    result = act(session)
    assert (result.accepted, result.status, result.fault, result.job_uuid) == (True, 200, "", JOB)
    (asked,) = scripted.asked
    assert (asked.method, asked.path, words(asked.body)) == ("POST", API + path, words(body))
    assert asked.headers["correlation-id"] == KEY == result.correlation_id


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (Said(409, sample("action-fault-409.xml")), "Cannot migrate VM. VM is not running."),
        (Said(409, sample("fault-409.xml")), "Cannot migrate VM. VM is not running."),
        (
            Said(409, b"<fault><detail>[Cannot migrate VM.\n [one] is full.,\tNo host fits.]</detail></fault>"),
            "Cannot migrate VM. [one] is full., No host fits.",
        ),
        (Said(400, b"<fault><reason>[half</reason></fault>"), "[half"),
        (Said(400, b"Maintenance is only for the engine VM", "text/plain"), "Maintenance is only for the engine VM"),
        (Said(200, sample("action-fence-status-failed-HTTP200.xml")), "Unable to connect to fence agent"),
        (Said(404, sample("fault-409.xml")), "Cannot migrate VM. VM is not running."),
    ],
)
def test_a_refusal_is_a_result(scripted, session, said, fault):
    scripted.answers[f"{API}/vms/v1/migrate"] = said
    result = migrate_vm(session, "v1", host_uuid="", correlation_id=KEY)
    assert (result.accepted, result.status, result.fault, result.job_uuid) == (False, said.status, fault, "")


def test_an_act_that_fails_on_the_way_is_not_repeated(scripted, session):
    for said, kind in ((HTML_500, Protocol), (HTML_503, Protocol), (Said(200, b"<action/>" * 9, cut=3), Unreachable)):
        scripted.answers[f"{API}/hosts/h1/activate"] = said
        scripted.asked.clear()
        with pytest.raises(kind, match="engine1"):
            activate_host(session, "h1", correlation_id=KEY)
        assert scripted.paths() == ["/hosts/h1/activate"]


def test_a_dead_token_did_nothing_so_the_act_is_sent_again(scripted, session):
    session.inventory()
    scripted.tokens.clear()
    assert activate_host(session, "h1", correlation_id=KEY).accepted


def test_a_login_that_is_not_accepted_is_no_refusal_of_the_act(scripted, session):
    scripted.answers[f"{API}/hosts/h1/activate"] = HTML_401
    with pytest.raises(Refused, match="HTTP 401"):
        activate_host(session, "h1", correlation_id=KEY)


@pytest.mark.parametrize("key", ["", "x" * 37])
def test_a_correlation_id_that_the_engine_would_cut_is_refused(session, key):
    with pytest.raises(ValueError, match="correlation id"):
        activate_host(session, "h1", correlation_id=key)


def test_an_id_cannot_leave_its_place_in_the_path(scripted, session):
    with pytest.raises(Protocol):
        activate_host(session, "../vms/v1", correlation_id=KEY)
    assert scripted.asked[-1].path == f"{API}/hosts/..%2Fvms%2Fv1/activate"
