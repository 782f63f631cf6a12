"""Counts and marks that all processes of the portal share, in Redis. While Redis is away each process counts by itself:
limits stay, for each process its own, and nobody is shut out (docs/adr/0033)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.cache import caches
from redis.exceptions import RedisError

T = TypeVar("T")
log = logging.getLogger(__name__)

SHARED, OWN = "shared", "default"  # of settings.CACHES
AWAY = 5.0  # seconds for which Redis is not asked after it failed: a request must not wait for it each time


@dataclass
class _Redis:
    """until: on the monotonic clock, not asked before."""

    until: float = 0.0
    away: bool = False


_redis = _Redis()


def count(key: str, seconds: int) -> int:
    """One more under a key; gives how many that makes. It is forgotten so many seconds after the first."""

    def one_more(cache: Any) -> int:
        cache.add(key, 0, seconds)
        try:
            return int(cache.incr(key))
        except ValueError:  # it expired between the two
            return 1

    return _kept(one_more)


def first(key: str, seconds: int) -> bool:
    """Whether nobody has said the same in the last seconds."""
    return _kept(lambda cache: bool(cache.add(key, 1, seconds)))


def _kept(deed: Callable[[Any], T]) -> T:
    if time.monotonic() >= _redis.until:
        try:
            found = deed(caches[SHARED])
        except (RedisError, OSError) as error:
            _redis.until = time.monotonic() + AWAY
            if not _redis.away:
                log.warning("Redis does not answer (%s): each process counts requests by itself.", type(error).__name__)
            _redis.away = True
        else:
            _redis.away = False
            return found
    return deed(caches[OWN])
