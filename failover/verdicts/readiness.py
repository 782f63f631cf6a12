"""Whether a drill may begin: the prechecks of facts/hosted-engine.md 6 by name, and when their result decays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from failover.catalog.sight import Sight
from failover.verdicts import ready_guard, ready_hosts, ready_records
from failover.verdicts.check import Check, Said, Say
from failover.verdicts.readiness_inputs import Inputs
from portal.kernel.plan import canonical


@dataclass(frozen=True)
class _Ask:
    """A check: its title, how long its result counts (seconds), and who answers it."""

    title: str
    max_age: float
    ask: Callable[[Inputs], Said]


def _seen(ask: Callable[[Sight], Said]) -> Callable[[Inputs], Said]:
    def said(given: Inputs) -> Said:
        if given.sight is None:
            return Said(Say.UNKNOWN, "The hosts were not asked.", "Look again.")
        return ask(given.sight)

    return said


LIVE, SLOW = 60.0, 300.0  # seconds: what changes by itself, and what changes by people

CHECKS: Mapping[str, _Ask] = {
    "observers": _Ask("All hosts answer and see each other", LIVE, _seen(ready_hosts.observers)),
    "one_engine": _Ask("Exactly one healthy engine", LIVE, _seen(ready_hosts.one_engine)),
    "scores": _Ask("Scores above zero, less than 800 apart", LIVE, _seen(ready_hosts.scores)),
    "global_flag": _Ask("No global maintenance", LIVE, _seen(ready_hosts.global_flag)),
    "local_flags": _Ask("No local maintenance flag", LIVE, _seen(ready_hosts.local_flags)),
    "units": _Ask("Services active", LIVE, _seen(ready_hosts.units)),
    "agents": _Ask("HA agents settled", LIVE, _seen(ready_hosts.agents)),
    "page": _Ask("Engine's health page good", LIVE, _seen(ready_hosts.page)),
    "rest_hosts": _Ask("Hosts up in the engine", LIVE, ready_records.rest_hosts),
    "idle": _Ask("No migration, no job", LIVE, ready_records.idle),
    "spm": _Ask("SPM settled", LIVE, ready_records.spm),
    "room": _Ask("The other host can carry it", LIVE, ready_records.room),
    "paths": _Ask("LUN paths whole", SLOW, ready_records.paths),
    "backup": _Ask("Proven backup", SLOW, ready_records.backup),
    "alone": _Ask("Nothing else under way", LIVE, ready_records.alone),
    "cool_down": _Ask("Cool-down over", LIVE, ready_records.cool_down),
    "calendar": _Ask("No blackout", SLOW, ready_records.calendar),
    "guard": _Ask("Guard rails", LIVE, ready_guard.rails),
    "fencing": _Ask("Power management", SLOW, ready_records.fencing),
}
_PAPER = ("calendar", "alone")
_HOSTS = tuple(name for name in CHECKS if name != "fencing")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "tabletop": _PAPER,
    "backup_rehearsal": _PAPER,
    "host_power_loss": (*_HOSTS, "fencing"),
}


def needs(plan: str) -> tuple[str, ...]:
    """The checks of a plan, by name. A plan that is not named needs all about the hosts."""
    return NEEDS.get(plan, _HOSTS)


def asks_hosts(plan: str) -> bool:
    """Whether the plan's checks need the hosts and the engine."""
    return needs(plan) != _PAPER


def judge(plan: str, given: Inputs, now: float) -> tuple[Check, ...]:
    """All checks of a plan. now: Unix seconds at which everything was looked at."""
    made = []
    given = replace(given, plan=plan)
    for name in needs(plan):
        ask = CHECKS[name]
        said = ask.ask(given)
        made.append(Check(name, ask.title, said.word, said.sentence, said.fix, said.evidence, now, ask.max_age))
    return tuple(made)


def ready(checks: Sequence[Check]) -> bool:
    """True when every check says go, and there is one."""
    return bool(checks) and all(check.word is Say.GO for check in checks)


def blocking(checks: Sequence[Check]) -> tuple[Check, ...]:
    """What stands in the way: what is known first, then what is not known."""
    return (
        *(check for check in checks if check.word is Say.NO_GO),
        *(check for check in checks if check.word is Say.UNKNOWN),
    )


def depends(given: Inputs) -> dict[str, str]:
    """What a result rests on, by name. A later one that differs voids it, and names the cause."""
    sight = given.sight
    on = sight.engine_on() if sight else None
    rests = {
        "the engine's host": on.name if on else "",
        "the newest proven backup": given.backup.name,
        "the declared paths": canonical({name: one.declared for name, one in given.paths.items()}).decode(),
    }
    if sight is not None:
        rests["the hosted-engine hosts"] = ",".join(str(one) for one in sight.members)
        boots = {one.name: state.boot_id if (state := sight.states[one.pk]) else "" for one in sight.members}
        rests["a host's boot"] = canonical(boots).decode()
    return rests


def expired(
    checks: Sequence[Check], rested: Mapping[str, str], now: float, rests: Mapping[str, str] | None = None
) -> str:
    """Why a kept result counts no more, in one sentence; "" while it counts. rests: what it would rest on now; None
    when only time is asked."""
    if not checks:
        return "Nobody has looked yet."
    if rests is not None:
        changed = [name for name in rested if rests.get(name) != rested[name]]
        if changed:
            was, now_is = rested[changed[0]] or "unknown", rests.get(changed[0]) or "unknown"
            return f"The look counts no more: {changed[0]} changed from {was} to {now_is}."
    old = [check for check in checks if now - check.at > check.max_age]
    if old:
        age = max(now - check.at for check in old)
        return (
            f"The look counts no more: {old[0].title} was looked at {age:.0f} s ago, {old[0].max_age:g} s are allowed."
        )
    return ""
