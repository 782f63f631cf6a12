"""The rows of a period, read for its report: scope, drills, what was to be proven, issues, windows, changes,
waivers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from failover.models import BreakGlass, Drill, Issue, Missed, PeriodReport, ReportDefinition, Window
from failover.reports.found import ident as drill_ident
from failover.reports.period import content
from failover.reports.period.drilled import told
from failover.reports.period.given import Given, Proven, Slice
from failover.reports.period.span import Kind, Span, before
from failover.services import promises, report, report_estate
from failover.services.answer import met
from failover.services.frame import PROVES
from inventory.models import Engine
from portal.evidence.models import Record, Signature
from portal.runs.models import Run, RunStep
from portal.runs.states import ENDED

__all__ = ["given"]


@dataclass(frozen=True)
class Scope:
    """Which engines a report is of."""

    told: content.Scope
    engines: Sequence[Engine]

    @property
    def keys(self) -> list[int]:
        """Their primary keys."""
        return [one.pk for one in self.engines]


def span_of(row: PeriodReport) -> Span:
    """The period of a report."""
    return Span(Kind(row.period), row.begins, row.ends, row.zone)


def scope_of(definition: ReportDefinition, span: Span) -> Scope:
    """Engines of the definition's scope, by name: those that are watched, and those of which the period has anything,
    so that switching one off takes nothing out of a report."""
    there = Q(watched=True) | report_estate.kept(span) | Exists(_ended_in(span).filter(engine=OuterRef("pk")))
    rows = Engine.objects.filter(there).select_related("site").order_by("name")
    kind, name = "estate", "estate"
    if definition.engine is not None:
        kind, name, rows = "engine", definition.engine.name, rows.filter(pk=definition.engine.pk)
    elif definition.site is not None:
        kind, name, rows = "site", definition.site.name, rows.filter(site=definition.site)
    engines = list(rows)
    sites = tuple(dict.fromkeys(one.site.name for one in engines))
    return Scope(content.Scope(kind, name, tuple(one.name for one in engines), sites), engines)


def given(row: PeriodReport) -> Given:
    """Everything about the report's period, and what it is compared with. Some ten queries for the estate and as many
    for each drill."""
    definition, span = row.definition, span_of(row)
    scope = scope_of(definition, span)
    since = report_estate.since(scope.keys)
    former = before(span)
    return Given(
        ident=row.ident,
        title=definition.title,
        scope=scope.told,
        now=_slice(scope, span, since),
        before=_slice(scope, former, since) if since is not None and since < former.ends else None,
        evidence=_evidence(span),
        promises=tuple(promises.read(scope.keys, span.ends)),
        proven=tuple(_proven(scope, span)),
        issues=tuple(_issues(scope, span)),
        names=report_estate.names(scope.keys),
        unwatched=tuple(one.name for one in scope.engines if not one.watched),
        distribution=tuple([f"role {name}" for name in definition.roles] + list(definition.addresses)),
    )


def _slice(scope: Scope, span: Span, since: datetime | None) -> Slice:
    drills = list(_ended(scope, span))
    return Slice(
        span=span,
        since=since,
        drills=tuple(_drill(one) for one in drills),
        not_held=tuple(_not_held(scope, span)),
        windows=tuple(_windows(scope, span)),
        changes=tuple(_changes(scope, span)),
        waivers=tuple(_waivers(scope, span, drills)),
        **report_estate.estate(scope.engines, span),
    )


def _ended(scope: Scope, span: Span) -> Iterator[Drill]:
    rows = _ended_in(span).filter(engine__in=scope.keys)
    yield from rows.select_related("engine__site", "run").order_by("run__ended", "pk")


def _ended_in(span: Span) -> QuerySet[Drill]:
    return Drill.objects.filter(
        run__status__in=ENDED, run__started__isnull=False, run__ended__gte=span.begins, run__ended__lt=span.ends
    )


def _drill(row: Drill) -> content.Drill:
    return told(report.read(row), row.pk, row.like, row.measured or {})


def _not_held(scope: Scope, span: Span) -> Iterator[content.NotHeld]:
    rows = Missed.objects.filter(schedule__engine__in=scope.keys, due_at__gte=span.begins, due_at__lt=span.ends)
    for one in rows.order_by("due_at", "pk"):
        yield content.NotHeld(one.due_at, one.sentence)


def _proven(scope: Scope, span: Span) -> Iterator[Proven]:
    """Drills that ended before the period's end with every objective met."""
    ended = Drill.objects.filter(engine__in=scope.keys, run__status=Run.Status.SUCCEEDED, run__ended__lt=span.ends)
    ignored = set(
        RunStep.objects.filter(run__drill__in=ended, state=RunStep.State.IGNORED).values_list("run", flat=True)
    )
    for one in ended.select_related("run", "engine").order_by("run__ended", "pk"):
        if met(one) and one.run_id not in ignored and one.run is not None and one.run.ended is not None:
            yield Proven(one.engine.name, one.plan, one.like in PROVES, one.run.ended)


