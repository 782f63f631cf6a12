"""The watchdog: what was left behind on a pair, by whomever. It reads the stored looks, so it needs no worker that runs
plans, and no engine. Maintenance that nobody has asked the portal for becomes a window without an owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from failover.models import Window
from failover.services import standing, windows_tick
from failover.services.frame import Standing
from failover.verdicts.guard_facts import Facts
from failover.verdicts.leftovers import Beside, Leftover, Owned, left
from inventory.models import Engine, Finding, Host
from inventory.services.pages_engine import Seen, Side, looks_of, seen
from inventory.services.told import Banner
from inventory.templatetags.holdfast import full
from inventory.verdicts.she_rows import HostRow
from portal.evidence.models import Record
from portal.evidence.services import append
from portal.runs.models import Run

QUIET = timedelta(seconds=60)  # after a window has ended, until the looks may find maintenance again
KINDS = ("watchdog.left", "watchdog.clear")


@dataclass(frozen=True)
class Found:
    """A leftover with since when; None: not known."""

    item: Leftover
    since: datetime | None


def tick(now: datetime | None = None) -> None:
    """Windows in step with their Runs, then what the looks show. May run at any time, on any queue."""
    now = now or timezone.now()
    windows_tick.reconcile(now)
    for one in seen(looks_of(Q(engine__watched=True)), now):
        if one.verdict.hosts:
            watch(one, now)


def watch(one: Seen, now: datetime) -> tuple[Found, ...]:
    """One engine. Records what has changed, and gives what is left behind."""
    facts = standing.stored(one)
    windows_tick.ended_elsewhere(one.engine, facts, now)
    _adoptable(one, facts, now)
    found = leftovers(one, facts, now)
    _record(one.engine, found)
    return found


def leftovers(one: Seen, facts: Facts, now: datetime) -> tuple[Found, ...]:
    """What is left behind now, without changing anything: for pages."""
    window = Window.objects.filter(engine=one.engine, state__in=Window.OPEN).select_related("host").first()
    owned = Owned(window.scope, window.host.name if window.host else "") if window and window.owner else Owned()
    since = _since(one.engine)
    zero = {host: (now - at).total_seconds() for (_, check, host), at in since.items() if check == "scores"}
    beside = {row.host: _beside(row, one.sides.get(row.host), zero.get(row.host)) for row in one.verdict.hosts}
    items = left(facts, beside, owned)
    return tuple(Found(item, _when(item, since)) for item in (*items, *_stuck(one.engine)))


def _beside(row: HostRow, side: Side | None, zero_for: float | None) -> Beside:
    state = side.state if side else None
    detail = row.record.detail if row.record is not None and row.record.live else ""
    return Beside((state.unit("ovirt-ha-broker") if state else None) or "", detail, zero_for)


Since = dict[tuple[str, str, str], datetime]


def _since(engine: Engine) -> Since:
    """(probe, check, host) -> since when its finding is not ok."""
    rows = Finding.objects.filter(look__engine=engine, look__probe__in=("she_status", "ha_state")).exclude(outcome="ok")
    told = rows.values_list("look__probe", "check_name", "look__host__name", "since")
    return {(probe, check, host): since for probe, check, host, since in told}


def _when(item: Leftover, since: Since) -> datetime | None:
    """Of a pair's leftover the earliest that any host tells."""
    times = [at for (probe, check, host), at in since.items()
             if (probe, check) == item.check and item.host in ("", host)]  # fmt: skip
    return min(times, default=None)


def _stuck(engine: Engine) -> list[Leftover]:
    """Runs on the pair that a person must look at; whoever retries an undo ends this."""
    rows = Run.objects.filter(target=f"she:{engine.pk}", status=Run.Status.NEEDS_ATTENTION).order_by("-pk")[:3]
    return [
        Leftover(
            "run", "", "fail", f"Run {run.pk} ({run.title}) needs attention: {run.sentence}", f"open /runs/{run.pk}/"
        )
        for run in rows
    ]


def _record(engine: Engine, found: tuple[Found, ...]) -> None:
    """One record when what is left behind has changed."""
    subject = f"she:{engine.pk}"
    names = sorted(f"{one.item.what} {one.item.host}".strip() for one in found)
    last = Record.objects.filter(subject=subject, kind__in=KINDS).order_by("-number").first()
    before = last.body.get("left", []) if last else []
    if names == before:
        return
    with transaction.atomic():
        body = {"left": names, "sentences": [f"{one.item.sentence} {one.item.command}" for one in found]}
        append(KINDS[0] if names else KINDS[1], "holdfast", subject, body)


def _adoptable(one: Seen, facts: Facts, now: datetime) -> None:
    """A maintenance without a window becomes one that nobody owns. Nothing is concluded while a Run acts there."""
    scope, host = _set(facts)
    if not scope or facts.runs or facts.window or _lately(one.engine, now):
        return
    row = Host.objects.filter(engine=one.engine, name=host, gone_since=None).first() if host else None
    words = "It was set outside of the portal. Adopt it, or end it."
    try:
        with transaction.atomic():
            window = Window.objects.create(
                engine=one.engine, scope=scope, host=row, state=Window.State.ACTIVE, foreign=True, asked_at=now,
                sentence=words,
            )  # fmt: skip
            append("window.found", "holdfast", f"window:{window.pk}", {"scope": scope, "host": host, "sentence": words})
    except IntegrityError:
        return  # somebody opened one this moment


def _set(facts: Facts) -> tuple[str, str]:
    """The maintenance that is set: scope and host; ("", "") for none."""
    if facts.global_on:
        return Window.Scope.GLOBAL, ""
    one = next((each for each in facts.hosts if each.local), None)
    if one is None:
        return "", ""
    held = one.status in ("maintenance", "preparing_for_maintenance")
    return (Window.Scope.HOST if held else Window.Scope.LOCAL), one.name


def _lately(engine: Engine, now: datetime) -> bool:
    return Window.objects.filter(engine=engine, ended_at__gt=now - QUIET).exists()


def alarm(engines: Sequence[Standing], now: datetime) -> Banner | None:
    """The open window above every page: what, who, change, until when."""
    rows = [one.window for one in engines if one.window is not None]
    row = min(rows, key=lambda each: (bool(each.owner), each.deadline or now), default=None)
    if row is None:
        return None
    if not row.owner:
        found = f"found {full(row.asked_at)}: adopt it or end it."
        return Banner("maintenance", f"{row.what} was set outside of the portal and nobody owns it, {found}")
    change = f", change {row.change}" if row.change else ""
    words = f"{row.what} by {row.owner}{change}: {row.reason or 'no reason given'}."
    if row.deadline is None:
        return Banner("maintenance", f"{words} It has no deadline.")
    if row.overdue or now >= row.deadline:
        return Banner("fail", f"{words} It is overdue since {full(row.deadline)}: leave it or extend it.")
    return Banner("maintenance", f"{words} Until {full(row.deadline)}.")
