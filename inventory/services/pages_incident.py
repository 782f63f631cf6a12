"""The incident page's moments and lines, read out of what the overview has read anyway: no query of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Case, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.utils import timezone

from inventory.models import Vm
from inventory.services.looks import REACH
from inventory.services.pages_changes import Change, together
from inventory.services.pages_engine import Seen, looks_of
from inventory.services.pages_now import Now
from inventory.verdicts.incident import Moments, Scene, Silence, scene_of
from inventory.verdicts.incident_acts import Incident, incident
from portal.kernel.outcome import Outcome

RECENT = timedelta(minutes=10)
LINES = 40
BAD_PAGE = ("db_down", "starting", "unreachable")
ATTEMPT = "attempting to start engine VM"  # agent.log of EngineStart, facts/hosted-engine.md 5
PORTAL = (REACH, "engine_health")  # what the portal sees itself, without asking a host


def looks_with_vms(engines: Q) -> QuerySet[Any]:
    """The looks of a verdict; she_status with the names of the VMs that the engine last saw on its host (`vms`)."""
    there = Vm.objects.filter(host=OuterRef("host"), is_engine=False, gone_since__isnull=True).order_by().values("host")
    names = Subquery(there.annotate(names=JSONBAgg("name", order_by="name")).values("names"), output_field=JSONField())
    return looks_of(engines).annotate(vms=Case(When(probe="she_status", then=names), output_field=JSONField()))


def found(
    engines: Iterable[Seen], looks: Sequence[Any], bad: Sequence[Now], moved: Sequence[Any]
) -> tuple[Seen, Incident] | None:
    """The first engine with an incident, in the order given. bad: what is not ok now; moved: the day's transitions, the
    newest first."""
    for one in engines:
        mine = [look for look in looks if look.engine_id == one.engine.pk]
        scene: Scene | None = scene_of(one.verdict, moments(one, mine, bad, moved))
        if scene is not None:
            return one, incident(scene, _say)
    return None


def _say(at: float) -> str:
    return f"{timezone.localtime(datetime.fromtimestamp(at, timezone.get_current_timezone())):%H:%M:%S %Z}"


def moments(one: Seen, looks: Sequence[Any], bad: Sequence[Now], moved: Sequence[Any]) -> Moments:
    """When the portal saw what; looks: of this engine, with `vms`."""
    hosts = {side.host.pk: name for name, side in one.sides.items()}
    rows = [row for row in reversed(moved) if row.host_id in hosts or row.host_id is None]
    page = _page(one)
    health = [row for row in rows if (row.probe, row.check_name) == ("engine_health", "health")]
    health = [row for row in health if row.subject_key == one.engine.name]
    tries = [row for row in rows if row.check_name == "agent_log" and ATTEMPT in row.sentence]
    agents = [row for row in rows if row.check_name == "agents" and row.to_outcome == "fail"]
    return Moments(
        silences=tuple(_silences(one, looks, bad, rows)),
        page=page,
        lost=_left_ok(health),
        back=_last(row for row in health if row.to_outcome == "ok"),
        bad_since=_bad_since(rows),
        tried={row.host_name: row.at.timestamp() for row in tries},
        stopped=_last(agents),
    )


def _page(one: Seen) -> bool | None:
    kind = one.health.health.kind if one.health is not None else ""
    return True if kind == "good" else False if kind in BAD_PAGE else None


def _last(rows: Iterable[Any]) -> float | None:
    return max((row.at.timestamp() for row in rows), default=None)


def _left_ok(rows: Sequence[Any]) -> float | None:
    """When a check last ceased to be ok, or was first seen not to be; rows in order of time."""
    left = [row for row in rows if row.from_outcome in ("ok", "") and row.to_outcome != "ok"]
    return _last(left)


def _bad_since(rows: Sequence[Any]) -> dict[str, float]:
    """Host -> since when it says that the engine VM does not serve; hosts that say it serves are left out."""
    found: dict[str, float] = {}
    for row in rows:
        if (row.probe, row.check_name) != ("she_status", "engine_vm"):
            continue
        if row.to_outcome == "fail":
            found.setdefault(row.host_name, row.at.timestamp())
        elif row.to_outcome == "ok":
            found.pop(row.host_name, None)
    return found


def _silences(one: Seen, looks: Sequence[Any], bad: Sequence[Now], rows: Sequence[Any]) -> list[Silence]:
    """Hosts whose visit fails: not those that answer and refuse the login, or show another key."""
    missed = {now.host_pk: now for now in bad if (now.probe, now.check) == (REACH, "answers")}
    found = []
    for name, side in one.sides.items():
        failed = missed.get(side.host.pk)
        if failed is None or failed.outcome is not Outcome.FAIL:
            continue
        mine = [look for look in looks if look.host_id == side.host.pk]
        answered = max((look.answered_at for look in mine if look.answered_at), default=failed.since).timestamp()
        vms: list[str] = next((look.vms for look in mine if look.vms), [])
        first = max(failed.since.timestamp(), answered)
        unseen = _unseen(side.host.pk, side.host.he_host_id, rows, answered)
        found.append(Silence(name, answered, first, unseen, failed.sentence, tuple(vms)))
    return found


def _unseen(host: int, he_host_id: int | None, rows: Sequence[Any], since: float) -> float | None:
    """When another host first called its record stale."""
    said = [
        row for row in rows if (row.probe, row.check_name, row.to_outcome) == ("she_status", "hosts_live", "unknown")
    ]
    told = [row.at.timestamp() for row in said if row.host_id != host and f"(id {he_host_id})" in row.sentence]
    return min((at for at in told if at >= since), default=None)


@dataclass(frozen=True)
class Line:
    """One live line. source: who said it."""

    change: Change
    source: str


def lines(moved: Sequence[Any], now: datetime) -> list[Line]:
    """The changes of the last ten minutes, from all sources, the newest first."""
    real = [row for row in moved if row.at >= now - RECENT and (row.from_outcome or row.to_outcome != "ok")]
    return [
        Line(change, "portal" if change.probe in PORTAL else change.host_name or change.subject_key)
        for change in together(real, LINES)
    ]
