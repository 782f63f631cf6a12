"""Counts what the engine has before the backup: what comes back is held against it."""

from __future__ import annotations

from backups.models import Backup
from backups.services.telling import of_run
from backups.works.knowing import BEFORE, counted
from portal.kernel.step import Working


def work(working: Working) -> None:
    """Asks the engine's API. A refusal is kept as one sentence and stops nothing."""
    backup = of_run(working.parameters)
    found = counted(backup.engine)
    with working.writing():
        Backup.objects.filter(pk=backup.pk).update(objects_then={**backup.objects_then, BEFORE: found})
