"""The self-hosted engine's verdict, from captured answers of both hosts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from inventory.probes.engine_health import Answer as Page
from inventory.probes.engine_health import EngineHealth
from inventory.probes.ha_state import HaState, Unit
from inventory.probes.reading.agent_log import AgentLog, Penalty
from inventory.probes.reading.vm_status import HeSnapshot
from inventory.probes.she_status import parse
from inventory.verdicts.answer import Word
from inventory.verdicts.she import Kind, SheVerdict, judge, survive_host_loss
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from inventory.verdicts.she_rows import UNNAMED
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError
from tests.samples_dir import cases

CASES = cases("she_status")
HOSTS = (EngineHost("kvm01", 1, "up", 2**38), EngineHost("kvm02", 2, "up", 2**38))
GONE = "It cannot be reached over SSH."


def snapshot(name: str, **changes: dict[str, object]) -> HeSnapshot:
    """A captured answer; changes: host id -> keys of that host's record."""
    if not changes:
        return parse({"vm_status": CASES[name].output()})
    raw = json.loads(CASES[name].output().stdout)
    for key, words in changes.items():
        raw[key.removeprefix("host")].update(words)
    return parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})


def seen(host: int, name: str | None, age: float = 2.0, **changes: dict[str, object]) -> Observation:
    if name is None:
        return Observation(f"kvm0{host}", host, None, None, GONE)
    try:
        return Observation(f"kvm0{host}", host, age, snapshot(name, **changes))
    except ParseError as error:
        return Observation(f"kvm0{host}", host, age, None, str(error))


def page(kind: str = "good", age: float = 1.0) -> EngineWitness:
    health = Page(kind, "", 0.1)
    return EngineWitness(age, EngineHealth(health, health, health, "4.5.5", "", (), (), None, 0.0, None))


def state(host: int, *, local: bool | None = False, manual: bool | None = False, **words: object) -> HostState:
    base = HaState(local, manual, (Unit("ovirt-ha-agent", "active"),), 1000.0, "", 900.0, host, None, ())
    return HostState(f"kvm0{host}", host, 1.0, replace(base, **words))  # type: ignore[arg-type]


NORMAL = (state(1), state(2))


def verdict(
    one: Observation | None,
    two: Observation | None,
    witness: EngineWitness | None = None,
    states: tuple[HostState, ...] = NORMAL,
    hosts: tuple[EngineHost, ...] = HOSTS,
) -> SheVerdict:
    found = judge([o for o in (one, two) if o], states, witness or page(), hosts, 1e9)
    assert len(found.headline.split()) <= 12
    assert found.sentence.endswith(".")
    assert found.at == 1e9
    assert found.outcome is not Outcome.OK or found.kind is Kind.PROTECTED
    return found


def both(name: str, witness: EngineWitness | None = None, states: tuple[HostState, ...] = NORMAL) -> SheVerdict:
    """The same answer from both hosts, which is what they give once the read lag is over."""
    return verdict(seen(1, name), seen(2, name), witness, states)


def test_healthy_is_protected():
    found = both("healthy-json")
    assert (found.kind, found.outcome, found.engine_on) == (Kind.PROTECTED, Outcome.OK, "kvm01")
    assert survive_host_loss(found).word is Word.YES
    assert survive_host_loss(found).sentence == "The engine runs on kvm01; kvm02 can start it."
    one, two = found.hosts
    assert (one.live, one.live_by, one.observers, one.memory, one.candidate) == (True, 2, 2, 2**38, True)
    assert two.penalties == ()
    assert all(row.agree for row in found.observers)
    assert {row.fact for row in found.observers} == {
        "Engine VM",
        "Global maintenance",
        "Live host ids",
        "Scores",
        "States",
    }


