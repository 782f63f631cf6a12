"""The self-hosted engine's verdict in one word and one sentence, in oVirt's words (facts/hosted-engine.md 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from inventory.probes.she_status import FULL_SCORE, IDLE_STATE, STOP_AT, STOPPING_STATES
from inventory.verdicts.answer import Answer, Word
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from inventory.verdicts.she_rows import HostRow, View, merge
from inventory.verdicts.she_table import FactRow, observers_table
from portal.kernel.outcome import Outcome

STARTING_STATES = ("EngineStart", "EngineStarting")
STARTING_DETAILS = ("WaitForLaunch", "Powering up", "Restoring state")


class Kind(StrEnum):
    """The cluster's verdict."""

    PROTECTED = "protected"
    DEGRADED = "degraded"
    UNPROTECTED = "unprotected"
    IN_MAINTENANCE = "in_maintenance"
    FAILING_OVER = "failing_over"
    DOWN = "down"
    SPLIT_VIEW = "split_view"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SheVerdict:
    """headline: at most 12 words; sentence: what is and what to do. engine_on: the host that the engine runs on, None
    when not known or nowhere. at: when it was judged, Unix seconds."""

    kind: Kind
    outcome: Outcome
    headline: str
    sentence: str
    engine_on: str | None
    hosts: tuple[HostRow, ...]
    observers: tuple[FactRow, ...]
    at: float


@dataclass(frozen=True)
class _Said:
    kind: Kind
    outcome: Outcome
    headline: str
    sentence: str
    engine_on: str | None = None


def judge(
    observations: Sequence[Observation],
    ha_states: Sequence[HostState],
    engine_health: EngineWitness,
    engine_hosts: Sequence[EngineHost],
    now: float,
) -> SheVerdict:
    """Everything that was seen in, one verdict out. The first rule that applies speaks; now in Unix seconds."""
    view = merge(observations, ha_states, engine_health, engine_hosts)
    said = next(found for rule in _RULES if (found := rule(view)) is not None)
    table = observers_table(observations, view)
    return SheVerdict(said.kind, said.outcome, said.headline, said.sentence, said.engine_on, view.rows, table, now)


def survive_host_loss(verdict: SheVerdict) -> Answer:
    """Would the engine survive the loss of a host?"""
    if verdict.kind in (Kind.PROTECTED, Kind.DEGRADED):
        takers = [row.host for row in verdict.hosts if row.candidate and row.host != verdict.engine_on]
        words = f"The engine runs on {verdict.engine_on}; {_and(takers)} can start it."
        return Answer(Word.YES, verdict.outcome, words)
    if verdict.kind in (Kind.UNPROTECTED, Kind.IN_MAINTENANCE, Kind.DOWN):
        return Answer(Word.NO, verdict.outcome, verdict.sentence)
    outcome = verdict.outcome if verdict.outcome is not Outcome.OK else Outcome.UNKNOWN
    return Answer(Word.NOT_KNOWN, outcome, verdict.sentence)


def _and(words: Sequence[str]) -> str:
    return " and ".join(words)


def _nobody(view: View) -> _Said | None:
    if view.seeing:
        return None
    blind = [f"{one.host}: its own record is not live, so it is a blind observer." for one in view.usable]
    told = " ".join([*(f"{host}: {why}" for host, why in view.refused), *blind]) or "No host is known."
    headline = "HA status is not known: no host can tell"
    return _Said(Kind.UNKNOWN, Outcome.UNKNOWN, headline, f"No host can tell who is alive. {told} {view.page_words}")


def _two_engines(view: View) -> _Said | None:
    serving = [row.host for row in view.rows if row.serves]
    if len(serving) < 2:
        return None
    words = f"{_and(serving)} each claim to run a good engine: look at both at once before anything else."
    return _Said(Kind.SPLIT_VIEW, Outcome.FAIL, "Two hosts claim to run the engine", words)


def _page_disagrees(view: View) -> _Said | None:
    serving = [row for row in view.rows if row.serves]
    if not serving or view.page != "bad":
        return None
    host = serving[0].host
    why = "" if serving[0].asked else f" {host} cannot be asked itself; HA declares it dead after 60 s of silence."
    words = f"The HA hosts say that the engine runs well on {host}. {view.page_words}{why} See the engine VM's console."
    headline = "HA hosts and the engine's page disagree"
    return _Said(Kind.SPLIT_VIEW, Outcome.UNKNOWN, headline, words)


