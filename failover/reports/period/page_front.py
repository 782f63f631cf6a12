"""The first pages: the cover, the summary, the figures beside those of the period before."""

from __future__ import annotations

from collections.abc import Mapping

from failover.reports.layout import Cell
from failover.reports.period.content import Figure, Judged, Period, Report, Seal
from failover.reports.period.language import HARD, Language
from failover.reports.period.layout import Facts, Section, Table, columns, number, text
from failover.reports.words import grouped, listed
from portal.kernel.outcome import GRAVE, Outcome
from portal.kernel.words import span

STATES = {"ok": "in order", "warn": "attention", "fail": "failed", "unknown": "not known"}
TODO = 12  # rows, so that the summary stays on one page
RULE = (
    "Failed: something that was promised was not kept. Not known: time that nobody saw could hide that it was not."
    " In order: it was kept even if all unseen time was the worst that it could be; where nothing is promised in time,"
    " as of LUNs and tuning, up to 0.01 % of a subject's time may be unseen. Attention: a fault, and nothing that was"
    " promised is broken by it. The report's verdict is the gravest of its sections."
)


def cover(report: Report, seal: Seal, told: Language) -> Facts:
    """What the report is of, for whom, and what vouches for it."""
    scope, period = report.scope, report.period
    kinds = {"estate": "the whole estate", "engine": "engine", "site": "site"}
    name = kinds[scope.kind] if scope.kind == "estate" else f"{kinds[scope.kind]} {scope.name}"
    signed = f"Ed25519 key {grouped(seal.key[:8])} …" if seal.key else ""
    return (
        ("Scope", text(name)),
        ("Engines", text(listed(scope.engines), "none")),
        ("Sites", text(listed(scope.sites), "none")),
        ("From", text(f"{told.full(period.begins)}")),
        ("To", text(f"{told.full(period.ends)}, not included")),
        ("Zone", text(f"{period.zone}; dates and numbers in {told.title}")),
        ("For", text(listed(report.distribution), "nobody is named")),
        ("Made", text(f"{told.full(seal.at)}, version {seal.version}, record {told.number(seal.number)}")),
        ("Signed", text(signed, "not signed, for want of a key")),
    )


def summary(report: Report, numbers: Mapping[str, str], told: Language) -> Section:
    """What each section comes to, and what is to be done. numbers: of sections, by their titles."""
    todo = tuple(
        (_place(one.section, numbers), text(sentence)) for one in _gravest_first(report) for sentence in one.todo
    )
    return Section(
        "Summary",
        tables=(
            Table(
                columns("Section 5", "Result 3", "What it comes to 9", "Not seen 3>"),
                tuple(_judged(one, numbers, told) for one in report.sections),
                none="Nothing lies in the scope, so there is nothing to judge.",
            ),
            Table(
                columns("Section 5", "What is to be done 15"),
                todo,
                none="Nothing is to be done.",
                title="What to do",
                most=TODO,
            ),
        ),
        note=RULE,
    )


def _gravest_first(report: Report) -> list[Judged]:
    return sorted(report.sections, key=lambda one: GRAVE.index(Outcome(one.state)))


def _place(title: str, numbers: Mapping[str, str]) -> Cell:
    """The summary's own line is of the period as a whole."""
    return Cell(f"{numbers[title]} {title}" if title in numbers else "Whole period", wide=True)


def _judged(one: Judged, numbers: Mapping[str, str], told: Language) -> tuple[Cell, ...]:
    seconds = f"{told.number(one.unseen)}{HARD}s" if one.unseen else ""
    return (
        _place(one.section, numbers),
        Cell(STATES[one.state], one.state),
        text(f"{one.words[:1].upper()}{one.words[1:]}."),
        number(seconds, "nothing"),
    )


def comparison(report: Report, told: Language) -> Section:
    """The figures beside those of the period before."""
    before = _named(report.previous, told) if report.previous else "before"
    rows = tuple(_figure(one, told) for one in report.figures)
    table = Table(
        columns("Figure 8", f"{_named(report.period, told)} 4>", f"{before} 4>", "Change 4>"),
        rows,
        note="Shares are of the time of which something is known; what is not known is counted nowhere. Points are"
        " percentage points.",
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
    size = amount(abs(difference), one.unit, told)
    words = f"{sign}{size.replace('%', 'points') if one.unit == 'ppm' else size}"
    worse = (difference > 0) == (one.good == "down") if one.good else False
    return Cell(words, "warn" if worse else "", right=True)
