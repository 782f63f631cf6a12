"""What the control port tells of the engine VM: whether it is up, its processes, its files, its runs. For tests."""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path

from lab import engine_vm, engine_vm_programs
from lab.backup import cluster
from lab.runtime import Lab
from lab.world import ENGINE


def vm(lab: Lab) -> dict[str, object]:
    """Up or not, its processes (pid, name, args) and how many of each name, and engine-backup's runs, oldest first: rc
    is None while a run lives and when a signal ended it; "ended" (lab seconds) is there once it has ended."""
    found = engine_vm_programs.processes(cluster.programs())
    runs = [entry for entry in lab.world.ledger if entry["host"] == ENGINE and _argv(entry)[:1] == ["engine-backup"]]
    return {
        "up": lab.world.machine(ENGINE).powered,
        "postgres": lab.cluster.running and not engine_vm.database_down(lab.world),
        "processes": [{"pid": one.pid, "name": one.name, "args": one.args} for one in found],
        "count": dict(Counter(one.name for one in found)),
        "runs": runs,
    }


def _argv(entry: dict[str, object]) -> list[str]:
    argv = entry["argv"]
    return argv if entry["kind"] == "command" and isinstance(argv, list) else []


def files(lab: Lab, under: str) -> list[dict[str, object]]:
    """Every file and folder below a path of the VM: path, kind (file | folder | link), size in bytes, mode as in 0600,
    mtime in Unix seconds. Raises ValueError for a path that leaves the VM."""
    top = (lab.vm_root / under.lstrip("/")).resolve()
    if not top.is_relative_to(lab.vm_root.resolve()):
        raise ValueError(f"{under} is not a path of the engine VM.")
    rows = [_row(lab, top)] if top.is_file() else []
    for folder, folders, names in os.walk(top):
        rows += [_row(lab, Path(folder, name)) for name in sorted([*folders, *names])]
    return [row for row in rows if row]


def _row(lab: Lab, path: Path) -> dict[str, object]:
    try:
        found = path.lstat()
    except OSError:
        return {}
    kind = "folder" if stat.S_ISDIR(found.st_mode) else "link" if stat.S_ISLNK(found.st_mode) else "file"
    return {
        "path": "/" + str(path.relative_to(lab.vm_root.resolve())),
        "kind": kind,
        "size": found.st_size,
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "mtime": found.st_mtime,
    }
