"""Reads what engine-backup left behind on the engine VM, and writes the cause into the catalog."""

from __future__ import annotations

from dataclasses import asdict

from backups.catalog import output, preflight
from backups.catalog.cause import Cause
from backups.catalog.causes import classify
from backups.catalog.parts import Part
from backups.models import Backup
from backups.services.telling import of_run
from backups.steps import take, verify_there
from backups.works.asking import whole
from portal.evidence.services import append
from portal.kernel.command import Command
from portal.kernel.output import Output
from portal.kernel.step import Parameters, Working

LONGEST = 200_000  # bytes of each stream and of the log that the catalog keeps; the last ones count
# The archive is there and the engine database in it: the ladder says what it is worth.
KEPT = frozenset({"part_missing", "parts_unknown"})


def log_look(path: str) -> Command:
    """The end of a log on the engine VM."""
    return Command(("tail", "-c", str(LONGEST), path), root=True)


def looks(parameters: Parameters) -> dict[str, Command]:
    """Both logs of a backup, as they are asked for."""
    return {"log": log_look(take.log(parameters)), "verify": log_look(verify_there.log(parameters))}


def work(working: Working) -> None:
    """The run of engine-backup itself."""
    backup = of_run(working.parameters)
    if backup.cause:
        return
    printed = working.output_of(take.STEP.name)
    seen = whole(working, {"log": looks(working.parameters)["log"], **_flags(working)})
    parts = preflight.parts(seen)
    cause = classify(output.read(printed.stdout, printed.stderr, printed.exit_code, seen["log"].stdout), parts)
    good = cause.good or cause.kind in KEPT
    with working.writing():
        Backup.objects.filter(pk=backup.pk).update(
            status=Backup.Status.STARTED if good else Backup.Status.FAILED,
            cause=cause.kind,
            sentence=cause.sentence,
            what_to_do=cause.what_to_do,
            parts=sorted(parts) if parts is not None else None,
            version=preflight.version(seen["package"]),
            fqdn=preflight.fqdn(seen),
            output={**backup.output, "take": kept(printed, seen["log"], cause)},
        )
        if not good:
            append("backup.failed", "holdfast", f"backup:{backup.ident}", asdict(cause))


def verified(working: Working, backup: Backup) -> dict[str, object]:
    """What --mode=verify printed and the cause of its end, as the catalog keeps them."""
    printed = working.output_of(verify_there.STEP.name)
    log = whole(working, {"log": looks(working.parameters)["verify"]})["log"]
    cause = classify(output.read(printed.stdout, printed.stderr, printed.exit_code, log.stdout), parts_in(backup))
    return kept(printed, log, cause)


def parts_in(backup: Backup) -> frozenset[Part] | None:
    """The parts that the engine had; None when that was not known."""
    return None if backup.parts is None else frozenset(Part(name) for name in backup.parts)


def kept(printed: Output, log: Output, cause: Cause) -> dict[str, object]:
    """As Backup.output has it."""
    return {
        "cause": asdict(cause),
        "stdout": _text(printed.stdout),
        "stderr": _text(printed.stderr),
        "log": _text(log.stdout),
        "exit_code": printed.exit_code,
    }


def _flags(working: Working) -> dict[str, Command]:
    parameters = working.parameters
    wanted = preflight.commands(parameters["directory"], parameters["tmp_directory"])
    return {name: wanted[name] for name in ("flags", "databases", "package", "fqdn")}


def _text(raw: bytes) -> str:
    """For the database, which takes no NUL."""
    return raw[-LONGEST:].decode("utf-8", "replace").replace("\0", "\ufffd")