@pytest.mark.parametrize("state", ["EngineStop", "EngineForceStop"])
def test_an_engine_that_its_agent_stops_is_not_protected(state):
    stopping = {"host1": {"extra": f"state={state}\n", "score": 1800}}
    found = verdict(seen(1, "healthy-json", **stopping), seen(2, "healthy-json", **stopping))
    assert (found.kind, found.outcome, found.engine_on) == (Kind.FAILING_OVER, Outcome.FAIL, "kvm01")
    assert state in found.sentence
    assert survive_host_loss(found).word is Word.NOT_KNOWN


# What both hosts show after the read lag, what the engine's page says then, and the verdict.
TOLD = {
    "after-clean-agent-started-json": ("good", Kind.PROTECTED),
    "after-none-from-host1-json": ("good", Kind.PROTECTED),
    "agent-back-060s-json": ("good", Kind.PROTECTED),
    "agent-stopped-020s-json": ("good", Kind.DEGRADED),
    "bad-health-025s-json": ("starting", Kind.DOWN),
    "bad-health-315s-json": ("starting", Kind.DOWN),
    "bad-health-345s-powering-down-json": ("unreachable", Kind.FAILING_OVER),
    "bad-health-405s-restarting-json": ("unreachable", Kind.FAILING_OVER),
    "bad-health-525s-recovered-json": ("good", Kind.PROTECTED),
    "engine-on-2-json": ("good", Kind.IN_MAINTENANCE),
    "engine-on-2-record-gone-json": ("good", Kind.IN_MAINTENANCE),
    "engine-on-2-host1-activated-json": ("good", Kind.PROTECTED),
    "global-maintenance-json": ("good", Kind.IN_MAINTENANCE),
    "local-maintenance-json": ("good", Kind.IN_MAINTENANCE),
    "local-set-during-global-from-host1-json": ("good", Kind.IN_MAINTENANCE),
    "migrating-json": ("good", Kind.FAILING_OVER),
    "migrated-10s-json": ("good", Kind.IN_MAINTENANCE),
    "vm-shutdown-015s-json": ("unreachable", Kind.DOWN),
    "vm-shutdown-030s-json": ("unreachable", Kind.DOWN),
    "vm-shutdown-045s-json": ("unreachable", Kind.FAILING_OVER),
    "vm-shutdown-060s-json": ("unreachable", Kind.FAILING_OVER),
    "vm-shutdown-075s-json": ("starting", Kind.FAILING_OVER),
    "vm-shutdown-120s-json": ("starting", Kind.FAILING_OVER),
    "vm-shutdown-135s-json": ("good", Kind.UNPROTECTED),
    "vm-shutdown-180s-json": ("good", Kind.UNPROTECTED),
    "vm-poweroff-015s-json": ("unreachable", Kind.DOWN),
    "vm-poweroff-135s-json": ("unreachable", Kind.DOWN),
    "vm-poweroff-150s-json": ("unreachable", Kind.FAILING_OVER),
}


@pytest.mark.parametrize("name", TOLD)
def test_drills_as_both_hosts_tell_them(name):
    witness, kind = TOLD[name]
    assert both(name, page(witness)).kind is kind


# The dead host cannot be asked; host 1 alone tells.
POWER_LOSS = {
    "power-loss-030s-json": ("unreachable", Kind.SPLIT_VIEW),
    "power-loss-070s-json": ("unreachable", Kind.FAILING_OVER),
    "power-loss-110s-json": ("unreachable", Kind.FAILING_OVER),
    "power-loss-170s-json": ("starting", Kind.FAILING_OVER),
    "power-loss-230s-json": ("good", Kind.UNPROTECTED),
    "power-loss-290s-json": ("good", Kind.UNPROTECTED),
    "power-loss-10min-json": ("good", Kind.UNPROTECTED),
}


@pytest.mark.parametrize("name", POWER_LOSS)
def test_power_loss_as_the_survivor_tells_it(name):
    witness, kind = POWER_LOSS[name]
    found = verdict(seen(1, name), seen(2, None), page(witness), (state(1),))
    assert found.kind is kind
    assert survive_host_loss(found).word is not Word.YES
    assert found.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


