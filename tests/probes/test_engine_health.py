"""engine_health: what the three pages can answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inventory.probes.engine_health import HEALTHY, EngineHealth, judge, numbers, parse
from portal.kernel import facts as stored
from portal.kernel.output import ParseError, Reply
from portal.kernel.probe import Declared
from tests.samples_dir import cases

CASES = cases("engine_health")
AT = 1795338000.2  # 2026-11-22 12:00:00.2 +03:00
DAY = 86400
ENGINE = Declared("engine1", checked_at=AT)


def reply(name: str) -> Reply:
    output = CASES[name].output()
    return Reply(
        output.exit_code,
        output.stdout,
        took=0.2,
        at=AT,
        peer_not_after=AT + 398.5 * DAY,
        peer_subject="CN=engine.bank.example",
        peer_issuer="CN=bank CA",
    )


GOOD = {"health": reply("health-good"), "api": reply("api-root"), "sso": reply("sso-active")}
GONE = Reply(None, error="Connection refused by 127.0.0.1:443.")
APACHE_503 = Reply(503, b"<html><head><title>503 Service Unavailable</title></head></html>")


def found(**changes: Reply) -> dict[str, tuple[str, str]]:
    facts = parse(GOOD | changes)
    assert stored.load(EngineHealth, json.loads(json.dumps(stored.dump(facts)))) == facts
    return {one.check: (str(one.outcome), one.sentence) for one in judge(facts, ENGINE)}


def test_a_good_engine():
    facts = parse(GOOD)
    assert facts.good
    assert (facts.version, facts.instance_id) == ("4.5.5-1.42.el8", "0f1e0a10-9999-4a01-9a01-000000009001")
    assert [(one.name, one.active, one.total) for one in facts.summary] == [
        ("hosts", 2, 2),
        ("storage_domains", 3, 4),
        ("users", 1, 3),
        ("vms", 9, 12),
    ]
    assert {one.scope for one in facts.backups} == {"db", "dwh", "engine", "keycloak", "grafana"}
    assert facts.skew == pytest.approx(0.023, abs=0.001)
    assert {outcome for outcome, _ in found().values()} == {"ok"}
    assert numbers(facts).keys() == {"health_ms", "api_ms", "sso_ms", "skew_s"}


@pytest.mark.parametrize("name", CASES)
def test_samples(name):
    section = {"health-good": "health", "api-root": "api", "sso-active": "sso", "unauthorized": "api"}[name]
    assert getattr(parse(GOOD | {section: reply(name)}), section).kind == CASES[name].expected["kind"]


@pytest.mark.parametrize(
    ("answer", "kind", "outcome", "words"),
    [
        (Reply(500, b"DB Down!"), "db_down", "fail", "without its database"),
        (Reply(500, b"Unable to contact Database!"), "db_down", "fail", "without its database"),
        (Reply(500, b"Unable to contact Backend!"), "db_down", "fail", "without its database"),
        (APACHE_503, "starting", "fail", "is starting"),
        (Reply(404, b"<html>"), "starting", "fail", "is starting"),
        (GONE, "unreachable", "fail", "Connection refused"),
        (Reply(None, error="Its certificate does not verify.", untrusted=True), "untrusted", "unknown", "not verify"),
        (Reply(None), "unreachable", "fail", "No answer came"),
        (Reply(200, b"<html>DB Up!</html>"), "unexpected", "unknown", "never sends"),
        (Reply(200, b"DB Up!"), "unexpected", "unknown", "never sends"),
        (Reply(200, b""), "unexpected", "unknown", "never sends"),
        (Reply(500, b"<html>oops</html>"), "unexpected", "unknown", "never sends"),
        (Reply(302, b""), "unexpected", "unknown", "never sends"),
        (Reply(403, b""), "refused", "unknown", "refused"),
    ],
)
def test_the_health_page(answer, kind, outcome, words):
    assert parse(GOOD | {"health": answer}).health.kind == kind
    assert found(health=answer)["health"][0] == outcome
    assert words in found(health=answer)["health"][1]


@pytest.mark.parametrize(
    "answer",
    [
        APACHE_503,
        GONE,
        reply("unauthorized"),
        Reply(200, b"<html>login</html>"),
        Reply(200, b"<api/>"),
        Reply(200, b"<api"),
        Reply(200, b"\xff\xfe"),
        Reply(200, b"<!DOCTYPE a><api/>"),
        Reply(200, b"<!ENTITY a 'b'><api/>"),
    ],
)
def test_an_api_that_does_not_tell_leaves_clock_and_api_unknown(answer):
    said = found(api=answer)
    assert said["api"][0] == "unknown"
    assert said["clock"][0] == "unknown"
    assert said["health"][0] == "ok"
    assert "skew_s" not in numbers(parse(GOOD | {"api": answer}))


@pytest.mark.parametrize(
    "answer",
    [APACHE_503, Reply(200, b"{"), Reply(200, b'{"status": "x"}'), Reply(200, b"[]"), Reply(200, b"[" * 99999)],
)
def test_a_login_service_that_is_not_active_is_unknown(answer):
    assert found(sso=answer)["sso"][0] == "unknown"


@pytest.mark.parametrize(
    ("ahead", "outcome", "way"), [(6, "warn", "behind"), (61, "fail", "behind"), (-6, "warn", "ahead")]
)
def test_clock_skew(ahead, outcome, way):
    said = found(api=replace(GOOD["api"], at=AT + ahead))["clock"]
    assert said[0] == outcome
    assert way in said[1]


def test_a_slow_answer_is_no_skew():
    """Half of the time that the answer took is not the clock's fault."""
    assert found(api=replace(GOOD["api"], at=AT + 14, took=30.0))["clock"][0] == "ok"


