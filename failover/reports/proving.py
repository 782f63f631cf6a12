"""What was shown beside the times: that the service worked, that production was untouched, that all is
back to normal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.reports.content import Measured, Proof, Service, Untouched
from failover.reports.given import Given, Step

# steps whose success is the return to normal, wherever they stand in a plan
RETURN = (
    "start_agent",
    "start_engine_service",
    "online_paths",
    "power_on",
    "host_activate",
    "mode_left",
    "wait_engine_back",
    "wait_scores_back",
    "release_disarm",
    "closing_checks",
)
# what facts/drills-and-evidence.md 3.1 no. 13 asks for and no plan of this version shows
NEVER = ("Database open mode", "Transaction marker", "Application test", "Reconciliation of data")


def proofs(given: Given, told: Measured) -> tuple[Proof, ...]:
    """Of each service that was asked; of what people saw; and what was not tested."""
    found = [_service(one) for one in told.services]
    seen = [
        Proof(one.question, "ok", f"{one.by}: {one.seen}") for one in given.prompts if one.answer == "done" and one.seen
    ]
    return (*found, *seen, *(Proof(what, "unknown", "No step of this plan tests it.") for what in NEVER))


def _service(one: Service) -> Proof:
    what = f"{one.title} answers"
    if one.state == "recovered":
        return Proof(what, "ok", f"It kept answering from {one.recovery} on.")
    if one.state == "steady":
        return Proof(what, "ok", f"It answered all the time; longest gap {one.longest:.1f} s.")
    if one.state == "not back":
        return Proof(what, "fail", one.why)
    return Proof(what, "unknown", one.why or "It was not measured.")


def untouched(given: Given) -> Untouched:
    """What differs, split by whether the plan meant it."""
    before, after = given.drill.before, given.drill.after
    if given.changes is None or not before or not after:
        return Untouched(None, (), ())
    expected = tuple(one.sentence for one in given.changes if one.expected)
    odd = tuple(one.sentence for one in given.changes if not one.expected)
    return Untouched(max(_leaves(before), _leaves(after)), expected, odd)


def _leaves(value: Any) -> int:
    """How many single facts a fingerprint holds."""
    if isinstance(value, Mapping):
        return sum(_leaves(one) for one in value.values())
    return 1


def normal(given: Given) -> tuple[Proof, ...]:
    """The steps that bring things back and look whether they are."""
    return tuple(_back(step) for step in given.steps if step.name in RETURN)


def _back(step: Step) -> Proof:
    if step.state == "done":
        return Proof(step.title, "ok", step.sentence)
    if step.state in ("failed", "held", "ignored", "undo_failed"):
        return Proof(step.title, "fail", step.sentence)
    return Proof(step.title, "unknown", step.sentence or "It did not run.")
