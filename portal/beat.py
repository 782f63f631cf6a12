"""Celery's beat, made to outlive clocks that jump: it keeps its schedule in memory alone, since the shortest period is
seconds and the database says what is due."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import Scheduler

log = logging.getLogger(__name__)

JUMP = 1.0  # seconds that the wall clock may drift against the monotonic one between two ticks
LONGEST_NAP = 5.0  # seconds after which a jump is noticed at the latest


def _lead() -> float:
    """How far the wall clock is ahead of the monotonic one: constant while nobody sets the clock."""
    return time.time() - time.monotonic()


class Steady(Scheduler):
    """Celery orders its entries by the wall clock: set back by an hour, the original sends nothing for an hour. This
    one begins its schedule anew. It also writes no file, which the original would unpickle at its next start."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.lead = _lead()
        super().__init__(*given, **named)

    def tick(self, *given: Any, **named: Any) -> float:
        """As Celery's, after a look at the clock. Seconds until the next tick."""
        lead = _lead()
        if self.lead - lead > JUMP:
            log.warning("The clock went back by %.0f s: the schedule begins anew.", self.lead - lead)
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        self.lead = lead
        return float(min(super().tick(*given, **named), LONGEST_NAP))
