"""What the pages of period reports and of issues show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from failover.models import Drill, Issue, PeriodReport, ReportDefinition
from failover.reports.period.language import Language
from failover.services import period_reports, report_alarms, report_news
from failover.services.period_reports import Made
from failover.services.reporting import Outlook, outlook
from portal.outbox.models import Mail

SHOWN = 12  # reports of a definition on its page
SHAPES = {Mail.State.QUEUED: "waiting", Mail.State.SENT: "ok", Mail.State.FAILED: "fail"}


def may_read(roles: Iterable[str], of: ReportDefinition) -> bool:
    """Whether one of these roles may read a definition's reports; report.view is asked before."""
    return not of.readers or bool(set(of.readers) & set(roles))


def readable(roles: Sequence[str]) -> QuerySet[PeriodReport]:
    """Reports that somebody in these roles may read."""
    allowed = Q(definition__readers=[])
    for role in roles:
        allowed |= Q(definition__readers__contains=[role])
    return PeriodReport.objects.filter(allowed).select_related("definition__engine", "definition__site")


@dataclass(frozen=True)
class Row:
    """A definition with its newest report. wrong: why that is an alarm; state: shape. secret: this person may not read
    it."""

    definition: ReportDefinition
    scope: str
    last: PeriodReport | None
    period: str
    sent: str
    wrong: str
    next: Outlook | None
    secret: bool

    @property
    def state(self) -> str:
        """Shape."""
        if self.wrong:
            return "fail"
        if self.last is None or self.last.state == PeriodReport.State.DUE:
            return "waiting"
        return "ok"

    @property
    def word(self) -> str:
        """The same in words."""
        return "late or not delivered" if self.wrong else self.last.get_state_display() if self.last else "none yet"


def rows(roles: Sequence[str], now: datetime) -> list[Row]:
    """Every definition, by title."""
    newest = PeriodReport.objects.order_by("definition_id", "-ends", "-version").distinct("definition_id")
    last = {one.definition_id: one for one in newest.defer("content").select_related("definition")}
    definitions = ReportDefinition.objects.select_related("engine", "site")
    return [_row(one, last.get(one.pk), roles, now) for one in definitions]


def _row(of: ReportDefinition, last: PeriodReport | None, roles: Sequence[str], now: datetime) -> Row:
    return Row(
        of,
        scope(of),
        last,
        period(last) if last else "",
        sent(last) if last else "",
        report_alarms.said(last, now) if last else "",
        outlook(of, now) if of.enabled else None,
        not may_read(roles, of),
    )


def scope(of: ReportDefinition) -> str:
    """In words."""
    if of.engine is not None:
        return f"engine {of.engine.name}"
    return f"site {of.site.name}" if of.site is not None else "whole estate"


def period(row: PeriodReport) -> str:
    """November 2026."""
    return Language(row.language, row.zone).period(row.period, row.begins, row.ends)


def sent(row: PeriodReport) -> str:
    """How far its delivery is, in words."""
    if row.state != PeriodReport.State.MADE:
        return row.get_state_display()
    mail = report_news.mail_of(row)
    done = sum(one.state == Mail.State.SENT for one in mail)
    if not mail:
        return "kept here" if not report_news.readers(row.definition) else "to be sent"
    return f"delivered to {done} of {len(mail)}"


@dataclass(frozen=True)
class Delivery:
    """One message about a report."""

    row: Mail
    state: str


@dataclass(frozen=True)
class Shown:
    """One report: made None: not made, or written by another version of Holdfast."""

    row: PeriodReport
    made: Made | None
    period: str
    wrong: str
    deliveries: tuple[Delivery, ...]
    versions: tuple[PeriodReport, ...]


def shown(row: PeriodReport, now: datetime) -> Shown:
    """Everything that its page shows."""
    versions = PeriodReport.objects.filter(definition=row.definition, begins=row.begins).order_by("-version")
    mail = report_news.mail_of(row)
    return Shown(
        row,
        read(row),
        period(row),
        report_alarms.said(row, now),
        tuple(Delivery(one, SHAPES[Mail.State(one.state)]) for one in mail),
        tuple(versions.defer("content")),
    )


def read(row: PeriodReport) -> Made | None:
    """A report's content; None where there is none that this version of Holdfast understands."""
    if row.content is None:
        return None
    try:
        return period_reports.read(row)
    except (TypeError, KeyError):
        return None


@dataclass(frozen=True)
class IssueRow:
    """An issue in a list. late: days past its date."""

    issue: Issue
    state: str
    late: int


def issue_rows(now: datetime, *, every: bool) -> list[IssueRow]:
    """Those that are not closed, the most urgent first; every: also the closed ones."""
    found = Issue.objects.select_related("drill", "retest__run")
    if not every:
        found = found.exclude(state=Issue.State.CLOSED)
    made = [issue_row(one, now) for one in found]
    return sorted(made, key=lambda one: (one.issue.state == Issue.State.CLOSED, -one.late, one.issue.due or date.max))


def issue_row(one: Issue, now: datetime) -> IssueRow:
    """With its shape."""
    open_ = one.state in (Issue.State.OPEN, Issue.State.FIXED)
    late = max(0, (now.date() - one.due).days) if open_ and one.due else 0
    shapes = {Issue.State.CLOSED: "ok", Issue.State.ACCEPTED: "maintenance", Issue.State.FIXED: "running"}
    return IssueRow(one, "fail" if late else shapes.get(Issue.State(one.state), "warn"), late)


def retests(of: Issue) -> list[Drill]:
    """Drills that could test an issue again: of its engine, asked for after it was raised."""
    found = Drill.objects.filter(requested_at__gt=of.raised_at).order_by("-requested_at")
    if of.drill is not None:
        found = found.filter(engine=of.drill.engine).exclude(pk=of.drill.pk)
    return list(found[:30])
