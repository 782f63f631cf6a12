"""The first two pages: objectives, outages, frame, people, timeline, deviations, follow-up, sign-off."""

from __future__ import annotations

from failover.reports.content import MET, NOT_MET, Frame, Objective, Person, Report, StepTold
from failover.reports.layout import Cell, Section, heads, said
from failover.reports.page_issues import retest_of, state_of
from failover.reports.words import NOT_RECORDED, NOT_TESTED, Times, grouped, listed
from failover.verdicts.objectives import duration

VERDICTS = {MET: ("ok", "met"), NOT_MET: ("fail", "not met")}
STEPS = {
    "waiting": ("waiting", "did not run"),
    "running": ("unknown", "no end"),
    "done": ("ok", "done"),
    "held": ("fail", "failed, not decided"),
    "ignored": ("warn", "failed, ignored"),
    "failed": ("fail", "failed"),
    "skipped": ("waiting", "skipped"),
    "undone": ("warn", "undone"),
    "undo_failed": ("fail", "undo failed"),
}

# of 3.1 no. 4, 5 and 7: the portal asks nobody for these
NOWHERE = "functions, configuration items, third parties; link to the BIA, why severe but plausible; deputies"


def sections(report: Report, times: Times) -> list[Section]:
    """In order, without numbers."""
    return [
        _objectives(report, times),
        _outage(report),
        _frame(report, times),
        _people(report, times),
        _timeline(report, times),
        _deviations(report, times),
        _former(report, times),
        _signatures(report, times),
    ]


def _objectives(report: Report, times: Times) -> Section:
    return Section(
        f"Objectives, fixed {times.full(report.authority.requested_at)}, before the start",
        heads=heads("Objective", "Target", "Measured", "By", "Verdict"),
        rows=tuple(_objective(one) for one in report.objectives),
        none="No objective was fixed before the start: nothing can be met.",
    )


def _objective(one: Objective) -> tuple[Cell, ...]:
    state, word = VERDICTS.get(one.word, ("unknown", NOT_TESTED))
    kind = f"{one.kind.upper()}, " if one.kind else ""
    measured = f"{one.measured} ± {one.error}" if one.error else one.measured
    return (
        Cell(f"{kind}{one.title}", wide=True),
        said(duration(one.seconds) if one.seconds is not None else ""),
        Cell(measured, strong=True, wide=True) if measured else Cell("not measured", meta=True),
        said(one.by),
        Cell(word, state),
    )


def _outage(report: Report) -> Section:
    if report.frame.injected is None:
        why = "The clock was not started, so there was no injection: outages were not tested."
    else:
        why = "No service was asked while it ran: outages were not tested."
    return Section(
        "Outages",
        name="plot",
        note="Seconds from the injection, by the portal's prober. Grey: answers. Black: away. Hatched: not known.",
        none=why,
    )


def _frame(report: Report, times: Times) -> Section:
    frame = report.frame
    zone = f"{_zone(report, times)} ({times.offset(frame.began or report.authority.requested_at)})"
    hosts = f": {', '.join(frame.hosts)}" if frame.hosts else ""
    announced = "announced" if frame.announced else "not announced"
    begins, ends = report.authority.begins, report.authority.ends
    window = f"window {times.full(begins)} to {times.full(ends)}" if begins and ends else "no window was set"
    return Section(
        "Frame",
        facts=(
            ("Type", Cell(f"{frame.kind}; {announced}", wide=True)),
            ("Places", Cell(f"site {frame.site}{hosts}; {frame.engine} ({frame.address})", wide=True)),
            ("Began, ended", Cell(f"{times.full(frame.began)}, {times.full(frame.ended)}; zone {zone}", wide=True)),
            ("Injection", said(_injection(frame, times), "none: no clock was started")),
            ("Clock", said(f"{frame.clock}; boot {frame.boot}" if frame.clock else "")),
            ("Plan", Cell(f"{frame.plan}, version {frame.version}, sha256 {grouped(frame.digest)}", wide=True)),
            ("Change", Cell(f"{report.authority.change or 'number not recorded'}; {window}", wide=True)),
            ("Systems", said(listed([*frame.services, *frame.hosts]))),
            ("Scenario", said(frame.scenario)),
            ("Assumptions", said(frame.assumptions)),
            ("Not recorded", Cell(NOWHERE, wide=True, meta=True)),
        ),
    )  # fmt: skip


