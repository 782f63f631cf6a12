"""The static check of composed plans: the built-in drills pass it, every rule refuses with a reason, and what it lets
through is safe by a second reckoning that shares nothing with it."""

from __future__ import annotations

import random

import pytest

from failover.catalog import traits
from failover.catalog.traits import TRAITS, breaks, decisions, kind, trait
from failover.plans_composed import STEPS, offered
from failover.plans_drills import DRILLS
from failover.steps.walk_through import asking
from failover.verdicts.composed import MOST, wrong
from portal.kernel.step import Step

FAILOVER = [step.name for step in next(plan for plan in DRILLS if plan.name == "she_failover").steps]
AGENT = [step.name for step in next(plan for plan in DRILLS if plan.name == "she_agent_stop").steps]
PATHS = [step.name for step in next(plan for plan in DRILLS if plan.name == "fabric_path_loss").steps]
POWER = [step.name for step in next(plan for plan in DRILLS if plan.name == "host_power_loss").steps]
SERVICE = [step.name for step in next(plan for plan in DRILLS if plan.name == "engine_service_failure").steps]
PAPER = ["ready_again", "start_clock", "walk_through", "stop_clock"]


def ask(number=1, minutes=10):
    return asking(number, f"Question {number}?", minutes * 60.0)


def steps(names) -> list[Step]:
    return [one if isinstance(one, Step) else STEPS[one] for one in names]


def put(names, what, before):
    at = names.index(before)
    return [*names[:at], what, *names[at:]]


def without(names, *gone):
    return [name for name in names if name not in gone]


def moved(names, what, before):
    return put(without(names, what), what, before)


@pytest.mark.parametrize("plan", DRILLS, ids=lambda plan: plan.name)
def test_every_built_in_drill_passes_and_is_of_its_own_kind(plan):
    assert wrong(plan.steps) == ()
    assert kind(step.name for step in plan.steps) == plan.name


def test_every_step_is_described_and_drills_get_none_of_maintenance():
    assert set(TRAITS) == set(STEPS)
    assert {step.name for plan in DRILLS for step in plan.steps} == {step.name for step in offered()}
    assert all(trait(name).needs for name in TRAITS if name.startswith(("mode_", "release_")))


def test_what_is_described_agrees_with_the_steps():
    """What takes something away or gives it back changes something, or is the wait that sees HA do it."""
    for name, each in TRAITS.items():
        if each.takes or (each.gives and name != "wait_engine_back"):
            assert STEPS[name].mutating, name
        if each.ignorable:
            assert not STEPS[name].mutating, name
    assert not trait("closing_checks").ignorable
    with pytest.raises(KeyError):
        trait("nobody")


