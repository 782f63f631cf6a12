"""The prober: looks at engines in a process of its own, so that a busy or dead looks worker does not blind it."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections, connection

from inventory.probes import PROBES
from inventory.services.sweep import sweep

EVERY = 1.0  # seconds


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C. Engine looks are claimed as in the looks worker: whoever comes first looks."""

    help = "Looks at every engine's health page and API, independent of the Celery workers."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        engine_probes = [name for name, probe in PROBES.items() if probe.target == "engine"]
        while not stop.wait(EVERY):
            try:
                sweep(patience=EVERY, probes=engine_probes)
            except OperationalError as error:
                self.stderr.write(f"The database does not answer: {error}".strip())
                connection.close()
            close_old_connections()
