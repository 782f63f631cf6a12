"""When period reports are due, making them, and what people decide about them. The database is the truth: each period
of a definition has one report, whoever looks, however late."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from backups.services.clock import now as database_now
from failover.models import PeriodReport, ReportDefinition
from failover.reports.period.clauses import WrongMap
from failover.reports.period.span import Kind, Span, before, due, ended, holding
from failover.services import period_files, period_reports
from failover.services.report_file import NoPdf
from inventory.services.signal import announce
from portal.access.roles import ROLES
from portal.evidence import services as evidence
from portal.runs.services import Refused
from portal.runs.services.refused import recorded

log = logging.getLogger(__name__)

S = PeriodReport.State
TAKEN = timedelta(minutes=15)  # that a worker may have a report
TRIES = 6
FIRST_PAUSE = timedelta(minutes=1)  # doubled with each try
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # of a day that a person may name
MOST = 24  # periods that are made up for after a time in which nobody looked; older ones only by a person


@dataclass(frozen=True)
class Outlook:
    """The period that ends next, and when its report is due."""

    span: Span
    due: datetime


def outlook(row: ReportDefinition, now: datetime) -> Outlook:
    """What comes next."""
    span = holding(Kind(row.period), row.zone, now)
    former = before(span)
    waiting = due(former, row.hour) > now
    return Outlook(former, due(former, row.hour)) if waiting else Outlook(span, due(span, row.hour))


def save(row: ReportDefinition, by: str) -> ReportDefinition:
    """A definition that was checked. A new one counts from now: its first report is that of the first period that ends
    after it."""
    now = database_now()
    with transaction.atomic():
        new = row.pk is None
        if new:
            row.decided_to = now
        row.changed_by, row.changed_at = by, now
        row.save()
        evidence.append("report.defined", by, f"report-definition:{row.pk}", told(row))
    announce("run")
    return row


def told(row: ReportDefinition) -> dict[str, object]:
    """What the evidence holds of a definition."""
    names = ("title", "period", "zone", "hour", "language", "roles", "addresses", "webhooks", "formats", "delivery",
             "readers", "late_hours", "enabled")  # fmt: skip
    scope = {"engine": row.engine.name if row.engine else "", "site": row.site.name if row.site else ""}
    return {**scope, **{name: getattr(row, name) for name in names}}


def tick(now: datetime | None = None) -> list[str]:
    """Looks at all definitions once; harmless to repeat. Gives one line per definition that broke."""
    at, broken = now or database_now(), []
    for pk in ReportDefinition.objects.filter(enabled=True).values_list("pk", flat=True):
        try:
            _look_at(pk, at)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # one that breaks stops no other one
            log.exception("The report definition %s broke.", pk)
            broken.append(f"report definition {pk}: {type(error).__name__}")
    return broken


def _look_at(pk: int, now: datetime) -> None:
    with transaction.atomic():
        row = ReportDefinition.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if row is None or row.decided_to >= now:
            return
        spans = list(ended(Kind(row.period), row.zone, row.hour, row.decided_to, now))
        for span in spans[-MOST:]:
            _due(row, span, "portal", now)
        if len(spans) > MOST:
            left = {"periods": len(spans) - MOST, "before": spans[-MOST].begins.isoformat()}
            evidence.append("report.left_out", "portal", f"report-definition:{row.pk}", left)
        ReportDefinition.objects.filter(pk=pk).update(decided_to=now)


def _due(row: ReportDefinition, span: Span, by: str, now: datetime, version: int = 1) -> PeriodReport:
    made, _ = PeriodReport.objects.get_or_create(
        definition=row,
        begins=span.begins,
        version=version,
        defaults={
            "ends": span.ends, "period": str(span.kind), "zone": span.zone, "language": row.language, "asked_by": by,
            "due_at": due(span, row.hour) if by == "portal" else now, "next_at": now,
        },
    )  # fmt: skip
    return made


def ask(definition: ReportDefinition, by: str, day: datetime | None = None) -> PeriodReport:
    """A person has the report of a period made, or made anew as the next version: of the last whole period, or of the
    one that holds `day`. Raises Refused."""
    now = database_now()
    subject = f"report-definition:{definition.pk}"
    if day is not None and not EARLIEST <= day <= now + timedelta(days=1):
        words = "A report is of a whole period that has ended, from the year 2000 on."
        raise recorded(Refused("parameters", words), by, subject, {"wish": "make a report"})
    span = holding(Kind(definition.period), definition.zone, day or now)
    span = before(span) if day is None else span
    if span.ends > now:
        words = "That period has not ended: a report is of a whole one."
        raise recorded(Refused("parameters", words), by, subject, {"wish": "make a report"})
    with transaction.atomic():
        ReportDefinition.objects.select_for_update().get(pk=definition.pk)
        last = definition.made.filter(begins=span.begins).order_by("-version").first()
        if last is not None and last.state == S.DUE:
            raise Refused("state", f"{last.ident} is being made already.")
        row = _due(definition, span, by, now, last.version + 1 if last else 1)
        evidence.append("report.asked", by, f"report:{row.ident}", {"version": row.version})
    announce("run")
    return row


def make_due(now: datetime, most: int = 1) -> int:
    """Makes what is due, at most so many; gives how many were made. Several workers may call it at once."""
    made = 0
    rows = PeriodReport.objects.filter(_free(now), state=S.DUE, next_at__lte=now).order_by("next_at", "pk")
    for pk in list(rows.values_list("pk", flat=True)[:most]):
        made += _make(pk, now)
    return made


def waiting(now: datetime) -> bool:
    """Whether anything is due."""
    return PeriodReport.objects.filter(_free(now), state=S.DUE, next_at__lte=now).exists()


def _free(now: datetime) -> Q:
    return Q(taken_until=None) | Q(taken_until__lt=now)


def _make(pk: int, now: datetime) -> bool:
    taken = PeriodReport.objects.filter(_free(now), pk=pk, state=S.DUE)
    if not taken.update(taken_until=now + TAKEN, attempts=F("attempts") + 1):
        return False  # another worker has it
    row = PeriodReport.objects.select_related("definition__engine", "definition__site").get(pk=pk)
    if row.attempts > TRIES:  # what fails in words ends before; the making has ended its workers
        words = f"It was tried {TRIES} times, and its worker ended in the making: its log says more."
        return _not_made(row, words, now)
    try:
        said = _forms(row, row.definition.formats)
    except (OperationalError, InterfaceError):
        raise
    except WrongMap as error:
        return _not_made(row, str(error), now)
    except Exception as error:  # it is tried again, and the reason stands on its page
        log.exception("The report %s could not be made.", row)
        return _not_made(row, f"The portal could not make it ({type(error).__name__}): its log says more.", now)
    PeriodReport.objects.filter(pk=pk, state=S.DUE).update(state=S.MADE, sentence=said, taken_until=None)
    announce("run")
    return True


def _forms(row: PeriodReport, forms: Sequence[str]) -> str:
    """Content, seal, and the forms that are wanted; JSON always, since it is what is verified. "" or what could not be
    made of it."""
    made = period_reports.make(row, row.asked_by)
    for form in dict.fromkeys(["json", *forms]):
        try:
            period_files.keep(row, made, form)
        except NoPdf as error:
            return str(error)
    return ""


def _not_made(row: PeriodReport, sentence: str, now: datetime) -> bool:
    over = row.attempts >= TRIES
    pause = FIRST_PAUSE * 2 ** (row.attempts - 1)
    fields: dict[str, Any] = {"sentence": sentence, "taken_until": None, "next_at": now + pause}
    if over:
        fields["state"] = S.FAILED
    with transaction.atomic():
        PeriodReport.objects.filter(pk=row.pk, state=S.DUE).update(**fields)
        if over:
            evidence.append("report.failed", "portal", f"report:{row.ident}", {"sentence": sentence})
    log.error("Report %s: %s", row.ident, sentence)
    announce("run")
    return False


def checked(wish: Mapping[str, Any]) -> list[str]:
    """What is wrong with a definition that both form and API take, one sentence each; beside what its fields refuse."""
    said = []
    if wish.get("engine") and wish.get("site"):
        said.append("A report is of one engine, of one site, or of the whole estate: choose one of them.")
    if not wish.get("formats"):
        said.append("Choose at least one form: PDF, HTML, CSV or JSON.")
    readers = wish.get("readers") or ()
    for name in wish.get("roles") or ():
        if readers and name not in readers:
            title = ROLES[name].title if name in ROLES else name
            said.append(
                f"{title} is to be sent what it may not read here: let it read the report, or send it to others."
            )
    return said
