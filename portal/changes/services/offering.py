"""Which known changes fit an act: open, of a system that is in charge of the target, with its items and its time. A
help for people who fill in a form; what a change allows is decided when the act is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.changes.models import Change
from portal.changes.services.binding import in_charge
from portal.kernel.change import Gate

MOST = 20  # that are offered
LOOKED_AT = 200  # open changes that are compared
OPEN = (Gate.ALLOWED.value, Gate.AWAITING.value)
# (target, items of each change) -> whether each covers the target: None where its items mean nothing here
Covers = Callable[[str, Sequence[Sequence[str]]], list[bool | None]]


@dataclass(frozen=True)
class Offer:
    """A change that fits. value: what goes into the field. words: how people know it again."""

    value: str
    words: str


def offers(target: str, begins: datetime | None, ends: datetime | None, now: datetime) -> list[Offer]:
    """The best first: those that name an item of the target before those that name none that is known here, the
    approved ones before those that wait. begins, ends: when the act is meant to happen; None: now, without an end."""
    rows = list(_open(target, begins or now, ends, now)[:LOOKED_AT])
    covers: Covers = import_string(settings.HOLDFAST_CHANGE_COVERS)
    fits = zip(rows, covers(target, [row.ci for row in rows]), strict=True)
    ranked = sorted(
        (not fit, row.gate != Gate.ALLOWED.value, row.ends is None, row.ends or now, row.pk, row)
        for row, fit in fits
        if fit is not False
    )
    alone = len({row.system_id for *_, row in ranked}) == 1
    return [Offer(str(row) if alone else f"{row.system}:{row}", _words(row)) for *_, row in ranked[:MOST]]


def named(target: str, typed: str) -> Change | None:
    """The known change that somebody types; None when the portal does not know it."""
    name, colon, number = typed.strip().partition(":")
    rows = Change.objects.filter(system__in=in_charge(_site(target))).select_related("system")
    if colon and (found := rows.filter(system__name=name, number=number.strip()).first()):
        return found
    same = list(rows.filter(number=typed.strip())[:2])
    return same[0] if len(same) == 1 else None


def _open(target: str, begins: datetime, ends: datetime | None, now: datetime) -> QuerySet[Change]:
    """Those whose window holds the time that is meant, where both are told."""
    rows = Change.objects.filter(system__in=in_charge(_site(target)), system__enabled=True, gate__in=OPEN)
    rows = rows.filter(closed_by_us=None, seen_at__isnull=False)
    rows = rows.filter(Q(ends=None) | Q(ends__gt=now), Q(begins=None) | Q(begins__lte=begins))
    if ends is not None:
        rows = rows.filter(Q(ends=None) | Q(ends__gte=ends))
    return rows.select_related("system").order_by("-pk")


def _site(target: str) -> str:
    found: str = import_string(settings.HOLDFAST_SITE_OF)(target) if settings.HOLDFAST_SITE_OF else ""
    return found


def _words(row: Change) -> str:
    state = "allowed" if row.gate == Gate.ALLOWED.value else "awaits approval"
    until = f"until {timezone.localtime(row.ends):%d %b %H:%M}" if row.ends else "no end told"
    return ", ".join(part for part in (row.short, state, until, " ".join(row.ci)) if part)
