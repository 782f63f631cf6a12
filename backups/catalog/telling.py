"""What the portal's own records say about the backup of a run, as the steps of backups read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.kernel.step import Look, Parameters, Seen, Told

SECTION = "told"
QUESTION = "backups.backup"


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The one look of a step that only asks the records."""
    return {SECTION: Told(QUESTION)}


def told(seen: Seen) -> dict[str, Any]:
    """The answer; see backups.services.telling for its keys."""
    found: dict[str, Any] = json.loads(seen[SECTION].stdout)
    return found
