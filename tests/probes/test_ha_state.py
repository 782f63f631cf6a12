"""ha_state: each part for itself, and the traps of facts/hosted-engine.md 4."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes.ha_state import COMMANDS, PROBE, HaState, judge, numbers, parse
from inventory.probes.reading.agent_log import read_agent_log
from portal.kernel import facts as stored
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared, Traits
from tests.samples_dir import Case, cases

CASES = cases("ha_state")
KVM01 = Declared("kvm01", he_host_id=1, he_host_ids=(1, 2))


def look(case: Case) -> HaState:
    return parse({part: case.output(part) for part in COMMANDS})


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_wrong_is_not_ok(name):
    expected = CASES[name].expected
    found = {one.check: one for one in judge(look(CASES[name]), KVM01)}
    assert {check for check, one in found.items() if one.outcome != "ok"} == set(expected)
    for check, (outcome, words) in expected.items():
        assert found[check].outcome == outcome
        assert words in found[check].sentence
    for one in found.values():
        assert "kvm01" in one.sentence or "systemd" in one.sentence
        assert one.sentence.rstrip()[-1] in ".)M"


@pytest.mark.parametrize("name", CASES)
def test_facts_survive_storage(name):
    seen = look(CASES[name])
    assert stored.load(HaState, json.loads(json.dumps(stored.dump(seen)))) == seen


def test_maintenance_is_either_flag():
    states = {name: look(CASES[name]).maintenance for name in CASES}
    assert {name for name, state in states.items() if state is None} == {"no-ha-conf", "flag-garbled", "ha-conf-empty"}
    assert (states["healthy"], states["no-ha-conf-file"], states["one-flag-line"]) == (False, False, False)
    assert states["manual-flag-left"] is True


def test_one_flag_that_is_set_is_enough():
    output = Output(b"local_maintenance_manual=True\n", b"", 0)
    seen = parse({"ha_conf": output})
    assert seen.maintenance is True
    assert seen.why_not("units") == "The answer of `systemctl` never came."


def test_nothing_readable_is_a_parse_error():
    with pytest.raises(ParseError, match="Nothing of this host's HA state"):
        parse({})


def test_undeclared_host_id_is_accepted_from_the_file():
    found = {one.check: one.outcome for one in judge(look(CASES["healthy"]), Declared("kvm01"))}
    assert found["host_id"] == "ok"
    assert look(CASES["healthy"]).configured_host_id == 1


def test_numbers_and_applies():
    assert numbers(look(CASES["penalty"])) == {"agent_score": 2893.0}
    assert numbers(look(CASES["no-log"])) == {}
    assert numbers(look(CASES["log-without-state"])) == {}
    assert PROBE.applies(Traits(hosted_engine=True))
    assert not PROBE.applies(Traits())


def test_an_old_alarm_is_not_repeated():
    text = CASES["alarm"].output("agent_log").text()
    later = text.splitlines()[0].replace("09:28:24", "09:40:00")
    log = read_agent_log(text + later + "\n")
    assert log is not None
    assert log.alarms == ()


@pytest.mark.parametrize(
    ("message", "alarms"),
    [
        ("Failed to start engine VM: 'exit 1'. Please check the vdsm logs.", True),
        ("Failed to start engine VM, already running according to VDSM", False),
        ("Failed to stop engine VM: timed out", True),
        ("Failed to start necessary monitors", True),
        ("Can't start vdsmd, waiting '15' seconds before the next attempt", True),
        ("Hosted-engine storage domain is in invalid state", True),
        ("Engine VM started on localhost", False),
    ],
)
def test_what_stops_the_agent_from_its_work_is_an_alarm(message, alarms):
    head = "MainThread::WARNING::2026-11-22 09:10:05,001::hosted_engine::102::ovirt.HostedEngine::(one) "
    log = read_agent_log(head + message + "\n")
    assert log is not None
    assert log.alarms == ((message,) if alarms else ())


@given(st.dictionaries(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=200)))
def test_any_bytes_in_any_part_never_crash(raw):
    outputs = {part: Output(text, b"", 0) for part, text in raw.items()}
    try:
        seen = parse(outputs)
    except ParseError:
        return
    assert len(judge(seen, KVM01)) == 13


def test_a_standing_penalty_counts_once_whatever_numbers_its_reason_holds():
    form = (
        "MainThread::INFO::2026-11-22 09:{}:05,001::states::102::ovirt.HostedEngine::(score) Penalizing score by {}\n"
    )
    said = (
        (10, "400 due to free memory 3120 being lower than required 16384"),
        (10, "50 due to 1 engine vm retry attempts"),
        (11, "400 due to free memory 2988 being lower than required 16384"),
        (11, "100 due to 2 engine vm retry attempts"),
        (11, "1600 due to gateway status"),
    )
    log = read_agent_log("".join(form.format(*each) for each in said))
    assert log is not None
    assert [(one.points, one.reason) for one in log.penalties] == [
        (400, "free memory 2988 being lower than required 16384"),
        (100, "2 engine vm retry attempts"),
        (1600, "gateway status"),
    ]


@given(st.integers(0, 60))
def test_a_cut_ha_conf_never_says_no_maintenance(cut):
    whole = b"local_maintenance=False\nlocal_maintenance_manual=False\n"
    if cut >= len(whole) - 1 or whole[:cut].endswith(b"\n"):  # whole lines may be all that an old host has
        return
    try:
        seen = parse({"ha_conf": Output(whole[:cut], b"", 0)})
    except ParseError:
        return
    assert seen.maintenance is None


def test_a_reason_that_takes_the_whole_score_is_named():
    form = "MainThread::INFO::2026-11-22 09:10:0{},001::states::102::ovirt.HostedEngine::({}) {}\n"
    said = (
        (1, "score", "Penalizing score by 1600 due to gateway status"),
        (2, "score", "Score is 0 due to 4 engine vm retry attempts"),
        (3, "_monitoring_loop", "Current state EngineDown (score: 0)"),
    )
    log = read_agent_log("".join(form.format(*each) for each in said))
    assert log is not None
    assert [(one.points, one.reason) for one in log.penalties] == [(3400, "4 engine vm retry attempts")]
    expired = read_agent_log("".join(form.format(*each) for each in said).replace("(score: 0)", "(score: 1800)"))
    assert expired is not None
    assert [(one.points, one.reason) for one in expired.penalties] == [(1600, "gateway status")]
