"""Reports that are late, could not be made or were not delivered, and issues past their date, as alarms
(settings.HOLDFAST_ALARMS)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from failover.models import Issue, PeriodReport
from failover.services.report_news import KIND, key, mail_of
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.outbox.models import Mail

RECENT = timedelta(days=30)  # an older end opens no alert; one that is open stays (docs/adr/0035)
S = PeriodReport.State


def alarms(ask: Ask) -> Iterator[Alarm]:
    """All of them, each with its page."""
    yield from _reports(ask)
    yield from _issues(ask.now)


def _reports(ask: Ask) -> Iterator[Alarm]:
    """Two queries, however many reports there are."""
    unsent: dict[str, list[Mail]] = {}
    for mail in Mail.objects.filter(kind=KIND, state__in=(Mail.State.FAILED, Mail.State.QUEUED)).order_by("pk"):
        unsent.setdefault(mail.key.partition(">")[0], []).append(mail)
    rows = _counting(ask)
    for row in rows if unsent else rows.exclude(state=S.MADE):
        found = wrong(row, unsent.get(key(row), ()), ask.now)
        if found is not None:
            name = f"report:{row.pk}:{found.what}"
            since = found.since or ask.since(name)
            yield Alarm(
                name, Severity.WARNING, Concern.DELIVERY, About("report", row.definition.title), found.sentence, since,
                f"/reports/{row.pk}/", came=found.came,
            )  # fmt: skip


def _counting(ask: Ask) -> QuerySet[PeriodReport]:
    """Reports of which a trouble is news: of each period the newest version, and the one before it while that is made
    anew."""
    ended = PeriodReport.objects.filter(
        definition=OuterRef("definition"), begins=OuterRef("begins"), version__gt=OuterRef("version"),
        state__in=(S.MADE, S.FAILED),
    )  # fmt: skip
    recent = Q(due_at__gte=ask.now - RECENT) | Q(pk__in=ask.rows("report"))
    rows = PeriodReport.objects.filter(recent, ~Exists(ended), definition__enabled=True)
    return rows.select_related("definition").defer("content", "seal").order_by("pk")


@dataclass(frozen=True)
class Wrong:
    """what: failed | late | undelivered; each is an alarm of its own. since None: when it was first noticed."""

    what: str
    sentence: str
    since: datetime | None = None
    came: datetime | None = None


def wrong(row: PeriodReport, unsent: Sequence[Mail], now: datetime) -> Wrong | None:
    """Why a report is an alarm; None when it is none. unsent: its messages that are lost or wait. Needs row.definition
    loaded."""
    title = f"{row.ident} ({row.definition.title})"
    allowed = row.due_at + timedelta(hours=row.definition.late_hours)
    if row.state == S.FAILED:
        return Wrong("failed", f"{title} could not be made: {row.sentence} Put it right and have it made anew.")
    if row.state == S.DUE:
        words = f"{title} is late: {row.sentence or 'no worker has made it yet.'}"
        return Wrong("late", words, allowed) if now > allowed else None
    lost = [one for one in unsent if one.state == Mail.State.FAILED]
    if lost:
        ends = [one.ended_at or one.queued_at for one in lost]
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        words = f"{title} is not delivered to {lost[0].person}{more}: {lost[0].error}"
        return Wrong("undelivered", words, min(ends), max(ends))
    waits = [one for one in unsent if one.state == Mail.State.QUEUED]
    if waits and now > allowed:
        words = f"{title} is late: it waits to be sent to {waits[0].person}. {waits[0].error}".strip()
        return Wrong("late", words, allowed)
    return None


def said(row: PeriodReport, now: datetime) -> str:
    """The same in one sentence, for its page; "" when it is no alarm. One query."""
    found = wrong(row, mail_of(row), now)
    return found.sentence if found else ""


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
