"""The sections about the estate over the period: backups, LUNs, tuning, availability, maintenance, changes, waivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from failover.reports.layout import Cell
from failover.reports.period import plots
from failover.reports.period.content import Backups, Change, Course, Report, Service, Shares, Subject, Waiver, Window
from failover.reports.period.judging import kept
from failover.reports.period.language import Language
from failover.reports.period.layout import Section, Table, columns, number, text
from portal.kernel.words import span

MILLION = 1_000_000
KEPT = (
    "Measured: up, of the time that was watched and not planned to be down. Kept: within the budget even if all time"
    " that is not known was down, and so in each calendar period of the promise that lies in this one."
)
FEW = 3  # subjects that stand in rows of their own, though they are alike
STATES = (("ok", "ok"), ("warn", "warning"), ("fail", "failed"), ("unknown", "not known"))
BACKUPS = (("ok", "proven by a restore"), ("warn", "taken, not proven"), ("fail", "failed or never came"))
AWAY = (("ok", "up"), ("warn", "down, planned"), ("fail", "down, not planned"), ("unknown", "not known"))


def sections(report: Report, told: Language) -> tuple[Section, ...]:
    """In this order."""
    return (
        _backups(report, told),
        _course("Redundancy of LUNs", "LUN", report.luns, report, told),
        _course("Tuning", "VM or host", report.tuning, report, told),
        _availability(report, told),
        _windows(report, told),
        _changes(report, told),
        _waivers(report, told),
    )


def _backups(report: Report, told: Language) -> Section:
    most = max((one.proven + one.done + one.failed for one in report.backup_days), default=0)
    rows = [
        plots.Stack(
            told.part(report.period.kind, one.begins),
            (("ok", one.proven), ("warn", one.done), ("fail", one.failed)),
        )
        for one in report.backup_days
    ]
    drawn = plots.stacks("Backups by what is known of them", rows, BACKUPS, told.number(most), most) if most else None
    heads = columns(
        "Engine 4", "Taken 2>", "Failed 2>", "Missed 2>", "Proven 2>", "Not proven 2>", "Oldest proof 3>", "Restore 3>"
    )
    zone = told.zone(report.period.begins)
    troubles = tuple(
        (text(told.minute(one.at)), text(one.engine), Cell(one.what, "fail"), text(one.sentence))
        for one in report.troubles
    )
    note = "Oldest proof: the greatest age of the newest backup that a restore had proven. Restore: the median."
    return Section(
        "Backups proven",
        plots=(drawn,) if drawn else (),
        tables=(
            Table(
                heads,
                tuple(_backup(one, told) for one in report.backups),
                none="No engine lies in the scope.",
                note=note,
            ),
            Table(
                columns(f"When, {zone} 4", "Engine 3", "What 3", "Why 10"),
                troubles,
                none="No backup failed, was missed or could not be restored.",
                title="What went wrong",
            ),
        ),
    )


def _backup(one: Backups, told: Language) -> tuple[Cell, ...]:
    gap = span(one.gap) if one.gap is not None else "at some time none"
    longest = f"longest {span(one.restore_longest)}" if one.restore_longest is not None else ""
    return (
        text(one.engine),
        number(told.number(one.done)),
        number(told.number(one.failed)),
        number(told.number(one.missed)),
        number(told.number(one.proven)),
        number(told.number(one.not_proven)),
        Cell(
            gap,
            "fail" if one.over else "",
            right=True,
            wide=True,
            more=_promised(one),
        ),
        Cell(
            span(one.restore) if one.restore is not None else "none", right=True, meta=one.restore is None, more=longest
        ),
    )


def _promised(one: Backups) -> str:
    rpo = f"RPO {span(one.rpo)}" if one.rpo is not None else "no RPO is set"
    return f"{rpo}; older for {span(one.over)}" if one.over else rpo


def _course(title: str, what: str, course: Course, report: Report, told: Language) -> Section:
    if not course.subjects:
        return Section(title, note="Nothing is known, so nothing is drawn.")
    rows = [plots.Stack(told.part(report.period.kind, one.begins), _amounts(one)) for one in course.parts]
    heads = columns(f"{what} 3", "OK 2>", "Warning 2>", "Failed 2>", "Not known 2>", "Turns 2>", "Gravest 7")
    return Section(
        title,
        plots=(plots.stacks(f"{title}: share of time in each state", rows, STATES, told.share(MILLION)),),
        tables=(Table(heads, tuple(_subject(alike, report, told) for alike in _alike(course))),),
    )


def _amounts(one: Shares) -> tuple[tuple[str, int], ...]:
    return (("ok", one.ok), ("warn", one.warn), ("fail", one.fail), ("unknown", one.unknown))


def _alike(course: Course) -> Iterator[tuple[Subject, ...]]:
    """Subjects whose states were the same all along: a switch that is lost is one thing, however many LUNs it has."""
    found: dict[tuple[object, ...], list[Subject]] = {}
    for one in course.subjects:
        found.setdefault((one.engine, one.shares, one.turns, one.at), []).append(one)
    for rows in found.values():
        yield from [tuple(rows)] if len(rows) > FEW else [(one,) for one in rows]


def _subject(alike: tuple[Subject, ...], report: Report, told: Language) -> tuple[Cell, ...]:
    one, several = alike[0], len(alike) > 1
    shares, whole = one.shares, max(1, one.shares.whole)
    words = f"{one.worst} ({told.minute(one.at)})" if one.at else "always ok"
    names = f"so do {', '.join(each.name for each in alike[1:])}" if several else ""
    return (
        Cell(f"{len(alike)} alike" if several else one.name, wide=True, more=_among(one.engine, report)),
        *(number(told.share(amount * MILLION // whole)) for _, amount in _amounts(shares)),
        number(told.number(one.turns)),
        Cell(f"{one.name}: {words}" if several and not one.at else words, wide=True, meta=not one.at, more=names),
    )


def _among(engine: str, report: Report) -> str:
    """The engine's name, where there are several."""
    return engine if len(report.scope.engines) > 1 else ""


