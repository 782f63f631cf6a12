"""The sections about drills: all of them, each in detail, what is overdue, what was not held, what was found."""

from __future__ import annotations

from failover.reports.layout import Cell
from failover.reports.period import plots
from failover.reports.period.content import Drill, Issue, Objective, Proof, Report
from failover.reports.period.language import Language
from failover.reports.period.layout import Item, Section, Table, columns, number, text
from failover.reports.words import counted, listed
from portal.kernel.words import span

WORDS = {"met": "ok", "not met": "fail", "not tested": "unknown"}
LEGEND = (("ok", "met"), ("fail", "not met"), ("unknown", "not tested"))
STATES = {"open": "open", "fixed": "fixed, to be tested again", "accepted": "risk accepted", "closed": "closed"}
SEVERE = {"critical": "fail", "high": "warn"}


def sections(report: Report, told: Language) -> tuple[Section, ...]:
    """Drills, drills in detail, proofs, not held, issues."""
    return (
        _drills(report, told),
        _details(report, told),
        _proofs(report, told),
        _missed(report, told),
        _issues(report, told),
    )


def _drills(report: Report, told: Language) -> Section:
    zone = told.zone(report.period.begins)
    heads = columns("Drill 3", "Title 4", f"Ended, {zone} 4", "Met 2>", "Change 3", "Result 4")
    table = Table(heads, tuple(_drill(one, told) for one in report.drills), none="No drill ended in this period.")
    measured = _against(report, told)
    return Section("Drills", plots=measured, tables=(table,))


def _drill(one: Drill, told: Language) -> tuple[Cell, ...]:
    deviations = counted(len(one.deviations), "deviation") if one.deviations else ""
    return (
        Cell(one.ident),
        text(one.title),
        text(told.minute(one.ended) if one.ended else ""),
        number(f"{sum(each.word == 'met' for each in one.objectives)} of {len(one.objectives)}"),
        text(one.change, "none"),
        Cell(one.verdict.words, one.verdict.state, wide=True, more=deviations),
    )


def _against(report: Report, told: Language) -> tuple[plots.Plot, ...]:
    rows = [
        plots.Against(f"{drill.ident} {drill.plan}", one.measured, one.limit, _beside(one, told), WORDS[one.word])
        for drill in report.drills
        for one in drill.objectives
        if one.kind == "rto" and one.measured is not None and one.limit
    ]
    return plots.against("Measured recovery of each drill against its objective", rows, LEGEND)


def _beside(one: Objective, told: Language) -> str:
    return f"{told.tenths(one.measured or 0)} of {told.tenths(one.limit or 0)}"


def _details(report: Report, told: Language) -> Section:
    note = "" if report.drills else "There is none to tell of."
    return Section("Drills in detail", items=tuple(_detail(one, told) for one in report.drills), note=note)


def _detail(one: Drill, told: Language) -> Item:
    untouched = {True: "as before", False: "differs from before", None: "not compared"}[one.untouched]
    announced = "announced" if one.announced else "not announced"
    tables = [
        Table(
            columns("Objective 4", "Limit 2>", "Measured 4>", "Result 10"),
            tuple(_aim(each, told) for each in one.objectives),
            none="No objective was fixed.",
        )
    ]
    if one.deviations:
        tables.append(Table(columns("Deviation 20"), tuple((text(each),) for each in one.deviations)))
    return Item(
        f"{one.ident} {one.title}: {one.verdict.words}",
        one.verdict.state,
        (
            ("Plan", text(f"{one.plan}, {announced}")),
            ("Scenario", text(one.scenario)),
            ("Place", text(f"site {one.site}, {one.engine}{f': {listed(one.hosts)}' if one.hosts else ''}")),
            ("Assumptions", text(one.assumptions)),
            ("Time", text(_times(one, told))),
            ("Production", Cell(untouched, {True: "ok", False: "fail", None: "unknown"}[one.untouched])),
            ("Authority", text(_authority(one))),
            ("Signed as", text(listed(one.roles), "nobody has signed")),
            ("People", text(listed(one.people))),
            ("Not whole", text("; ".join(one.lacking), "nothing is missing")),
        ),
        tuple(tables),
    )