def _issues(scope: Scope, span: Span) -> Iterator[content.Issue]:
    """Those that were open in the period or were closed in it; of no drill: of the whole estate."""
    rows = Issue.objects.filter(raised_at__lt=span.ends).filter(Q(closed_at=None) | Q(closed_at__gte=span.begins))
    whole = Q(drill__engine__in=scope.keys)
    rows = rows.filter(whole | Q(drill=None)) if scope.told.kind == "estate" else rows.filter(whole)
    last = (span.ends - timedelta(seconds=1)).date()
    for one in rows.select_related("drill", "retest__run").order_by("pk"):
        late = (last - one.due).days if one.due and one.state in (Issue.State.OPEN, Issue.State.FIXED) else 0
        good = _retest(one.retest)
        yield content.Issue(
            ident=one.ident,
            pk=one.pk,
            title=one.title,
            severity=one.severity,
            state=one.state,
            owner=one.owner,
            due=one.due.isoformat() if one.due else "",
            late=max(0, late),
            drill=drill_ident(one.drill.pk, one.drill.requested_at) if one.drill else "",
            raised=one.raised_at,
            closed=one.closed_at,
            accepted_by=one.risk_accepted_by,
            accepted_until=one.risk_until.isoformat() if one.risk_until else "",
            accepted_why=one.risk_why,
            retest=drill_ident(one.retest.pk, one.retest.requested_at) if one.retest else "",
            retest_words={None: "not ended", True: "objectives met", False: "not met in whole"}[good]
            if one.retest
            else "",
            retest_ok=good,
        )


def _retest(drill: Drill | None) -> bool | None:
    if drill is None or drill.run is None or drill.run.status not in ENDED:
        return None
    return drill.run.status == Run.Status.SUCCEEDED and met(drill)


def _windows(scope: Scope, span: Span) -> Iterator[content.Window]:
    rows = Window.objects.filter(engine__in=scope.keys, asked_at__lt=span.ends).filter(
        Q(ended_at=None, state__in=Window.OPEN) | Q(ended_at__gte=span.begins)
    )
    for one in rows.select_related("engine", "host").order_by("asked_at", "pk"):
        began = max(one.entered_at, span.begins) if one.entered_at else None
        ended = min(one.ended_at or span.ends, span.ends)
        yield content.Window(
            what=str(one),
            engine=one.engine.name,
            owner=one.owner,
            reason=one.reason,
            change=one.change,
            entered=one.entered_at,
            ended=one.ended_at,
            deadline=one.deadline,
            seconds=max(0, int((ended - began).total_seconds())) if began else 0,
            overdue=one.overdue_at is not None,
            foreign=one.foreign,
        )


def _changes(scope: Scope, span: Span) -> Iterator[content.Change]:
    """Runs that changed something, by the change number that they were asked for with."""
    engines = {f"{kind}:{one.pk}": one for one in scope.engines for kind in ("engine", "she")}
    hosts = report_estate.hosts(scope.keys)
    targets = [*engines, *(f"host:{pk}" for pk in hosts)]
    rows = Run.objects.filter(target__in=targets, started__gte=span.begins, started__lt=span.ends)
    rows = rows.filter(steps__mutating=True).exclude(plan__startswith="backup").distinct().order_by("started", "pk")
    for one in rows:
        yield content.Change(
            number=one.change,
            what=one.title,
            subject=one.target_name,
            by=one.requested_by,
            at=one.started or one.created,
            ended=one.ended,
            outcome=one.get_status_display().lower().replace("_", " "),
        )


def _waivers(scope: Scope, span: Span, drills: list[Drill]) -> Iterator[content.Waiver]:
    glasses = BreakGlass.objects.filter(
        drill__engine__in=scope.keys, confirmed_at__gte=span.begins, confirmed_at__lt=span.ends
    )
    found = [
        content.Waiver(
            "broken glass",
            one.drill.title,
            one.reason,
            one.asked_by,
            one.confirmed_by,
            one.confirmed_at,
            one.until,
            "",
        )
        for one in glasses.select_related("drill")
        if one.confirmed_at is not None
    ]
    steps = RunStep.objects.filter(run__in=[one.run_id for one in drills], state=RunStep.State.IGNORED)
    found += [
        content.Waiver(
            "ignored step",
            f"{one.run.title}: {one.title}",
            one.ignored_why,
            one.ignored_by,
            "",
            one.ignored_at,
            None,
            "",
        )
        for one in steps.select_related("run")
        if one.ignored_at is not None
    ]
    risks = Issue.objects.filter(risk_accepted_at__gte=span.begins, risk_accepted_at__lt=span.ends)
    for each in risks.filter(drill__engine__in=scope.keys):
        assert each.risk_accepted_at is not None
        found.append(
            content.Waiver(
                "accepted risk", f"{each.ident} {each.title}", each.risk_why, each.risk_asked_by, each.risk_accepted_by,
                each.risk_accepted_at, None,
                each.risk_until.isoformat() if each.risk_until else "",
            )
        )  # fmt: skip
    yield from sorted(found, key=lambda one: (one.at, one.kind))


def _evidence(span: Span) -> content.Evidence:
    """Of all subjects: the chain is one."""
    rows = Record.objects.filter(at__gte=span.begins, at__lt=span.ends)
    ends = rows.order_by("number").values_list("number", flat=True)
    first, last = ends.first(), ends.last()
    refused = rows.filter(Q(kind__endswith=".refused") | Q(kind="access.denied")).count()
    signed = Signature.objects.filter(at__gte=span.begins, at__lt=span.ends).count()
    return content.Evidence(first or 0, last or 0, rows.count(), refused, signed)
