"""What stands around every page: the sections with their worst state, and the banner."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from inventory.services.pages_now import Looking, Tally, tallies
from inventory.services.told import Banner, Told, told
from portal.alerts.services.counting import Counts
from portal.kernel.freshness import GRACE_LOOKS, is_stale
from portal.kernel.outcome import Outcome, worst

log = logging.getLogger(__name__)

SILENT_AFTER = 60.0  # seconds without the end of any look, from which the page says that looking has stopped
KINDS = {"engine": ("engine",), "hosts": ("host", "vm"), "luns": ("lun",)}
ANSWERS = {"backups": "rebuild", "drills": "proven"}  # section -> the answer of HOLDFAST_ANSWERS that it shows


@dataclass(frozen=True)
class Around:
    """worst: section -> outcome, only where it is not ok. answers: section -> what HOLDFAST_ANSWERS says."""

    now: datetime
    tallies: dict[str, Tally]
    worst: dict[str, Outcome]
    banner: Banner | None
    looking: Looking
    answers: dict[str, Told]
    alerts: Counts


def around(now: datetime | None = None) -> Around:
    """One query and one for each answer, whatever the size of the estate."""
    now = now or timezone.now()
    by_kind, seen, alerts = tallies(now)
    bad: dict[str, Outcome] = {}
    for section, kinds in KINDS.items():
        found = [by_kind[kind].worst for kind in kinds if kind in by_kind]
        if found and (outcome := worst(found)) is not Outcome.OK:
            bad[section] = outcome
    answers = {section: answer for section, name in ANSWERS.items() if (answer := told(name, now)) is not None}
    bad |= {key: one.answer.outcome for key, one in answers.items() if one.answer.outcome is not Outcome.OK}
    return Around(now, by_kind, bad, _banner(now, seen, answers), seen, answers, alerts)


def _banner(now: datetime, seen: Looking, answers: Mapping[str, Told]) -> Banner | None:
    """The packages above this one come first: what people have begun."""
    found = next((one.banner for one in answers.values() if one.banner is not None), None)
    if found is not None:
        return found
    if seen.newest is not None and is_stale((now - seen.newest).total_seconds(), SILENT_AFTER / GRACE_LOOKS):
        when = f"{timezone.localtime(seen.newest):%d %b %Y %H:%M:%S %Z}".lstrip("0")
        return Banner("unknown", f"No look has ended since {when}: start the looks worker and beat.")
    if seen.maintenance:
        return Banner(
            "maintenance",
            "The engine reports global maintenance: HA starts, stops and moves nothing until it is ended on a host.",
        )
    return None
