"""The first sections: what the report is of, the figures beside those of the period before."""

from __future__ import annotations

from failover.reports.layout import Cell
from failover.reports.period.content import Figure, Period, Report
from failover.reports.period.language import HARD, Language
from failover.reports.period.layout import Section, Table, columns, number, text
from failover.reports.words import listed
from portal.kernel.words import span


def sections(report: Report, told: Language) -> tuple[Section, ...]:
    """Period, comparison."""
    return (_period(report, told), _comparison(report, told))


def _period(report: Report, told: Language) -> Section:
    scope, period = report.scope, report.period
    kinds = {"estate": "the whole estate", "engine": "engine", "site": "site"}
    name = kinds[scope.kind] if scope.kind == "estate" else f"{kinds[scope.kind]} {scope.name}"
    return Section(
        "Period",
        facts=(
            ("Scope", text(name)),
            ("Engines", text(listed(scope.engines), "none")),
            ("Sites", text(listed(scope.sites), "none")),
            ("From", text(f"{told.full(period.begins)}")),
            ("To", text(f"{told.full(period.ends)}, not included")),
            ("Zone", text(f"{period.zone}; dates and numbers in {told.name}")),
        ),
    )


def _comparison(report: Report, told: Language) -> Section:
    before = _named(report.previous, told) if report.previous else "before"
    rows = tuple(_figure(one, told) for one in report.figures)
    table = Table(
        columns("Figure 9", f"{_named(report.period, told)} 4>", f"{before} 4>", "Change 3>"),
        rows,
        note="Shares are of the time of which something is known. What is not known is counted nowhere.",
    )
    return Section("Comparison", tables=(table,))


def _named(period: Period, told: Language) -> str:
    return told.period(period.kind, period.begins, period.ends)


def _figure(one: Figure, told: Language) -> tuple[Cell, ...]:
    indented = one.title.startswith("of ")
    return (
        Cell(f"{HARD * 4}{one.title}" if indented else one.title, wide=True),
        number(amount(one.now, one.unit, told), one.missing),
        number(amount(one.before, one.unit, told), "no data"),
        _change(one, told),
    )


def amount(value: int | None, unit: str, told: Language) -> str:
    """A figure in its unit; "" when it is not known."""
    if value is None:
        return ""
    if unit == "ppm":
        return told.share(value, 4)
    if unit == "ms":
        return told.tenths(value)
    return span(value) if unit == "s" else told.number(value)


def _change(one: Figure, told: Language) -> Cell:
    if one.now is None or one.before is None:
        return Cell("", right=True)
    difference = one.now - one.before
    if not difference:
        return Cell("the same", right=True, meta=True)
    sign = "+" if difference > 0 else "−"
    words = f"{sign}{amount(abs(difference), one.unit, told)}"
    worse = (difference > 0) == (one.good == "down") if one.good else False
    return Cell(words, "warn" if worse else "", right=True)