CASES = [
    ([], "has no steps"),
    (["ready_again"], "nothing to drill"),
    (["ready_again", *[ask(number) for number in range(1, MOST + 2)]], "at most 40"),
    (put(FAILOVER, "wait_engine_back", "wait_scores_back"), "stands already as step 5"),
    (put(FAILOVER, "poweroff_engine_vm", "stop_clock"), "stands already as step 4"),
    (put(put(FAILOVER, "stop_agent", "wait_engine_back"), "start_agent", "stop_clock"), "both break something"),
    (put(put(POWER, "offline_paths", "wait_engine_back"), "online_paths", "stop_clock"), "both hosts could be down"),
    (without(FAILOVER, "ready_again"), "No step looks at the prechecks again"),
    (moved(FAILOVER, "fingerprint_before", "ready_again"), "stands before the prechecks"),
    (moved(FAILOVER, "ready_again", "wait_engine_back"), "stands before the prechecks"),
    (put(FAILOVER, ask(), "start_clock"), "count for 60 s only"),
    (put(FAILOVER, "rehearse_backup", "start_clock"), "count for 60 s only"),
    (without(FAILOVER, "fingerprint_before"), "production is not written down before it"),
    (moved(FAILOVER, "fingerprint_before", "wait_engine_back"), "production is not written down before it"),
    (put(PAPER, "fingerprint_after", "stop_clock"), "compares with what was not written down"),
    (without(FAILOVER, "start_clock"), "no clock runs before it"),
    (moved(FAILOVER, "start_clock", "wait_engine_back"), "no clock runs before it"),
    (moved(FAILOVER, "fingerprint_before", "poweroff_engine_vm"), "does not stand right before step 4"),
    (without(FAILOVER, "stop_clock"), "starts a clock that no later step stops"),
    (moved(PAPER, "stop_clock", "start_clock"), "starts a clock that no later step stops"),
    (without(PAPER, "start_clock"), "stops a clock that no step starts"),
    (moved(FAILOVER, "stop_clock", "wait_engine_back"), "before step 6 .* has seen the service back"),
    (without(FAILOVER, "wait_engine_back"), "no step sees that what it broke is back"),
    (without(FAILOVER, "wait_engine_back"), "takes the engine away or sets it, and no later step gives it back"),
    (without(AGENT, "start_agent"), "takes the HA agent away"),
    (moved(AGENT, "start_agent", "stop_agent"), "gives back the HA agent, which no step before it has taken"),
    (without(POWER, "power_on"), "takes the power away"),
    (put(FAILOVER, "online_paths", "stop_clock"), "gives back the paths, which no step before it has taken"),
    (moved(PATHS, "watch_io", "stop_clock"), "watches while the paths is away, and it is not away there"),
    (put(FAILOVER, "watch_unguarded", "stop_clock"), "watches while the HA agent is away"),
    (put(AGENT, "walk_through", "start_agent"), "may take hours while the HA agent is away"),
    (put(AGENT, "rehearse_backup", "start_agent"), "may take hours"),
    (put(AGENT, ask(minutes=31), "start_agent"), "waits 31 min for an answer while the HA agent is away"),
    (put(AGENT, "migrate_engine", "start_agent"), "has no undo and follows step 4"),
    (put(FAILOVER, "migrate_engine", "wait_scores_back"), "after the clock was stopped: only giving back comes then"),
    (without(FAILOVER, "closing_checks"), "it lacks the closing checks at its end"),
    (without(FAILOVER, "wait_scores_back", "fingerprint_after"), "lacks the wait until .* and the comparison"),
    (moved(FAILOVER, "fingerprint_after", "wait_scores_back"), "closes in the wrong order"),
    (put(without(POWER, "power_on"), "power_on", "fingerprint_after"), "after the closing has begun with step 7"),
    ([*FAILOVER, ask()], "is not the last step"),
    (["ready_again", "closing_checks", ask()], "is not the last step"),
    (moved(SERVICE, "start_engine_service", "wait_engine_back"), "no step before it waits for HA"),
    (put(FAILOVER, "mode_set", "start_clock"), "needs scope and lag, which nobody gives to a drill"),
    (put(FAILOVER, "mode_set", "start_clock"), "maintenance mode away or sets it, and no later step .* leaves it"),
    (put(FAILOVER, "release_disarm", "start_clock"), "needs release and armed_on"),
]


@pytest.mark.parametrize(("names", "words"), CASES, ids=range(len(CASES)))
def test_an_unsafe_order_is_refused_with_its_reason(names, words):
    import re

    said = wrong(steps(names))
    assert any(re.search(words, sentence) for sentence in said), said
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in said)
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    "names",
    [
        put(FAILOVER, ask(), "ready_again"),
        put(put(FAILOVER, ask(1), "ready_again"), ask(2), "ready_again"),
        put(FAILOVER, ask(minutes=30), "wait_engine_back"),
        put(FAILOVER, ask(minutes=700), "stop_clock"),
        put(FAILOVER, ask(minutes=700), "closing_checks"),
        put(AGENT, ask(minutes=30), "start_agent"),
        put(FAILOVER, "rehearse_backup", "ready_again"),
        put(FAILOVER, "rehearse_backup", "stop_clock"),
        without(AGENT, "watch_unguarded"),
        without(PATHS, "watch_io"),
        ["ready_again", ask()],
        ["ready_again", "rehearse_backup", ask(), "closing_checks"],
        ["ready_again", "fingerprint_before", ask(), "fingerprint_after"],
    ],
)
def test_a_safe_order_passes(names):
    assert wrong(steps(names)) == ()


