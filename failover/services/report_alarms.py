"""Reports that are late, could not be made or were not delivered, and issues past their date, as alarms
(settings.HOLDFAST_ALARMS)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from failover.models import Issue, PeriodReport
from failover.services.report_news import about, mail_of
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.outbox.models import Mail

RECENT = timedelta(days=30)  # what went wrong before that is history


def alarms(ask: Ask) -> Iterator[Alarm]:
    """All of them, each with its page."""
    yield from _reports(ask.now)
    yield from _issues(ask.now)


def _reports(now: datetime) -> Iterator[Alarm]:
    rows = PeriodReport.objects.filter(due_at__gte=now - RECENT, definition__enabled=True)
    for row in rows.select_related("definition"):
        words = wrong(row, now)
        if words:
            yield Alarm(
                about(row), Severity.WARNING, Concern.DELIVERY, About("report", row.definition.title),
                words, row.due_at, f"/reports/{row.pk}/",
            )  # fmt: skip


def wrong(row: PeriodReport, now: datetime) -> str:
    """Why a report is an alarm, in one sentence; "" when it is none. Needs row.definition loaded."""
    title = f"{row.ident} ({row.definition.title})"
    late = now > row.due_at + timedelta(hours=row.definition.late_hours)
    if row.state == PeriodReport.State.FAILED:
        return f"{title} could not be made: {row.sentence} Put it right and have it made anew."
    if row.state == PeriodReport.State.DUE:
        return f"{title} is late: {row.sentence or 'no worker has made it yet.'}" if late else ""
    mail = mail_of(row)
    lost = [one for one in mail if one.state == Mail.State.FAILED]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return f"{title} is not delivered to {lost[0].person}{more}: {lost[0].error}"
    waits = [one for one in mail if one.state == Mail.State.QUEUED]
    return (
        f"{title} is late: it waits to be sent to {waits[0].person}. {waits[0].error}".strip() if late and waits else ""
    )


def _issues(now: datetime) -> Iterator[Alarm]:
    rows = Issue.objects.filter(Q(state=Issue.State.OPEN) | Q(state=Issue.State.FIXED), due__lt=now.date())
    for row in rows.select_related("drill__engine__site"):
        assert row.due is not None
        engine, site = (row.drill.engine.name, row.drill.engine.site.name) if row.drill else ("", "")
        began = datetime.combine(row.due + timedelta(days=1), datetime.min.time(), now.tzinfo)
        severity = Severity.CRITICAL if row.severity == "critical" else Severity.WARNING
        owner = row.owner or "nobody"
        words = f"{row.ident} ({row.severity}) is past its date {row.due}: {row.title} Its owner is {owner}."
        yield Alarm(
            f"issue:{row.pk}", severity, Concern.PROOF, About("issue", row.ident, engine, site), words, began,
            f"/issues/{row.pk}/",
        )  # fmt: skip
