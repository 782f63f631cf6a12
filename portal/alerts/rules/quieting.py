"""What holds a message back: an approved window in which people work on the estate, and a silence that a person made.
What is held back is told when that ends, if it still holds then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.alerts.rules.alarm import Concern
from portal.alerts.rules.routing import Filter, Spoken, matches

# What people cause when they work in a window. Everything else is told in it, data loss first of all: also that the
# window itself is overdue, or that its run needs a person.
HELD = frozenset({Concern.AVAILABILITY, Concern.STORAGE, Concern.CONFIGURATION})


@dataclass(frozen=True)
class Quiet:
    """An approved window. engine: its name. host: "" for all that belongs to the engine, else only this host itself.
    sentence: what it is, and until when."""

    engine: str
    sentence: str
    host: str = ""


@dataclass(frozen=True)
class Hush:
    """A silence of a person. concerns of its filter empty: every concern but data loss, which must be named."""

    filter: Filter
    begins: datetime
    until: datetime
    sentence: str


def held_back(spoken: Spoken, quiets: Iterable[Quiet], hushes: Iterable[Hush], now: datetime) -> str:
    """Why nobody is told now, in one sentence; "" when nothing holds it back."""
    quiet = next((one for one in quiets if covers(one, spoken)), None)
    if quiet is not None:
        return quiet.sentence
    hush = next((one for one in hushes if silences(one, spoken, now)), None)
    return hush.sentence if hush is not None else ""


def covers(quiet: Quiet, spoken: Spoken) -> bool:
    """Whether a window holds it back."""
    about = spoken.about
    if spoken.concern not in HELD or about.engine != quiet.engine:
        return False
    return not quiet.host or (about.kind, about.name) == ("host", quiet.host)


def silences(hush: Hush, spoken: Spoken, now: datetime) -> bool:
    """Whether a silence holds it back."""
    if not hush.begins <= now < hush.until:
        return False
    if spoken.concern is Concern.DATA_LOSS and Concern.DATA_LOSS.value not in hush.filter.concerns:
        return False
    return matches(hush.filter, spoken)
