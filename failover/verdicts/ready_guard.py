"""The guard rails (failover/verdicts/guard.py) asked as one of the prechecks: the table that is printed is the one that
decides."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog.sight import Sight
from failover.verdicts import guard
from failover.verdicts.check import Said, go, no_go, unknown
from failover.verdicts.guard import Act, Kind
from failover.verdicts.guard_seen import Standing, facts
from failover.verdicts.readiness_inputs import Inputs
from inventory.probes.ha_state import HaState

KINDS: Mapping[str, Kind] = {
    "she_switchover": Kind.SWITCHOVER,
    "she_failover": Kind.POWEROFF_ENGINE_VM,
    "engine_service_failure": Kind.POWEROFF_ENGINE_VM,
    "she_agent_stop": Kind.STOP_AGENT,
    "host_power_loss": Kind.POWER_LOSS,
    "fabric_path_loss": Kind.PATH_LOSS,
}


def rails(given: Inputs) -> Said:
    """May the plan's act begin on this pair? A plan of which the table knows no act is let through."""
    kind = KINDS.get(given.plan)
    if kind is None:
        return go("The guard rails know no act of this plan.")
    sight = given.sight
    on = sight.engine_on() if sight else None
    if sight is None or on is None:
        return unknown("The guard rails cannot decide: no host is known to run the engine.", "Look again.")
    # a switchover is decided about the host that the engine VM goes to
    host = on if kind is not Kind.SWITCHOVER else next(one for one in sight.members if one != on)
    answer = guard.decide(facts(sight.verdict, _states(sight), _standing(given)), Act(kind, host.name))
    if isinstance(answer, guard.Refused):
        return no_go(f"Guard rail {answer.rule}: {answer.sentence}", answer.possible, *answer.evidence)
    return go("The guard rails allow it.", *answer.evidence)


def _states(sight: Sight) -> dict[str, HaState | None]:
    return {one.name: sight.states[one.pk] for one in sight.members}


def _standing(given: Inputs) -> Standing:
    statuses = {one.name: one.status for one in given.engine.hosts or ()}
    cooling = given.portal.cooling
    restarted = max(0.0, guard.COOL_DOWN - cooling) if cooling > 0 else None
    return Standing(statuses, given.portal.busy, "", restarted)
