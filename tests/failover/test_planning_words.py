"""The arithmetic of a window, what an approval is told to differ in, and what is not known of a silent host."""

from __future__ import annotations

import json

import pytest

from failover.catalog import duration, traits
from failover.catalog.binding import differences
from failover.plans_drills import SHE_AGENT_STOP, SHE_FAILOVER, TABLETOP
from failover.steps import walk_through
from failover.verdicts.guard_seen import Standing, facts
from portal.kernel.output import Output
from portal.kernel.plan import Plan
from portal.kernel.step import Step
from portal.kernel.verdict import done
from tests.failover.pair_scenes import scene


def step(name, expected=None, undo="No undo: nothing.", mutating=False, patience=90.0):
    return Step(name=name, title=name, mutating=mutating, settled=lambda seen, parameters: done("Done."),
                patience=patience, undo=undo, expected=expected)  # fmt: skip


def plan(*steps):
    return Plan("p", "P", 1, steps, ("she",))


def test_a_plan_takes_as_long_as_its_steps_say():
    assert duration.expected(plan(step("a", 5), step("b"), step("c", patience=10))) == 5 + 60 + 10


@pytest.mark.parametrize(
    ("past", "seconds"),
    [((), 100), ((900,) * 4, 100), ((900,) * 5, 900), ((1,) * 20, 100), ((*range(100, 119), 5000), 5000)],
)
def test_past_runs_count_when_there_are_enough_and_they_took_longer(past, seconds):
    assert duration.expected(plan(step("a", 100)), past) == seconds


def test_the_way_back():
    def undo(parameters):
        return ()

    assert duration.rollback(plan(step("a", 5))) == 0
    assert duration.rollback(plan(step("a", 5, undo, True), step("b", 7, undo))) == 120
    assert duration.rollback(plan(step("a", 100, undo, True), step("b", None, undo, True))) == 160
    assert duration.rollback(TABLETOP) == 0
    assert duration.rollback(SHE_AGENT_STOP) >= 120
    assert duration.expected(SHE_FAILOVER) > 600, "scores come back after 560 s"


@pytest.mark.parametrize(("past", "middle"), [((), None), ((3,), 3), ((9, 1), 5), ((9, 1, 4), 4)])
def test_the_median(past, middle):
    assert duration.median(past) == middle


def test_what_was_not_given_is_said_so():
    (one,) = differences({"change": "CHG1"}, {"change": ""})
    assert str(one) == "Change number was CHG1 and is not given."
    (other,) = differences({"parameters": {"on": None}}, {"parameters": {"on": 7}})
    assert str(other) == "Parameter on was not given and is 7."


def asked(*prompts):
    told = {"prompts": [{"step": "walk_through", **one} for one in prompts]}
    return {"drill": Output(json.dumps(told).encode(), b"", 0)}


def answer(word, question="Who calls?"):
    return {"question": question, "answer": word, "by": "anna", "seen": "All there."}


def test_questions_on_paper():
    settled = walk_through.STEP.settled
    assert settled(asked(), {}).sentence == "Nothing was asked yet."
    found = settled(asked(answer("done"), answer("", "Where?")), {})
    assert (str(found.word), found.sentence) == ("wait", "1 of 2 questions wait for an answer: Where?")
    found = settled(asked(answer("done"), answer("not_done")), {})
    assert (str(found.word), found.sentence) == (
        "done", "All 2 questions are answered; 1 with what could not be done."
    )  # fmt: skip
    assert walk_through.questions({"questions": " Who? \n\n Where?\n"}) == ("Who?", "Where?")


def manual(*answers):
    name = f"{traits.ASKS}1"
    told = {"prompts": [{"step": name, **one} for one in answers]}
    return {"drill": Output(json.dumps(told).encode(), b"", 0)}


def test_a_manual_step_ends_with_its_answer():
    one = walk_through.asking(1, "Call the branch.", 600)
    assert one.name == f"{traits.ASKS}1"
    words = [(str(found.word), found.sentence) for found in (
        one.settled(manual(), {}), one.settled(manual(answer("")), {}), one.settled(manual(answer("not_done")), {}),
        one.settled(manual(answer("not_done"), answer("done")), {}),
    )]  # fmt: skip
    assert words == [
        ("wait", "It was not asked yet."), ("wait", "Nobody has answered yet."),
        ("failed", "anna says that it was not done: All there."), ("done", "anna has done it: All there."),
    ]  # fmt: skip
    assert walk_through.asking(2, "x" * 300, 600).title.endswith("…")


def test_a_record_that_is_not_of_now_publishes_nothing_and_one_that_is_not_known_is_not_known():
    seen = scene(second={"live": False})
    verdict = seen.sight().verdict
    found = facts(verdict, {}, Standing())
    assert found.host("kvm02").published is False
    assert found.host("kvm01").published is False
    blind = scene(second={"silent": True}, first={"silent": True}).sight().verdict
    assert all(one.published is None for one in facts(blind, {}, Standing()).hosts)


def test_a_plan_is_like_the_built_in_one_of_its_injection():
    assert traits.kind(["ready_again", "poweroff_engine_vm"]) == "she_failover"
    assert traits.kind(["rehearse_backup"]) == "backup_rehearsal"
    assert traits.kind(["ready_again"]) == "tabletop"
