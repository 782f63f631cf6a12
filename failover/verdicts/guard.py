"""Guard rails: may this act begin on the hosted-engine pair now? Facts in; allowed, or refused with the rule's
sentence, what makes it possible, and the evidence. Pure. What is not known refuses (facts/hosted-engine.md 4, 6, 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from failover.verdicts.guard_facts import Facts, HostFacts
from failover.verdicts.room import FIX
from inventory.probes.she_status import IDLE_STATE

COOL_DOWN = 600.0  # seconds between two acts that restart the engine VM (6 b: 560 s with score 0)
SETTLED = 70.0  # seconds from an agent's start until it knows who is alive (2.4)
STOP_AT = 800  # an agent whose score is this much below the best stops the engine VM (3.1)


class Kind(StrEnum):
    """What can be asked for."""

    GLOBAL_ENTER = "global_enter"
    GLOBAL_LEAVE = "global_leave"
    LOCAL_ENTER = "local_enter"
    LOCAL_LEAVE = "local_leave"
    HOST_ENTER = "host_enter"
    HOST_LEAVE = "host_leave"
    SWITCHOVER = "switchover"
    POWEROFF_ENGINE_VM = "poweroff_engine_vm"
    STOP_AGENT = "stop_agent"
    POWER_LOSS = "power_loss"
    PATH_LOSS = "path_loss"
    BACKUP = "backup"


@dataclass(frozen=True)
class Act:
    """host: whom it is about (for a switchover: where the engine VM goes); "" where it is about all. fabric: of a path
    loss."""

    kind: Kind
    host: str = ""
    fabric: str = ""


@dataclass(frozen=True)
class Allowed:
    """It may begin."""

    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """rule: its short name. sentence: the rule as it applies here. possible: what makes the act possible. evidence:
    what was seen, one sentence per fact."""

    rule: str
    sentence: str
    possible: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class _No:
    sentence: str
    possible: str


Rule = Callable[[Facts, Act], _No | None]


def decide(facts: Facts, act: Act) -> Allowed | Refused:
    """The first rule that refuses speaks. Raises ValueError when the act names a host that the facts do not have."""
    if act.host and facts.host(act.host) is None:
        raise ValueError(f"{act.host} is not a host of the pair")
    for name in RULES[act.kind]:
        no = _NAMED[name](facts, act)
        if no is not None:
            return Refused(name, no.sentence, no.possible, facts.evidence())
    return Allowed(facts.evidence())


def _subject(facts: Facts, act: Act) -> HostFacts:
    found = facts.host(act.host)
    assert found is not None
    return found


def _others(facts: Facts, act: Act) -> list[HostFacts]:
    return [one for one in facts.hosts if one.name != act.host]


def _two_hosts(facts: Facts, act: Act) -> _No | None:
    if len(facts.hosts) >= 2:
        return None
    return _No("Fewer than two hosted-engine hosts are known, so no other host can keep the engine.", "Add a host.")


def _exclusive(facts: Facts, act: Act) -> _No | None:
    """One thing at a time on the pair, its hosts and its engine."""
    if facts.runs:
        return _No(f"{facts.runs[0]} is under way: one act at a time.", "Wait until it has ended, or abort it.")
    return None


def _no_window(facts: Facts, act: Act) -> _No | None:
    if facts.window:
        return _No(f"{facts.window} The three modes overwrite each other, and a drill needs HA.", "Leave it first.")
    return None


def _known(facts: Facts, act: Act) -> _No | None:
    """Every fact that the rules below rest on, of every host."""
    unknown = facts.unknown()
    if unknown:
        return _No(f"{unknown[0]} What is not known refuses.", "Make the hosts answer, then look again.")
    return None


def _flags_known(facts: Facts, act: Act) -> _No | None:
    """For leaving: the flags of the host and of the cluster."""
    if facts.global_on is None:
        return _No("Nobody says whether global maintenance is on.", "Make a host answer `hosted-engine --vm-status`.")
    return None


def _global_off(facts: Facts, act: Act) -> _No | None:
    if not facts.global_on:
        return None
    if act.kind is Kind.LOCAL_ENTER:
        words = (
            "Entering local maintenance would end the global maintenance that is on: the modes overwrite each other."
        )
    elif act.kind is Kind.LOCAL_LEAVE:
        words = "Leaving local maintenance on the command line would end the global maintenance that is on, too."
    elif act.kind is Kind.GLOBAL_ENTER:
        words = "Global maintenance is on already, set by hand or by another window."
    else:
        words = "Global maintenance is on: HA starts, stops and moves nothing."
    adopt = act.kind is Kind.GLOBAL_ENTER
    return _No(words, "Adopt it." if adopt else "Leave global maintenance first.")


def _global_is_on(facts: Facts, act: Act) -> _No | None:
    if facts.global_on:
        return None
    return _No("Global maintenance is off, so there is nothing to leave.", "Nothing has to be done.")


def _local_off(facts: Facts, act: Act) -> _No | None:
    """No host may be in local maintenance, published or only in ha.conf, nor held by the engine."""
    inside = [one for one in facts.hosts if one.local]
    if not inside:
        return None
    one = inside[0]
    if act.kind is Kind.GLOBAL_ENTER:
        words = f"{one.name} is in local maintenance: global maintenance set there would end it, set elsewhere hide it."
    elif one.name == act.host:
        words = f"{one.name} is in local maintenance already."
    else:
        words = f"{one.name} is in local maintenance: with {act.host or 'the other'} nobody would be left."
    return _No(words, f"Leave local maintenance of {one.name} first.")


def _local_is_on(facts: Facts, act: Act) -> _No | None:
    """Leaving needs something to leave; unknown flags of that very host do not refuse giving HA back."""
    one = _subject(facts, act)
    if one.flag_local is False and one.flag_manual is False and one.published is not True:
        return _No(f"{one.name} is not in local maintenance.", "Nothing has to be done.")
    return None


def _reachable(facts: Facts, act: Act) -> _No | None:
    one = _subject(facts, act)
    if one.reachable:
        return None
    return _No(f"{one.name} does not answer, so its flags cannot be cleared there.", f"Make {one.name} answer SSH.")


def _not_held(facts: Facts, act: Act) -> _No | None:
    """HA must not get a host back that the engine still holds: it could start the engine VM there."""
    one = _subject(facts, act)
    if one.status not in ("maintenance", "preparing_for_maintenance"):
        return None
    return _No(f"The engine holds {one.name} in maintenance.", f"Activate {one.name} in the engine instead.")


def _held(facts: Facts, act: Act) -> _No | None:
    one = _subject(facts, act)
    if one.local:  # a flag alone, too: the end of an earlier leaving may be missing
        return None
    seen = one.status or "not known"
    return _No(f"The engine does not hold {one.name} in maintenance: its status is {seen}.", "Nothing has to be done.")


def _someone_writes(facts: Facts, act: Act) -> _No | None:
    """The global flag is written by a host whose agent runs and that is in no local maintenance (4, trap 3)."""
    if facts.writer() is not None:
        return None
    return _No(
        "No host can write the flag: a host with a stopped agent loses it, one in local maintenance would leave that.",
        "Start ovirt-ha-agent on one host and wait 70 s.",
    )


def _observer(facts: Facts, act: Act) -> _No | None:
    """What is set must be seen from another host."""
    if all(one.reachable and one.live for one in facts.hosts):
        return None
    dead = next(one for one in facts.hosts if not (one.reachable and one.live))
    return _No(f"{dead.name} is not live, so nobody could confirm the effect from there.", f"Bring {dead.name} back.")


def _other_carries(facts: Facts, act: Act) -> _No | None:
    """Never both hosts: another one is live with a score above 0 and in no maintenance."""
    if any(one.takes_over for one in _others(facts, act)):
        return None
    names = " and ".join(one.name for one in _others(facts, act))
    return _No(
        f"{names} cannot take the engine VM: it is not live, has score 0, is in maintenance, or its vdsm fails.",
        f"Bring {names} back to a score above 0.",
    )


def _room(facts: Facts, act: Act) -> _No | None:
    """The engine moves all VMs of the host; they need a place (6, pre-check 10)."""
    return _No(facts.room, FIX) if facts.room else None


def _engine_away(facts: Facts, act: Act) -> _No | None:
    one = _subject(facts, act)
    if not one.claims:
        return None
    return _No(f"The engine VM runs on {one.name}.", "Switch the engine over to the other host first.")


def _engine_served(facts: Facts, act: Act) -> _No | None:
    """Exactly one host runs a good engine."""
    serving = [one.name for one in facts.hosts if one.serves]
    claiming = [one.name for one in facts.hosts if one.claims]
    if len(serving) == 1 and claiming == serving:
        return None
    seen = " and ".join(claiming) or "no host"
    return _No(f"The engine VM is on {seen}, and not exactly one host serves it well.", "Let HA bring the engine back.")


def _engine_answers(facts: Facts, act: Act) -> _No | None:
    if any(one.serves for one in facts.hosts):
        return None
    return _No("No host is known to run a good engine, so nothing can be backed up.", "Bring the engine back.")


def _all_up(facts: Facts, act: Act) -> _No | None:
    """The engine's own word for every host, since it is the one that moves VMs."""
    down = next((one for one in facts.hosts if one.status != "up"), None)
    if down is None:
        return None
    seen = down.status or "not known"
    return _No(f"The engine's status of {down.name} is {seen}, not up.", f"Activate {down.name} in the engine.")