def _times(one: Drill, told: Language) -> str:
    if one.began and one.ended and told.day(one.began) == told.day(one.ended):
        return f"{told.second(one.began)} to {told.clock(one.ended)}"
    began = told.full(one.began) if one.began else "begin not recorded"
    return f"{began} to {told.full(one.ended) if one.ended else 'end not recorded'}"


def _authority(one: Drill) -> str:
    change = one.change or "no change number"
    approved = f"approved by {one.approved_by}" if one.approved_by else "approved by nobody"
    return f"{change}; asked for by {one.requested_by}, {approved}"


def _aim(one: Objective, told: Language) -> tuple[Cell, ...]:
    measured = told.tenths(one.measured) if one.measured is not None else ""
    error = f" ± {told.tenths(one.error)}" if one.error is not None else ""
    return (
        text(one.title),
        number(told.tenths(one.limit) if one.limit is not None else "", "none"),
        number(f"{measured}{error}" if measured else "", "no figure"),
        Cell(one.word, WORDS[one.word], wide=True, more=one.sentence),
    )


def _proofs(report: Report, told: Language) -> Section:
    rows = tuple(
        _proof(one, told) for one in sorted(report.proofs, key=lambda one: (not one.late, one.engine, one.what))
    )
    heads = columns(
        "What a drill is to prove 5", "Engine 3", "Proven last 5", "Allowed, days 2>", "Overdue for 3>", "At the end 2"
    )
    return Section("Proofs due", tables=(Table(heads, rows, none="Nothing is planned to be proven by drills."),))


def _proof(one: Proof, told: Language) -> tuple[Cell, ...]:
    there = Cell("in time", "ok") if one.last else Cell("not yet", "unknown")
    state = Cell("overdue", "fail") if one.late else there
    days = f"{told.day(one.last)}, {counted(one.days or 0, 'day')} before the end" if one.last else ""
    overdue = span(one.overdue) if one.overdue else ""
    return (
        text(one.what),
        text(one.engine),
        text(days, "never"),
        number(told.number(one.allowed)),
        number(overdue, "never"),
        state,
    )


def _missed(report: Report, told: Language) -> Section:
    zone = told.zone(report.period.begins)
    rows = tuple((text(told.minute(one.due)), text(one.sentence)) for one in report.not_held)
    table = Table(columns(f"Planned for, {zone} 4", "What happened 16"), rows, none="None.")
    return Section("Planned drills not held", tables=(table,))


def _issues(report: Report, told: Language) -> Section:
    rows = tuple(_issue(one, told) for one in report.issues)
    heads = columns("Issue 2", "What 6", "Severity 2", "Owner 2", "Due 3", "State 5")
    note = "Issues as they stood when the report was made. Late: days past the date at the end of the period."
    return Section(
        "Issues",
        tables=(Table(heads, rows, none="No issue was open or closed in the period.", note=note if rows else ""),),
    )


def _issue(one: Issue, told: Language) -> tuple[Cell, ...]:
    late = one.late > 0
    accepted = (
        f"by {one.accepted_by} until {told.date(one.accepted_until) or 'no date'}: {one.accepted_why}"
        if one.accepted_by
        else ""
    )
    tested = f"tested again by {one.retest}: {one.retest_words}" if one.retest else ""
    more = " ".join(words for words in (accepted, tested) if words) or "no retest linked"
    state = "ok" if one.state == "closed" else "fail" if late else "waiting"
    words = f"{STATES[one.state]}, {counted(one.late, 'day')} late" if late else STATES[one.state]
    return (
        Cell(one.ident),
        Cell(
            one.title,
            wide=True,
            more=f"found in {one.drill}, {told.day(one.raised)}" if one.drill else told.day(one.raised),
        ),
        Cell(one.severity, SEVERE.get(one.severity, "")),
        text(one.owner, "nobody"),
        text(told.date(one.due), "no date"),
        Cell(words, state, wide=True, more=more),
    )
