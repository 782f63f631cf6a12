"""What is to be done about what a period report found, one sentence each. Nothing here judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from failover.reports.period.content import Drill, Proof, Report, Subject
from failover.reports.words import counted, listed

MOST = 3  # names in a sentence
WATCH = "Let the portal watch from the beginning to the end: the next period that it sees in whole can be judged."


def named(names: Iterable[str]) -> str:
    """a, b, c and 4 more."""
    found = list(names)
    more = [f"{len(found) - MOST} more"] if len(found) > MOST else []
    return listed([*found[:MOST], *more])


def drills(report: Report) -> Iterator[str]:
    """Those that failed or were not tested in whole, unless a later one of the same plan met every objective."""
    weak = [one for one in report.drills if one.verdict.state in ("fail", "unknown")]
    left = [one for one in weak if not any(_made_good(one, other) for other in report.drills)]
    if left:
        plan = "its plan" if len(left) == 1 else "the same plan"
        yield (
            f"{named(one.ident for one in left)} met not every objective, and no later drill of {plan} in the"
            " period did: put right what failed and hold it again."
        )


def _made_good(weak: Drill, other: Drill) -> bool:
    same = (weak.engine, weak.plan) == (other.engine, other.plan)
    return same and other.proven and bool(weak.ended and other.ended and other.ended > weak.ended)


def proofs(report: Report) -> Iterator[str]:
    """Each that is overdue."""
    return (f"{_of(one)} Plan a drill." for one in report.proofs if one.late)


def _of(one: Proof) -> str:
    last = "was never proven" if one.days is None else f"was last proven {counted(one.days, 'day')} before the end"
    allowed = f"{counted(one.allowed, 'day')} {'is' if one.allowed == 1 else 'are'} allowed."
    return f"{one.engine}: {one.what}, {last}; {allowed}"


def not_held(report: Report) -> Iterator[str]:
    """That they are planned anew."""
    count = len(report.not_held)
    if count:
        yield f"{counted(count, 'planned drill')} did not happen: plan {'it' if count == 1 else 'them'} anew."


def issues(report: Report) -> Iterator[str]:
    """Those past their dates, and those that nobody owns."""
    late = [one.ident for one in report.issues if one.late > 0]
    if late:
        yield (
            f"{named(late)} {'is past its date' if len(late) == 1 else 'are past their dates'}: fix what is open,"
            " have it tested again, or have the risk accepted."
        )
    free = [one.ident for one in report.issues if one.state in ("open", "fixed") and not one.owner]
    if free:
        yield f"{named(free)} {'has' if len(free) == 1 else 'have'} no owner: name one."


def backups(report: Report) -> Iterator[str]:
    """Engines whose backups were not always proven, or of which nothing is promised."""
    over = [one.engine for one in report.backups if one.over]
    if over:
        yield (
            f"The newest proven backup of {named(over)} was too old for a time: put right what failed, and rehearse"
            " more often than the RPO."
        )
    bare = [one.engine for one in report.backups if one.rpo is None]
    if bare:
        yield f"No policy in force promises an RPO for {named(bare)}: set one."


def course(what: str, many: str, subjects: Sequence[Subject], blind: Sequence[Subject]) -> Iterator[str]:
    """Subjects that were bad, and those that were not seen."""
    bad = [one.name for one in subjects if one.shares.fail]
    if bad:
        yield f"{named(bad)} failed for a time: the section has the causes; see that each is put right."
    if blind:
        names = named(one.name for one in blind)
        yield f"{names} {'was' if len(blind) == 1 else 'were'} not always seen: find out why."
    if not subjects:
        yield f"No {what} is looked at: declare the {many} to be watched."


def availability(report: Report) -> Iterator[str]:
    """Budgets that are spent, outages without a cause, services that were not seen, and whether there is any."""
    spent = [one.name for one in report.services or () if one.unplanned > one.budget or one.lost]
    if spent:
        yield f"{named(spent)} lost more than the budget: Times down has the outages; put right what each came from."
    free = [one for each in report.services or () for one in each.outages if not one.cause]
    if free:
        yield f"{counted(len(free), 'outage')} {'has' if len(free) == 1 else 'have'} no cause: name it in the ledger."
    blind = [one.name for one in report.services or () if one.unseen]
    if blind:
        was = "was" if len(blind) == 1 else "were"
        yield f"{named(blind)} {was} not always asked: see that the prober runs always."
    if not report.services:
        yield "Nothing is promised of any service: set an objective for each that matters."
