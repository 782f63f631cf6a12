"""The observers' answers merged into one row per hosted-engine host (facts/hosted-engine.md 2.4, 6 pre-checks, 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inventory.probes import engine_health, ha_state, she_status
from inventory.probes.ha_state import SETTLED, HaState
from inventory.probes.reading.agent_log import Penalty
from inventory.probes.reading.vm_status import HeHostStatus, HeSnapshot
from inventory.probes.she_status import FULL_SCORE, IDLE_STATE
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from portal.kernel.freshness import is_stale

Page = Literal["good", "bad", "unknown"]
UNNAMED = "a cause that the agent's log does not name"
ZERO_STATES = ("ReinitializeFSM", "LocalMaintenance", "EngineUnexpectedlyDown", "AgentStopped", "StartState")


@dataclass(frozen=True)
class HostRow:
    """One host. record: the one that is believed: the host's own, or the newest of those who see it live, or, for
    display only, the newest of all. live: True only when two observers say so (or it is the only host); None: not
    known. live_by of observers: how many of the hosts that can see call it live. candidate: could take over the
    engine VM; None: not known. why: one clause that says why not."""

    host: str
    he_host_id: int
    record: HeHostStatus | None
    live: bool | None
    live_by: int
    observers: int
    asked: bool
    flag_local: bool | None
    flag_manual: bool | None
    penalties: tuple[Penalty, ...]
    status: str
    memory: int | None
    candidate: bool | None = None
    why: str = ""

    @property
    def maintenance(self) -> bool:
        """Local maintenance, published or only in ha.conf (4, traps 5 and 6)."""
        published = self.record is not None and self.record.maintenance
        return published or bool(self.flag_local) or bool(self.flag_manual)

    @property
    def claims(self) -> bool:
        """A record of now says that the engine VM exists here."""
        return self.record is not None and self.record.vm_up and self.live is not False

    @property
    def serves(self) -> bool:
        """A record of now says that the engine answers here."""
        return self.claims and self.record is not None and self.record.serving

    @property
    def silent(self) -> bool:
        """Nobody tells whether the engine VM runs there: the host is not known to be alive, or its vdsm fails."""
        unsure = self.record is not None and not self.record.vm_known
        return not self.claims and (self.live is not True or unsure)

    @property
    def score(self) -> int | None:
        """The score of now; None when the record is not of now."""
        return self.record.score if self.record is not None and self.record.live else None

    @property
    def state(self) -> str:
        """The agent's state of now, "" when not known."""
        return self.record.state if self.record is not None and self.record.live else ""


@dataclass(frozen=True)
class View:
    """Everything that was seen, merged. usable: observations that are fresh and readable; seeing: those whose own
    record is live. refused: (host, why) of the others. page: the engine's health page."""

    rows: tuple[HostRow, ...]
    usable: tuple[Observation, ...]
    seeing: tuple[Observation, ...]
    refused: tuple[tuple[str, str], ...]
    page: Page
    page_words: str

    @property
    def global_maintenance(self) -> bool | None:
        """True when any broker reads the flag as set: others may lag 20 s behind (4). None: nobody says."""
        flags = [one.global_maintenance for one in _snapshots(self.usable)]
        return True if True in flags else False if False in flags else None


def merge(
    observations: Sequence[Observation],
    ha_states: Sequence[HostState],
    witness: EngineWitness,
    engine_hosts: Sequence[EngineHost],
) -> View:
    """Observers in, view out. Stale observations are not used at all."""
    usable = tuple(one for one in observations if one.snapshot is not None and _fresh(one.age_seconds, EVERY))
    seeing = tuple(one for one in usable if one.snapshot is not None and one.snapshot.sees(one.he_host_id))
    states = {one.host: one.state for one in ha_states if one.state and _fresh(one.age_seconds, ha_state.PROBE.every)}
    young = {host for host, state in states.items() if state.agent_age is not None and state.agent_age < SETTLED}
    names = {one.he_host_id: one.host for one in engine_hosts if one.he_host_id is not None}
    names |= {one.he_host_id: one.host for one in observations if one.he_host_id is not None}
    ids = {record.host_id for snapshot in _snapshots(usable) for record in snapshot.hosts}
    ids |= {record.host_id for snapshot in _snapshots(usable) for record in snapshot.unreadable}
    rows = []
    for host_id in sorted(ids | names.keys()):
        row = _row(host_id, names.get(host_id, ""), usable, seeing, young)
        known = next((one for one in engine_hosts if one.he_host_id == host_id), None)
        row = replace(row, status=known.status if known else "", memory=known.memory if known else None)
        rows.append(_with_state(row, states.get(row.host)))
    only = len(rows) == 1
    rows = [replace(row, live=True) if only and row.live_by and row.live is None else row for row in rows]
    page, page_words = _page(witness)
    refused = tuple((one.host, _why_refused(one)) for one in observations if one not in usable)
    return View(tuple(_candidate(row) for row in rows), usable, seeing, refused, page, page_words)


EVERY = she_status.PROBE.every


def _fresh(age: float | None, every: float) -> bool:
    return age is not None and not is_stale(age, every)


