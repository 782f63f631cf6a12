"""How long a plan takes and its way back would take: the arithmetic of a window. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from portal.kernel.plan import Plan

UNKNOWN = 60.0  # seconds of a step that says nothing of how long it takes
LEAST_BACK = 120.0  # seconds that a way back is given at least, when there is one
ENOUGH = 5  # past runs from which on their own times count


def expected(plan: Plan, past: Sequence[float] = ()) -> float:
    """Seconds from the first step to the last: as the steps say, or as nineteen of twenty past runs took when that is
    more and there are enough of them. past: seconds."""
    said = sum(step.expected if step.expected is not None else min(UNKNOWN, step.patience) for step in plan.steps)
    if len(past) < ENOUGH:
        return said
    ordered = sorted(past)
    return max(said, ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])


def rollback(plan: Plan) -> float:
    """Seconds that undoing everything takes at worst, near enough; 0 when nothing has an undo."""
    back = [step for step in plan.steps if step.mutating and not isinstance(step.undo, str)]
    if not back:
        return 0.0
    return max(LEAST_BACK, sum(step.expected if step.expected is not None else UNKNOWN for step in back))


def median(past: Sequence[float]) -> float | None:
    """Of past measurements; None of none."""
    if not past:
        return None
    ordered = sorted(past)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