def _global(view: View) -> _Said | None:
    if not view.global_maintenance:
        return None
    serving = next((row.host for row in view.rows if row.serves), None)
    if serving or view.page == "good":
        words = (
            "Global maintenance is on, so HA starts, stops and moves nothing: a dead engine VM stays dead. End it with "
            "`hosted-engine --set-maintenance --mode=none` and check it from another host."
        )
        headline = "Global maintenance: HA does nothing"
        return _Said(Kind.IN_MAINTENANCE, Outcome.WARN, headline, words, serving)
    words = f"No host runs a good engine and global maintenance keeps HA from starting it. {view.page_words}"
    if view.page == "bad" or all(row.live for row in view.rows):
        headline = "The engine is down and global maintenance is on"
        return _Said(Kind.DOWN, Outcome.FAIL, headline, f"{words} End global maintenance, or start the VM.")
    return _Said(Kind.UNKNOWN, Outcome.UNKNOWN, "Global maintenance is on, the engine is not seen", words)


def _serving(view: View) -> _Said | None:
    """Exactly one host serves: who could take over?"""
    active = next((row for row in view.rows if row.serves), None)
    if active is None:
        return None
    target = [row.host for row in view.rows if row.record and row.record.detail == "Migration Destination"]
    if active.record is not None and active.record.detail == "Migration Source":
        words = f"The engine VM is being migrated from {active.host} to {_and(target) or 'another host'}."
        return _Said(Kind.FAILING_OVER, Outcome.WARN, "The engine VM is being migrated", words, active.host)
    if active.state in STOPPING_STATES:
        words = f"The engine still answers on {active.host}, but its agent stops the engine VM (state {active.state})."
        words += " A host with a score starts it again: read the reason in agent.log."
        return _Said(Kind.FAILING_OVER, Outcome.FAIL, "HA is stopping the engine VM", words, active.host)
    if active.live is not True and view.page != "good":
        words = (
            f"Only {_and([one.host for one in view.seeing])} says that {active.host} runs the engine. {view.page_words}"
        )
        return _Said(Kind.UNKNOWN, Outcome.UNKNOWN, "Where the engine runs is not confirmed", words)
    others = [row for row in view.rows if row is not active]
    takers = [row for row in others if row.candidate]
    if takers:
        return _with_takers(active, others, takers)
    return _without_takers(active, others)


def _with_takers(active: HostRow, others: list[HostRow], takers: list[HostRow]) -> _Said:
    best = max(row.score or 0 for row in takers)
    on, names = f"The engine runs on {active.host}", _and([row.host for row in takers])
    guarded = active.state in ("EngineUp", "EngineUpBadHealth")  # no other state of the agent acts on the score
    if guarded and active.score is not None and best - active.score >= STOP_AT:
        words = (
            f"{on} with score {active.score}, {best - active.score} below the best: its agent stops the engine VM, it "
        )
        words += f"does not migrate it. {_penalty_words(active)}"
        return _Said(
            Kind.DEGRADED, Outcome.FAIL, "The engine VM is about to be stopped by its score", words, active.host
        )
    lacking = [f"{row.host} cannot take over: {row.why}" for row in others if not row.candidate]
    if active.maintenance:
        lacking.append(f"{active.host} has a maintenance flag set in ha.conf, which takes effect when the VM leaves it")
    if active.record is not None and active.record.stopped:
        lacking.append(f"the HA agent of {active.host} is stopped, so it does not guard the engine VM: start it")
    if active.live is not True:
        lacking.append(f"{active.host} is confirmed by the engine's health page alone")
    if lacking:
        words = f"{on}, {names} can take over, but {'; '.join(lacking)}."
        return _Said(Kind.DEGRADED, Outcome.WARN, "The engine is protected by fewer hosts", words, active.host)
    low = [row for row in (active, *takers) if row.score is not None and row.score < FULL_SCORE]
    if low:
        words = f"{on}, {names} can take over. {' '.join(_penalty_words(row) for row in low)}"
        return _Said(Kind.PROTECTED, Outcome.WARN, "The engine is protected, with lowered scores", words, active.host)
    headline = "The engine is protected"
    return _Said(Kind.PROTECTED, Outcome.OK, headline, f"{on}, {names} can take over.", active.host)


def _penalty_words(row: HostRow) -> str:
    named = ", ".join(f"{one.points} due to {one.reason}" for one in row.penalties)
    return f"{row.host} has score {row.score}: {named}."


