"""What a step is told about its drill (failover.services.telling): plain words in, never a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.kernel.step import Look, Parameters, Seen, Told

DRILL = "failover.drill"
SECTION = "drill"


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The one look of a step that only wants to know what the portal has written."""
    return {SECTION: Told(DRILL)}


def read(seen: Seen) -> dict[str, Any]:
    """before, after: whether the fingerprint is there. changes: of the fingerprint. began, ended: the clock's marks as
    text, "" when not set. prompts: those asked. since: seconds since each step of the Run ended, by name."""
    told: dict[str, Any] = json.loads(seen[SECTION].stdout)
    return told


def prompts(told: Mapping[str, Any], step: str) -> list[dict[str, Any]]:
    """The questions that a step has asked, in order; of a step that was tried again, those of its last attempt."""
    mine = [one for one in told["prompts"] if one["step"] == step]
    last = max((one.get("attempt", 1) for one in mine), default=1)
    return [one for one in mine if one.get("attempt", 1) == last]