def test_the_dead_hosts_record_is_no_second_engine():
    found = verdict(seen(1, "power-loss-10min-json"), seen(2, None), page(), (state(1),))
    assert found.engine_on == "kvm01"
    assert found.hosts[1].live is False
    assert found.hosts[1].score is None
    assert "kvm02 cannot take over: its record is not live" in found.sentence


@pytest.mark.parametrize("name", [name for name in CASES if "unknown" not in CASES[name].expected])
@pytest.mark.parametrize("witness", ["good", "unreachable", "unexpected"])
def test_one_observer_alone_never_gives_protected(name, witness):
    own = CASES[name].expected.get("observer", 1)
    found = verdict(seen(own, name), None, page(witness), (state(own),))
    assert found.outcome is not Outcome.OK
    assert survive_host_loss(found).word is not Word.YES


@pytest.mark.parametrize("name", CASES)
def test_no_sample_gives_ok_while_the_engine_does_not_answer(name):
    found = both(name, page("unreachable"))
    assert found.outcome is not Outcome.OK
    assert survive_host_loss(found).word is not Word.YES


@pytest.mark.parametrize("name", [name for name in CASES if "unknown" in CASES[name].expected])
def test_hosts_that_give_no_status_are_unknown(name):
    found = both(name)
    assert (found.kind, found.outcome) == (Kind.UNKNOWN, Outcome.UNKNOWN)
    assert survive_host_loss(found).word is Word.NOT_KNOWN
    assert "kvm01: " in found.sentence
    assert found.observers[0].agree is None


def test_nobody_is_known_at_all():
    found = judge([], [], EngineWitness(None, None), [], 5.0)
    assert found.kind is Kind.UNKNOWN
    assert "No host is known" in found.sentence
    assert "was not asked lately" in found.sentence


def test_stale_answers_are_not_used():
    found = verdict(seen(1, "healthy-json", age=600), seen(2, "healthy-json", age=601))
    assert found.kind is Kind.UNKNOWN
    assert "Its answer is 600 s old." in found.sentence
    never = Observation("kvm02", 2, None, None)
    assert "It was not looked at yet." in verdict(seen(1, None), never).sentence


def test_two_blind_observers_are_unknown():
    found = both("agent-stopped-blind-observer-json")
    assert found.kind is Kind.UNKNOWN
    assert "blind observer" in found.sentence


def test_a_hidden_local_maintenance_is_found_by_its_flags():
    states = (state(1), state(2, local=True, manual=True))
    found = verdict(
        seen(1, "local-maintenance-hidden-from-host1-json"), seen(2, "local-maintenance-hidden-json"), page(), states
    )
    assert (found.kind, found.engine_on) == (Kind.IN_MAINTENANCE, "kvm01")
    assert found.hosts[1].maintenance
    assert found.hosts[1].record is not None
    assert found.hosts[1].record.maintenance is False
    told = {row.fact: {one.observer: one.answer for one in row.answers} for row in found.observers}
    assert told["Engine VM"]["kvm02"] == "not used: its own record is not live"
    assert told["Global maintenance"]["kvm02"] == "off"


def test_without_the_flags_it_is_a_stopped_agent():
    found = verdict(seen(1, "local-maintenance-hidden-from-host1-json"), seen(2, "local-maintenance-hidden-json"))
    assert found.kind is Kind.UNPROTECTED
    assert "its HA agent is stopped" in found.sentence


def test_an_agent_that_was_stopped_on_the_active_host():
    found = verdict(
        seen(1, "agent-stopped-lease-refused-120s-json"), seen(2, "agent-stopped-lease-refused-120s-json"), page()
    )
    assert found.kind is Kind.UNPROTECTED
    assert "no live HA record claims it" in found.sentence
    assert "The HA agent of kvm02 is stopped" in found.sentence
    lost = verdict(seen(1, "agent-stopped-lease-refused-120s-json"), seen(2, None), page("unexpected"))
    assert lost.kind is Kind.UNKNOWN


def test_an_agent_that_just_stopped_on_the_active_host():
    found = both("agent-stopped-020s-json")
    assert (found.kind, found.outcome, found.engine_on) == (Kind.DEGRADED, Outcome.WARN, "kvm02")
    assert "the HA agent of kvm02 is stopped, so it does not guard the engine VM" in found.sentence


