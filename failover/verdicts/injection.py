"""The last look before a drill breaks something: the same as the prechecks, from this very moment, by the hosts alone
(the engine may not be asked any more). And what to say when nobody starts the engine."""

from __future__ import annotations

from failover.catalog.pair import Member
from failover.catalog.sight import Sight
from portal.kernel.verdict import Verdict, failed, go, wait


def fit(sight: Sight, on: Member) -> Verdict:
    """go: the engine runs on `on` alone, every host has a score, another one is live and could take over, no flag is
    set. wait: somebody is silent. failed: it is not so, and waiting would not be what was approved."""
    silent = [one for one in sight.members if sight.snapshots[one.pk] is None]
    if silent:
        return wait(f"{silent[0].name} does not answer: {sight.why[silent[0].pk]}")
    refusal = _flags(sight) or _places(sight, on)
    if refusal:
        return failed(f"{refusal} Nothing was done.")
    return go(f"The engine runs on {on.name}, another host can take over, no maintenance flag is set.")


def _flags(sight: Sight) -> str:
    if any(sight.flag(one) for one in sight.members):
        return "Global maintenance is on, so HA would start nothing."
    held = [one.name for one in sight.members if (row := sight.row(one)) and row.maintenance]
    return f"{held[0]} is in local maintenance." if held else ""


def _places(sight: Sight, on: Member) -> str:
    active = sight.engine_on()
    if active is None:
        return f"No host is known to run the engine well: {sight.verdict.sentence}"
    if active != on:
        return f"The engine runs on {active.name}, not on {on.name} as was approved."
    zero = [one.name for one in sight.members if (row := sight.row(one)) is None or not row.score]
    if zero:
        return f"{zero[0]} has no score above 0, so nobody might start the engine VM for minutes."
    takers = [one for one in sight.members if one != on and (row := sight.row(one)) and row.candidate and row.live]
    return "" if takers else "No other host can take over."


def best(sight: Sight) -> Member | None:
    """Who should start the engine VM when HA does not: the highest score of now, a host that answers before one that
    does not. None when no host answers."""
    answering = [one for one in sight.members if sight.snapshots[one.pk] is not None]
    ranked = sorted(answering, key=lambda one: -((row.score or 0) if (row := sight.row(one)) else 0))
    return ranked[0] if ranked else None


def rescue(sight: Sight) -> str:
    """What a person does when nobody starts the engine VM (facts/hosted-engine.md 6, abort)."""
    host = best(sight)
    if host is None:
        return "No host answers: go to a console and run `hosted-engine --vm-status`."
    return f"If HA does not start it, run `hosted-engine --vm-start` on {host.name}; it refuses where the VM exists."


def nobody_can(sight: Sight) -> bool:
    """Every host that is known has score 0: HA starts nothing until one comes back."""
    known = [row.score for one in sight.members if (row := sight.row(one)) and row.score is not None]
    return bool(known) and not any(known)