def _host_up(facts: Facts, act: Act) -> _No | None:
    one = _subject(facts, act)
    if one.status == "up":
        return None
    return _No(f"The engine's status of {one.name} is {one.status or 'not known'}, not up.", "See the host's page.")


def _scores(facts: Facts, act: Act) -> _No | None:
    """All above 0 and less than 800 apart (6, pre-check 3)."""
    scores = {one.name: one.score or 0 for one in facts.hosts}
    zero = next((name for name, score in scores.items() if score == 0), None)
    if zero is not None:
        return _No(f"{zero} has score 0: HA could start the engine VM nowhere else.", f"Wait for the score of {zero}.")
    if max(scores.values()) - min(scores.values()) >= STOP_AT:
        return _No(f"The scores are {STOP_AT} or more apart.", "Find the penalty in agent.log.")
    return None


def _settled(facts: Facts, act: Act) -> _No | None:
    """Agents that run for less than 70 s do not know who is alive; one whose vdsm fails does nothing at all (3.2)."""
    idle = next((one for one in facts.hosts if one.state == IDLE_STATE), None)
    if idle is not None:
        words = f"The agent of {idle.name} does nothing while vdsm fails there (state {IDLE_STATE})."
        return _No(words, f"See vdsmd on {idle.name}.")
    young = next((one for one in facts.hosts if one.agent_age is None or one.agent_age < SETTLED), None)
    if young is None:
        return None
    age = "not known" if young.agent_age is None else f"{young.agent_age:.0f} s"
    return _No(f"The agent of {young.name} runs for {age}, {SETTLED:.0f} s are needed.", "Wait, then look again.")


