"""Who is told: rules in order, the first that fits, and those after it where a rule says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.timing import Hours, within
from portal.alerts.rules.timing import words as hours_words


@dataclass(frozen=True)
class Spoken:
    """What is told, as far as rules ask."""

    severity: Severity
    concern: Concern
    about: About


@dataclass(frozen=True)
class Filter:
    """Which alerts are meant. Empty: any. name: a pattern with * and ?, without regard to case."""

    least: Severity = Severity.INFO
    concerns: Collection[str] = ()
    engines: Collection[str] = ()
    sites: Collection[str] = ()
    kinds: Collection[str] = ()
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """One route. receivers: keys of whom it tells, in order. digest: minutes for which messages are gathered, 0 for
    none. after, to: minutes without acknowledgement until the next receiver is told; 0 for never. goes_on: the rules
    behind it are asked, too. off: it has receivers, and all of them are switched off."""

    name: str
    filter: Filter = field(default_factory=Filter)
    hours: Hours = field(default_factory=Hours)
    receivers: Sequence[str] = ()
    digest: int = 0
    after: int = 0
    to: str = ""
    goes_on: bool = False
    off: bool = False


@dataclass(frozen=True)
class Telling:
    """One receiver that is told, by which rule."""

    receiver: str
    rule: Rule


def matches(wanted: Filter, spoken: Spoken) -> bool:
    """Whether an alert is meant by a filter."""
    about = spoken.about
    return (
        spoken.severity.rank >= wanted.least.rank
        and _among(spoken.concern.value, wanted.concerns)
        and _among(about.engine, wanted.engines)
        and _among(about.site, wanted.sites)
        and _among(about.kind, wanted.kinds)
        and (not wanted.name or fnmatchcase(about.name.casefold(), wanted.name.casefold()))
    )


def _among(value: str, wanted: Collection[str]) -> bool:
    return not wanted or value in wanted


def fits(rule: Rule, spoken: Spoken, now: datetime) -> bool:
    """Whether a rule tells of this now."""
    return matches(rule.filter, spoken) and within(rule.hours, now)


def tellings(rules: Iterable[Rule], spoken: Spoken, now: datetime) -> tuple[Telling, ...]:
    """Whom the rules tell now, each receiver once, by the first rule that names it. A rule without receivers ends the
    search, too: it keeps what fits it silent."""
    found: dict[str, Telling] = {}
    for rule in rules:
        if not fits(rule, spoken, now):
            continue
        for receiver in rule.receivers:
            found.setdefault(receiver, Telling(receiver, rule))
        if not rule.goes_on:
            break
    return tuple(found.values())


def stops(rules: Iterable[Rule], spoken: Spoken, now: datetime) -> Rule | None:
    """The rule by which nobody is told, asked when nobody is: it fits, names nobody and ends the search; or it fits and
    is off, which is no wish for silence. None when no rule fits yet."""
    for rule in rules:
        if fits(rule, spoken, now) and (rule.off or not rule.goes_on):
            return rule if not rule.receivers else None
    return None


def words(wanted: Filter) -> str:
    """ "critical; data-loss; engine olvm01" """
    parts = ["every severity" if wanted.least is Severity.INFO else f"{wanted.least.value} and above"]
    if wanted.least is Severity.CRITICAL:
        parts = ["critical"]
    named = (("", wanted.concerns), ("engine ", wanted.engines), ("site ", wanted.sites), ("", wanted.kinds))
    parts += [f"{word}{', '.join(sorted(values))}" for word, values in named if values]
    return "; ".join([*parts, *([f"named {wanted.name}"] if wanted.name else [])])


def said(rule: Rule) -> str:
    """A rule's condition in words."""
    return f"{words(rule.filter)}; {hours_words(rule.hours)}"
