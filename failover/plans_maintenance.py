"""The plans of maintenance windows. They stand in failover/plans.py."""

from __future__ import annotations

from failover.catalog import modes, pair, release
from failover.steps import (
    host_activate,
    host_deactivate,
    mode_again,
    mode_clear,
    mode_clear_again,
    mode_confirm,
    mode_left,
    mode_ready,
    mode_set,
    release_arm,
    release_disarm,
)
from portal.kernel.plan import Parameter, Plan

LONGEST = 14 * 86_400  # seconds of the longest window, its grace included


def _after(value: int) -> str:
    return "" if 1 <= value <= LONGEST else f"The release is due in {value} s; it must be 1 to {LONGEST}."


def _lag(value: int) -> str:
    return "" if 1 <= value <= 120 else f"{value} s until a write is seen; it must be 1 to 120."


_COMMON = (
    Parameter("hosts", "Hosted-engine hosts", str, None, pair.problem),
    Parameter("on", "Host that it is set on", int),
    Parameter("scope", "Scope", str, None, modes.scope_problem),
    Parameter("lag", "Seconds until a write is seen", int, modes.LAG, _lag),
)
_UNTIL = (
    Parameter("deadline", "Deadline", str, None, modes.time_problem),
    Parameter("release_after", "Seconds until the release", int, None, _after),
)
_ARMED = (
    Parameter("release", "Release that is armed", str, "", release.problem),
    Parameter("armed_on", "Host that holds it", int, 0),
)

ENTER = Plan(
    name="she_maintenance_enter",
    title="Entering of maintenance",
    version=1,
    targets=("she",),
    parameters=(*_COMMON, *_UNTIL),
    steps=(
        mode_ready.STEP,
        release_arm.STEP,
        mode_set.STEP,
        host_deactivate.STEP,
        mode_again.STEP,
        mode_confirm.STEP,
    ),
)
LEAVE = Plan(
    name="she_maintenance_leave",
    title="Leaving of maintenance",
    version=1,
    targets=("she",),
    parameters=(*_COMMON, *_ARMED),
    steps=(
        host_activate.STEP,
        mode_clear.STEP,
        mode_clear_again.STEP,
        mode_left.STEP,
        release_disarm.STEP,
    ),
)
EXTEND = Plan(
    name="she_maintenance_extend",
    title="Extension of maintenance",
    version=1,
    targets=("she",),
    parameters=(*_COMMON, *_UNTIL, *_ARMED, Parameter("window", "Window", int)),
    steps=(release_arm.STEP, release_disarm.STEP),
)

MAINTENANCE = (ENTER, LEAVE, EXTEND)
