"""What every page says of change systems: a gate that people have lifted, and notes that were not delivered."""

from __future__ import annotations

from collections.abc import Sequence

from failover.services.frame import Standing
from inventory.services.told import Banner


def lifted(engines: Sequence[Standing]) -> Banner | None:
    """For as long as a gate is lifted."""
    words = next((one.lifted for one in engines if one.lifted), "")
    return Banner("fail", words) if words else None


def undelivered(engines: Sequence[Standing]) -> Banner | None:
    """For as long as something that is owed to a change was refused for good."""
    many = max((one.undelivered for one in engines), default=0)
    if not many:
        return None
    what = "1 note to a change is" if many == 1 else f"{many} notes to changes are"
    return Banner("warn", f"{what} not delivered: see Drills, Changes, and try again or give it up.")
