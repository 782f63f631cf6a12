"""The pages after the second: authority, prechecks, what was measured, proofs, issues, and what this report lacks."""

from __future__ import annotations

from failover.reports.content import Measured, Proof, Report, Service
from failover.reports.given import Approval, Prompt
from failover.reports.layout import Cell, Section, fewer, heads, said
from failover.reports.page_issues import retest_of, state_of
from failover.reports.parts import clauses, parts
from failover.reports.words import NOT_RECORDED, NOT_TESTED, Times, face, grouped, listed
from failover.verdicts.objectives import duration

CHECKS = {"go": ("ok", "go"), "no_go": ("fail", "no-go"), "unknown": ("unknown", "not known")}
SHOWN = {"ok": "shown", "fail": "failed", "unknown": NOT_TESTED}


def sections(report: Report, times: Times) -> list[Section]:
    """In order, without numbers."""
    return [
        _authority(report, times),
        _prechecks(report),
        _measured(report),
        _away(report),
        _proofs("Proof that the service worked", report.proofs, ""),
        _untouched(report),
        _proofs("Return to normal", report.normal, "No step of this plan looks for it: not tested."),
        _issues(report),
        _prompts(report, times),
        _own(report.measured, times),
        _parts(report),
        _clauses(report),
    ]


def _authority(report: Report, times: Times) -> Section:
    held = report.authority
    glass = tuple(
        (
            "Glass broken" if one.confirmed_by else "Glass asked for",
            Cell(
                f"{one.reason} Asked by {one.asked_by}, {times.full(one.asked_at)}; "
                + (
                    f"confirmed by {one.confirmed_by}, {times.full(one.confirmed_at)}, until {times.full(one.until)}"
                    if one.confirmed_by
                    else "confirmed by nobody, so nothing was lifted"
                ),
                wide=True,
            ),
        )
        for one in held.glasses
    )
    by = f"{held.approved_by}, {times.full(held.approved_at)}"
    let = (("Run approved", Cell(by)),) if held.approved_by else ()
    return Section(
        "Authority",
        facts=(("Requested", Cell(f"{held.requested_by}, {times.full(held.requested_at)}")), *let, *glass),
        heads=heads("Answer", "By", "When", "Hash approved", "Holds"),
        rows=tuple(_approval(one, times) for one in held.approvals),
        none="No approval by hash is recorded: this plan asks for no second person, or it ended before.",
    )


def _approval(one: Approval, times: Times) -> tuple[Cell, ...]:
    if one.refused:
        stands = Cell("refused", "fail", more=one.why)
    elif one.voided_at is not None:
        stands = Cell("void", "warn", more=f"{times.short(one.voided_at)}: {one.why}")
    else:
        stands = Cell("holds", "ok")
    return (
        Cell("refused" if one.refused else "approved"),
        Cell(one.by),
        Cell(times.short(one.at)),
        Cell(grouped(one.hash), mono=True, wide=True),
        stands,
    )


def _prechecks(report: Report) -> Section:
    return Section(
        "Prechecks as they stood at the start",
        heads=heads("Check", "Found", ">Age", "Result"),
        rows=tuple(
            (
                Cell(one.title, wide=True),
                Cell(one.sentence, wide=True, more="; ".join(one.evidence)),
                Cell(duration(one.age), right=True)
                if one.age is not None
                else Cell(NOT_RECORDED, right=True, meta=True),
                _check(one.word),
            )
            for one in report.prechecks
        ),
        note="Waivers: none can be given; the calendar's gates alone are lifted by breaking glass (section 9).",
        none="No precheck was recorded.",
    )


def _check(word: str) -> Cell:
    state, words = CHECKS.get(word, ("unknown", "not known"))
    return Cell(words, state)


def _measured(report: Report) -> Section:
    told = report.measured
    backup = f"{told.backup}, {duration(told.backup_age)} old at the injection" if told.backup_age is not None else ""
    sentences = tuple((one.title, Cell(one.sentence, wide=True)) for one in report.objectives)
    return Section(
        "Measured, with definitions",
        facts=(
            *sentences,
            ("Last proven backup", said(backup)),
            ("Waited for people", Cell(duration(told.waited))),
            ("Recovery", Cell("from the injection to the first answer after which it kept answering", wide=True)),
            ("Charged", Cell("recovery without the time spent waiting for people's answers", wide=True)),
            ("Error", Cell("half the time between the two questions that bound a figure", wide=True)),
        ),
        heads=heads("Service", "Asked", "State", ">Detected", ">Recovery", ">Charged", ">Objective"),
        rows=tuple(_service(one) for one in told.services),
    )  # fmt: skip


def _service(one: Service) -> tuple[Cell, ...]:
    wall = "" if one.exact else "placed by the wall clock: no stated error"
    state = {"recovered": "ok", "steady": "ok", "not back": "fail"}.get(one.state, "unknown")
    return (
        Cell(one.title, wide=True),
        Cell(one.how, wide=True),
        Cell(one.state, state, more=one.why or wall),
        *(
            Cell(text, right=True, wide=True) if text else Cell("none", right=True, meta=True)
            for text in (one.detection, one.recovery, one.charged)
        ),
        Cell(duration(one.objective), right=True) if one.objective is not None else Cell("none", right=True, meta=True),
    )


