"""The guard rails over all states of two hosts and all acts: nothing unsafe is allowed, by a predicate written apart
from the rules. The table of docs/guard-rails.md is made here."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from failover.verdicts.guard import RULES, Act, Allowed, Kind, Refused, decide
from failover.verdicts.guard_facts import Facts, HostFacts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guard-rails.md"
A, B = "kvm01", "kvm02"


@dataclass(frozen=True)
class State:
    """What is true of a host, beside what is seen of it. engine: the VM runs there. guards: its agent could start the
    engine VM. mode: "", local, global. told: what the portal sees."""

    title: str
    told: HostFacts
    engine: bool = False
    guards: bool = False
    mode: str = ""
    up: bool = True


def told(**seen) -> HostFacts:
    values = {
        "name": "",
        "reachable": True,
        "live": True,
        "score": 3400,
        "state": "EngineDown",
        "published": False,
        "flag_local": False,
        "flag_manual": False,
        "claims": False,
        "serves": False,
        "agent": "active",
        "agent_age": 9000.0,
        "status": "up",
    }
    return HostFacts(**(values | seen))


GONE = {"live": False, "score": None, "state": ""}
STATES = (
    State("EngineUp", told(state="EngineUp", claims=True, serves=True), engine=True, guards=True),
    State("EngineDown", told(), guards=True),
    State("EngineStarting", told(state="EngineStarting", claims=True), engine=True, guards=True),
    State("LocalMaintenance", told(state="LocalMaintenance", score=0, published=True, flag_local=True,
                                   flag_manual=True), mode="local"),
    State("Maintenance in the engine", told(state="LocalMaintenance", score=0, published=True, flag_local=True,
                                            status="maintenance"), mode="local"),
    State("local flag, agent waits", told(**GONE, flag_local=True, flag_manual=True, agent="active"), mode="local"),
    State("GlobalMaintenance", told(state="GlobalMaintenance"), mode="global"),
    State("GlobalMaintenance, engine VM", told(state="GlobalMaintenance", claims=True, serves=True), engine=True,
          mode="global"),
    State("AgentStopped", told(**GONE, agent="inactive")),
    State("AgentStopped, engine VM", told(**GONE, agent="inactive"), engine=True),
    State("EngineUnexpectedlyDown", told(state="EngineUnexpectedlyDown", score=0)),
    State("UnknownLocalVmState", told(state="UnknownLocalVmState")),
    State("record stale", told(**GONE)),
    State("silent, known dead", told(**GONE, reachable=False, published=None, flag_local=None, flag_manual=None,
                                     agent="", agent_age=None, status="non_responsive"), up=False),
    State("silent, not known", told(reachable=False, live=None, score=None, state="", published=None, flag_local=None,
                                    flag_manual=None, agent="", agent_age=None), engine=True),
)  # fmt: skip

ACTS = (
    Act(Kind.GLOBAL_ENTER),
    Act(Kind.GLOBAL_LEAVE),
    *(Act(kind, host) for kind in (Kind.LOCAL_ENTER, Kind.LOCAL_LEAVE, Kind.HOST_ENTER, Kind.HOST_LEAVE,
                                   Kind.SWITCHOVER) for host in (A, B)),
    Act(Kind.POWEROFF_ENGINE_VM),
    *(Act(kind, host) for kind in (Kind.STOP_AGENT, Kind.POWER_LOSS) for host in (A, B)),
    *(Act(Kind.PATH_LOSS, host, fabric) for host in (A, B) for fabric in ("A", "B")),
    Act(Kind.BACKUP),
)  # fmt: skip
PAIRS = list(itertools.product(STATES, STATES))


def facts_of(first: State, second: State, **more) -> Facts:
    """What the portal is told: the global flag as any host that answers reads it."""
    answering = [one for one in (first, second) if one.told.reachable]
    flag = any(one.mode == "global" for one in (first, second)) if answering else None
    return Facts((replace(first.told, name=A), replace(second.told, name=B)), flag, **more)


def unsafe(first: State, second: State, act: Act) -> str:
    """What would be lost by the act; "" when nothing. Written from what is true, not from what is told."""
    pair = {A: first, B: second}
    everywhere = any(one.mode == "global" for one in pair.values())
    local = [name for name, one in pair.items() if one.mode == "local"]
    engines = [name for name, one in pair.items() if one.engine]
    gone = {act.host} if act.kind in (Kind.LOCAL_ENTER, Kind.HOST_ENTER, Kind.POWER_LOSS, Kind.STOP_AGENT) else set()
    keepers = [name for name, one in pair.items() if one.guards and one.up and name not in gone and not everywhere]
    entering = act.kind in (Kind.GLOBAL_ENTER, Kind.LOCAL_ENTER, Kind.HOST_ENTER)
    restarts = act.kind in (Kind.POWEROFF_ENGINE_VM, Kind.POWER_LOSS, Kind.STOP_AGENT, Kind.PATH_LOSS, Kind.SWITCHOVER)
    if entering and (everywhere or local):
        return "a mode would overwrite or hide another"
    if act.kind is Kind.LOCAL_LEAVE and everywhere:
        return "global maintenance would end"
    if act.kind is Kind.LOCAL_LEAVE and pair[act.host].told.status == "maintenance":
        return "HA would get a host that the engine holds"
    if act.kind in (Kind.LOCAL_ENTER, Kind.HOST_ENTER) and act.host in engines:
        return "the engine VM is on that host"
    if act.kind in (Kind.LOCAL_ENTER, Kind.HOST_ENTER, Kind.POWER_LOSS, Kind.STOP_AGENT) and not keepers:
        return "nobody could start the engine VM"
    if restarts and (everywhere or local or len(keepers) + len(gone) < 2 or len(engines) != 1):
        return "the engine might not come back"
    if act.kind is Kind.GLOBAL_ENTER and not all(one.up and one.told.live for one in pair.values()):
        return "the flag could be lost, or nobody could see it"
    if act.kind is Kind.GLOBAL_LEAVE and not any(one.mode != "local" and one.told.live for one in pair.values()):
        return "the flag's end would be lost"
    if act.kind is Kind.SWITCHOVER and act.host in engines:
        return "the engine VM is there"
    return ""


def test_nothing_unsafe_is_allowed():
    wrong = [
        (first.title, second.title, act, why)
        for (first, second) in PAIRS
        for act in ACTS
        if (why := unsafe(first, second, act)) and isinstance(decide(facts_of(first, second), act), Allowed)
    ]
    assert wrong == []


def test_every_act_is_possible_somewhere_and_every_refusal_speaks():
    allowed, rules = set(), set()
    for first, second in PAIRS:
        for act in ACTS:
            said = decide(facts_of(first, second), act)
            if isinstance(said, Allowed):
                allowed.add(act)
                continue
            rules.add(said.rule)
            assert said.sentence.endswith(".")
            assert said.possible.endswith(".")
            assert len(said.evidence) == 3
    assert allowed == set(ACTS)
    assert len(rules) >= 12


GOOD = facts_of(STATES[0], STATES[1])


def rule(facts: Facts, act: Act) -> str:
    said = decide(facts, act)
    return said.rule if isinstance(said, Refused) else ""


@pytest.mark.parametrize(
    ("facts", "act", "name", "words"),
    [
        (replace(GOOD, hosts=GOOD.hosts[:1]), Act(Kind.GLOBAL_ENTER), "two-hosts", "no other host"),
        (replace(GOOD, runs=("Run 7 (Engine backup)",)), Act(Kind.LOCAL_ENTER, B), "exclusive", "Run 7"),
        (replace(GOOD, runs=("Run 7 (Switchover)",)), Act(Kind.BACKUP), "exclusive", "under way"),
        (replace(GOOD, window="Global maintenance is open."), Act(Kind.SWITCHOVER, B), "window", "overwrite"),
        (replace(GOOD, global_on=None), Act(Kind.GLOBAL_ENTER), "known", "Nobody says"),
        (replace(GOOD, global_on=None), Act(Kind.GLOBAL_LEAVE), "flags-known", "Nobody says"),
        (replace(GOOD, global_on=True), Act(Kind.LOCAL_ENTER, B), "global-off", "would end the global"),
        (replace(GOOD, restarted=120.0), Act(Kind.POWEROFF_ENGINE_VM), "cool-down", "120 s ago"),
        (GOOD, Act(Kind.LOCAL_ENTER, A), "engine-away", "runs on kvm01"),
        (GOOD, Act(Kind.LOCAL_LEAVE, B), "local-is-on", "not in local maintenance"),
        (GOOD, Act(Kind.HOST_LEAVE, B), "held", "status is up"),
        (GOOD, Act(Kind.GLOBAL_LEAVE), "global-is-on", "nothing to leave"),
        (GOOD, Act(Kind.SWITCHOVER, A), "elsewhere", "already"),
    ],
)
def test_a_rule_speaks(facts, act, name, words):
    said = decide(facts, act)
    assert isinstance(said, Refused)
    assert (said.rule, words in said.sentence) == (name, True), said


def standby(**seen) -> Facts:
    return replace(GOOD, hosts=(GOOD.hosts[0], replace(GOOD.hosts[1], **seen)))


def test_the_rules_about_one_host():
    assert rule(standby(status=""), Act(Kind.HOST_ENTER, B)) == "host-up"
    assert rule(standby(status="non_operational"), Act(Kind.SWITCHOVER, B)) == "all-up"
    assert rule(standby(status=""), Act(Kind.SWITCHOVER, B)) == "all-up"
    assert rule(standby(score=2600), Act(Kind.SWITCHOVER, B)) == "scores"
    assert rule(standby(score=2601), Act(Kind.SWITCHOVER, B)) == ""
    assert rule(standby(agent_age=69.0), Act(Kind.SWITCHOVER, B)) == "settled"
    assert rule(standby(agent_age=None), Act(Kind.STOP_AGENT, A)) == "settled"
    assert rule(standby(score=0), Act(Kind.POWER_LOSS, A)) == "scores"
    assert rule(standby(agent=""), Act(Kind.GLOBAL_ENTER)) == "known"
    assert rule(standby(agent="activating"), Act(Kind.POWER_LOSS, A)) == "other-carries"
    assert rule(standby(status="maintenance"), Act(Kind.HOST_LEAVE, B)) == ""
    assert rule(standby(flag_local=None), Act(Kind.LOCAL_LEAVE, B)) == ""
    assert rule(standby(reachable=False), Act(Kind.LOCAL_LEAVE, B)) == "reachable"
    assert rule(standby(claims=True), Act(Kind.POWEROFF_ENGINE_VM)) == "engine-served"
    assert rule(replace(GOOD, restarted=600.0), Act(Kind.POWEROFF_ENGINE_VM)) == ""
    full = replace(GOOD, room="ora01 needs 64.0 GiB of memory, and kvm01 has no room for it.")
    assert rule(full, Act(Kind.HOST_ENTER, B)) == "room"
    assert rule(full, Act(Kind.LOCAL_ENTER, B)) == ""
    both = replace(GOOD, hosts=tuple(replace(one, agent="inactive") for one in GOOD.hosts), global_on=True)
    assert rule(both, Act(Kind.GLOBAL_LEAVE)) == "writer"


def test_the_flag_is_written_where_the_engine_vm_does_not_run():
    writer = GOOD.writer()
    assert writer is not None
    assert writer.name == B


def test_an_act_on_a_host_that_is_not_of_the_pair_is_a_mistake():
    with pytest.raises(ValueError, match="kvm09"):
        decide(GOOD, Act(Kind.LOCAL_ENTER, "kvm09"))
    assert set(RULES) == set(Kind)


def sign(said: Allowed | Refused) -> str:
    return said.rule if isinstance(said, Refused) else "**yes**"


def test_the_table_in_docs_is_this_one():
    """The page is written anew when it differs, and the difference fails once, to be read and committed."""
    shown = [act for act in ACTS if act.fabric != "B"]
    heads = [" ".join(word for word in (act.kind.replace("_", " "), act.host) if word) for act in shown]
    lines = [f"| kvm01 | kvm02 | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for first, second in PAIRS:
        said = [sign(decide(facts_of(first, second), act)) for act in shown]
        lines.append(f"| {first.title} | {second.title} | {' | '.join(said)} |")
    rules = "\n".join(f"- {kind.replace('_', ' ')}: {', '.join(names)}" for kind, names in RULES.items())
    text = f"{INTRODUCTION}\n## The rules of each act, in their order\n\n{rules}\n\n## The table\n\n" + "\n".join(lines)
    text += "\n"
    same = PAGE.exists() and PAGE.read_text("utf-8") == text
    if not same:
        PAGE.write_text(text, "utf-8")
    assert same, "docs/guard-rails.md was not what the rules do; it is now"


INTRODUCTION = """# Guard rails

Written by `tests/failover/test_guard_rails.py` from `failover/verdicts/guard.py`: every state that a hosted-engine host
can be in, on both hosts, and every act of maintenance and drills. **yes**: the act may begin. Anything else is the rule
that refuses it; the page of the act shows its sentence, what makes the act possible, and what was seen. The same test
holds every decision against a predicate that is written from what is true of the hosts instead of from the rules:
nothing unsafe is allowed.

A path loss is the same for both fabrics, so one is shown. Not in the table, since they stand in no host's state:
another active run (`exclusive`), an open window (`window`), a restart of the engine VM in the last 600 s
(`cool-down`), fewer than two hosts (`two-hosts`), no room on the others for what the host carries (`room`).
"""
