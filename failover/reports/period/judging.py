"""What each section of a period report comes to. Nothing is good by default: time that nobody saw is taken for the
worst that it could have been, and only what holds even then is ok. docs/adr/0036 has the rule in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from failover.reports.period import doing
from failover.reports.period.content import Backups, Course, Judged, Report, Service, Subject, Verdict
from failover.reports.words import counted, listed
from portal.kernel.outcome import GRAVE, Outcome
from portal.kernel.words import span

MILLION = 1_000_000
UNSEEN = 100  # millionths of a subject's time that may be unseen where nothing is promised: what 99.99 % leaves over
NOT_WATCHED = "the portal did not watch in this period"
Found = tuple[str, str]  # state, words


def judged(report: Report, unwatched: int) -> tuple[Judged, ...]:
    """In the order of the report. unwatched: seconds at the period's beginning of which the portal keeps nothing."""
    whole = int((report.period.ends - report.period.begins).total_seconds())
    if unwatched >= whole:
        none = Judged("Summary", "unknown", NOT_WATCHED, whole, (doing.WATCH,))
        return (none, *(Judged(title, "unknown", NOT_WATCHED, whole, ()) for title in RULES))
    words = f"the portal began to watch {span(unwatched)} into the period"
    early = (Judged("Summary", "unknown", words, unwatched, (doing.WATCH,)),) if unwatched else ()
    return (*early, *(rule(title, report) for title, rule in RULES.items()))


def verdict(report: Report) -> Verdict:
    """The gravest of the sections, in the words of all that are as grave."""
    if not report.scope.engines:
        return Verdict("unknown", "nothing lies in the scope")
    gravest = _gravest(one.state for one in report.sections)
    if gravest == "ok":
        return Verdict("ok", "every objective is met, nothing is overdue")
    return Verdict(gravest, "; ".join(dict.fromkeys(one.words for one in report.sections if one.state == gravest)))


def _gravest(states: Iterable[str]) -> str:
    held = set(states)
    return next((str(one) for one in GRAVE if one in held), "ok")


def _section(title: str, rows: Iterable[Found], good: str, unseen: int = 0, todo: Iterable[str] = ()) -> Judged:
    """All that was found, the gravest first; or what is good."""
    found = sorted((one for one in rows if one[1]), key=lambda one: GRAVE.index(Outcome(one[0])))
    words = listed([words for _, words in found]) or good
    return Judged(title, found[0][0] if found else "ok", words, unseen, tuple(todo))


def _many(count: int, what: str, words: str) -> str:
    """ "2 drills failed"; "" for none."""
    return f"{counted(count, what)} {words}" if count else ""


def _drills(title: str, report: Report) -> Judged:
    words = {"fail": "failed", "unknown": "not tested in whole", "warn": "not met in whole"}
    rows = [
        (state, _many(sum(one.verdict.state == state for one in report.drills), "drill", said))
        for state, said in words.items()
    ]
    good = "every drill met every objective" if report.drills else "no drill ended, and none had to"
    return _section(title, rows, good, todo=doing.drills(report))


def _proofs(title: str, report: Report) -> Judged:
    late = sum(one.late for one in report.proofs)
    unkept = [one for one in report.proofs if one.assumed]
    names = doing.named(dict.fromkeys(one.what for one in unkept))
    assumed = max((one.assumed for one in unkept), default=0)
    for_a_time = sum(one.overdue > 0 and not one.late for one in report.proofs)
    rows = [
        ("fail", _many(late, "proof", "overdue")),
        ("warn", _many(for_a_time, "proof", "overdue for a time")),
        ("unknown", _many(sum(one.last is None and not one.late for one in report.proofs), "proof", "not there yet")),
        ("unknown", "" if report.proofs else "nothing is planned to be proven by drills"),
        ("unknown", f"what was allowed for {names} is not kept {_for(unkept, assumed)}" if unkept else ""),
    ]
    return _section(title, rows, "every proof is in time", assumed, doing.proofs(report))


def _not_held(title: str, report: Report) -> Judged:
    rows = [("warn", _many(len(report.not_held), "planned drill", "not held"))]
    return _section(title, rows, "every planned drill was held", todo=doing.not_held(report))


def _issues(title: str, report: Report) -> Judged:
    late = sum(one.late > 0 for one in report.issues)
    rows = [("warn", _many(late, "issue", "past its date" if late == 1 else "past their dates"))]
    return _section(title, rows, "no issue is past its date", todo=doing.issues(report))


