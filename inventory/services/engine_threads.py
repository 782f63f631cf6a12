"""Threads for the sync and the fast loop of engines, apart from those that look: an engine that hangs keeps one thread
of its own and nobody else's. One per process and pid."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

MOST = 32  # engines that are at work at once; those of further ones wait here, never in a thread that looks

log = logging.getLogger(__name__)

Work = Callable[[], object]


class Engines:
    """One thread per engine that has something to do; each kind of work stands at most once in its engine's line."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="engine")
        self._lines: dict[int, dict[str, Work]] = {}
        self._guard = threading.Lock()

    def start(self, engine: int, kind: str, work: Work) -> bool:
        """Queues work for an engine's thread, and returns at once. False when this kind waits or runs already: the
        engine has not answered the last one yet."""
        with self._guard:
            line = self._lines.get(engine)
            if line is not None and kind in line:
                return False
            if line is not None:
                line[kind] = work
                return True
            self._lines[engine] = {kind: work}
        self._pool.submit(self._run, engine)
        return True

    def _run(self, engine: int) -> None:
        while True:
            with self._guard:
                kind, work = next(iter(self._lines[engine].items()))
            try:
                work()
            except Exception:
                log.exception("%s of engine %s broke; the next one tries again", kind, engine)
            finally:
                connections.close_all()  # a thread that waits for weeks holds no connection
            with self._guard:
                del self._lines[engine][kind]
                if not self._lines[engine]:
                    del self._lines[engine]
                    return

    def busy(self) -> dict[int, list[str]]:
        """What runs or waits, by engine; what runs stands first."""
        with self._guard:
            return {engine: list(line) for engine, line in self._lines.items()}


_engines: Engines | None = None


def engines() -> Engines:
    """This process's threads; a forked child gets its own."""
    global _engines  # noqa: PLW0603 - threads belong to a process
    if _engines is None or _engines.pid != os.getpid():
        _engines = Engines()
    return _engines
