"""What a run of engine-backup came to, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """kind: a short stable word; good: the output alone speaks for success. retry: once more, unchanged, is
    justified."""

    kind: str
    sentence: str
    what_to_do: str
    retry: bool = False
    good: bool = False
