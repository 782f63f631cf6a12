"""What a clause can ask a period report for, by name: each field says in one sentence what of it is missing, "" when it
is whole. The names are what clauses.toml uses; a new one is a line in FIELDS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from failover.reports.period.content import Drill, Issue, Proof, Report
from failover.reports.period.promised import FAILOVER
from failover.reports.words import listed

SWITCH = ("she_switchover", "she_failover", "host_power_loss")  # plans in which another host takes over
YEAR = timedelta(days=366)
MOST = 3  # names in a sentence
NO_DRILL = "no drill ended in the period"


@dataclass(frozen=True)
class Field:
    """title: what it is, for the map's page. missing: what is not there in a report."""

    title: str
    missing: Callable[[Report], str]


def _named(words: str, rows: Iterable[Drill | Issue]) -> str:
    """ "no scenario in DR-2026-014 and 2 more"; "" for none."""
    names = [one.ident for one in rows]
    if not names:
        return ""
    more = [f"{len(names) - MOST} more"] if len(names) > MOST else []
    return f"{words} {listed([*names[:MOST], *more])}"


def _drills(words: str, lacks: Callable[[Drill], bool]) -> Callable[[Report], str]:
    """Every drill of the period has it, and there was one."""

    def missing(report: Report) -> str:
        if not report.drills:
            return NO_DRILL
        return _named(words, (one for one in report.drills if lacks(one)))

    return missing


def _issues(words: str, lacks: Callable[[Issue], bool]) -> Callable[[Report], str]:
    """Every issue has it; it is whole where there is none."""
    return lambda report: _named(words, (one for one in report.issues if lacks(one)))


def _part(title: str) -> Callable[[Drill], bool]:
    return lambda one: title in one.lacking


def _switched(report: Report) -> str:
    """In the period or, since rules ask for it once a year, within a year before its end."""
    if any(one.kind in SWITCH and one.proven for one in report.drills):
        return ""
    proofs = [one.last for one in report.proofs if one.what in (*SWITCH, FAILOVER)]
    if any(last is not None and report.period.ends - last <= YEAR for last in proofs):
        return ""
    return "no drill within a year in which another host took the engine over and every objective was met"


def _yearly(report: Report) -> str:
    """By the period's end, whatever its length."""
    if not report.proofs:
        return "nothing is planned to be proven by drills"
    late = [_of(one) for one in report.proofs if one.last is None or report.period.ends - one.last > YEAR]
    return f"not proven within a year: {listed(late[:MOST])}" if late else ""


def _overdue(report: Report) -> str:
    late = [_of(one) for one in report.proofs if one.late or one.last is None]
    return f"overdue or never proven: {listed(late[:MOST])}" if late else ""


def _of(one: Proof) -> str:
    return f"{one.what} of {one.engine}"


def _restored(report: Report) -> str:
    none = [one.engine for one in report.backups if not one.proven]
    if not report.backups:
        return "no engine lies in the scope"
    return f"no backup of {listed(none)} was restored in the period" if none else ""


def _compared(report: Report) -> str:
    none = [one.engine for one in report.backups if not one.compared]
    return f"no restored data of {listed(none)} was compared with the live estate" if none else _restored(report)


def _within_rpo(report: Report) -> str:
    bad = [one.engine for one in report.backups if one.rpo is None or one.over or one.gap is None]
    return f"the newest proven backup of {listed(bad)} was not always within its RPO, or none is set" if bad else ""


def _signed(role: tuple[str, ...]) -> Callable[[Drill], bool]:
    return lambda one: not any(each in one.roles for each in role)


def _failed_retested(one: Issue) -> bool:
    return one.state not in ("closed", "accepted") and not one.retest


def _accepted(one: Issue) -> bool:
    return one.state == "accepted" and not (one.accepted_by and one.accepted_why)


def _course(what: str) -> Callable[[Report], str]:
    def missing(report: Report) -> str:
        found = report.luns if what == "LUN" else report.tuning
        return "" if found.subjects else f"no {what} was looked at in the period"

    return missing


def _services(report: Report) -> str:
    return "" if report.services else "availability was not measured in this period"


def _changes(report: Report) -> str:
    none = [one.subject for one in report.changes if not one.number]
    return f"no change number: {listed(none[:MOST])}" if none else ""


def _seen(report: Report) -> str:
    return "" if report.distribution else "nobody is named to receive the report"


def _sealed(report: Report) -> str:
    return "" if report.evidence.signatures else "no record of the period is signed"


def _never(words: str) -> Callable[[Report], str]:
    """The portal asks nobody for it: always missing, so that the bank adds it from elsewhere."""
    return lambda report: f"{words}: not recorded by the portal"


