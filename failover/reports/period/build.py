"""From the stored rows of a period to the content of its report. The same rows give the same content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from failover.reports.period import clauses, courses, judging, restoring
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
from failover.reports.period.promised import proofs
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
        sections=(),
        figures=figures(numbers(now, given.scope.engines, luns, tuning), _before(given)),
        drills=now.drills,
        not_held=now.not_held,
        proofs=tuple(proofs(now, given.scope.engines, given.promises, given.proven)),
        issues=given.issues,
        backups=restoring.engines(now, given.scope.engines, given.promises),
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
    return _judged(bare, clauses.shown(map_, bare), (*_gaps(bare, now), *_switched_off(given)), _unwatched(now))


def _period(span: Span) -> Period:
    return Period(str(span.kind), span.begins, span.ends, span.zone)


def _before(given: Given) -> dict[str, int | None] | None:
    before = given.before
    if before is None:
        return None
    luns = courses.course(before.luns_began, before.luns, before.span, {})
    tuning = courses.course(before.tuning_began, before.tuning, before.span, {})
    return dict(numbers(before, given.scope.engines, luns, tuning))


def _judged(bare: Report, found: tuple[Clause, ...], gaps: tuple[Gap, ...], unwatched: int) -> Report:
    report = replace(bare, clauses=found, gaps=gaps, sections=judging.judged(bare, unwatched))
    return replace(report, verdict=judging.verdict(report), lead=tuple(lead(report)))


def _unwatched(now: Slice) -> int:
    """Seconds at the period's beginning of which the portal keeps nothing."""
    since = now.since if now.since is not None else now.span.ends
    return max(0, int((min(since, now.span.ends) - now.span.begins).total_seconds()))


def _gaps(report: Report, now: Slice) -> Iterator[Gap]:
    """What is not there, section by section."""
    yield from _unseen(now)
    yield from _incomparable(report, now)
    if not report.scope.engines:
        yield Gap("Summary", "No engine lies in the scope.")
    yield from _blind("LUN", "Redundancy of LUNs", report.luns, report)
    yield from _blind("Oracle VM", "Tuning", report.tuning, report)
    yield from _unmeasured(report)
    yield from _unkept(report)


def _switched_off(given: Given) -> Iterator[Gap]:
    if given.unwatched:
        are = "is" if len(given.unwatched) == 1 else "are"
        yield Gap(
            "Summary", f"{listed(given.unwatched)} {are} not watched any more: what is kept of the period is here."
        )


def _incomparable(report: Report, now: Slice) -> Iterator[Gap]:
    if report.previous is None:
        yield Gap("Comparison", "The portal did not watch the period before, so there is nothing to compare with.")
    elif now.since is not None and now.since > report.previous.begins:
        away = words_of((now.since - report.previous.begins).total_seconds())
        yield Gap(
            "Comparison", f"The portal began to watch {away} into the period before: its figures are of the rest."
        )


def _unkept(report: Report) -> Iterator[Gap]:
    """Promises that nobody kept: the first one that is kept was taken for the time before it."""
    words = "is not kept for {}: the first that is kept was taken for that time."
    for one in report.backups:
        if one.assumed:
            yield Gap("Backups proven", f"What was promised of {one.engine} {words.format(words_of(one.assumed))}")
    for each in report.proofs:
        if each.assumed:
            said = f"What was allowed for {each.what} of {each.engine} {words.format(words_of(each.assumed))}"
            yield Gap("Proofs due", said)


def _unseen(now: Slice) -> Iterator[Gap]:
    if now.since is None:
        yield Gap("Summary", "The portal has kept nothing of this scope yet: nothing of the period is known.")
    elif now.since >= now.span.ends:
        yield Gap("Summary", "The portal began to watch this scope after this period: nothing of it is known.")
    elif now.since > now.span.begins:
        away = words_of((now.since - now.span.begins).total_seconds())
        yield Gap("Summary", f"The portal began to watch this scope {away} into the period: nothing is known before.")


def _unmeasured(report: Report) -> Iterator[Gap]:
    if report.services is None:
        yield Gap("Availability", "Availability is not measured in this period.")
    elif not report.services:
        yield Gap("Availability", "No service has an objective, so no availability is measured.")
    for one in report.services or ():
        if away := one.unseen // 1000:
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


def lead(report: Report) -> Iterator[str]:
    """The first paragraph, one sentence each."""
    if not all(one.words == judging.NOT_WATCHED for one in report.sections):
        yield from _happened(report)
    else:
        yield "The portal did not watch in this period, so that nothing of it is known."
    unmet = sum(not one.met for one in report.clauses)
    yield f"This report shows {len(report.clauses) - unmet} of {len(report.clauses)} clauses of the map in whole."


def _happened(report: Report) -> Iterator[str]:
    met = sum(one.proven for one in report.drills)
    if report.drills:
        drills = counted(len(report.drills), "drill")
        yield f"{drills} ended in the period; {met or 'none'} met every objective.".capitalize()
    else:
        yield "No drill ended in the period."
    proven = sum(one.proven for one in report.backups)
    done = sum(one.done for one in report.backups)
    yield f"{_were(done, 'backup')} taken and {_were(proven, 'rehearsal')} proof that one can be restored.".capitalize()
    share = courses.share(report.luns)
    if share is not None:
        yield f"LUNs were fully redundant for {share / 10_000:.4g} % of the time that is known."
    if report.services is None:
        yield "Availability is not measured in this period."
    open_ = sum(one.closed is None for one in report.issues)
    yield f"{counted(open_, 'issue')} {'is' if open_ == 1 else 'are'} open.".capitalize()


def _were(count: int, what: str) -> str:
    """12 backups were; 1 backup was; no backup was."""
    return (
        f"{count or 'no':{',' if count else ''}} {what if count <= 1 else what + 's'} {'was' if count <= 1 else 'were'}"
    )