def _cool(facts: Facts, act: Act) -> _No | None:
    """A second restart within the 560 s of score 0 left a cluster without an engine (6 b)."""
    if facts.restarted is None or facts.restarted >= COOL_DOWN:
        return None
    left = COOL_DOWN - facts.restarted
    return _No(
        f"The engine VM was restarted {facts.restarted:.0f} s ago: two restarts within {COOL_DOWN:.0f} s can leave no "
        "host with a score.",
        f"Wait {left:.0f} s.",
    )


def _elsewhere(facts: Facts, act: Act) -> _No | None:
    one = _subject(facts, act)
    if one.claims:
        return _No(f"The engine VM is on {one.name} already.", "Choose the other host.")
    return None


_NAMED: dict[str, Rule] = {
    "two-hosts": _two_hosts,
    "exclusive": _exclusive,
    "window": _no_window,
    "known": _known,
    "flags-known": _flags_known,
    "global-off": _global_off,
    "global-is-on": _global_is_on,
    "local-off": _local_off,
    "local-is-on": _local_is_on,
    "reachable": _reachable,
    "not-held": _not_held,
    "held": _held,
    "writer": _someone_writes,
    "observer": _observer,
    "other-carries": _other_carries,
    "room": _room,
    "engine-away": _engine_away,
    "engine-served": _engine_served,
    "engine-answers": _engine_answers,
    "all-up": _all_up,
    "host-up": _host_up,
    "scores": _scores,
    "settled": _settled,
    "cool-down": _cool,
    "elsewhere": _elsewhere,
}
_FIRST = ("two-hosts", "exclusive", "window", "known", "global-off", "local-off")
_DRILL = (*_FIRST, "observer", "engine-served", "scores", "all-up", "settled", "cool-down")
RULES: dict[Kind, tuple[str, ...]] = {
    Kind.GLOBAL_ENTER: (*_FIRST, "observer", "writer"),
    Kind.GLOBAL_LEAVE: ("exclusive", "flags-known", "global-is-on", "writer"),
    Kind.LOCAL_ENTER: (*_FIRST, "observer", "engine-away", "engine-served", "other-carries"),
    Kind.LOCAL_LEAVE: ("exclusive", "reachable", "flags-known", "global-off", "not-held", "local-is-on"),
    Kind.HOST_ENTER: (*_FIRST, "observer", "host-up", "engine-away", "engine-served", "other-carries", "room"),
    Kind.HOST_LEAVE: ("exclusive", "flags-known", "global-off", "held", "engine-answers"),
    Kind.SWITCHOVER: (*_DRILL, "elsewhere"),
    Kind.POWEROFF_ENGINE_VM: _DRILL,
    Kind.STOP_AGENT: _DRILL,
    Kind.POWER_LOSS: (*_DRILL, "other-carries"),
    Kind.PATH_LOSS: _DRILL,
    Kind.BACKUP: ("exclusive", "engine-answers"),
}