def _snapshots(observations: Sequence[Observation]) -> list[HeSnapshot]:
    return [one.snapshot for one in observations if one.snapshot is not None]


def _why_refused(one: Observation) -> str:
    if one.snapshot is not None and one.age_seconds is not None:
        return f"Its answer is {one.age_seconds:.0f} s old."
    return one.why_not or "It was not looked at yet."


def _row(
    host_id: int, name: str, usable: tuple[Observation, ...], seeing: tuple[Observation, ...], young: set[str]
) -> HostRow:
    own = next((one for one in usable if one.he_host_id == host_id), None)
    votes = {one.host: _live(one, host_id) for one in seeing}
    against = [host for host, vote in votes.items() if not vote and (host not in young or (own and own.host == host))]
    live_by = sum(votes.values())
    record = _believed(host_id, own, usable, seeing)
    return HostRow(
        host=name or (record.hostname if record else f"host id {host_id}"),
        he_host_id=host_id,
        record=record,
        live=_alive(own, own in seeing, live_by, len(against)),
        live_by=live_by,
        observers=len(seeing),
        asked=own is not None,
        flag_local=None,
        flag_manual=None,
        penalties=(),
        status="",
        memory=None,
    )


def _live(one: Observation, host_id: int) -> bool:
    record = one.snapshot.host(host_id) if one.snapshot else None
    return record is not None and record.live


def _alive(own: Observation | None, own_sees: bool, yes: int, no: int) -> bool | None:
    """A host that was asked and does not publish is not live, whatever others still see for 60 s. Otherwise two must
    say yes and nobody no; a host that cannot be asked is not live when all who can see say so (2.4)."""
    if own is not None and not own_sees:
        return False
    if yes >= 2 and not no:
        return True
    if yes == 0 and no:
        return False
    return None


def _believed(
    host_id: int, own: Observation | None, usable: tuple[Observation, ...], seeing: tuple[Observation, ...]
) -> HeHostStatus | None:
    """The host's own record is written at once and read by others 10 to 20 s later, so it is believed first."""
    if own is not None and own in seeing and own.snapshot is not None:
        return own.snapshot.host(host_id)
    told = [record for snapshot in _snapshots(seeing) if (record := snapshot.host(host_id)) and record.live]
    old = [record for snapshot in _snapshots(usable) if (record := snapshot.host(host_id))]
    if told:
        return max(told, key=lambda record: record.host_ts)
    newest = max(old, key=lambda record: record.host_ts, default=None)
    return replace(newest, live=False) if newest else None


def _with_state(row: HostRow, state: HaState | None) -> HostRow:
    flags = (state.local_maintenance, state.local_maintenance_manual) if state else (None, None)
    return replace(row, flag_local=flags[0], flag_manual=flags[1], penalties=penalties(row, state))


def penalties(row: HostRow, state: HaState | None) -> tuple[Penalty, ...]:
    """What lowers a host's score of now, by name from its agent's log; what the log does not explain is listed as
    such, so that the points always add up to the score (3.1)."""
    score = row.score
    if score is None or score >= FULL_SCORE:
        return ()
    missing = FULL_SCORE - score
    if row.state in ZERO_STATES and score == 0:
        return (Penalty(missing, f"state {row.state}"),)
    named = state.log.penalties if state is not None and state.log is not None else ()
    left = missing - sum(one.points for one in named)
    if left < 0:
        return (Penalty(missing, UNNAMED),)
    return (*named, Penalty(left, UNNAMED)) if left else named


def _candidate(row: HostRow) -> HostRow:
    """Could this host start the engine VM if the host that runs it were lost?"""
    if row.live is False and not row.maintenance:
        stopped = row.record is not None and row.record.stopped
        return _no(row, "its HA agent is stopped" if stopped else "its record is not live")
    if row.maintenance:
        return _no(row, "it is in local maintenance")
    if row.record is None:
        return replace(row, candidate=None, why="its record is absent or unreadable")
    if row.record.stopped:
        return _no(row, "its HA agent is stopped")
    if row.record.live and row.record.score == 0:
        return _no(row, f"its score is 0 in state {row.state or 'unknown'}")
    if row.state == IDLE_STATE:
        return _no(row, f"its agent does nothing while vdsm fails there (state {IDLE_STATE})")
    if row.live is None:
        return replace(row, candidate=None, why=_unsure(row))
    return replace(row, candidate=True)


def _unsure(row: HostRow) -> str:
    if not row.asked:
        return "it cannot be asked itself"
    return f"{row.live_by} of {row.observers} observers see it live"


def _no(row: HostRow, why: str) -> HostRow:
    return replace(row, candidate=False, why=why)


def _page(witness: EngineWitness) -> tuple[Page, str]:
    if witness.health is None or not _fresh(witness.age_seconds, engine_health.PROBE.every):
        return "unknown", witness.why_not or "The engine's health page was not asked lately."
    kind = witness.health.health.kind
    if kind == "good":
        return "good", "The engine's health page says that its database is up."
    if kind in ("db_down", "starting", "unreachable"):
        return "bad", f"The engine's health page does not answer well: {kind.replace('_', ' ')}."
    return "unknown", "The engine's health page gives an answer that is not its own."
