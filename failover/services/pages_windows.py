"""What the maintenance page shows: the open window, what may be entered and what a guard rail refuses, what was left
behind, and the windows of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from failover.models import Window
from failover.services import standing, watchdog
from failover.services.watchdog import Found
from failover.verdicts.guard import Act, Allowed, Kind, Refused, decide
from failover.verdicts.guard_facts import Facts
from inventory.models import Engine, Host
from inventory.services.pages_engine import Seen, looks_of, seen

PAST = 50  # windows that the history shows
TITLES = {
    Kind.GLOBAL_ENTER: "Enter global maintenance",
    Kind.LOCAL_ENTER: "Enter local maintenance of {}",
    Kind.HOST_ENTER: "Take {} into the engine's maintenance",
}
SCOPES = {"global": Kind.GLOBAL_ENTER, "local": Kind.LOCAL_ENTER, "host": Kind.HOST_ENTER}


@dataclass(frozen=True)
class Offer:
    """An act that can be asked for. refused: why it cannot be now; None when it can. host: 0 for the whole pair."""

    title: str
    scope: str
    host: int
    refused: Refused | None


@dataclass(frozen=True)
class Page:
    """seen None: the engine was not looked at yet, so nothing is known and nothing is offered."""

    window: Window | None
    offers: tuple[Offer, ...]
    found: tuple[Found, ...]
    past: Sequence[Window]
    seen: Seen | None


def page(engine: Engine, now: datetime) -> Page:
    """Reads rows and stored looks; asks nobody."""
    rows = Window.objects.filter(engine=engine).select_related("engine", "host", "enter_run", "leave_run", "release_on")
    window = next(iter(rows.filter(state__in=Window.OPEN)), None)
    past = list(rows.exclude(state__in=Window.OPEN)[:PAST])
    one = next(iter(seen(looks_of(Q(engine=engine)), now)), None)
    if one is None or not one.verdict.hosts:
        return Page(window, (), (), past, None)
    facts = standing.stored(one)
    return Page(window, tuple(_offers(engine, facts)), watchdog.leftovers(one, facts, now), past, one)


def said(engine: Engine, scope: str, host: Host | None, now: datetime) -> Allowed | Refused | None:
    """What the guard rails say by the stored looks; None when there are none."""
    one = next(iter(seen(looks_of(Q(engine=engine)), now)), None)
    facts = standing.stored(one) if one else None
    if facts is None or (host is not None and facts.host(host.name) is None):
        return None
    return decide(facts, Act(SCOPES[scope], host.name if host else ""))


def _offers(engine: Engine, facts: Facts) -> list[Offer]:
    hosts = Host.objects.filter(engine=engine, gone_since=None, he_host_id__isnull=False).order_by("he_host_id")
    found = [_offer(facts, "global", None)]
    for host in hosts:
        if facts.host(host.name) is not None:
            found += [_offer(facts, "local", host), _offer(facts, "host", host)]
    return found


def _offer(facts: Facts, scope: str, host: Host | None) -> Offer:
    kind, name = SCOPES[scope], host.name if host else ""
    told = decide(facts, Act(kind, name))
    return Offer(TITLES[kind].format(name), scope, host.pk if host else 0, told if isinstance(told, Refused) else None)
