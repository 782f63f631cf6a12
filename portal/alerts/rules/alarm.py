"""What a source of alarms gives: something that holds now. Sources stand in settings.HOLDFAST_ALARMS; each is asked
what holds as of a moment, so that nothing is lost when nobody asked for a while, and nothing is told twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """info | warning | critical."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the calmest."""
        return list(Severity).index(self)


class Concern(StrEnum):
    """What is at stake. Only what looks find of the estate is held back in an approved window (see quieting)."""

    DATA_LOSS = "data-loss"  # replication, backups, a LUN without a path: never held back
    AVAILABILITY = "availability"  # engine, hosts, HA
    STORAGE = "storage"  # paths, fabrics, arrays: less redundancy than declared
    CONFIGURATION = "configuration"  # tuning, certificates, drifts
    CONTROL = "control"  # a person must act: runs, maintenance, keys, broken glass
    PROOF = "proof"  # drills and rehearsals that are overdue
    DELIVERY = "delivery"  # messages that did not arrive


@dataclass(frozen=True)
class About:
    """Whom an alarm speaks of, as routes, silences and quiet windows compare it. kind: host, engine, lun, run, policy.
    name: as people know it. engine, site: their names, "" where it belongs to none."""

    kind: str
    name: str
    engine: str = ""
    site: str = ""


@dataclass(frozen=True)
class Alarm:
    """key: names subject and what is wrong; there is one open alert for it at most. since: when it began. link: its
    page in the portal. hold: seconds that it must have lasted before there is an alert; calm: seconds that it must be
    gone before the alert is resolved. until: when it ended, for what nobody noticed while it held. came: when it came
    back last, for what comes and goes; None: since."""

    key: str
    severity: Severity
    concern: Concern
    about: About
    sentence: str
    since: datetime
    link: str = "/findings/"
    hold: float = 0.0
    calm: float = 0.0
    until: datetime | None = None
    came: datetime | None = None

    @property
    def again(self) -> datetime:
        """When it began or came back last."""
        return self.came or self.since


@dataclass(frozen=True)
class Ask:
    """What a source is asked. now; after: the last time that all was well asked (None: never); open: the keys of its
    open alerts with when each came last, for what is not known any more and so not over; seen: since when it says what
    keeps no time of its own; noticed: the same of this asking, filled by `since`."""

    now: datetime
    after: datetime | None = None
    open: Mapping[str, datetime] = field(default_factory=dict)
    seen: Mapping[str, datetime] = field(default_factory=dict)
    noticed: dict[str, datetime] = field(default_factory=dict)

    def since(self, key: str) -> datetime:
        """When it began, for what keeps no time of its own: when it was first noticed. It is remembered for as long as
        the source asks for it, so that an alert which a person has closed is not taken for news."""
        return self.noticed.setdefault(key, self.open.get(key) or self.seen.get(key) or self.now)

    def rows(self, kind: str) -> list[int]:
        """The primary keys in the open alerts of this kind (`kind:key`, `kind:key:what`): what does not end by itself
        is told until its alert is closed, whatever its age."""
        named = (key.split(":") for key in self.open if key.startswith(f"{kind}:"))
        return [int(one[1]) for one in named if one[1].isdecimal()]
