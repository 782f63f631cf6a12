"""Starting the proofs: the ladder again, and the rehearsal of a restore."""

from __future__ import annotations

from backups.models import Backup
from portal.changes.asked import Asked
from portal.runs.models import Run
from portal.runs.services import start


def verify(backup: Backup, by: str, key: str = "", change: str | Asked = "") -> Run:
    """Climbs the ladder again with the copy in the vault. Raises Refused."""
    return start("backup_verify", {}, f"backup:{backup.pk}", by, change, key)


def rehearse(backup: Backup, by: str, key: str = "", change: str | Asked = "") -> Run:
    """Climbs the ladder and restores every dump into scratch. Raises Refused."""
    return start("backup_rehearse", {}, f"backup:{backup.pk}", by, change, key)
