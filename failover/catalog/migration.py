"""What the engine says of a migration that it has taken: its job and its events (facts/engine-api.md 3.7, 7). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.catalog.pair import Member

QUESTION = "failover.migration"
# audit log codes: migration failed (64, 65, 120, 140, 1111), nowhere to go (166)
FAILED_CODES = frozenset({64, 65, 120, 140, 166, 1111})
FAILED_JOB = frozenset({"failed", "aborted"})


def failure(told: Mapping[str, Any], on: Member) -> str:
    """Why the migration away from `on` has failed, in one sentence; "" while it may still come. told: {"asked", "why",
    "status", "host", "job", "events"} of failover.services.migration. An engine that does not answer says nothing."""
    if not told["asked"] or told["why"]:
        return ""
    # while it migrates, or once it is elsewhere, an older failure is the past: the engine tries again by itself
    if told["status"] != "up" or told["host"] != on.name:
        return ""
    if told["events"]:
        said = f"{str(told['events'][-1]).rstrip('.')}."
    elif told["job"] in FAILED_JOB:
        said = f"Its job is {told['job']}, without a reason."
    else:
        return ""
    return f"The engine has given the migration up: {said} The engine VM runs on {on.name} as before."
