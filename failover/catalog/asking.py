"""What the steps of a maintenance look at beside the pair itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from failover.catalog import sight
from failover.catalog.sight import Sight
from portal.kernel.step import Look, Parameters, Seen, Told

STANDING = "failover.standing"  # the portal's records: other runs, windows, restarts, time left
STATUSES = "failover.statuses"  # the engine's word per host, asked now
ACTED = "failover.acted"  # whether the run's newest act is old enough to be seen from elsewhere


def pair(parameters: Parameters) -> Mapping[str, Look]:
    """Every host and the engine's pages."""
    return sight.looks(parameters)


def pair_and_acted(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and how long ago the run acted."""
    return {**sight.looks(parameters), "acted": Told(ACTED)}


def pair_and_statuses(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, how long ago the run acted, and what the engine says of its hosts."""
    return {**pair_and_acted(parameters), "statuses": Told(STATUSES)}


def pair_and_standing(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and the portal's records."""
    return {**sight.looks(parameters), "standing": Told(STANDING)}


def read(seen: Seen, parameters: Parameters) -> Sight:
    """The pair as it was seen."""
    return sight.read(seen, parameters)


def told(seen: Seen, name: str) -> dict[str, Any]:
    """The answer of a Told look."""
    answer: dict[str, Any] = json.loads(seen[name].stdout)
    return answer


def settled_down(seen: Seen) -> bool:
    """Whether another host has had the time to read what the run wrote last."""
    return bool(told(seen, "acted")["seconds"] is None or told(seen, "acted")["left"] <= 0)
