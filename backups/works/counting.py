"""Counts what the engine has before the backup: what comes back is held against it."""

from __future__ import annotations

from backups.models import Backup
from backups.services import things
from backups.services.telling import of_run
from backups.works.knowing import BEFORE, counted
from portal.kernel.step import Working


def work(working: Working) -> None:
    """Asks the engine's API. A refusal is kept as one sentence and stops nothing. The inventory is taken before the
    archive, not after it: what is created in between is then called missing, and never passed over."""
    backup = of_run(working.parameters)
    had = things.now(backup.engine)
    found = counted(backup.engine)
    with working.writing():
        then = {**backup.objects_then, BEFORE: found}
        Backup.objects.filter(pk=backup.pk).update(objects_then=then, things=had)