def _without_takers(active: HostRow, others: list[HostRow]) -> _Said:
    on = f"The engine runs on {active.host}"
    reasons = "; ".join(f"{row.host} cannot take over: {row.why}" for row in others) or "there is no other host"
    unsure = [row for row in others if row.candidate is None]
    if unsure:
        words = f"{on}. Whether {_and([row.host for row in unsure])} can take over is not known: {unsure[0].why}."
        return _Said(Kind.UNKNOWN, Outcome.UNKNOWN, "Whether a host can take over is not known", words, active.host)
    if others and all(row.maintenance for row in others):
        words = f"{on}, {reasons}. End local maintenance on the host itself when the work there is done."
        headline = "Local maintenance: no host can take over"
        return _Said(Kind.IN_MAINTENANCE, Outcome.WARN, headline, words, active.host)
    headline = "The engine is unprotected: no host can take over"
    return _Said(Kind.UNPROTECTED, Outcome.FAIL, headline, f"{on}, {reasons}.", active.host)


def _not_guarded(view: View) -> _Said | None:
    """The engine answers, and no live record claims it: HA does not guard it (6 c)."""
    if view.page != "good":
        return None
    claims = [row for row in view.rows if row.claims and row.record is not None]
    if claims:
        told = _and([f"{row.host} {row.record.detail or row.record.vm}" for row in claims if row.record])
        words = f"The engine's page answers, the HA hosts say {told}: they lag by up to 30 s, then see agent.log."
        headline = "The engine answers, HA does not see it as good"
        return _Said(Kind.FAILING_OVER, Outcome.WARN, headline, words, claims[0].host)
    stopped = [row.host for row in view.rows if row.record is not None and row.record.stopped]
    idle = [row.host for row in view.rows if row.state == IDLE_STATE]
    why = f"The HA agent of {_and(stopped)} is stopped: start it." if stopped else "See ovirt-ha-agent on each host."
    if idle and not stopped:
        why = f"The HA agent of {_and(idle)} does nothing while vdsm fails there: see vdsmd."
    words = f"The engine answers, but no live HA record claims it, so no agent guards it. {why}"
    return _Said(Kind.UNPROTECTED, Outcome.FAIL, "The engine answers, but no HA agent guards it", words)


def _vm_not_good(view: View) -> _Said | None:
    """The engine VM exists somewhere and does not serve."""
    row = next((one for one in view.rows if one.claims), None)
    if row is None or row.record is None:
        return None
    if row.state in STARTING_STATES or row.record.detail in STARTING_DETAILS:
        words = f"The engine VM is starting on {row.host} ({row.record.detail or 'no detail'}): wait up to 10 minutes."
        return _Said(Kind.FAILING_OVER, Outcome.FAIL, f"The engine is starting on {row.host}", words, row.host)
    words = f"The engine VM is on {row.host} and does not serve: {row.record.detail}, {row.record.reason}."
    if row.state == "EngineUpBadHealth" and row.record.timeout_left is not None:
        words += f" HA stops and starts it in about {max(row.record.timeout_left, 0)} s."
    return _Said(
        Kind.DOWN, Outcome.FAIL, "The engine is down: its VM does not serve", f"{words} {view.page_words}", row.host
    )


def _nowhere(view: View) -> _Said:
    """No record of now claims the engine VM, and its page is not good."""
    starting = next((row for row in view.rows if row.state in STARTING_STATES), None)
    if starting:
        words = f"{starting.host} is starting the engine VM (state {starting.state}): wait up to 10 minutes."
        return _Said(
            Kind.FAILING_OVER, Outcome.FAIL, f"The engine is starting on {starting.host}", words, starting.host
        )
    silent = [row.host for row in view.rows if row.silent]
    if silent and view.page == "unknown":
        words = f"No live host claims the engine VM, and whether {_and(silent)} runs it is not known. {view.page_words}"
        return _Said(Kind.UNKNOWN, Outcome.UNKNOWN, "Where the engine runs is not known", words)
    able = [
        row.host
        for row in view.rows
        if row.score and not row.maintenance and row.record and not row.record.stopped and row.state != IDLE_STATE
    ]
    if able:
        words = f"No live host runs the engine VM; {_and(able)} may start it within about 40 s. {view.page_words}"
        return _Said(Kind.FAILING_OVER, Outcome.FAIL, "The engine is down, HA is to start it", words)
    waits = [row for row in view.rows if row.state == "EngineUnexpectedlyDown" and row.record]
    times = [max(row.record.timeout_left, 0) for row in waits if row.record and row.record.timeout_left is not None]
    when = f" The first penalty ends in {min(times)} s." if times else ""
    words = (
        f"No host runs the engine VM and none may start it.{when} Start it with `hosted-engine --vm-start` on the best "
    )
    return _Said(Kind.DOWN, Outcome.FAIL, "The engine is down and no host may start it", f"{words}host.")


_RULES: tuple[Callable[[View], _Said | None], ...] = (
    _nobody,
    _two_engines,
    _page_disagrees,
    _global,
    _serving,
    _not_guarded,
    _vm_not_good,
    _nowhere,
)