def test_a_step_left_out_of_a_breaking_drill_is_refused_unless_it_only_watches():
    for plan in DRILLS:
        if not any(breaks(step.name) for step in plan.steps):
            continue
        for gone in plan.steps:
            left = [step for step in plan.steps if step is not gone]
            assert bool(wrong(left)) is not bool(trait(gone.name).within), (plan.name, gone.name)


def unsafe(order: list[Step]) -> str:
    """Walks the order as a run would, and says the first thing that must not be; "" for none. Written apart from the
    rules: by what each step's own words say that it does."""
    away: dict[str, str] = {}
    pairs = {
        "stop_agent": "start_agent", "offline_paths": "online_paths", "cut_power": "power_on",
        "stop_engine_service": "start_engine_service", "poweroff_engine_vm": "wait_engine_back",
    }  # fmt: skip
    seen: list[str] = []
    injected = 0
    for step in order:
        name = step.name
        if name in seen:
            return "twice"
        if name in pairs or name == "migrate_engine":
            injected += 1
            if injected > 1:
                return "two injections"
            if not {"ready_again", "fingerprint_before"} <= set(seen) or seen[-1] != "start_clock":
                return "not prepared"
            if away or "closing_checks" in seen:
                return "while something is away"
            if name in pairs:
                away[name] = pairs[name]
        if name in pairs.values():
            taken = next((each for each, back in away.items() if back == name), "")
            if not taken and not (name == "wait_engine_back" and away):
                return "given back without being taken"
            away.pop(taken, None)
        if name.startswith(("mode", "release", "host_")):
            return "maintenance"
        if step.mutating and "wait_scores_back" in seen:
            return "after the closing"
        seen.append(name)
    if away:
        return "left behind"
    if injected and seen[-1] != "closing_checks":
        return "not closed"
    if injected and not ("start_clock" in seen and "stop_clock" in seen):
        return "not measured"
    return ""


def orders(seed: int):
    """Orders near to good ones: a built-in drill with steps swapped, left out, doubled, put in from elsewhere."""
    dice = random.Random(seed)
    every = list(STEPS.values())
    for _ in range(400):
        order = list(dice.choice(DRILLS).steps)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(order)) if order else 0
            what = dice.randrange(4)
            if what == 0 and order:
                order.pop(at)
            elif what == 1:
                order.insert(at, dice.choice(every))
            elif order:
                other = dice.randrange(len(order))
                order[at], order[other] = order[other], order[at]
        yield order
    for _ in range(200):
        order = list(dice.choice(DRILLS).steps)
        dice.shuffle(order)
        yield order


@pytest.mark.parametrize("seed", range(10))
def test_nothing_unsafe_is_let_through(seed):
    """Six thousand orders; what the second reckoning calls unsafe is refused, always with a reason."""
    passed = refused = 0
    for order in orders(seed):
        said = wrong(order)
        why = unsafe(order)
        assert said or not why, ([step.name for step in order], why)
        passed, refused = passed + (not said), refused + bool(why)
    assert passed > 5, "the check refuses everything"
    assert refused > 200


def test_people_decide_on_what_changes_nothing_and_briefly_while_something_is_away():
    found = decisions(steps(put(AGENT, ask(), "start_agent")))
    assert found["watch_unguarded"] == found["ask_person_1"] == traits.DECISION_AWAY
    assert found["wait_scores_back"] == traits.DECISION
    assert "closing_checks" not in found
    assert not {step.name for plan in DRILLS for step in plan.steps if step.mutating} & set(found)
    assert decisions(steps(put(FAILOVER, ask(), "wait_engine_back")))["ask_person_1"] == traits.DECISION


def test_a_plan_of_questions_alone_is_paper():
    assert kind(["ready_again", "ask_person_1"]) == "tabletop"
    assert kind(["ready_again"]) == "tabletop"
    assert kind(["rehearse_backup", "ask_person_1"]) == "backup_rehearsal"
    assert kind(["rehearse_backup", "poweroff_engine_vm"]) == "she_failover"
