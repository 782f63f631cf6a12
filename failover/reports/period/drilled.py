"""One drill as a period report has it, from the content of its own report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.reports import content as single
from failover.reports.given import Row
from failover.reports.parts import parts
from failover.reports.period.content import Drill, Objective, Verdict

THOUSAND = 1000


def told(report: single.Report, pk: int, kind: str, measured: Row) -> Drill:
    """kind: the built-in plan that it is like. measured: the drill's stored measurement, for the figures."""
    frame, held = report.frame, report.authority
    return Drill(
        ident=report.ident,
        pk=pk,
        title=report.title,
        plan=frame.plan,
        kind=kind,
        engine=frame.engine,
        site=frame.site,
        hosts=frame.hosts,
        began=frame.began,
        ended=frame.ended,
        announced=frame.announced,
        verdict=Verdict(report.verdict.state, report.verdict.words),
        sentence=report.sentence,
        scenario=frame.scenario,
        assumptions=frame.assumptions,
        requested_by=held.requested_by,
        approved_by=held.approved_by,
        change=held.change,
        people=tuple(one.name for one in report.people),
        roles=tuple(one.role for one in report.signatures if one.name),
        objectives=tuple(_objective(one, report, measured) for one in report.objectives),
        deviations=tuple(one.what for one in report.deviations),
        steps=len(report.steps),
        ignored=sum(one.state == "ignored" for one in report.steps),
        proven=report.verdict.state == "ok",
        untouched=None if report.untouched.facts is None else not report.untouched.odd,
        lacking=tuple(one.title for one in parts(report) if one.missing),
    )


def _objective(one: single.Objective, report: single.Report, measured: Row) -> Objective:
    figure, error = _figure(one, report, measured)
    return Objective(
        title=one.title,
        kind=one.kind,
        limit=_thousand(one.seconds),
        measured=figure,
        error=error,
        word=one.word,
        sentence=one.sentence,
    )


def _figure(one: single.Objective, report: single.Report, measured: Row) -> tuple[int | None, int | None]:
    """(measured, error) in milliseconds."""
    if one.kind == "rpo":
        return _thousand(report.measured.backup_age), None
    rows = {str(row.get("key")): row for row in measured.get("services") or ()}
    charged: Mapping[str, Any] | None = rows.get(one.service, {}).get("charged")
    if not charged:
        return None, None
    low, high = float(charged["low"]), float(charged["high"])
    return _thousand((low + high) / 2), _thousand((high - low) / 2)


def _thousand(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * THOUSAND)
