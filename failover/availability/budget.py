"""What is left of an error budget, how fast it burns, and what is said of it.

The budget of a period is the part of its whole length that the objective leaves: 99.99 % of a month of 30 days leaves
4 min 19 s. Burning at rate 1 spends it exactly at the end of its period; an alarm needs a fast rate over a long window
and over a short one, so that it is raised by more than one lost answer and goes soon after the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from failover.availability.measured import Availability, History, measure
from failover.availability.watched import known_until
from failover.verdicts.objectives import duration
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

NEARLY = 0.8  # of the budget, from which on it is a warning
LEAST = 3600.0  # seconds that must be known before anything is projected
KNOWN = 0.3  # of a window that must be known for its rate to be told


@dataclass(frozen=True)
class Alert:
    """long, short: seconds. rate: at which both must burn."""

    long: float
    short: float
    rate: float
    outcome: Outcome


ALERTS = (Alert(3600.0, 300.0, 14.4, Outcome.FAIL), Alert(21_600.0, 1800.0, 6.0, Outcome.WARN))


@dataclass(frozen=True)
class Burn:
    """rate: times the rate at which the budget lasts exactly; None: too little of the window is known."""

    window: float
    rate: float | None
    lost: float


@dataclass(frozen=True)
class Verdict:
    """word: what stands beside the shape."""

    outcome: Outcome
    word: str
    sentence: str


def percent(ratio: float | None) -> str:
    """Cut off, never rounded up: 99.9999 % is not 100 %."""
    if ratio is None:
        return "no data"
    return f"{math.floor(ratio * 1e6 + 1e-6) / 1e4:.4f} %"


def promise(objective: float) -> str:
    """The objective as people write it: 99.99 %."""
    return f"{100 * objective:.4f}".rstrip("0").rstrip(".") + " %"


def projected(of: Availability) -> float | None:
    """Seconds that will be lost by the end of the period when it goes on as until now; None while too little is
    known."""
    known = of.up_s + of.down_unplanned_s
    if known < LEAST:
        return None
    return of.spent_s + of.down_unplanned_s / known * max(0.0, (of.ends - of.until).total_seconds())


def verdict(of: Availability, name: str) -> Verdict:
    """Whether the objective of a period is kept. name: of the period. Kept means that it is even if it was down in all
    the time that nobody saw."""
    over = of.until >= of.ends
    amounts = f"It was down {duration(of.spent_s)} of the {duration(of.budget_s)} that {promise(of.objective)} leaves"
    unseen = f" {_rough(of.not_seen_s)} were not seen." if of.not_seen_s >= 1 else ""
    if of.ratio is None:
        return Verdict(Outcome.UNKNOWN, "No data", f"{of.service} was not watched in {name}, so nothing is known.")
    if of.spent_s > of.budget_s:
        return Verdict(Outcome.FAIL, "Lost", f"{of.service} has lost its objective for {name}. {amounts}.{unseen}")
    if of.not_seen_s > of.left_s:
        words = f"Whether {of.service} keeps its objective for {name} is not known"
        return Verdict(Outcome.UNKNOWN, "Not known", f"{words}: more was not seen than is left. {amounts}.{unseen}")
    if over:
        return Verdict(Outcome.OK, "Kept", f"{of.service} kept its objective for {name}. {amounts}.{unseen}")
    if of.spent_s >= NEARLY * of.budget_s and of.spent_s > 0:
        words = f"{of.service} has nearly spent its budget for {name}"
        return Verdict(Outcome.WARN, "Nearly spent", f"{words}. {amounts}; {duration(of.left_s)} are left.{unseen}")
    words = f"{of.service} is within its budget for {name}"
    return Verdict(Outcome.OK, "Within budget", f"{words}. {amounts}; {duration(of.left_s)} are left.{unseen}")


def _rough(seconds: float) -> str:
    """Seconds are said where they matter."""
    return duration(seconds) if seconds < 3600 else span(seconds)


def burn(of: History, objective: float, window: float, now: float) -> Burn:
    """How fast the budget burned in the window (seconds) that ends with what is known."""
    of = of.by(now)
    until = known_until(of.seen, of.rule, now)
    told = measure(of, objective, until - window, until, now)
    known = told.up_s + told.down_unplanned_s
    if known + told.down_planned_s < KNOWN * window:
        return Burn(window, None, told.down_unplanned_s)
    rate = told.down_unplanned_s / known / (1 - objective) if known else 0.0
    return Burn(window, rate, told.down_unplanned_s)


def burning(of: History, objective: float, now: float) -> Verdict:
    """The gravest alarm that stands; unknown when the present is not known."""
    rates = {window: burn(of, objective, window, now) for one in ALERTS for window in (one.long, one.short)}
    for one in ALERTS:
        long, short = rates[one.long], rates[one.short]
        if long.rate is not None and short.rate is not None and min(long.rate, short.rate) >= one.rate:
            words = f"{of.service} was down {duration(long.lost)} of the last {span(one.long)}"
            fast = f"{long.rate:.3g} times as fast as {promise(objective)} allows ({short.rate:.3g} times in "
            tail = f"{span(one.short)}); from {one.rate:g} times on it is an alarm. See its outages."
            return Verdict(one.outcome, "Burns", f"{words}, {fast}{tail}")
    first = rates[ALERTS[0].short]
    for one in ALERTS:
        if _half_known(one, rates[one.long].rate, rates[one.short].rate):
            words = f"Whether {of.service} spends its budget too fast is not known"
            tail = f"too little of the last {span(one.long)} or {span(one.short)} was seen, and what was seen burns."
            return Verdict(Outcome.UNKNOWN, "Not known", f"{words}: {tail} See its outages.")
    if first.rate is None:
        words = f"How fast {of.service} spends its budget is not known: too little of the last"
        tail = "was seen. Look at the process drill_prober."
        return Verdict(Outcome.UNKNOWN, "Not known", f"{words} {span(ALERTS[0].short)} {tail}")
    return Verdict(Outcome.OK, "Calm", f"{of.service} spends its budget no faster than {promise(objective)} allows.")


def _half_known(alert: Alert, long: float | None, short: float | None) -> bool:
    """Whether one window burns enough for an alarm and nothing is known of the other."""
    known = [rate for rate in (long, short) if rate is not None]
    return len(known) == 1 and known[0] >= alert.rate


def findings(key: str, told: Availability, period: str, burns: Verdict, silent: str = "") -> list[Finding]:
    """What is recorded of a service. silent: why it is not asked at all, "" when it is. The budget's finding speaks of
    what was seen; whether the objective is kept, unseen time counted, is the page's verdict."""
    subject = Subject("service", key)
    if silent or not told.watched:
        words = (
            silent or f"{told.service} is not watched: nobody has an answer of it. Look at the process drill_prober."
        )
        return [Finding(check, Outcome.UNKNOWN, subject, words) for check in ("answers", "budget", "burn_rate")]
    burn_rate = Finding("burn_rate", burns.outcome, subject, burns.sentence)
    return [_answers(subject, told), _budget(subject, told, period), burn_rate]


