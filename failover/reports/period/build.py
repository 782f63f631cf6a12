"""From the stored rows of a period to the content of its report. The same rows give the same content."""

from __future__ import annotations

from collections.abc import Iterator

from failover.reports.period import clauses, courses, restoring
from failover.reports.period.content import (
    Clause,
    Course,
    Gap,
    Period,
    Report,
    Verdict,
)
from failover.reports.period.figures import figures, numbers
from failover.reports.period.given import Given, Slice
from failover.reports.period.span import Span
from failover.reports.words import counted, listed
from portal.kernel.words import span as words_of


def build(given: Given, map_: tuple[clauses.Clause, ...]) -> Report:
    """The whole content, clauses evaluated."""
    now = given.now
    luns = courses.course(now.luns_began, now.luns, now.span, given.names)
    tuning = courses.course(now.tuning_began, now.tuning, now.span, {})
    bare = Report(
        ident=given.ident,
        title=given.title,
        scope=given.scope,
        period=_period(now.span),
        previous=_period(given.before.span) if given.before else None,
        verdict=Verdict("unknown", ""),
        lead=(),
        figures=figures(numbers(now, given.scope.engines, luns, tuning), _before(given)),
        drills=now.drills,
        not_held=now.not_held,
        proofs=given.proofs,
        issues=given.issues,
        backups=restoring.engines(now, given.scope.engines, given.rpo),
        backup_days=restoring.days(now),
        troubles=restoring.troubles(now),
        luns=luns,
        tuning=tuning,
        services=now.services,
        windows=now.windows,
        changes=now.changes,
        waivers=now.waivers,
        clauses=(),
        gaps=(),
        evidence=given.evidence,
        distribution=given.distribution,
    )
    return _judged(bare, clauses.shown(map_, bare), tuple(_gaps(bare, now)))


def _period(span: Span) -> Period:
    return Period(str(span.kind), span.begins, span.ends, span.zone)


def _before(given: Given) -> dict[str, int | None] | None:
    before = given.before
    if before is None:
        return None
    luns = courses.course(before.luns_began, before.luns, before.span, {})
    tuning = courses.course(before.tuning_began, before.tuning, before.span, {})
    return dict(numbers(before, given.scope.engines, luns, tuning))


def _judged(bare: Report, found: tuple[Clause, ...], gaps: tuple[Gap, ...]) -> Report:
    told = {**vars(bare), "clauses": found, "gaps": gaps}
    report = Report(**told)
    return Report(**{**told, "verdict": verdict(report), "lead": tuple(lead(report))})


def _gaps(report: Report, now: Slice) -> Iterator[Gap]:
    """What is not there, section by section."""
    yield from _unseen(now)
    if report.previous is None:
        yield Gap("Comparison", "The portal did not watch the period before, so there is nothing to compare with.")
    if not report.scope.engines:
        yield Gap("Period", "No engine lies in the scope.")
    yield from _blind("LUN", "Redundancy of LUNs", report.luns, report)
    yield from _blind("Oracle VM", "Tuning", report.tuning, report)
    yield from _unmeasured(report)


def _unseen(now: Slice) -> Iterator[Gap]:
    if now.since is None:
        yield Gap("Period", "The portal has kept nothing of this scope yet: nothing of the period is known.")
    elif now.since > now.span.begins:
        away = words_of((min(now.since, now.span.ends) - now.span.begins).total_seconds())
        yield Gap("Period", f"The portal began to watch this scope {away} into the period: nothing is known before.")


def _unmeasured(report: Report) -> Iterator[Gap]:
    if report.services is None:
        yield Gap("Availability", "Availability is not measured in this period.")
    elif not report.services:
        yield Gap("Availability", "No service has an objective, so no availability is measured.")
    for one in report.services or ():
        if away := (one.unwatched + one.unknown) // 1000:
            yield Gap("Availability", f"Of {one.name} {words_of(away)} are not known: that time never counts as up.")


def _blind(what: str, section: str, found: Course, report: Report) -> Iterator[Gap]:
    if not found.subjects:
        yield Gap(section, f"No {what} was looked at in this period.")
        return
    unknown = sum(one.unknown for one in found.parts)
    if unknown:
        share = unknown * 100 / sum(one.whole for one in found.parts)
        yield Gap(section, f"{'Less than 1' if share < 1 else round(share)} % of the time of all {what}s is not known.")
    if found.since is not None and found.since > report.period.begins:
        away = words_of((found.since - report.period.begins).total_seconds())
        yield Gap(section, f"The first look at a {what} was {away} into the period: nothing is known before.")


def verdict(report: Report) -> Verdict:
    """The worst of what the period holds, in words. A gap alone makes it no worse than not known."""
    bad, weak = list(_bad(report)), list(_weak(report))
    if bad:
        return Verdict("fail", listed(bad))
    if not report.scope.engines:
        return Verdict("unknown", "nothing lies in the scope")
    if weak:
        return Verdict("warn", listed(weak))
    if any(one.section != "Comparison" for one in report.gaps):
        return Verdict("unknown", "the period is not known in whole")
    return Verdict("ok", "every drill met its objectives, nothing is overdue")


def _bad(report: Report) -> Iterator[str]:
    failed = sum(one.verdict.state == "fail" for one in report.drills)
    if failed:
        yield f"{counted(failed, 'drill')} failed"
    late = sum(one.late for one in report.proofs)
    if late:
        yield f"{counted(late, 'proof')} overdue"
    old = [one.engine for one in report.backups if one.rpo is not None and (one.gap is None or one.gap > one.rpo)]
    if old:
        yield f"backups of {listed(old)} not always proven within the RPO"
    over = [one.name for one in report.services or () if one.unplanned > one.budget]
    if over:
        yield f"error budget of {listed(over)} spent"


def _weak(report: Report) -> Iterator[str]:
    doubtful = sum(one.verdict.state in ("warn", "unknown") for one in report.drills)
    if doubtful:
        yield f"{counted(doubtful, 'drill')} not met in whole"
    if report.not_held:
        yield f"{counted(len(report.not_held), 'planned drill')} not held"
    late = sum(one.late > 0 for one in report.issues)
    if late:
        yield f"{counted(late, 'issue')} past its date"
    cut = sum(bool(one.shares.fail) for one in report.luns.subjects)
    if cut:
        yield f"{counted(cut, 'LUN')} not redundant for a time"


def lead(report: Report) -> Iterator[str]:
    """The first paragraph, one sentence each."""
    met = sum(one.proven for one in report.drills)
    if report.drills:
        drills = counted(len(report.drills), "drill")
        yield f"{drills} ended in the period; {met or 'none'} met every objective.".capitalize()
    else:
        yield "No drill ended in the period."
    proven = sum(one.proven for one in report.backups)
    done = sum(one.done for one in report.backups)
    yield f"{done:,} backups were taken and {proven:,} rehearsals proved one restorable."
    share = courses.share(report.luns)
    if share is not None:
        yield f"LUNs were fully redundant for {share / 10_000:.4g} % of the time that is known."
    if report.services is None:
        yield "Availability is not measured in this period."
    open_ = sum(one.closed is None for one in report.issues)
    yield f"{counted(open_, 'issue')} {'is' if open_ == 1 else 'are'} open.".capitalize()
    unmet = sum(not one.met for one in report.clauses)
    yield f"This report shows {len(report.clauses) - unmet} of {len(report.clauses)} clauses of the map in whole."
