"""Routes, silences and quiet windows as the rules want them, and who would be told now."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from portal.access.roles import ROLES
from portal.alerts.models import Alert, Filtered, Receiver, Route, Silence
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.quieting import Hush, Quiet, held_back
from portal.alerts.rules.routing import Filter, Rule, Spoken, Telling, stops, tellings
from portal.alerts.rules.timing import Hours
from portal.outbox import services as outbox
from portal.outbox.services import MAIL, Reader

log = logging.getLogger(__name__)

# Where no route is set, nobody shall be left untold by omission.
UNROUTED = Rule("no route is set", Filter(least=Severity.CRITICAL), receivers=("role:operator", "role:approver"))


@dataclass(frozen=True)
class Rules:
    """All that decides who is told, read once per tick."""

    rules: tuple[Rule, ...]
    quiets: tuple[Quiet, ...]
    hushes: tuple[Hush, ...]


@dataclass(frozen=True)
class Decision:
    """Who is told now, or why nobody is. final: nobody will be, since a route says so."""

    tellings: tuple[Telling, ...]
    why: str = ""
    final: bool = False


def rules_of(now: datetime) -> Rules:
    """What counts now."""
    return Rules(rules(), quiets(now), hushes(now))


def rules() -> tuple[Rule, ...]:
    """The routes in use, in their order; without any, critical alerts go to operators and approvers by mail."""
    rows = Route.objects.filter(enabled=True).select_related("escalate_to").prefetch_related("receivers")
    return tuple(rule_of(row) for row in rows) or (UNROUTED,)


def rule_of(row: Route) -> Rule:
    """One route. Receivers that are switched off are left out."""
    known = list(row.receivers.all())
    on = tuple(who(one) for one in known if one.enabled)
    to = row.escalate_to if row.escalate_to and row.escalate_to.enabled else None
    return Rule(
        row.name,
        filter_of(row),
        Hours(tuple(row.days), row.begins, row.ends, row.zone),
        on,
        row.digest,
        row.escalate_after if to else 0,
        who(to) if to else "",
        row.goes_on,
        bool(known) and not on,
    )


def filter_of(row: Filtered) -> Filter:
    """Which alerts a route or silence means."""
    least, name = Severity(row.least), row.subject
    return Filter(least, tuple(row.concerns), tuple(row.engines), tuple(row.sites), tuple(row.kinds), name)


def who(row: Receiver) -> str:
    """How notices name a receiver."""
    return f"receiver:{row.pk}"


def hushes(now: datetime) -> tuple[Hush, ...]:
    """The silences that hold now."""
    rows = Silence.objects.filter(ended_at=None, begins__lte=now, until__gt=now)
    return tuple(
        Hush(
            filter_of(row),
            row.begins,
            row.until,
            f"{row.by} silences it until {row.until:%d %b %H:%M %Z}: {row.reason}",
        )
        for row in rows
    )


def quiets(now: datetime) -> tuple[Quiet, ...]:
    """The approved windows that packages above know (settings.HOLDFAST_QUIET). One that cannot be asked keeps nobody
    from being told."""
    found: list[Quiet] = []
    for path in settings.HOLDFAST_QUIET:
        try:
            found += import_string(path)(now)
        except Exception:  # a window that is not known holds nothing back
            log.exception("%s does not say which windows are open.", path)
    return tuple(found)


def spoken(row: Alert) -> Spoken:
    """What the rules ask of an alert."""
    about = About(row.subject_kind, row.subject, row.engine, row.site)
    return Spoken(Severity(row.severity), Concern(row.concern), about)


def decide(given: Rules, said: Spoken, now: datetime) -> Decision:
    """The one decision of a moment."""
    held = held_back(said, given.quiets, given.hushes, now)
    if held:
        return Decision((), held)
    found = tellings(given.rules, said, now)
    if found:
        return Decision(found)
    stop = stops(given.rules, said, now)
    if stop is not None and stop.off:
        return Decision((), f"The receivers of the route {stop.name} are switched off: switch one on.")
    if stop is not None:
        return Decision((), f"The route {stop.name} tells nobody of it.", final=True)
    return Decision((), "No route fits it now.")


def readers(receiver: Receiver | None, name: str) -> list[Reader]:
    """Whom the outbox sends to. receiver None: name is "role:operator"; nobody when the receiver is gone, or was
    switched off since it was chosen."""
    if receiver is None:
        kind, _, role = name.partition(":")
        return outbox.role(role) if kind == "role" and role in ROLES else []
    if not receiver.enabled:
        return []
    if receiver.channel != Receiver.Channel.MAIL:
        return [Reader(receiver.name, who(receiver), channel=receiver.channel)]
    if receiver.role:
        return outbox.role(receiver.role)
    return [Reader(receiver.name, receiver.address, channel=MAIL)]


def named(name: str, receivers: dict[str, Receiver]) -> str:
    """A receiver's name for people."""
    kind, _, key = name.partition(":")
    if kind == "role":
        return f"{ROLES[key].title}s by e-mail" if key in ROLES else key
    return receivers[name].name if name in receivers else "a receiver that is gone"
