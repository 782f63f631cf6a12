"""What is not as decided, each in one line: what is, since when, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backups.verdicts.facts import Brief, Facts, Place
from backups.verdicts.words import counted, moment, size
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

SILENT = 300.0  # seconds without a look at the schedule that are too many
AHEAD = 60.0  # seconds that a backup may lie in the future
GRACE = 6 * 3600.0  # seconds that a rehearsal may come late
UNHEARD = 300.0  # seconds that a watcher may be deaf


@dataclass(frozen=True)
class Line:
    """One thing. short: for a title ("the copy at DR is late")."""

    outcome: Outcome
    short: str
    sentence: str


def lines(facts: Facts) -> tuple[Line, ...]:
    """All that is not as decided, the gravest first; among equals the more telling first."""
    found = [*_schedule(facts), *_loss(facts), *_newest(facts), *_missed(facts), *_copies(facts)]
    found += [*_proofs(facts), *_heartbeat(facts)]
    found += [Line(Outcome.WARN, "something waits", sentence) for sentence in facts.obstacles]
    order = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)
    return tuple(sorted(found, key=lambda line: order.index(line.outcome)))


def age(facts: Facts, backup: Brief) -> float:
    """Seconds since a backup was taken."""
    return (facts.now - backup.taken).total_seconds()


def _schedule(facts: Facts) -> Iterator[Line]:
    if not facts.enabled:
        yield Line(Outcome.WARN, "it is switched off", f"Policy {facts.name} is switched off: no backup is planned.")
        return
    if facts.schedule_problem:
        yield Line(Outcome.FAIL, "no backup is planned", f"No backup is planned: {facts.schedule_problem}")
    silent = (facts.now - facts.looked_at).total_seconds()
    if silent > SILENT:
        words = f"Nobody has looked at the schedule since {moment(facts.looked_at, facts.now)}."
        todo = "Start Holdfast's beat and its worker of the queue looks."
        yield Line(Outcome.FAIL, "nobody looks at the schedule", f"{words} {todo}")


def _loss(facts: Facts) -> Iterator[Line]:
    """The objective is about what can be restored, so about what is proven."""
    if facts.proven is None:
        return
    lost = age(facts, facts.proven)
    if lost > facts.aims.rpo:
        words = f"{span(lost)} would be lost if the engine were lost now; the objective is {span(facts.aims.rpo)}."
        yield Line(Outcome.FAIL, "that is later than the objective", f"{words} Back up now and rehearse it.")
    if lost < -AHEAD:
        words = f"{facts.proven.ident} is of a time to come, {span(-lost)} from now."
        yield Line(
            Outcome.UNKNOWN, "clocks disagree", f"{words} Compare the clocks of the engine VM and of the portal."
        )


def _newest(facts: Facts) -> Iterator[Line]:
    newest, done = facts.newest, facts.done
    if newest is not None and newest.status == "FAILED":
        head = (
            f"{facts.failed} backups failed in a row, the last one" if facts.failed > 1 else "The newest backup failed:"
        )
        why = f"{newest.sentence} {newest.what_to_do}".strip()
        words = f"{head} {newest.ident}. {why}".strip()
        yield Line(Outcome.WARN, "the newest backup failed", words)
    if done is None:
        return
    if done.whole is False:
        words = f"{done.ident} ended as DONE, but its archive is not whole: see its ladder, and take a new one."
        yield Line(Outcome.WARN, "the newest archive is not whole", words)
    if done.proof == "failed":
        words = f"{done.ident} could not be restored in its rehearsal: see it, and take a new one."
        yield Line(Outcome.WARN, "the newest backup does not come back", words)
    if done.size is not None and done.size < facts.aims.min_size:
        words = f"{done.ident} has {size(done.size)}, at least {size(facts.aims.min_size)} are expected."
        yield Line(Outcome.WARN, "the newest archive is too small", f"{words} Look at what it holds.")
    if age(facts, done) > facts.aims.max_age:
        words = f"The newest backup is {span(age(facts, done))} old, limit {span(facts.aims.max_age)}."
        yield Line(Outcome.WARN, "the newest backup is old", f"{words} Back up now.")


def _missed(facts: Facts) -> Iterator[Line]:
    if facts.missed_count:
        last = f" {facts.missed[0]}" if facts.missed else ""
        words = f"{counted(facts.missed_count, 'planned start')} passed without a backup since the last one.{last}"
        yield Line(Outcome.WARN, f"{counted(facts.missed_count, 'start')} missed", words)


def _copies(facts: Facts) -> Iterator[Line]:
    if facts.done is None:
        return
    if not facts.places:
        words = "Every copy lies in the portal's vault alone. Choose a place at another site."
        yield Line(Outcome.WARN, "no copy is elsewhere", words)
    for place in facts.places:
        if words := _late(facts, facts.done, place):
            yield Line(Outcome.WARN, f"the copy at {place.name} is late", f"{words} {place.trouble}".strip())


def _late(facts: Facts, done: Brief, place: Place) -> str:
    """ "" for a place in time. The first backup has the place's time to get there."""
    limit = span(place.late_after)
    if place.newest is None:
        waits = facts.total == 1 and age(facts, done) <= place.late_after
        return "" if waits else f"{place.name} holds no copy, limit {limit}."
    old = (facts.now - place.newest).total_seconds()
    return f"The newest copy at {place.name} is {span(old)} old, limit {limit}." if old > place.late_after else ""


def _proofs(facts: Facts) -> Iterator[Line]:
    least = facts.aims.minimum
    if facts.proven is not None and facts.proven_count < least:
        words = f"{facts.proven_count} of at least {least} proven backups are held. Take and rehearse more."
        yield Line(Outcome.WARN, f"fewer than {least} proven backups", words)
    if facts.done is None or facts.rehearsed_at is None:
        return  # what was never proven is told by the title
    since = (facts.now - facts.rehearsed_at).total_seconds()
    if since > max(facts.aims.rehearse_every, facts.aims.max_age) + GRACE:
        words = f"The last rehearsal that held was at {moment(facts.rehearsed_at, facts.now)}, {span(since)} ago."
        yield Line(Outcome.WARN, "the rehearsal is late", f"{words} Rehearse {facts.done.ident}.")


def _heartbeat(facts: Facts) -> Iterator[Line]:
    if facts.unheard is None or not facts.heartbeat:
        return
    if (facts.now - facts.unheard).total_seconds() > UNHEARD:
        since = f"The watcher outside has not been told anything since {moment(facts.unheard, facts.now)}."
        yield Line(Outcome.WARN, "the watcher outside is not told", f"{since} {facts.heartbeat}")