def _availability(report: Report, told: Language) -> Section:
    services = report.services or ()
    rows = [_strip(one, report, told) for one in services]
    heads = columns(
        "Service 3",
        "Objective 2>",
        "Measured 3>",
        "Not planned 3>",
        "Budget 3>",
        "Planned 2>",
        "Not known 2>",
        "Result 2",
    )
    outages = tuple(_outages(services, told))
    zone = told.zone(report.period.begins)
    drawn = plots.strips("Times in which services were down", rows, tuple(_ticks(report, told)), AWAY)
    tables = [
        Table(
            heads,
            tuple(_service(one, report, told) for one in services),
            none="Not measured in this period.",
            note=KEPT if services else "",
        )
    ]
    if services:
        tables.append(
            Table(
                columns("Service 4", f"Down from, {zone} 4", "For 3>", "Planned 2", "Cause 7"),
                outages,
                none="No service was down.",
                title="Times down",
            )
        )
    return Section("Availability", plots=drawn, tables=tuple(tables))


def _strip(one: Service, report: Report, told: Language) -> plots.Strip:
    begins, whole = report.period.begins, (report.period.ends - report.period.begins).total_seconds()

    def place(at: datetime) -> int:
        return int(min(max((at - begins).total_seconds() / whole, 0.0), 1.0) * MILLION)

    marks = [(place(each.begins), place(each.ends), "unknown") for each in one.blind]
    for each in one.outages:
        ends = each.begins + timedelta(seconds=each.seconds)
        marks.append((place(each.begins), place(ends), "warn" if each.planned else "fail"))
    return plots.Strip(one.name, told.share(one.ratio, 4) if one.ratio is not None else "not known", tuple(marks))