def _injection(frame: Frame, times: Times) -> str:
    if frame.injected is None:
        return ""
    sent = f"; {frame.act_title}: sent {duration(frame.act)} later" if frame.act is not None else ""
    return f"{times.full(frame.injected)}{sent}"


def _zone(report: Report, times: Times) -> str:
    return times.zone(report.frame.began or report.authority.requested_at)


def _people(report: Report, times: Times) -> Section:
    zone = _zone(report, times)
    return Section(
        "People",
        heads=heads("Role", "Name", "Present", "Act", f"First act, {zone}"),
        rows=tuple(_person(one, times) for one in report.people),
        none="Nobody is recorded.",
    )


def _person(one: Person, times: Times) -> tuple[Cell, ...]:
    present = {True: "yes", False: "no"}.get(one.present, "") if one.present is not None else ""
    return (
        said(one.role, "not planned" if not one.planned else NOT_RECORDED),
        Cell(one.name, wide=True),
        said(present),
        Cell(", ".join(one.acts), wide=True) if one.acts else Cell("none", meta=True),
        Cell(times.short(one.at)) if one.at else Cell("none", meta=True),
    )


def _timeline(report: Report, times: Times) -> Section:
    zone = _zone(report, times)
    return Section(
        "Timeline",
        heads=heads(">Step", "What", f"Began, {zone}", ">Planned", ">Took", "Actor", "Output", "State"),
        rows=tuple(_step(one, times) for one in report.steps),
        note="Output: first 8 digits of the SHA-256 of what the step's host printed, secrets removed; annex B holds it."
        " Exit codes are not recorded: what a step did is confirmed by looking. Commands: annex A.",
        none="No step is recorded.",
    )


def _step(one: StepTold, times: Times) -> tuple[Cell, ...]:
    state, word = STEPS.get(one.state, ("unknown", one.state))
    tried = f"tried {one.attempt} times" if one.attempt > 1 else ""
    return (
        Cell(str(one.position), right=True),
        Cell(one.title, wide=True, more=one.sentence),
        Cell(times.clock(one.began)) if one.began else Cell("never", meta=True),
        Cell(duration(one.planned), right=True) if one.planned is not None else Cell("not set", right=True, meta=True),
        Cell(duration(one.took), right=True) if one.took is not None else Cell("none", right=True, meta=True),
        Cell(one.actor, wide=True) if one.began else Cell("nobody", meta=True),
        Cell(grouped(one.output[:8]), mono=True) if one.output else Cell("none", meta=True),
        Cell(word, state, more=tried),
    )


def _deviations(report: Report, times: Times) -> Section:
    return Section(
        "Deviations",
        heads=heads(">No.", "When", "What was different", "Who"),
        rows=tuple(
            (
                Cell(str(number), right=True),
                Cell(times.short(one.at)) if one.at else Cell("whole drill", meta=True),
                Cell(one.what, wide=True),
                Cell(one.who, wide=True) if one.who else Cell("nobody", meta=True),
            )
            for number, one in enumerate(report.deviations, 1)
        ),
        none="None: no step failed, was retried, skipped or undone, and nobody held or aborted it.",
    )


def _former(report: Report, times: Times) -> Section:
    former = report.former
    if former is None:
        return Section("Follow-up of the drill before", none="There is no earlier drill of this plan on this engine.")
    return Section(
        f"Follow-up of drill {former.ident}, {times.day(former.at)}",
        heads=heads("Issue", "Owner", "Due", "State", "Tested again"),
        rows=tuple(
            (Cell(one.title, wide=True, more=one.ident), said(one.owner), said(one.due), state_of(one), retest_of(one))
            for one in former.issues
        ),
        none="It noted no issue.",
    )


def _signatures(report: Report, times: Times) -> Section:
    return Section(
        "Sign-off",
        name="signs",
        heads=heads("Role", "Name", "Signature", "Date"),
        rows=tuple(
            (
                Cell(f"{one.role[:1].upper()}{one.role[1:]}"),
                Cell(one.name, wide=True) if one.name else Cell("not signed", meta=True),
                Cell("in the portal, on record", wide=True, more=one.words) if one.name else Cell(""),
                Cell(times.short(one.at)) if one.at else Cell(""),
            )
            for one in report.signatures
        ),
    )
