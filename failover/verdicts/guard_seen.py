"""From what was seen of the pair, and what the portal's records say, to the facts that guard rails are decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover.verdicts.guard_facts import Facts, HostFacts
from inventory.probes.ha_state import HaState
from inventory.verdicts.she import SheVerdict
from inventory.verdicts.she_rows import HostRow

GLOBAL = "Global maintenance"  # the question in the table of observers


@dataclass(frozen=True)
class Standing:
    """What the portal's records say. statuses: the engine's word per host. The others: as in Facts."""

    statuses: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    window: str = ""
    restarted: float | None = None
    room: str = ""


def facts(verdict: SheVerdict, states: Mapping[str, HaState | None], standing: Standing) -> Facts:
    """verdict: of all observers. states: by host name, None for one that did not answer."""
    hosts = tuple(_host(row, states.get(row.host), standing.statuses.get(row.host, "")) for row in verdict.hosts)
    return Facts(hosts, global_on(verdict), standing.restarted, standing.runs, standing.window, standing.room)


def global_on(verdict: SheVerdict) -> bool | None:
    """True when any broker reads the flag as set, since others lag by up to 20 s (4). None: nobody says."""
    said = {told.answer for row in verdict.observers if row.fact == GLOBAL for told in row.answers}
    return True if "on" in said else False if "off" in said else None


def _host(row: HostRow, state: HaState | None, status: str) -> HostFacts:
    published = row.record.maintenance if row.record is not None and row.record.live else None
    if published is None and row.live is False:
        published = False  # a record that is not of now publishes nothing; ha.conf tells
    return HostFacts(
        name=row.host,
        reachable=state is not None,
        live=row.live,
        score=row.score,
        state=row.state,
        published=published,
        flag_local=row.flag_local,
        flag_manual=row.flag_manual,
        claims=row.claims,
        serves=row.serves,
        agent=(state.unit("ovirt-ha-agent") if state else None) or "",
        agent_age=state.agent_age if state else None,
        status=status,
    )
