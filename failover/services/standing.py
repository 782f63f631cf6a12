"""What the portal's own records say of a pair: who is at work on it, which window is open, when the engine VM was last
restarted. Told to the steps, and to the guard rails before a Run is started."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from failover.catalog import modes
from failover.catalog.pair import member
from failover.models import Drill, Window
from failover.services import pairs, room
from failover.verdicts.guard_facts import Facts
from failover.verdicts.guard_seen import Standing, facts
from failover.verdicts.room import Moves
from failover.works.host_mode import statuses as asked_statuses
from inventory.models import Engine, Host
from inventory.services.pages_engine import Seen
from inventory.services.reach import credentials
from portal.connectors.engine import EngineFailed, shared
from portal.kernel.step import Parameters
from portal.runs.models import Run, RunStep

RESTARTS = ("she_failover", "engine_service_failure", "host_power_loss")  # drills that leave 560 s of score 0
WRITES = ("mode_set", "mode_again", "mode_clear", "mode_clear_again", "host_deactivate", "host_activate")
DAY = 86_400.0


def of(engine: Engine, now: datetime, ref: str = "", but: int = 0) -> Standing:
    """ref: of the Run that asks, which does not stand in its own way. but: the window that is being left."""
    rows = Host.objects.filter(engine=engine, gone_since=None)
    statuses = dict(rows.values_list("name", "status"))
    return Standing(statuses, _busy(engine, list(rows), ref), _window(engine, ref, but), _restarted(engine, now, ref))


def _busy(engine: Engine, hosts: list[Host], ref: str) -> tuple[str, ...]:
    targets = [f"she:{engine.pk}", f"engine:{engine.pk}", *(f"host:{host.pk}" for host in hosts)]
    runs = Run.objects.filter(target__in=targets, status__in=Run.ACTIVE).order_by("pk")
    if ref:
        runs = runs.exclude(ref=ref)
    return tuple(f"Run {run.pk} ({run.title} on {run.target_name})" for run in runs)


def _window(engine: Engine, ref: str, but: int) -> str:
    rows = Window.objects.filter(engine=engine, state__in=Window.OPEN).exclude(pk=but).select_related("host", "engine")
    if ref:
        rows = rows.exclude(enter_run__ref=ref)
    one = rows.first()
    return f"{one} is {one.state}, by {one.owner or 'nobody known'}." if one else ""


def _restarted(engine: Engine, now: datetime, ref: str) -> float | None:
    """Seconds since the last drill that restarted the engine VM began to; None: not within a day."""
    restarts = Q(plan__in=RESTARTS) | Q(kind__in=RESTARTS)
    rows = Drill.objects.filter(restarts, engine=engine, clock_began__isnull=False)
    if ref:
        rows = rows.exclude(run__ref=ref)
    last = rows.order_by(F("clock_began").desc()).first()
    if last is None or last.clock_began is None:
        return None
    ago = (now - last.clock_began).total_seconds()
    return ago if ago < DAY else None


def live(engine: Engine, but: int = 0) -> Facts:
    """The facts of now: every host is asked over SSH. Raises pairs.NoPair."""
    seen = pairs.look(engine, pairs.members_of(engine))
    states = {one.name: seen.states[one.pk] for one in seen.members}
    return facts(seen.verdict, states, of(engine, timezone.now(), but=but))


def stored(seen: Seen, but: int = 0) -> Facts:
    """The facts as the looks left them, for a page: nothing is asked."""
    states = {name: side.state for name, side in seen.sides.items()}
    return facts(seen.verdict, states, of(seen.engine, timezone.now(), but=but))


def telling(parameters: Parameters) -> dict[str, Any]:
    """For a step: Standing as JSON, and `left`: seconds until the deadline in its parameters, None without one."""
    now = timezone.now()
    standing = of(pairs.engine_of(parameters), now, parameters["run"])
    deadline = parameters.get("deadline")
    return {
        "statuses": dict(standing.statuses),
        "runs": list(standing.runs),
        "window": standing.window,
        "restarted": standing.restarted,
        "room": _room(parameters),
        "left": (datetime.fromisoformat(deadline) - now).total_seconds() if deadline else None,
    }


def _room(parameters: Parameters) -> str:
    """Only of a host that the engine is to take into maintenance: then all that runs there moves."""
    if parameters.get("scope") != modes.HOST:
        return ""
    return room.refusal(pairs.engine_of(parameters), member(parameters, "on").name, Moves.ALL)


def statuses(parameters: Parameters) -> dict[str, Any]:
    """{"statuses": {host name: the engine's word, asked now}, "why": ""}; without an answer {} and one sentence."""
    engine = pairs.engine_of(parameters)
    try:
        words = asked_statuses(shared(credentials(engine)))
    except EngineFailed as error:
        return {"statuses": {}, "why": str(error)}
    names = Host.objects.filter(engine=engine, gone_since=None).values_list("uuid", "name")
    return {"statuses": {name: words[uuid] for uuid, name in names if uuid in words}, "why": ""}


def acted(parameters: Parameters) -> dict[str, Any]:
    """{"seconds": since the run wrote a mode last, None when it never did, "left": until another host has read it}."""
    row = RunStep.objects.filter(run__ref=parameters["run"], name__in=WRITES, intended_at__isnull=False)
    last = row.order_by("-intended_at").first()
    if last is None or last.intended_at is None:
        return {"seconds": None, "left": 0}
    seconds = (timezone.now() - last.intended_at).total_seconds()
    return {"seconds": seconds, "left": parameters["lag"] - seconds}
