"""The pair of hosts as a step sees it: every host is asked over SSH, now, and the answers are merged as on the page.

An exit code proves nothing about maintenance or failover (facts/hosted-engine.md 4), so steps settle on this alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from failover.catalog.pair import Member, members
from inventory.probes import ha_state, she_status
from inventory.probes.engine_health import EngineHealth
from inventory.probes.ha_state import HaState
from inventory.probes.reading.vm_status import HeSnapshot
from inventory.verdicts import she
from inventory.verdicts.she import SheVerdict
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from inventory.verdicts.she_rows import HostRow
from portal.kernel.facts import load
from portal.kernel.output import Output, ParseError
from portal.kernel.step import Look, On, Parameters, Seen, Told

WITNESS = "failover.witness"  # the question about the engine's own pages
_STATUS, _STATE = "status", "state"


@dataclass(frozen=True)
class Sight:
    """verdict: of the cluster, by all observers. snapshots, states: what each host said, None when it did not, by the
    key of its row. why: what a silent host's look ended with."""

    verdict: SheVerdict
    members: tuple[Member, ...]
    snapshots: Mapping[int, HeSnapshot | None]
    states: Mapping[int, HaState | None]
    why: Mapping[int, str]
    witness: EngineWitness

    def row(self, member: Member) -> HostRow | None:
        """The merged row of one host; None when no observer lists it."""
        return next((row for row in self.verdict.hosts if row.he_host_id == member.he_id), None)

    def flag(self, observer: Member) -> bool | None:
        """Global maintenance as one host's broker reads it; None when it does not say."""
        snapshot = self.snapshots[observer.pk]
        return snapshot.global_maintenance if snapshot else None

    def engine_on(self) -> Member | None:
        """The host that serves the engine; None when nowhere or not known."""
        return next((one for one in self.members if (row := self.row(one)) and row.serves), None)


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """What is asked of every host of the pair and of the engine's own pages."""
    asked: dict[str, Look] = {"witness": Told(WITNESS)}
    for one in members(parameters):
        asked[f"{_STATUS}@{one.pk}"] = On(one.target, she_status.COMMAND)
        for part, command in ha_state.COMMANDS.items():
            asked[f"{_STATE}.{part}@{one.pk}"] = On(one.target, command)
    return asked


def read(seen: Seen, parameters: Parameters) -> Sight:
    """The answers, merged. Whatever did not come or cannot be read is unknown in it."""
    pair = members(parameters)
    snapshots = {one.pk: _snapshot(seen[f"{_STATUS}@{one.pk}"]) for one in pair}
    states = {one.pk: _state(seen, one) for one in pair}
    why = {one.pk: snapshots[one.pk][1] or states[one.pk][1] for one in pair}
    witness = _witness(seen["witness"])
    verdict = she.judge(
        [Observation(one.name, one.he_id, 0.0, *snapshots[one.pk]) for one in pair],
        [HostState(one.name, one.he_id, 0.0, *states[one.pk]) for one in pair],
        witness,
        [EngineHost(one.name, one.he_id) for one in pair],
        0.0,
    )
    return Sight(
        verdict,
        pair,
        {pk: found for pk, (found, _) in snapshots.items()},
        {pk: found for pk, (found, _) in states.items()},
        why,
        witness,
    )


def _snapshot(output: Output) -> tuple[HeSnapshot | None, str]:
    try:
        return she_status.parse({"vm_status": output}), ""
    except ParseError as error:
        return None, output.error_line() if output.exit_code is None else str(error)


def _state(seen: Seen, one: Member) -> tuple[HaState | None, str]:
    outputs = {part: seen[f"{_STATE}.{part}@{one.pk}"] for part in ha_state.COMMANDS}
    try:
        return ha_state.parse(outputs), ""
    except ParseError as error:
        return None, str(error)


def _witness(output: Output) -> EngineWitness:
    told = json.loads(output.stdout)
    if told["health"] is None:
        return EngineWitness(0.0, None, told["why"])
    health: EngineHealth = load(EngineHealth, told["health"])
    return EngineWitness(0.0, health, "")