def _backups(title: str, report: Report) -> Judged:
    over, unkept = [one for one in report.backups if one.over], [one for one in report.backups if one.assumed]
    bare = [one.engine for one in report.backups if one.rpo is None]
    late, assumed = max((one.over for one in over), default=0), max((one.assumed for one in unkept), default=0)
    lost = f"what was promised of backups of {_all(unkept)} is not kept {_for(unkept, assumed)}"
    rows = [
        ("fail", f"backups of {_all(over)} proven later than the RPO {_for(over, late)}" if over else ""),
        ("unknown", f"no RPO is set for {doing.named(bare)}" if bare else ""),
        ("unknown", lost if unkept else ""),
    ]
    return _section(title, rows, "always proven within the RPO", assumed, doing.backups(report))


def _all(rows: list[Backups]) -> str:
    return doing.named(one.engine for one in rows)


def _for(rows: Sequence[object], seconds: int) -> str:
    return f"for {'up to ' if len(rows) > 1 else ''}{span(seconds)}"


def _course(what: str, many: str, bad: str, of: Callable[[Report], Course]) -> Callable[[str, Report], Judged]:
    """Nothing is promised of it in time: what was seen to be bad is a warning, and unseen time counts as long as it is
    more than immaterial."""

    def rule(title: str, report: Report) -> Judged:
        subjects = of(report).subjects
        failed = sum(bool(one.shares.fail) for one in subjects)
        blind = [one for one in subjects if too_much_unseen(one)]
        unseen = max((one.shares.unknown for one in subjects), default=0)
        rows = [
            ("warn", f"{counted(failed, what, many)} {bad} for a time" if failed else ""),
            ("unknown", f"{counted(len(blind), what, many)} not seen for up to {span(unseen)}" if blind else ""),
            ("unknown", "" if subjects else f"no {what} was looked at"),
        ]
        return _section(title, rows, "in order whenever it was seen", unseen, doing.course(what, many, subjects, blind))

    return rule


def too_much_unseen(one: Subject) -> bool:
    """Whether more of its time is unseen than is immaterial."""
    return one.shares.unknown * MILLION > one.shares.whole * UNSEEN


def _availability(title: str, report: Report) -> Judged:
    services = report.services or ()
    lost = [f"{one.name}{_times(one)}" for one in services if kept(one) == "fail"]
    blind = [one for one in services if kept(one) == "unknown"]
    unseen = max((one.unseen for one in services), default=0) // 1000
    rows = [
        ("fail", f"error budget of {doing.named(lost)} spent" if lost else ""),
        ("unknown", f"{_hidden(blind)} could have spent the error budget" if blind else ""),
        ("unknown", "" if services else "availability is not measured"),
    ]
    good = "every objective is kept" + (", even if all unseen time was down" if unseen else "")
    return _section(title, rows, good, unseen, doing.availability(report))


def _times(one: Service) -> str:
    return f" (in {one.lost} of {counted(one.whole, 'calendar period')})" if one.lost else ""


def _hidden(blind: list[Service]) -> str:
    return doing.named(f"{span(one.unseen // 1000)} of {one.name} that nobody saw" for one in blind)


def kept(one: Service) -> str:
    """ok: within the budget even if all unseen time was down (docs/adr/0034, no. 4), over the whole part of the period
    and in each calendar period of the promise that lies in it; fail: over it by what was seen; else unknown."""
    if one.unplanned > one.budget or one.lost:
        return "fail"
    sure = one.ratio is not None and one.unplanned + one.unseen <= one.budget
    return "ok" if sure and not one.unsure else "unknown"


def _maintenance(title: str, report: Report) -> Judged:
    late = sum(one.overdue for one in report.windows)
    rows = [("warn", _many(late, "window", "open past its deadline" if late == 1 else "open past their deadlines"))]
    good = "every window was closed in time" if report.windows else "no maintenance was entered"
    return _section(title, rows, good)


RULES: Mapping[str, Callable[[str, Report], Judged]] = {
    "Drills": _drills,
    "Proofs due": _proofs,
    "Planned drills not held": _not_held,
    "Issues": _issues,
    "Backups proven": _backups,
    "Redundancy of LUNs": _course("LUN", "LUNs", "not redundant", lambda report: report.luns),
    "Tuning": _course("VM or host", "VMs or hosts", "not as advised", lambda report: report.tuning),
    "Availability": _availability,
    "Maintenance": _maintenance,
}
