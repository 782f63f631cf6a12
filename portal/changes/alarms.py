"""What is wrong with changes, as alarms (settings.HOLDFAST_ALARMS): notes that were not delivered, changes of which
nobody knows whether they were made, change systems that do not answer, gates that people have lifted."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Max, Min

from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.changes.models import ChangeNote, ChangeSystem, Lift, Wish
from portal.changes.services.asking import unsettled

SILENT = 120.0  # seconds that a change system may be away before anybody is told


def alarms(ask: Ask) -> Iterator[Alarm]:
    """One for each change with something undelivered, each wish whose answer was lost, each system that is away, each
    gate that is lifted."""
    yield from _undelivered()
    yield from _unknown()
    yield from _away(ask)
    yield from _lifted(ask)


def _undelivered() -> Iterator[Alarm]:
    rows = ChangeNote.objects.filter(state__in=ChangeNote.LOST).values(
        "change", "state", "change__number", "change__system__name"
    )
    rows = rows.annotate(many=Count("pk"), since=Min("ended_at"), said=Max("error"))
    for row in rows.order_by("change", "state"):
        name, number = row["change__system__name"], row["change__number"]
        held = row["state"] == ChangeNote.State.HELD
        what = "1 note is" if row["many"] == 1 else f"{row['many']} notes are"
        words = f"{what} not delivered to {number} of {name}: try again, or give up what is not worth it."
        if held:
            words = f"{what} held for {number} of {name} and tried each hour. It says: {row['said']}"
        about, link = About("change", number), f"/changes/{row['change']}/"
        key = f"change:{name}/{number}:{'held' if held else 'undelivered'}"
        yield Alarm(key, Severity.WARNING, Concern.DELIVERY, about, words, row["since"], link)


def _unknown() -> Iterator[Alarm]:
    for wish in unsettled().filter(state=Wish.State.UNKNOWN).order_by("pk"):
        about, key = About("change-system", wish.system.name), f"change-wish:{wish.pk}"
        words = f'A change was asked for, "{wish}", and nobody knows whether it was made. {wish.error}'
        yield Alarm(key, Severity.WARNING, Concern.DELIVERY, about, words, wish.asked_at, "/changes/", hold=SILENT)


def _away(ask: Ask) -> Iterator[Alarm]:
    for row in ChangeSystem.objects.filter(enabled=True, failing_since__isnull=False).order_by("pk"):
        words = f"The change system {row.name} cannot be asked, so acts with a change wait: {row.error}"
        key, link = f"change-system:{row.name}", f"/changes/systems/{row.pk}/"
        since = row.failing_since or ask.since(key)
        about = About("change-system", row.name)
        yield Alarm(key, Severity.WARNING, Concern.CONTROL, about, words, since, link, hold=SILENT)


def _lifted(ask: Ask) -> Iterator[Alarm]:
    rows = Lift.objects.filter(confirmed_at__isnull=False, ended_at=None, until__gt=ask.now).select_related("system")
    for row in rows.order_by("system_id", "-pk").distinct("system_id"):
        words = f"{row.asked_by} and {row.confirmed_by} lifted the gate of {row.system.name}: {row.reason}"
        key, link = f"change-system:{row.system.name}:lifted", f"/changes/systems/{row.system_id}/"
        since = row.confirmed_at or ask.since(key)
        yield Alarm(
            key, Severity.CRITICAL, Concern.CONTROL, About("change-system", row.system.name), words, since, link
        )
