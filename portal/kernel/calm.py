"""A pause of Python's collector of cycles, for work that makes many values and no cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def calm() -> Iterator[None]:
    """Pauses the collector: values made by the ten thousand set it off hundreds of times, each time for nothing (a
    quarter of the sync's CPU in a process as large as a worker). Keep it around short work only: it holds for the
    whole process. Two threads may overlap; the collector runs again when the first one that stopped it ends."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