FIELDS: Mapping[str, Field] = {
    "drills.held": Field("a drill ended in the period", lambda report: "" if report.drills else NO_DRILL),
    "drills.within_year": Field("every plan was proven within a year", _yearly),
    "drills.not_overdue": Field("no drill was overdue", _overdue),
    "drills.switchover": Field("a switch to redundant capacity, every objective met", _switched),
    "drills.dates": Field(
        "begin and end of each drill", _drills("no times of", lambda one: not (one.began and one.ended))
    ),
    "drills.places": Field("site and hosts of each drill", _drills("no hosts in", lambda one: not one.hosts)),
    "drills.scenario": Field("a scenario for each drill", _drills("no scenario in", lambda one: not one.scenario)),
    "drills.assumptions": Field(
        "assumptions of each drill", _drills("no assumptions in", lambda one: not one.assumptions)
    ),
    "drills.objectives": Field(
        "objectives fixed before each drill", _drills("no objective in", lambda one: not one.objectives)
    ),
    "drills.measured": Field(
        "every objective tested",
        _drills(
            "not every objective was tested in", lambda one: any(each.word == "not tested" for each in one.objectives)
        ),
    ),
    "drills.times": Field(
        "recovery times measured",
        _drills("no measured time in", lambda one: all(each.measured is None for each in one.objectives)),
    ),
    "drills.people": Field("who was planned and present", _drills("people not whole in", _part("People"))),
    "drills.authority": Field(
        "change, window and approval of each drill", _drills("authority not whole in", _part("Authority"))
    ),
    "drills.steps": Field("a step-by-step account of each drill", _drills("no steps in", lambda one: not one.steps)),
    "drills.service_proof": Field(
        "proof that the service worked again",
        _drills("service not shown to work again in", _part("Proof that the service worked")),
    ),
    "drills.untouched": Field(
        "production compared before and after", _drills("production not compared in", lambda one: one.untouched is None)
    ),
    "drills.normal": Field("return to normal", _drills("return not shown in", _part("Return to normal"))),
    "drills.reviewed": Field(
        "signed by a reviewer who did not run it", _drills("no reviewer signed", _signed(("reviewer",)))
    ),
    "drills.second_line": Field(
        "signed by the second or third line",
        _drills("no second or third line signed", _signed(("second line", "third line"))),
    ),
    "backups.taken": Field(
        "backups of every engine",
        lambda report: _none_of("no backup of", [one.engine for one in report.backups if not one.done]),
    ),
    "backups.restored": Field("a backup of every engine restored on a separate server", _restored),
    "backups.compared": Field("restored data compared with the live estate", _compared),
    "backups.within_rpo": Field("the newest proven backup within its RPO", _within_rpo),
    "issues.severity": Field("a severity for each issue", _issues("no severity:", lambda one: not one.severity)),
    "issues.owner": Field("an owner for each issue", _issues("no owner:", lambda one: not one.owner)),
    "issues.due": Field("a date for each issue", _issues("no date:", lambda one: not one.due)),
    "issues.in_time": Field("no issue past its date", _issues("past its date:", lambda one: one.late > 0)),
    "issues.retest": Field("a retest for each open issue", _issues("no retest:", _failed_retested)),
    "issues.acceptance": Field("an approver and a reason for each accepted risk", _issues("no approver:", _accepted)),
    "redundancy.course": Field("redundancy of LUNs over time", _course("LUN")),
    "tuning.course": Field("tuning of Oracle VMs over time", _course("Oracle VM")),
    "availability.measured": Field("availability measured", _services),
    "changes.numbered": Field("a change number for each act", _changes),
    "report.distribution": Field("who gets the report", _seen),
    "report.comparison": Field(
        "a period to compare with",
        lambda report: "" if report.previous else "the portal did not watch the period before",
    ),
    "evidence.signed": Field("signed records of the period", _sealed),
    "outside.bia": Field("link to the business impact analysis", _never("link to the business impact analysis")),
    "outside.third_parties": Field("third parties taken part", _never("part of third parties")),
    "outside.communication": Field("crisis communication exercised", _never("crisis communication")),
    "outside.peak": Field("a full day at peak volume", _never("a full day at peak volume")),
    "outside.board": Field("presented to the management body", _never("presentation to the management body")),
    "outside.audit": Field("internal audit's review", _never("internal audit's review")),
    "outside.incident_plan": Field("review of the incident plan", _never("review of the incident response plan")),
    "outside.root_causes": Field("trend of root causes", _never("trend of root causes")),
    "outside.alternate_site": Field("test of the alternate site", _never("test of a geographically separate site")),
}


def _none_of(words: str, names: list[str]) -> str:
    return f"{words} {listed(names)}" if names else ""