def _ticks(report: Report, told: Language) -> Iterator[tuple[int, str]]:
    parts = report.backup_days
    begins, whole = report.period.begins, (report.period.ends - report.period.begins).total_seconds()
    every = -(-len(parts) // 12)
    for one in parts[::every]:
        yield int((one.begins - begins).total_seconds() / whole * MILLION), told.part(report.period.kind, one.begins)


def _service(one: Service, report: Report, told: Language) -> tuple[Cell, ...]:
    words = {"ok": "kept", "fail": "not kept", "unknown": "not known"}
    state = kept(one)
    return (
        Cell(one.name, wide=True, more=_among(one.engine, report)),
        number(told.share(one.objective, 4)),
        number(told.share(one.ratio, 4) if one.ratio is not None else ""),
        number(told.tenths(one.unplanned)),
        number(told.tenths(one.budget)),
        number(span(one.planned // 1000)),
        number(span(one.unseen // 1000)),
        Cell(words[state], state, wide=True, more=_months(one)),
    )


def _months(one: Service) -> str:
    """How many of the promise's own periods were kept, where the report is of several."""
    return f"{one.whole - one.lost - one.unsure} of {one.whole} kept" if one.whole > 1 else ""


def _outages(services: tuple[Service, ...], told: Language) -> Iterator[tuple[Cell, ...]]:
    for one in services:
        for each in one.outages:
            yield (
                text(one.name),
                text(told.second(each.begins)),
                number(told.tenths(each.seconds * 1000)),
                Cell("planned", "warn") if each.planned else Cell("no", "fail"),
                Cell(each.cause, wide=True, more="corrected by a person" if each.corrected else "")
                if each.cause
                else text("", "not known"),
            )


def _windows(report: Report, told: Language) -> Section:
    zone = told.zone(report.period.begins)
    heads = columns("Window 4", f"Entered, {zone} 3", f"Left, {zone} 3", "For 3>", "Owner 2", "Change 3", "Deadline 2")
    rows = tuple(_window(one, told) for one in report.windows)
    return Section("Maintenance", tables=(Table(heads, rows, none="No maintenance was entered in this period."),))


def _window(one: Window, told: Language) -> tuple[Cell, ...]:
    return (
        Cell(one.what, wide=True, more=one.reason),
        text(told.minute(one.entered) if one.entered else "", "never entered"),
        text(told.minute(one.ended) if one.ended else "", "still open"),
        number(span(one.seconds)),
        text(one.owner, "nobody"),
        text(one.change, "none"),
        Cell("passed", "fail") if one.overdue else Cell("kept", "ok"),
    )


def _changes(report: Report, told: Language) -> Section:
    zone = told.zone(report.period.begins)
    heads = columns("Change 3", "What 7", f"Began, {zone} 4", "By 3", "Outcome 3")
    rows = tuple(_change(one, told) for one in report.changes)
    return Section(
        "Changes", tables=(Table(heads, rows, none="Nothing was changed through the portal in this period."),)
    )


def _change(one: Change, told: Language) -> tuple[Cell, ...]:
    return (
        Cell(one.number) if one.number else Cell("none", "warn"),
        Cell(one.what, wide=True, more=one.subject),
        text(told.minute(one.at)),
        text(one.by),
        text(one.outcome),
    )


def _until(one: Waiver, told: Language) -> str:
    if one.day:
        return f"until {told.date(one.day)}"
    return f"until {told.minute(one.until)}" if one.until else ""


def _waivers(report: Report, told: Language) -> Section:
    heads = columns("Kind 3", "What 6", "Reason 5", "By 2", "When 4")
    rows = tuple(
        (
            text(one.kind),
            text(one.what),
            text(one.reason),
            Cell(one.by, wide=True, more=f"and {one.confirmed_by}" if one.confirmed_by else "no second person"),
            Cell(told.minute(one.at), wide=True, more=_until(one, told)),
        )
        for one in report.waivers
    )
    return Section("Waivers", tables=(Table(heads, rows, none="No rule was lifted in this period."),))
