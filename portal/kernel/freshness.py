"""When a look is too old to be believed. One rule, used by pages, API and the stale sweep alike."""

from __future__ import annotations

GRACE_LOOKS = 3  # looks that may be missed in a row before a finding is no longer known
GRACE_SECONDS = 5.0


def allowed_age(every: float) -> float:
    """Seconds after which a look that is due every `every` seconds no longer speaks for the present."""
    return every * GRACE_LOOKS + GRACE_SECONDS


def is_stale(age: float, every: float) -> bool:
    """True when a look of this age (seconds) is too old. A negative age (the clock jumped back) is stale too."""
    return age > allowed_age(every) or age < -GRACE_SECONDS