def _away(report: Report) -> Section:
    rows = [
        (
            Cell(one.title, wide=True),
            Cell(face(outage.began), right=True),
            Cell(face(outage.back), right=True) if outage.back is not None else Cell("not seen", right=True, meta=True),
            said(outage.length, "not known"),
            said(outage.why),
        )
        for one in report.measured.services
        for outage in one.outages
    ]
    holes = [
        (
            Cell(one.title, wide=True),
            Cell("", right=True),
            Cell("", right=True),
            Cell("not known", meta=True),
            said(hole),
        )
        for one in report.measured.services
        for hole in one.holes
    ]
    shown, note = fewer((*rows, *holes))
    blind = [one.title for one in report.measured.services if not one.known]
    none = "No service was away." if report.measured.services else "Not tested: no service was asked."
    return Section(
        "Times away, and times of which nothing is known",
        heads=heads("Service", ">From", ">To", "Length", "What the questions met"),
        rows=shown,
        note=f"From and to: minutes and seconds from the injection. {note}".strip() if shown else "",
        none=f"Not tested: {listed(blind)}." if blind else none,
    )


def _proofs(title: str, proofs: tuple[Proof, ...], none: str) -> Section:
    return Section(
        title,
        heads=heads("What", "Found", "Result"),
        rows=tuple(
            (Cell(one.what, wide=True), said(one.sentence), Cell(SHOWN[one.state], one.state)) for one in proofs
        ),
        none=none,
    )


def _untouched(report: Report) -> Section:
    found = report.untouched
    if found.facts is None:
        return Section("Production untouched", none="Not tested: production was not compared before and after.")
    result = Cell("as before", "ok") if not found.odd else Cell("differs", "fail")
    rows = [(Cell(one, wide=True), Cell("not meant", "fail")) for one in found.odd]
    rows += [(Cell(one, wide=True), Cell("meant by the plan", "ok")) for one in found.expected]
    return Section(
        "Production untouched",
        facts=(
            ("Compared", Cell(f"{found.facts:,} facts: VM states and places, LUN ids, flags, boots, paths", wide=True)),
            ("Result", result),
        ),
        heads=heads("Difference", "Meant"),
        rows=tuple(rows),
        none="No difference.",
    )


def _issues(report: Report) -> Section:
    return Section(
        "Issues",
        heads=heads("Issue", "Severity", "Owner", "Due", "State", "Tested again"),
        rows=tuple(
            (
                Cell(one.title, wide=True, more=", ".join(words for words in (one.ident, one.link) if words)),
                said(one.severity),
                said(one.owner),
                said(one.due),
                state_of(one),
                retest_of(one),
            )
            for one in report.issues
        ),
        note="As they stand when this version is made: what becomes of an issue later is another version."
        if report.issues
        else "",
        none="None was noted.",
    )


def _prompts(report: Report, times: Times) -> Section:
    words = {"done": Cell("done", "ok"), "not_done": Cell("not done", "fail")}
    return Section(
        "Confirmed by people",
        heads=heads("Question", "Asked", "Answered", "By", "Seen", "Answer"),
        rows=tuple(
            (
                Cell(one.question, wide=True),
                Cell(times.clock(one.asked_at)),
                Cell(times.clock(one.at)) if one.at else Cell("never", meta=True, more=_until(one, times)),
                said(one.by, "nobody"),
                Cell(one.seen or "nothing was said", wide=True, meta=not one.seen, more=_attached(one)),
                words.get(one.answer, Cell("not answered", "unknown")),
            )
            for one in report.prompts
        ),
        none="No step asked a person.",
    )


def _attached(one: Prompt) -> str:
    file = f"attached: {one.file.name}, {one.file.size:,} bytes (Annex D)" if one.file else ""
    return "; ".join(words for words in (one.attachment, file) if words)


def _until(one: Prompt, times: Times) -> str:
    return f"waited for until {times.clock(one.until)}" if one.until else ""


def _own(told: Measured, times: Times) -> Section:
    return Section(
        "What engine and hosts said themselves",
        heads=heads("When", "Who", "What"),
        rows=tuple((Cell(times.clock(one.at)), Cell(one.who), Cell(one.what, wide=True)) for one in told.own),
        note="By Holdfast's looks: up to 30 s later than the prober, and never the measure." if told.own else "",
        none="Nothing was recorded.",
    )


def _parts(report: Report) -> Section:
    states = {"recorded": "ok", "partly recorded": "warn", "not recorded": "unknown"}
    return Section(
        "What this report holds and lacks",
        heads=heads(">Part", "Contents", "Missing", "State"),
        rows=tuple(
            (
                Cell(str(one.number), right=True),
                Cell(one.title, wide=True),
                Cell(", ".join(one.missing), wide=True) if one.missing else Cell("nothing", meta=True),
                Cell(one.word, states[one.word]),
            )
            for one in parts(report)
        ),
    )


def _clauses(report: Report) -> Section:
    return Section(
        "Clauses",
        heads=heads("Rule", "Asks for", "Parts", "Shown"),
        rows=tuple(
            (
                Cell(one.clause.source),
                Cell(one.clause.asks, wide=True),
                Cell(", ".join(str(number) for number in one.clause.parts)),
                Cell("all parts recorded", "ok")
                if not one.missing
                else Cell(f"lacking in {', '.join(str(number) for number in one.missing)}", "warn"),
            )
            for one in clauses(parts(report))
        ),
        note="Compliance compares the clauses with the law's own text before relying on this map."
        " Distribution list: not recorded.",
    )