def _budget(subject: Subject, told: Availability, period: str) -> Finding:
    stands = verdict(told, period)
    if stands.outcome is not Outcome.UNKNOWN or told.ratio is None:
        return Finding("budget", stands.outcome, subject, stands.sentence)
    words = f"{told.service} was down {duration(told.spent_s)} of the {duration(told.budget_s)} of its budget"
    rest = f"in the part of {period} that was watched; {_rough(told.not_seen_s)} were not seen"
    return Finding("budget", Outcome.OK, subject, f"{words} {rest}.")


def _answers(subject: Subject, told: Availability) -> Finding:
    if told.unsure:
        words = f"{told.service} is asked, and nothing can be told of it: {told.unsure}."
        return Finding("answers", Outcome.UNKNOWN, subject, words)
    if not told.down_now:
        return Finding("answers", Outcome.OK, subject, f"{told.service} answers.")
    last = told.outages[-1]
    cause = f": {last.cause}" if last.cause else ""
    if last.planned:
        return Finding("answers", Outcome.OK, subject, f"{told.service} is down, as planned{cause}.")
    words = f"{told.service} does not answer since {last.begins:%d %b %Y %H:%M:%S} UTC{cause}"
    return Finding("answers", Outcome.FAIL, subject, f"{words}. See the engine, its hosts and the network.")
