"""Who is told what by mail because it is theirs: people involved in a drill, the owner of a maintenance, whoever asked
for a Run. Whoever must be told because of an alarm is told by the routes of portal.alerts. Looked up from the rows at
every tick, so nothing is lost when a worker dies; the key of each piece of news keeps it from being told twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from failover.models import BreakGlass, Drill, Missed, Window
from failover.services import approvals, frame
from inventory.templatetags.holdfast import full
from portal.outbox import services as outbox
from portal.outbox.models import Mail
from portal.outbox.services import News, Reader
from portal.runs.models import Run, RunStep

LEADS = ((timedelta(hours=24), "24h"), (timedelta(hours=1), "1h"))  # before a drill's window begins
FRESH = timedelta(days=1)  # what is older is no news
ALARMED = ("operator", "approver")

Due = Iterator[tuple[News, list[Reader]]]


def tick(now: datetime) -> int:
    """Queues what is due and not told yet; gives how many messages are new. Harmless to repeat."""
    new = 0
    every = (_ahead, _begun, _missed, _windows, _attention, _decisions, _glass, _overdue)
    for due in (each(now) for each in every):
        for news, readers in due:
            new += outbox.queue(news, readers, now)
    return new


def _untold(key: str) -> bool:
    """One cheap question before people are looked up."""
    return not Mail.objects.filter(key__startswith=f"{key}>").exists()


def involved(drill: Drill) -> list[Reader]:
    """Who is named in the drill, asked for it or approved it."""
    held = drill.approvals.filter(voided_at=None).first()
    names = [str(one.get("name", "")) for one in drill.people] + [drill.requested_by]
    return outbox.people([*names, held.by] if held else names)


def alarmed() -> list[Reader]:
    """Who is told of what was not proven: a reminder, beside the alert."""
    return [reader for name in ALARMED for reader in outbox.role(name)]


def _ahead(now: datetime) -> Due:
    farthest = max(lead for lead, _ in LEADS)
    rows = Drill.objects.select_related("run", "engine").filter(
        run__status__in=[str(each) for each in approvals.WAITS],
        window_begins__gt=now,
        window_begins__lte=now + farthest,
    )
    for drill in rows:
        assert drill.window_begins is not None
        left = drill.window_begins - now
        word = min((lead, word) for lead, word in LEADS if left <= lead)[1]
        # the moment is in the key: a drill that was put off is told anew
        key = f"drill:{drill.pk}:ahead:{word}:{drill.window_begins:%Y%m%dT%H%M}"
        if _untold(key):
            standing = approvals.standing(drill, now)
            words = f"{drill.title} may begin at {full(drill.window_begins)}. {standing.sentence}"
            yield _news(key, "drill.ahead", drill, f"{drill.title}: window begins soon", words), involved(drill)


def _begun(now: datetime) -> Due:
    rows = Drill.objects.select_related("run", "engine").filter(
        run__status__in=[str(Run.Status.QUEUED), str(Run.Status.RUNNING), str(Run.Status.WAITING)],
        run__queued_at__gte=now - FRESH,
    )
    for drill in rows:
        key = f"drill:{drill.pk}:begun"
        if _untold(key):
            words = f"{drill.title} has begun. What it does and where it stands is on its page."
            yield _news(key, "drill.begun", drill, f"{drill.title} has begun", words), involved(drill)


def _news(key: str, kind: str, drill: Drill, subject: str, words: str) -> News:
    return News(key, kind, f"drill:{drill.pk}", subject, _body(words, f"drills/{drill.pk}/"))


def _body(words: str, path: str) -> str:
    place = settings.HOLDFAST_PUBLIC_URL.rstrip("/")
    return f"{words}\n\n{place}/{path}\n" if place else f"{words}\n\nIn Holdfast: /{path}\n"


def _missed(now: datetime) -> Due:
    for row in Missed.objects.filter(noticed_at__gte=now - FRESH).select_related("schedule"):
        key = f"missed:{row.pk}"
        if _untold(key):
            body = _body(row.sentence, "drills/calendar/")
            names = outbox.people([*row.schedule.notify, row.schedule.decided_by])
            news = News(
                key, "drill.missed", f"drill-schedule:{row.schedule_id}", "A planned drill did not happen", body
            )
            yield news, [*names, *alarmed()]


def _windows(now: datetime) -> Due:
    rows = Window.objects.filter(state__in=Window.OPEN).select_related("host", "engine")
    for row in rows.filter(warned_at__gte=now - FRESH) | rows.filter(overdue_at__gte=now - FRESH):
        kind = "window.overdue" if row.overdue_at else "window.warned"
        key = f"window:{row.pk}:{kind}:{row.deadline:%Y%m%dT%H%M%S}"
        if _untold(key):
            subject = f"{row}: {'overdue' if row.overdue_at else 'its deadline is near'}"
            news = News(key, kind, f"window:{row.pk}", subject, _body(f"{row}. {row.sentence}", "engine/maintenance/"))
            yield news, outbox.people([row.owner])


def _attention(now: datetime) -> Due:
    rows = Run.objects.filter(status=Run.Status.NEEDS_ATTENTION, created__gte=now - 7 * FRESH)
    for run in rows:
        key = f"run:{run.pk}:attention"
        if _untold(key):
            subject = f"Run {run.pk} ({run.title}) needs attention"
            body = _body(f"{subject} on {run.target_name}: {run.sentence}", f"runs/{run.pk}/")
            yield (
                News(key, "run.attention", f"run:{run.pk}", subject, body),
                outbox.people([run.requested_by]),
            )


def _decisions(now: datetime) -> Due:
    """A step failed and waits for people: minutes count."""
    rows = RunStep.objects.filter(state=RunStep.State.HELD, deadline__gt=now, run__status__in=Run.ACTIVE)
    for step in rows.select_related("run"):
        run = step.run
        key = f"run:{run.pk}:decision:{step.position}:{step.attempt}"
        if _untold(key):
            subject = f"Decide on step {step.position} of {run.title} until {full(step.deadline or now)}"
            words = f"Step {step.position} ({step.title}) on {run.target_name} failed: {step.sentence}"
            body = _body(f"{words} Retry it, ignore it, or abort; after that time the undos begin.", f"runs/{run.pk}/")
            news = News(key, "run.decision", f"run:{run.pk}", subject, body)
            yield news, outbox.people([run.requested_by])


def _glass(now: datetime) -> Due:
    rows = BreakGlass.objects.filter(confirmed_at__gte=now - FRESH).select_related("drill")
    for row in rows:
        key = f"glass:{row.pk}"
        if _untold(key):
            who = f"{row.asked_by} and {row.confirmed_by}"
            words = f"{who} broke the glass for {row.drill.title} until {full(row.until or now)}: {row.reason}"
            news = _news(key, "drill.glass_broken", row.drill, f"Broken glass: {row.drill.title}", words)
            yield news, [*involved(row.drill), *outbox.role("auditor")]


def _overdue(now: datetime) -> Due:
    """Once a week for as long as it lasts."""
    for one in frame.standings(now):
        ended = one.ended
        if not one.watched or (ended is not None and now - ended <= timedelta(days=one.allowed)):
            continue
        year, week, _ = now.isocalendar()
        key = f"overdue:{one.name}:{year}-{week}"
        if _untold(key):
            since = f"the last proof is of {full(ended)}" if ended else "it never was"
            words = f"Failover of {one.name} is not proven within {one.allowed} days: {since}. Plan a drill."
            yield (
                News(key, "drill.overdue", "engine", f"No proven failover of {one.name}", _body(words, "drills/")),
                (alarmed()),
            )