def test_the_page_answers_and_no_agent_says_why():
    name = "healthy-json"
    down = {"vm": "down", "health": "bad", "detail": "unknown"}
    found = verdict(seen(1, name, host1={"engine-status": down}), seen(2, name, host1={"engine-status": down}))
    assert found.kind is Kind.UNPROTECTED
    assert "See ovirt-ha-agent on each host" in found.sentence


def test_two_good_engines_are_a_split_view():
    good = {"engine-status": {"vm": "up", "health": "good", "detail": "Up"}}
    found = verdict(seen(1, "healthy-json", host2=good), seen(2, "healthy-json", host2=good))
    assert (found.kind, found.outcome) == (Kind.SPLIT_VIEW, Outcome.FAIL)
    assert survive_host_loss(found).word is Word.NOT_KNOWN


LOST = {"engine-status": {"vm": "unknown", "health": "unknown", "detail": "unknown", "reason": "failed to getVmStats"}}
IDLE = LOST | {"extra": "state=UnknownLocalVmState\n"}


def test_a_host_whose_vdsm_fails_is_no_protection():
    found = both("hand-vdsm-fails")
    assert (found.kind, found.outcome, found.engine_on) == (Kind.UNPROTECTED, Outcome.FAIL, "kvm01")
    assert "kvm02 cannot take over: its agent does nothing while vdsm fails there" in found.sentence
    assert survive_host_loss(found).word is Word.NO


def test_vdsm_fails_where_the_engine_runs():
    told = (seen(1, "healthy-json", host1=IDLE), seen(2, "healthy-json", host1=IDLE))
    answers = verdict(*told)
    assert (answers.kind, answers.outcome) == (Kind.UNPROTECTED, Outcome.FAIL)
    assert "The HA agent of kvm01 does nothing while vdsm fails there: see vdsmd." in answers.sentence
    silent = verdict(*told, witness=page("unexpected"))
    assert (silent.kind, silent.outcome) == (Kind.UNKNOWN, Outcome.UNKNOWN)
    assert "whether kvm01 runs it is not known" in silent.sentence
    gone = verdict(*told, witness=page("unreachable"))
    assert (gone.kind, gone.outcome) == (Kind.FAILING_OVER, Outcome.FAIL)
    assert "kvm02 may start it" in gone.sentence
    young = {"engine-status": None}  # an agent that has just started: its broker has no word yet
    new = verdict(seen(1, "healthy-json", host1=young), seen(2, "healthy-json", host1=young), page("unexpected"))
    assert new.kind is Kind.UNKNOWN


def test_hosts_and_page_disagree():
    found = both("healthy-json", page("db_down"))
    assert (found.kind, found.outcome) == (Kind.SPLIT_VIEW, Outcome.UNKNOWN)
    assert "db down" in found.sentence


def test_the_page_is_not_needed_when_two_hosts_agree():
    assert both("healthy-json", page("good", age=999)).kind is Kind.PROTECTED
    assert both("healthy-json", page("unexpected")).kind is Kind.PROTECTED


def test_read_lag_of_global_maintenance_is_shown():
    found = verdict(seen(1, "global-maintenance-0s-from-host1-json"), seen(2, "global-maintenance-0s-from-host2-json"))
    assert found.kind is Kind.IN_MAINTENANCE
    assert {row.fact: row.agree for row in found.observers}["Global maintenance"] is False
    assert survive_host_loss(found).word is Word.NO


def test_global_maintenance_and_a_dead_engine():
    bad = {"engine-status": {"vm": "down", "health": "bad", "detail": "unknown"}}
    name = "global-maintenance-json"
    assert verdict(seen(1, name, host1=bad), seen(2, name, host1=bad), page("unreachable")).kind is Kind.DOWN
    assert verdict(seen(1, name, host1=bad), seen(2, name, host1=bad), page("unexpected")).kind is Kind.DOWN
    assert verdict(seen(1, name, host1=bad), seen(2, None), page("unexpected")).kind is Kind.UNKNOWN
    assert verdict(seen(1, name, host1=bad), seen(2, None), page()).kind is Kind.IN_MAINTENANCE


