"""Looks at which archives the engine VM still holds, and notes it in the catalog."""

from __future__ import annotations

import posixpath

from backups.catalog import names
from backups.models import Backup
from backups.services.telling import of_run
from backups.works.asking import whole
from portal.kernel.command import Command
from portal.kernel.step import Parameters, WorkFailed, Working


def look(parameters: Parameters) -> Command:
    """Lists the folder for archives."""
    return Command(("ls", "-1", parameters["directory"]), root=True)


def work(working: Working) -> None:
    """Every archive of this engine whose name is there is on it; the others are not."""
    backup = of_run(working.parameters)
    directory = working.parameters["directory"]
    listed = whole(working, {"names": look(working.parameters)})["names"]
    if listed.exit_code != 0:
        raise WorkFailed(f"The folder {directory} on the engine VM cannot be listed: {listed.error_line()}.")
    there = set(listed.stdout.decode("utf-8", "replace").split("\n"))
    rows = Backup.objects.filter(engine=backup.engine, status=Backup.Status.DONE)
    held = [row.pk for row in rows if posixpath.basename(names.archive(directory, row.ident)) in there]
    with working.writing():
        rows.filter(on_engine=True).exclude(pk__in=held).update(on_engine=False)
        rows.filter(pk__in=held).update(on_engine=True)
        Backup.objects.filter(pk=backup.pk).update(looked_back=True)
