"""The clock of drills: seconds since this machine booted, the same for all of its processes. Wall clocks jump and
differ; this one does neither (facts/hosted-engine.md 7, no. 12). It stands still while a machine sleeps, which servers
do not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Moment:
    """mono: seconds of the clock of the boot `boot`. at: the wall clock, for people only."""

    boot: str
    mono: float
    at: datetime


def now() -> Moment:
    """This moment."""
    return Moment(boot(), mono(), datetime.now(UTC))


def mono() -> float:
    """Seconds since the boot."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@lru_cache(maxsize=1)
def boot() -> str:
    """Which boot of which machine. Containers of one machine share it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
