"""she_status against every captured and hand-written answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes.reading.vm_status import HeHostStatus, HeSnapshot, NoStatus, Unreadable, read_json, timeout_left
from inventory.probes.she_status import COMMAND, PROBE, judge, numbers, parse
from portal.kernel import facts as stored
from portal.kernel.collector import sudo_line
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared, Traits
from tests.samples_dir import cases

CASES = cases("she_status")
HEALTHY = CASES["healthy-json"].output().stdout
KVM01 = Declared("kvm01", he_host_id=1, he_host_ids=(1, 2))
KVM02 = Declared("kvm02", he_host_id=2, he_host_ids=(1, 2))


def look(name: str) -> HeSnapshot:
    return parse({"vm_status": CASES[name].output()})


def found(name: str, declared: Declared = KVM01) -> dict[str, tuple[Outcome, str]]:
    return {one.check: (one.outcome, one.sentence) for one in judge(look(name), declared)}


@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_read_as_expected(name):
    expected = CASES[name].expected
    if "unknown" in expected:
        with pytest.raises(ParseError) as caught:
            look(name)
        assert getattr(caught.value, "kind", None) == expected["unknown"]
        assert str(caught.value).endswith(".")
        return
    seen = look(name)
    assert seen.global_maintenance is expected["global_maintenance"]
    assert {one.host_id for one in seen.unreadable} == set(expected.get("unreadable", ()))
    assert {
        str(one.host_id): {
            "score": one.score,
            "live": one.live,
            "stopped": one.stopped,
            "maintenance": one.maintenance,
            "state": one.state,
            "engine": [one.vm, one.health, one.detail],
        }
        for one in seen.hosts
    } == expected["hosts"]
    whole = not expected.get("unreadable") and expected["global_maintenance"] is not None
    assert seen.parse_state == ("ok" if whole else "partial")
    assert stored.load(HeSnapshot, json.loads(json.dumps(stored.dump(seen)))) == seen


# The only captured answers in which everything is well, as index.md beside the samples tells.
WELL = {
    "after-clean-agent-started-json",
    "after-none-from-host1-json",
    "after-none-from-host2-json",
    "agent-back-060s-json",
    "agent-back-090s-json",
    "bad-health-525s-recovered-json",
    "engine-on-2-host1-activated-json",
    # the flag of a host maintenance is only in ha.conf yet: vm-status cannot know (facts 6 a)
    "host-maintenance-flag-set-json",
    # the other host's read lag of a flag that was just set (facts 4, effect times)
    "global-maintenance-0s-from-host2-json",
    "healthy-json",
    # power was lost 30 s ago and nobody can see it before 60 s: only a second observer can (facts 6 d)
    "power-loss-030s-json",
    "power-back-100s-json",
    "hand-ansi",
    "hand-noise-before",
}


@pytest.mark.parametrize("name", [name for name in CASES if "unknown" not in CASES[name].expected])
def test_only_healthy_answers_are_wholly_ok(name):
    own = CASES[name].expected.get("observer", 1)
    outcomes = {one.outcome for one in judge(look(name), replace(KVM01, he_host_id=own))}
    assert (outcomes == {Outcome.OK}) == (name in WELL)


@pytest.mark.parametrize("name", [name for name in CASES if "unknown" not in CASES[name].expected])
def test_sentences_are_sentences(name):
    for one in judge(look(name), KVM01):
        assert one.sentence[0].isupper() or one.sentence.startswith("kvm0")
        assert one.sentence.endswith(".")
        assert one.subject.key == "kvm01"


def test_a_stale_record_that_says_up_is_no_second_engine():
    outcome, words = found("power-loss-10min-json")["engine_vm"]
    assert outcome is Outcome.OK
    assert "kvm01.bank.example (id 1)" in words
    assert found("power-loss-10min-json")["hosts_live"][0] is Outcome.UNKNOWN


def test_a_blind_observer_says_nothing_about_others():
    said = found("agent-stopped-blind-observer-json", KVM02)
    assert {said[check][0] for check in ("hosts_live", "agents", "scores", "local_maintenance", "engine_vm")} == {
        Outcome.UNKNOWN
    }
    assert said["observer"][0] is Outcome.UNKNOWN
    assert "does not publish" in said["observer"][1]


def test_two_live_claims_are_a_failure():
    raw = json.loads(HEALTHY)
    raw["2"]["engine-status"] = raw["1"]["engine-status"]
    said = {one.check: one for one in judge(read_json(json.dumps(raw)), KVM01)}
    assert said["engine_vm"].outcome is Outcome.FAIL
    raw["2"]["engine-status"] = {"vm": "up", "health": "bad", "detail": "WaitForLaunch", "reason": "bad vm status"}
    said = {one.check: one for one in judge(read_json(json.dumps(raw)), KVM01)}
    assert said["engine_vm"].outcome is Outcome.WARN


def test_bad_health_names_the_seconds_left():
    outcome, words = found("bad-health-025s-json")["engine_vm"]
    assert (outcome, "in about 288 s" in words) == (Outcome.FAIL, True)


def test_both_scores_zero_name_the_seconds_left():
    outcome, words = found("vm-poweroff-015s-json")["scores"]
    assert outcome is Outcome.FAIL
    assert "another 560 s" in words
    assert "another 169 s" in words
    assert found("vm-poweroff-015s-json")["engine_vm"][0] is Outcome.FAIL


def test_no_live_claim_and_a_stale_record_is_unknown():
    assert found("agent-stopped-lease-refused-120s-json")["engine_vm"][0] is Outcome.UNKNOWN
    assert found("agent-stopped-lease-refused-120s-json")["agents"][0] is Outcome.FAIL


def test_a_host_whose_vdsm_fails_neither_guards_nor_says_that_the_engine_is_down():
    said = found("hand-vdsm-fails")
    assert said["agents"] == (
        Outcome.FAIL,
        "The HA agent of kvm02.bank.example (id 2) cannot tell whether the engine VM runs there, so it neither guards "
        "nor starts it (state UnknownLocalVmState): see vdsmd there.",
    )
    assert said["engine_vm"][0] is Outcome.OK
    raw = json.loads(CASES["hand-vdsm-fails"].output().stdout)
    raw["1"]["engine-status"] = {"vm": "down", "health": "bad", "detail": "unknown", "reason": "vm not running here"}
    told = {one.check: one for one in judge(read_json(json.dumps(raw)), KVM01)}["engine_vm"]
    assert told.outcome is Outcome.UNKNOWN
    assert told.sentence.startswith("kvm02.bank.example (id 2) cannot tell whether the engine VM runs there")


def test_the_older_text_of_a_missing_vm_conf_does_not_say_that_the_agent_runs():
    with pytest.raises(NoStatus, match="see that ovirt-ha-agent runs on this host and that it reaches"):
        look("hand-older-vm-conf")


def test_migration_is_not_ok_and_not_down():
    outcome, words = found("migrating-json")["engine_vm"]
    assert (outcome, "being migrated" in words) == (Outcome.WARN, True)


def test_maintenance_is_a_warning():
    assert found("global-maintenance-json")["global_maintenance"][0] is Outcome.WARN
    assert found("local-maintenance-from-host1-json")["local_maintenance"][0] is Outcome.WARN


def test_what_is_not_declared_is_never_ok():
    said = found("healthy-json", Declared("kvm01"))
    assert said["observer"][0] is Outcome.UNKNOWN
    assert said["hosts_listed"][0] is Outcome.WARN
    assert found("healthy-json", Declared("kvm01", 1, (1, 2, 3)))["hosts_listed"][0] is Outcome.UNKNOWN
    assert found("healthy-json", Declared("kvm01", 1, (1,)))["hosts_listed"][0] is Outcome.WARN
    assert found("healthy-json", Declared("kvm03", 3, (1, 2)))["observer"][0] is Outcome.UNKNOWN


def test_an_unreadable_record_is_named():
    said = found("hand-score-text")
    assert said["hosts_listed"] == (
        Outcome.UNKNOWN,
        "The record of host id 1 cannot be read: its score is '3400', not a count.",
    )
    assert found("hand-score-text", KVM02)["engine_vm"][0] is Outcome.UNKNOWN


def host(**changes: object) -> HeHostStatus:
    base = HeHostStatus(1, "kvm01", 9, 3400, "up", "good", "Up", "", False, False, True, "EngineUp", None)
    return replace(base, **changes)  # type: ignore[arg-type]


def standby(**changes: object) -> HeHostStatus:
    return host(**{"host_id": 2, "hostname": "kvm02", "vm": "down", "health": "bad", "state": "EngineDown"} | changes)


def scores(*hosts: HeHostStatus) -> tuple[Outcome, str]:
    said = {one.check: one for one in judge(HeSnapshot("ok", False, hosts), KVM01)}
    return said["scores"].outcome, said["scores"].sentence


def test_a_difference_of_800_on_the_running_host_stops_the_vm():
    assert scores(host(score=2600), standby())[0] is Outcome.FAIL
    assert scores(host(score=2601), standby())[0] is Outcome.WARN
    assert scores(host(score=2600, state="GlobalMaintenance"), standby())[0] is Outcome.WARN
    assert scores(host(), standby(score=2440)) == (
        Outcome.WARN,
        "Scores are below 3400: kvm02 2440. Read the penalties in agent.log.",
    )


@pytest.mark.parametrize(
    ("said", "serves"),
    [
        ('{"vm": "up", "health": "good", "detail": "up"}', True),
        ({"vm": "up", "health": "good", "detail": "migration source"}, True),
        ({"vm": "up", "health": "good", "detail": "powering down"}, False),
        ({"vm": "up", "health": "bad", "detail": "waitforlaunch", "reason": "bad vm status"}, False),
    ],
)
def test_older_brokers_write_the_engines_status_in_another_way(said, serves):
    raw = json.loads(HEALTHY)
    raw["1"]["engine-status"] = said
    one = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)}).host(1)
    assert one is not None
    assert (one.serving, one.vm_up) == (serves, True)
    assert one.detail in ("Up", "Migration Source", "Powering down", "WaitForLaunch")


@pytest.mark.parametrize("said", ["", "up", '{"vm": "up"', '{"vm": "up"}'])
def test_a_status_text_that_is_no_object_is_no_status(said):
    raw = json.loads(HEALTHY)
    raw["1"]["engine-status"] = said
    seen = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    assert (seen.parse_state, seen.host(1)) == ("partial", None)


def test_score_zero_without_a_state_or_time():
    assert scores(host(), standby(score=0, state=""))[1] == "kvm02 (id 2) has score 0 in state unknown."
    assert "another" not in scores(host(), standby(score=0, state="EngineUnexpectedlyDown"))[1]


def test_bad_health_without_details_has_a_sentence():
    seen = HeSnapshot("ok", False, (host(health="bad", detail="", state=""), standby()))
    said = {one.check: one for one in judge(seen, KVM01)}
    assert said["engine_vm"].outcome is Outcome.FAIL
    assert "no detail" in said["engine_vm"].sentence


@pytest.mark.parametrize("state", ["EngineStop", "EngineForceStop"])
def test_an_engine_that_its_agent_stops_is_not_ok_although_it_still_answers(state):
    said = {one.check: one for one in judge(HeSnapshot("ok", False, (host(state=state), standby())), KVM01)}
    assert said["engine_vm"].outcome is Outcome.FAIL
    assert state in said["engine_vm"].sentence


def test_nobody_live_claims_it_and_one_record_is_unreadable():
    seen = HeSnapshot("partial", None, (standby(host_id=1),), (Unreadable(2, "its score is None"),))
    said = {one.check: one for one in judge(seen, KVM01)}
    assert said["engine_vm"].outcome is Outcome.UNKNOWN
    assert said["global_maintenance"].outcome is Outcome.UNKNOWN


def test_numbers_leave_out_stale_scores():
    assert numbers(look("healthy-json")) == {"score_1": 3400.0, "score_2": 3400.0}
    assert numbers(look("power-loss-10min-json")) == {"score_1": 3400.0}


def test_it_is_asked_of_hosted_engine_hosts_alone():
    assert PROBE.applies(Traits(hosted_engine=True))
    assert not PROBE.applies(Traits())


def test_an_end_that_was_never_seen_and_a_cut_output():
    with pytest.raises(NoStatus, match="never seen"):
        parse({"vm_status": Output(HEALTHY, b"", None)})
    with pytest.raises(ParseError, match="size limit"):
        parse({"vm_status": Output(HEALTHY, b"", 0, truncated=True)})


def test_a_command_that_was_held_back_says_why():
    with pytest.raises(NoStatus, match="did not end at its last try"):
        parse({"vm_status": Output(b"", b"The command did not end at its last try, not even when killed.", None)})


@pytest.mark.parametrize(
    "refusal",
    [b"sudo: a password is required\n", b"sudo: sorry, you must have a tty to run sudo\n"],
)
def test_sudo_that_refuses_names_the_line_that_it_must_allow(refusal):
    with pytest.raises(NoStatus) as caught:
        parse({"vm_status": Output(b"", refusal, 1)})
    assert caught.value.kind == "denied"
    assert f"`{sudo_line(COMMAND)}`" in str(caught.value)


@pytest.mark.parametrize("zone", [-12 * 3600, -34200, 0, 10800, 20700, 50400])
@pytest.mark.parametrize("left", [0, 1, 288, 560, 600, -30])
def test_the_1970_timeout_is_read_in_every_zone(zone, left):
    from datetime import UTC, datetime, timedelta

    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=201193 + left + zone)
    assert timeout_left(local.strftime("%a %b %e %H:%M:%S %Y"), 201193) == left


@pytest.mark.parametrize("stamp", ["", "soon", "Sat Foo  3 07:58:01 1970", "Sat Feb 31 07:58:01 1970"])
def test_a_timeout_that_is_no_date_is_none(stamp):
    assert timeout_left(stamp, 1) is None


@given(st.integers(0, len(HEALTHY) - 2))
def test_no_cut_answer_is_ever_read(cut):
    """Every true prefix misses the closing brace, so it must be refused whole."""
    with pytest.raises(ParseError):
        parse({"vm_status": Output(HEALTHY[:cut], b"", 0)})


@given(st.integers(0, len(HEALTHY) - 1), st.binary(min_size=0, max_size=3))
def test_mutated_bytes_never_crash_and_never_invent(at, put):
    changed = HEALTHY[:at] + put + HEALTHY[at + 1 :]
    try:
        seen = parse({"vm_status": Output(changed, b"", 0)})
    except ParseError:
        return
    for one in judge(seen, KVM01):
        assert one.sentence
    assert all(isinstance(one.live, bool) and isinstance(one.score, int) for one in seen.hosts)


@given(st.binary(max_size=400), st.binary(max_size=100), st.sampled_from([0, 1, 2, 124, 127, 255, None]))
def test_any_bytes_give_a_snapshot_or_a_parse_error(stdout, stderr, code):
    try:
        seen = parse({"vm_status": Output(stdout, stderr, code)})
    except ParseError:
        return
    assert code == 0
    assert seen.hosts or seen.unreadable


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["1", "2", "vm", "score"]), inner),
    ),
    st.sampled_from(
        ["score", "live-data", "stopped", "maintenance", "engine-status", "hostname", "host-id", "host-ts"]
    ),
)
def test_a_wrong_value_never_reads_as_a_whole_healthy_host(value, key):
    raw = json.loads(HEALTHY)
    if raw["1"][key] == value and type(raw["1"][key]) is type(value):
        return
    raw["1"][key] = value
    seen = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    one = seen.host(1)
    assert (
        one is None or getattr(one, key.replace("-", "_").replace("live_data", "live"), None) == value or value is None
    )


@pytest.mark.parametrize("status", [7, True, ["up"]])
def test_an_engine_status_that_is_no_object_makes_its_record_unreadable(status):
    record = {"host-id": 1, "host-ts": 1, "hostname": "kvm01", "score": 3400, "engine-status": status}
    seen = read_json(json.dumps({"1": record, "global_maintenance": False}))
    assert seen.unreadable == (Unreadable(1, "its engine-status is no object"),)
