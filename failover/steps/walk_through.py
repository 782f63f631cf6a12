"""A drill on paper: the questions are asked one after the other, and people answer with what they saw."""

from __future__ import annotations

from failover.catalog import told
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait

NAME = "walk_through"


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
