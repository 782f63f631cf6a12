"""What the pages say of a self-hosted engine: the looks that the verdict rests on, the verdict, the scores of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from inventory.models import Engine, Host, Look
from inventory.probes.engine_health import EngineHealth
from inventory.probes.ha_state import HaState
from inventory.probes.host_facts import HostFacts
from inventory.probes.reading.vm_status import HeSnapshot
from inventory.services.looks import every, stale_sentence
from inventory.services.pages_history import DAY, numbers
from inventory.verdicts import she
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

PROBES = ("she_status", "ha_state", "host_facts", "engine_health")
HE_HOST = (
    Q(host__he_configured=True)
    | Q(host__he_host_id__isnull=False)
    | Q(host__isnull=True, device__isnull=True, vm__isnull=True)
)
Facts = TypeVar("Facts")


def looks_of(engines: Q) -> QuerySet[Look]:
    """The looks that a verdict rests on, without their raw output."""
    return (
        Look.objects.filter(engines & HE_HOST, probe__in=PROBES)
        .filter(Q(host__isnull=True) | Q(host__gone_since__isnull=True))
        .select_related("host", "engine", "engine__site")
        .defer(
            "sections", "host__nics", "host__hugepages", "engine__ca_pem", "engine__password", "engine__ssh_private_key"
        )
        .order_by("engine__name", "host__he_host_id", "host__name", "probe")
    )


@dataclass(frozen=True)
class Side:
    """What is known of one host beside the verdict's row. None: not known now."""

    host: Host
    state: HaState | None
    facts: HostFacts | None
    look: Look | None  # she_status


@dataclass(frozen=True)
class Seen:
    """One engine as of now. oldest: when the oldest look that the verdict used ended; None when none did."""

    engine: Engine
    verdict: she.SheVerdict
    witness: EngineWitness
    health: EngineHealth | None  # of now; None: not known
    health_look: Look | None
    sides: dict[str, Side]
    oldest: datetime | None


def seen(looks: Iterable[Look], now: datetime) -> list[Seen]:
    """One entry per engine, by name."""
    by_engine: dict[int, list[Look]] = defaultdict(list)
    for look in looks:
        by_engine[look.engine_id].append(look)
    return [_seen(rows[0].engine, rows, now) for rows in by_engine.values()]


def _seen(engine: Engine, looks: list[Look], now: datetime) -> Seen:
    health_look = next((look for look in looks if look.host is None), None)
    by_host: dict[int, dict[str, Look]] = defaultdict(dict)
    hosts: dict[int, Host] = {}
    for look in looks:
        if look.host is not None:
            by_host[look.host.pk][look.probe] = look
            hosts[look.host.pk] = look.host
    observations, states, known = [], [], []
    sides: dict[str, Side] = {}
    for key, host in hosts.items():
        mine = by_host[key]
        snapshot, state = mine.get("she_status"), mine.get("ha_state")
        observations.append(Observation(host.name, host.he_host_id, *_told(snapshot, HeSnapshot, now)))
        states.append(HostState(host.name, host.he_host_id, *_told(state, HaState, now)))
        known.append(EngineHost(host.name, host.he_host_id, host.status, host.memory))
        sides[host.name] = Side(
            host, _fresh(state, HaState, now), _fresh(mine.get("host_facts"), HostFacts, now), snapshot
        )
    witness = EngineWitness(*_told(health_look, EngineHealth, now))
    verdict = she.judge(observations, states, witness, known, now.timestamp())
    used = [look.at for look in looks if look.at and look.probe in ("she_status", "engine_health")]
    health = _fresh(health_look, EngineHealth, now)
    return Seen(engine, verdict, witness, health, health_look, sides, min(used, default=None))


def _told(look: Look | None, kind: type[Facts], now: datetime) -> tuple[float | None, Facts | None, str]:
    """Age, facts and why there are none. Facts of a look that failed since are not used."""
    if look is None or look.at is None:
        return None, None, "It was not looked at yet."
    age = (now - look.at).total_seconds()
    if look.state != Look.State.READ:
        return age, None, look.sentence
    try:
        return age, facts_json.load(kind, look.facts), ""
    except (KeyError, TypeError):
        return age, None, "Its facts were written by another version of Holdfast."


def _fresh(look: Look | None, kind: type[Facts], now: datetime) -> Facts | None:
    age, facts, _ = _told(look, kind, now)
    return facts if look is not None and age is not None and not is_stale(age, every(look.probe)) else None


def why_stale(look: Look) -> str:
    """Why a look says nothing about now, in one sentence."""
    return look.sentence or stale_sentence(look)


Points = list[tuple[datetime, float]]


def scores(one: Seen, now: datetime, span: timedelta = DAY) -> dict[str, Points]:
    """Host -> its score per 5 minutes: from its own look, the holes filled from the other observers'. One query."""
    looks = {side.look.pk: name for name, side in one.sides.items() if side.look is not None}
    rows = numbers(looks, "score_", now, span)
    found: dict[str, Points] = {}
    for row in one.verdict.hosts:
        merged: dict[datetime, float] = {}
        for (_, series), points in sorted(rows.items(), key=lambda item: looks.get(item[0][0]) == row.host):
            if series == f"score_{row.he_host_id}":
                merged.update(points)  # the host's own look comes last and wins
        found[row.host] = sorted(merged.items())
    return found


def backups(one: Seen) -> list[tuple[str, datetime]]:
    """What the engine itself says of its last successful backups, per scope: last known, no proof."""
    facts: Any = one.health_look.facts if one.health_look is not None else None
    if not isinstance(facts, dict):
        return []
    said = [(each["scope"], each["at"]) for each in facts.get("backups") or [] if isinstance(each, dict)]
    return [(scope, datetime.fromtimestamp(at, UTC)) for scope, at in said]
