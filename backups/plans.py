"""The plans about backups. Found by being here (portal.runs.registry)."""

from __future__ import annotations

from backups.catalog import names
from backups.catalog.parts import NAMES
from backups.steps import (
    climb,
    collect_kit,
    count,
    judge,
    look_back,
    preflight,
    push,
    receive,
    recheck,
    rehearse,
    retire,
    take,
    tidy,
    verify_there,
)
from portal.kernel.plan import Parameter, Plan


def _scope(value: str) -> str:
    known = {part.scope for part in NAMES.values()}
    odd = [word for word in value.split(",") if value and word not in known]
    return f"engine-backup knows no scope {odd[0]!r}; it knows {', '.join(sorted(known))}." if odd else ""


def _tmp(value: str) -> str:
    return names.directory_problem(value) if value else ""


def _timeout(value: int) -> str:
    return "" if 60 <= value <= 86_400 else f"The time limit is {value} s; it must be 60 to 86400."


def _idents(value: str) -> str:
    return next((wrong for ident in value.split(",") if (wrong := names.ident_problem(ident))), "")


def _keep(value: int) -> str:
    return "" if 0 <= value <= 100 else f"{value} archives on the engine VM are asked for; it must be 0 to 100."


BACKUP_TAKE = Plan(
    name="backup_take",
    title="Engine backup",
    version=1,
    targets=("engine",),
    parameters=(
        Parameter("ident", "Name of the backup", str, None, names.ident_problem),
        Parameter("directory", "Folder on the engine VM", str, None, names.directory_problem),
        Parameter("tmp_directory", "Temporary folder on the engine VM", str, "", _tmp),
        Parameter("scope", "Scope", str, "", _scope),
        Parameter("timeout", "Time limit", int, 7200, _timeout),
        Parameter("engine_keep", "Archives that stay on the engine VM", int, 2, _keep),
    ),
    steps=(
        preflight.STEP,
        count.STEP,
        take.STEP,
        judge.STEP,
        verify_there.STEP,
        receive.STEP,
        climb.STEP,
        tidy.STEP,
        look_back.STEP,
    ),
)

BACKUP_COPY = Plan(
    name="backup_copy",
    title="Copy of a backup",
    version=1,
    targets=("destination",),
    parameters=(Parameter("backup", "Backup", int),),
    steps=(push.STEP,),
)

BACKUP_VERIFY = Plan(
    name="backup_verify",
    title="Verification of a backup",
    version=1,
    targets=("backup",),
    steps=(climb.STEP,),
)

BACKUP_REHEARSE = Plan(
    name="backup_rehearse",
    title="Restore rehearsal",
    version=1,
    targets=("backup",),
    steps=(rehearse.STEP,),
)

BACKUP_RETIRE = Plan(
    name="backup_retire",
    title="Deletion of obsolete backups",
    version=1,
    targets=("catalog",),
    parameters=(
        Parameter("policy", "Policy", int),
        Parameter("backups", "Names of the backups", str, None, _idents),
    ),
    steps=(retire.STEP,),
)

BACKUP_RECHECK = Plan(
    name="backup_recheck",
    title="Reading back of a copy",
    version=1,
    targets=("destination",),
    parameters=(Parameter("backup", "Backup", int),),
    steps=(recheck.STEP,),
)

RECOVERY_KIT = Plan(
    name="recovery_kit",
    title="Recovery-day kit",
    version=1,
    targets=("engine",),
    steps=(collect_kit.STEP,),
)

PLANS = (
    BACKUP_TAKE,
    BACKUP_COPY,
    BACKUP_VERIFY,
    BACKUP_REHEARSE,
    BACKUP_RETIRE,
    BACKUP_RECHECK,
    RECOVERY_KIT,
)