def test_penalties_by_name():
    log = AgentLog("EngineDown", 2893, (Penalty(507, "cpu load"),), (), False, None, 300)
    lower = {"score": 2893}
    observations = seen(1, "healthy-json", host2=lower), seen(2, "healthy-json", host2=lower)
    found = verdict(*observations, states=(state(1), state(2, log=log)))
    assert (found.kind, found.outcome) == (Kind.PROTECTED, Outcome.WARN)
    assert found.hosts[1].penalties == (Penalty(507, "cpu load"),)
    assert "kvm02 has score 2893: 507 due to cpu load." in found.sentence
    partly = verdict(*observations, states=(state(1), state(2, log=replace(log, penalties=(Penalty(7, "x"),)))))
    assert partly.hosts[1].penalties == (Penalty(7, "x"), Penalty(500, UNNAMED))
    other = verdict(*observations, states=(state(1), state(2, log=replace(log, penalties=(Penalty(960, "x"),)))))
    assert [one.points for one in other.hosts[1].penalties] == [507]
    assert verdict(*observations).hosts[1].penalties == (Penalty(507, UNNAMED),)


def test_a_state_that_forces_zero_is_the_penalty():
    assert both("vm-shutdown-180s-json").hosts[1].penalties == (Penalty(3400, "state EngineUnexpectedlyDown"),)


def test_a_score_that_is_about_to_stop_the_engine():
    low = {"score": 1800}
    found = verdict(seen(1, "healthy-json", host1=low), seen(2, "healthy-json", host1=low))
    assert (found.kind, found.outcome) == (Kind.DEGRADED, Outcome.FAIL)
    assert "1600 below the best" in found.sentence
    assert survive_host_loss(found).outcome is Outcome.FAIL


def test_a_maintenance_flag_on_the_active_host():
    found = both("host-maintenance-flag-set-json", states=(state(1, local=True), state(2)))
    assert found.kind is Kind.DEGRADED
    assert "takes effect when the VM leaves it" in found.sentence


def test_the_other_host_cannot_be_asked():
    """One observer's live-data is not enough, with or without the engine's page."""
    found = verdict(seen(1, "healthy-json"), seen(2, None))
    assert (found.kind, found.engine_on) == (Kind.UNKNOWN, "kvm01")
    assert "Whether kvm02 can take over is not known: it cannot be asked itself." in found.sentence
    found = verdict(seen(1, "healthy-json"), seen(2, None), page("unexpected"))
    assert found.kind is Kind.UNKNOWN
    assert "Only kvm01 says that kvm01 runs the engine" in found.sentence


def test_an_observer_that_does_not_see_the_other():
    found = verdict(seen(1, "healthy-json", host2={"live-data": False}), seen(2, "healthy-json"))
    assert found.kind is Kind.UNKNOWN
    assert "1 of 2 observers see it live" in found.sentence


def test_a_young_agent_is_not_believed_when_it_misses_others():
    young = state(1, agent_age=20.0)
    found = verdict(seen(1, "healthy-json", host2={"live-data": False}), seen(2, None), page(), (young, state(2)))
    assert found.hosts[1].live is None
    old = verdict(seen(1, "healthy-json", host2={"live-data": False}), seen(2, None), page(), (state(1), state(2)))
    assert old.hosts[1].live is False


