"""Questions to people: all those of a drill on paper in one step, or one as a manual step of its own."""

from __future__ import annotations

from failover.catalog import told
from failover.catalog.traits import ASKS
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, failed, wait

NAME = "walk_through"
TITLE = 110  # characters of a question that stand as its step's title


def questions(parameters: Parameters) -> tuple[str, ...]:
    """The parameter's lines that are not empty."""
    return tuple(line.strip() for line in str(parameters["questions"]).splitlines() if line.strip())


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    asked = told.prompts(told.read(seen), NAME)
    if not asked:
        return wait("Nothing was asked yet.")
    left = [one for one in asked if not one["answer"]]
    if left:
        return wait(f"{len(left)} of {len(asked)} questions wait for an answer: {left[0]['question']}")
    bad = sum(1 for one in asked if one["answer"] != "done")
    return done(f"All {len(asked)} questions are answered; {bad} with what could not be done.")


STEP = Step(
    name=NAME,
    title="Walk through the scenario",
    mutating=False,
    looks=told.looks,
    act=lambda parameters: (Work("failover.walk_through"),),
    settled=_settled,
    undo="No undo: nothing is changed.",
    patience=12 * 3600,
    every=3,
    expected=3600,
)


def asking(number: int, question: str, seconds: float) -> Step:
    """A manual step of a plan that people composed. number: from 1, among its manual steps. seconds: until it gives up
    waiting for the answer."""
    name = f"{ASKS}{number}"

    def settled(seen: Seen, parameters: Parameters) -> Verdict:
        asked = told.prompts(told.read(seen), name)
        if not asked or not asked[-1]["answer"]:
            return wait("Nobody has answered yet." if asked else "It was not asked yet.")
        one = asked[-1]
        if one["answer"] != "done":
            return failed(f"{one['by']} says that it was not done: {one['seen']}")
        return done(f"{one['by']} has done it: {one['seen']}")

    return Step(
        name=name,
        title=question if len(question) <= TITLE else f"{question[: TITLE - 1].rstrip()}…",
        mutating=False,
        looks=told.looks,
        act=lambda parameters: (Work("failover.ask_person"),),
        settled=settled,
        undo="No undo: the portal only asks.",
        patience=seconds,
        every=3,
        expected=min(seconds, 300),
    )
