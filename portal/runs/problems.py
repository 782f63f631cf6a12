"""A refusal of portal.runs as a problem of the API: the same kind is the same problem everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from portal.access.problems import ChangePrevents, Conflict, Locked, Unprocessable
from portal.runs.services.refused import Refused

T = TypeVar("T")

# what the state of things causes; everything else is a mistake in the wish
CONFLICTS = frozenset({"drill", "state", "four_eyes", "evidence", "changed", "approval", "gate", "readiness", "window"})


def granted(deed: Callable[[], T]) -> T:
    """What the deed gives, or its refusal as a problem (raised)."""
    try:
        return deed()
    except Refused as refusal:
        if refusal.kind == "change":
            raise ChangePrevents(str(refusal)) from None
        if refusal.kind == "active":
            raise Locked(str(refusal)) from None
        if refusal.kind in CONFLICTS:
            raise Conflict(str(refusal)) from None
        raise Unprocessable(str(refusal)) from None