def test_three_hosts():
    raw = json.loads(CASES["healthy-json"].output().stdout)
    raw["3"] = raw["2"] | {"host-id": 3, "hostname": "kvm03.bank.example"}
    three = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    raw["3"]["score"] = 0
    lame = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    hosts = (*HOSTS, EngineHost("kvm03", 3))

    def all_see(snap: HeSnapshot) -> SheVerdict:
        return judge([Observation(f"kvm0{n}", n, 1.0, snap) for n in (1, 2, 3)], NORMAL, page(), hosts, 0.0)

    assert all_see(three).kind is Kind.PROTECTED
    found = all_see(lame)
    assert (found.kind, found.outcome) == (Kind.DEGRADED, Outcome.WARN)
    assert "kvm03 cannot take over: its score is 0 in state EngineDown" in found.sentence
    two = judge([Observation(f"kvm0{n}", n, 1.0, three) for n in (1, 2)], NORMAL, page(), hosts, 0.0)
    assert two.kind is Kind.PROTECTED  # two others see the third live, although it cannot be asked
    absent = judge([Observation(f"kvm0{n}", n, 1.0, snapshot("healthy-json")) for n in (1, 2)], (), page(), hosts, 0.0)
    assert absent.kind is Kind.DEGRADED
    assert absent.hosts[2].record is None


def test_an_unreadable_record_is_no_candidate():
    found = verdict(seen(1, "healthy-json", host2={"score": "x"}), seen(2, "healthy-json"))
    assert found.kind is Kind.UNKNOWN
    broken = verdict(seen(1, "healthy-json", host2={"score": "x"}), seen(2, "healthy-json", host2={"score": "x"}))
    assert broken.kind in (Kind.UNPROTECTED, Kind.UNKNOWN)
    assert broken.hosts[1].record is None
    young = verdict(seen(1, "healthy-json", host2={"score": "x"}), None, page(), (state(1, agent_age=5.0),))
    assert "absent or unreadable" in young.sentence


def test_a_single_host_is_unprotected():
    raw = json.loads(CASES["healthy-json"].output().stdout)
    del raw["2"]
    alone = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    found = judge([Observation("kvm01", 1, 1.0, alone)], (), page("unexpected"), (), 0.0)
    assert (found.kind, found.hosts[0].live) == (Kind.UNPROTECTED, True)
    assert "there is no other host" in found.sentence


def test_a_paused_engine_vm_is_down():
    paused = {"engine-status": {"vm": "up", "health": "bad", "detail": "Paused", "reason": "bad vm status"}}
    name = "healthy-json"
    found = verdict(seen(1, name, host1=paused), seen(2, name, host1=paused), page("unreachable"))
    assert found.kind is Kind.DOWN
    assert "Paused" in found.sentence


def test_bad_health_says_when_ha_acts():
    assert "in about 288 s" in both("bad-health-025s-json", page("starting")).sentence


def test_both_hosts_wait_says_when_the_first_may():
    assert "The first penalty ends in 169 s." in both("vm-poweroff-015s-json", page("unreachable")).sentence


def test_nobody_may_start_and_nothing_is_counted_down():
    zero = {"score": 0, "engine-status": {"vm": "down", "health": "bad", "detail": "unknown"}}
    name = "healthy-json"
    found = verdict(
        seen(1, name, host1=zero, host2={"score": 0}), seen(2, name, host1=zero, host2={"score": 0}), page("starting")
    )
    assert found.kind is Kind.DOWN
    assert "penalty" not in found.sentence


def test_the_engine_answers_before_ha_sees_it():
    found = both("vm-shutdown-120s-json", page())
    assert (found.kind, found.outcome) == (Kind.FAILING_OVER, Outcome.WARN)


def test_an_active_host_that_is_confirmed_by_the_page_alone():
    """Three hosts, the active one cannot be asked and one observer misses it."""
    raw = json.loads(CASES["healthy-json"].output().stdout)
    raw["3"] = raw["2"] | {"host-id": 3, "hostname": "kvm03.bank.example"}
    sees = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    raw["1"]["live-data"] = False
    misses = parse({"vm_status": Output(json.dumps(raw).encode(), b"", 0)})
    observations = [Observation("kvm02", 2, 1.0, sees), Observation("kvm03", 3, 1.0, misses)]
    found = judge(observations, (), page(), HOSTS, 0.0)
    assert found.kind is Kind.DEGRADED
    assert "confirmed by the engine's health page alone" in found.sentence
