"""Which engine may restore which archive (facts/engine-backup.md 3, "Valid pairs")."""

from __future__ import annotations

import re

# a fourth number until 4.5.3 ("4.4.10.7", "4.5.3.2"); engine-backup compares it, too
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![\d])")
Version = tuple[int, int, int, int]


def version_of(text: str) -> Version | None:
    """ "4.5.5", "4.5.5-1.25.el8" or "4.4.10.7" as numbers; None when it is no version."""
    found = _VERSION.match(text.strip())
    return (int(found[1]), int(found[2]), int(found[3]), int(found[4] or 0)) if found else None


def restorable(archive: Version, engine: Version) -> bool:
    """True when engine-backup of `engine` accepts an archive of `archive`: the same X.Y and not newer, or from 4.3.10
    on, one of an older X.Y into 4.4 and 4.5."""
    if archive[:2] == engine[:2]:
        return archive <= engine
    return engine[:2] in ((4, 4), (4, 5)) and (4, 3, 10, 0) <= archive < engine
