"""What maintenance and drills do as root on hosts and on the engine VM (portal.runs.as_root)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from failover.catalog import modes, release
from failover.plans_drills import DRILLS
from failover.plans_maintenance import LONGEST, MAINTENANCE
from portal.kernel.sudoers import Varies, digits
from portal.runs.as_root import RUN, RUNS_ID, Case

_PATH = "7:7:7:7"
_PATHS = Varies(_PATH, "[0-9]*", "SCSI addresses, as many as a fabric has; the script takes no other words", whole=True)
_PAIR: dict[str, Any] = {"hosts": "1:one:1,2:two:2", "on": 1, "to": 2}
_DRILL: dict[str, Any] = {
    **_PAIR,
    "how": "person",
    "fabric": "A",
    "paths": _PATH,
    "watch_seconds": 60,
    "questions": "?",
}


def cases() -> Iterator[Case]:
    """Each drill, and each maintenance in every scope with a release that is due in 1 to 7 digits of seconds."""
    for plan in DRILLS:
        yield Case(plan.name, "Drills", _DRILL, (RUNS_ID, _PATHS))
    for plan in MAINTENANCE:
        for scope in modes.SCOPES:
            for count in range(1, len(str(LONGEST)) + 1):
                yield _maintenance(plan.name, scope, count)


def _maintenance(plan: str, scope: str, count: int) -> Case:
    lag = settings.HOLDFAST_HA_LAG
    after = next(word for sign in "97" if (word := sign * count) != str(lag))
    given = {
        **_PAIR, "scope": scope, "lag": lag, "release_after": int(after), "release": release.unit(RUN), "armed_on": 1,
        "deadline": "2026-01-01T00:00:00+00:00", "window": 1,
    }  # fmt: skip
    due = Varies(after, digits(count), "seconds until the release", whole=True)
    return Case(plan, "Maintenance", given, (RUNS_ID, due))
