"""The drill prober: measures outages in a process of its own, so that it outlives every worker."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from failover.services.probing import EVERY, Prober


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C. A second one waits until the first is gone."""

    help = "Asks the services of engines that are drilled, and writes when they answered: the RTO clock."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        prober = Prober(lambda words: self.stderr.write(words.strip()))
        while not stop.wait(EVERY):
            prober.round()
        prober.end()