def test_a_time_without_zone_and_odd_numbers_are_not_believed():
    body = GOOD["api"].body.replace(b"<time>2026-11-22T12:00:00.123+03:00", b"<time>2026-11-22T12:00:00.123")
    body = body.replace(b"<active>9</active>", b"<active>many</active>").replace(
        b"2026-11-22T02:00:41.120+03:00", b"soon"
    )
    facts = parse(GOOD | {"api": replace(GOOD["api"], body=body)})
    assert facts.skew is None
    assert "vms" not in {one.name for one in facts.summary}
    assert "db" not in {one.scope for one in facts.backups}


@pytest.mark.parametrize(("days", "outcome"), [(398, "ok"), (30.5, "ok"), (29, "warn"), (6.9, "fail"), (-0.1, "fail")])
def test_certificate(days, outcome):
    pages = {name: replace(page, peer_not_after=AT + days * DAY) for name, page in GOOD.items()}
    said = found(**pages)["certificate"]
    assert said[0] == outcome
    assert ("expired" in said[1]) == (days < 0)


def test_no_certificate_seen_is_unknown():
    pages = {name: replace(page, peer_not_after=None) for name, page in GOOD.items()}
    assert found(**pages)["certificate"][0] == "unknown"
    assert {one.check: str(one.outcome) for one in judge(parse(GOOD), Declared("e"))}["certificate"] == "unknown"


def test_a_section_that_is_missing_is_not_an_answer():
    facts = parse({"sso": GOOD["sso"]})
    assert (facts.health.kind, facts.api.kind) == ("unreachable", "unreachable")
    with pytest.raises(ParseError, match="was not asked"):
        parse({})


@given(st.sampled_from(["health", "api", "sso"]), st.sampled_from([None, 200, 401, 500, 503]), st.binary(max_size=300))
def test_any_body_gives_facts_and_never_good(section, status, body):
    assume(body.strip() != HEALTHY)
    facts = parse(GOOD | {section: Reply(status, body, at=AT)})
    assert getattr(facts, section).kind != "good"
    assert len(judge(facts, ENGINE)) == 5
