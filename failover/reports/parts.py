"""The twenty parts of facts/drills-and-evidence.md 3.1, what of each is missing, and which rules ask for which.

What a rule asks is told by section 3 of the facts;
the bank's compliance compares it with the law before relying on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from failover.reports.content import NOT_TESTED, Report


@dataclass(frozen=True)
class Part:
    """missing: what is not there, in words. empty: nothing of it is there."""

    number: int
    title: str
    missing: tuple[str, ...]
    empty: bool = False

    @property
    def word(self) -> str:
        """recorded | partly recorded | not recorded."""
        if not self.missing:
            return "recorded"
        return "not recorded" if self.empty else "partly recorded"


@dataclass(frozen=True)
class Clause:
    """A rule, what it asks for, and which parts show it."""

    source: str
    asks: str
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Shown:
    """Whether a report shows what a clause asks for. missing: numbers of the parts that are not whole."""

    clause: Clause
    missing: tuple[int, ...]


CLAUSES = (
    Clause("EU DORA Art. 11(6)", "switchover to redundant capacity tested", (6, 10, 12, 18)),
    Clause("EU 2024/1774 Art. 25", "scenario from BIA, objectives, steps, results written down", (4, 5, 6, 10, 11, 12)),
    Clause("EU DORA Art. 12", "restore tested, data reconciled after recovery", (12, 13)),
    Clause("FFIEC BCM VII.E", "roles, objectives and methods, metrics of success", (6, 7, 12)),
    Clause("FFIEC BCM VII.F", "realistic scenario with assumptions, recovery objectives validated", (5, 12, 13, 18)),
    Clause("FFIEC BCM VII.K", "results against objectives, deviations, owners, dates, retest", (2, 11, 16, 17, 18)),
    Clause("Basel PSMOR 2021", "severe but plausible scenario, first and second line", (5, 20)),
    Clause("PCI DSS 12.10.2", "recovery and backup tested every 12 months", (2, 10, 12)),
    Clause("ISO 22301 8.5", "objectives, scenario, report with outcomes and actions", (5, 6, 11, 16, 18)),
    Clause("COBAC R-2008/01", "conditions fixed before, times assessed, findings reported", (5, 6, 12, 16, 20)),
)  # fmt: skip


def parts(report: Report) -> tuple[Part, ...]:
    """All twenty in order; the nineteenth, the map of clauses, is made from the others."""
    return (
        Part(1, "Identity, plan and its hash", ()),
        _part(2, "Times, clock, places", _times(report)),
        Part(3, "Type, announced or not", ()),
        _part(4, "Scope", ("functions", "configuration items", "third parties")),
        _part(5, "Scenario", _scenario(report)),
        _part(6, "Objectives, fixed before", _objectives(report), not report.objectives),
        _part(7, "People", _people(report), not any(one.planned for one in report.people)),
        _part(8, "Authority", _authority(report)),
        _part(9, "Prechecks", () if report.prechecks else ("prechecks",), True),
        _part(10, "Timeline", ("exit codes", *(() if report.steps else ("steps",))), not report.steps),
        Part(11, "Deviations", ()),
        _part(12, "Measured against objectives", _measured(report), _unmeasured(report)),
        _part(13, "Proof that the service worked", _unproven(report)),
        _part(14, "Production untouched", () if report.untouched.facts is not None else ("comparison",), True),
        _part(15, "Return to normal", _normal(report), not report.normal),
        _part(16, "Issues", _issues(report)),
        _part(17, "Follow-up of the last drill", _former(report)),
        _part(18, "Verdict per objective", _untested(report), _all_untested(report)),
        Part(19, "Map of clauses", ()),
        _part(20, "Distribution and sign-off", ("distribution", *_unsigned(report))),
    )  # fmt: skip


def _part(number: int, title: str, missing: tuple[str, ...], empty: bool = False) -> Part:
    return Part(number, title, missing, bool(missing) and empty)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _times(report: Report) -> tuple[str, ...]:
    frame = report.frame
    there = {"begin": frame.began, "end": frame.ended, "clock of the measurement": frame.clock, "hosts": frame.hosts}
    return tuple(name for name, value in there.items() if not value)


def _scenario(report: Report) -> tuple[str, ...]:
    there = {"scenario": report.frame.scenario, "assumptions": report.frame.assumptions}
    missing = [name for name, value in there.items() if not value]
    return (*missing, "link to the BIA", "why it is severe but plausible")


def _objectives(report: Report) -> tuple[str, ...]:
    kinds = {one.kind for one in report.objectives}
    return tuple(name for name, kind in (("RTO", "rto"), ("RPO", "rpo"), ("MTPD", "mtpd")) if kind not in kinds)


def _people(report: Report) -> tuple[str, ...]:
    planned = [one for one in report.people if one.planned]
    unseen = tuple(f"presence of {one.name}" for one in planned if one.present is None)
    return unseen if planned else ("planned people",)


def _authority(report: Report) -> tuple[str, ...]:
    held = report.authority
    there = {"change number": held.change, "window": held.begins and held.ends, "approval": held.approvals}
    return tuple(name for name, value in there.items() if not value)


def _measured(report: Report) -> tuple[str, ...]:
    rpo = any(one.kind == "rpo" for one in report.objectives) and not report.measured.backup
    told = report.measured.services
    services = tuple(f"measurement of {one.title}" for one in told if not one.known) or (
        () if told else ("outages of services",)
    )
    return (*services, *(("age of a proven backup",) if rpo else ()))


def _unproven(report: Report) -> tuple[str, ...]:
    return tuple(_lower(one.what) for one in report.proofs if one.state == "unknown")


def _issues(report: Report) -> tuple[str, ...]:
    return tuple(f"owner or due date of {one.title!r}" for one in report.issues if not (one.owner and one.due))


def _unmeasured(report: Report) -> bool:
    return not any(one.known for one in report.measured.services)


def _normal(report: Report) -> tuple[str, ...]:
    if not report.normal:
        return ("steps that look for it",)
    return tuple(_lower(one.what) for one in report.normal if one.state != "ok")


def _former(report: Report) -> tuple[str, ...]:
    """Issues of the drill before that nobody tested again, closed or accepted."""
    issues = report.former.issues if report.former else ()
    left = [one for one in issues if one.state not in ("accepted", "closed") and one.retest is None]
    return tuple(f"retest of {one.ident or repr(one.title)}" for one in left)


def _untested(report: Report) -> tuple[str, ...]:
    return tuple(one.title for one in report.objectives if one.word == NOT_TESTED) or (
        () if report.objectives else ("objectives",)
    )


def _all_untested(report: Report) -> bool:
    return all(one.word == NOT_TESTED for one in report.objectives)


def _unsigned(report: Report) -> Iterator[str]:
    return (f"signature of the {one.role}" for one in report.signatures if not one.name)


def clauses(found: tuple[Part, ...]) -> tuple[Shown, ...]:
    """Each clause with the parts that it asks for and that are not whole."""
    lacking = {one.number for one in found if one.missing}
    return tuple(Shown(one, tuple(number for number in one.parts if number in lacking)) for one in CLAUSES)
