"""Pulls the archive from the engine VM into the vault, encrypted on the way: no plaintext touches the portal's disk.

A link that is lost goes on where it was; a worker that dies begins again, since an age file cannot be continued."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.utils import timezone

from backups.catalog import names
from backups.models import Backup, Copy, Recipient
from backups.services import recipients, vault
from backups.services.telling import of_run
from backups.steps import take
from backups.works.asking import whole
from backups.works.judging import verified
from backups.works.knowing import AFTER, counted
from portal.connectors.age import Sealed, encrypt
from portal.connectors.age_pipe import Pipe
from portal.connectors.stores.store import prove
from portal.evidence.services import append
from portal.kernel.command import Command
from portal.kernel.step import Parameters, WorkFailed, Working
from portal.runs.models import RunStep

LARGEST = 4 * 1024**4  # bytes
STEP = 32 * 1024 * 1024  # bytes between two lines about progress


def work(working: Working) -> None:
    """From the engine VM into the vault, and DONE in the catalog."""
    backup = of_run(working.parameters)
    if backup.status == Backup.Status.DONE:
        return
    vault.sweep()
    size, wanted = _there(working)
    readers = recipients.active()
    name = names.copy(backup.engine.name, backup.ident)
    part = vault.part(name, str(working.parameters["run"]))
    try:
        sealed = _sealed(working, take.final(working.parameters), part, readers, size)
        if (sealed.plain_size, sealed.plain_sha256) != (size, wanted):
            raise WorkFailed(
                f"What came of the archive is not what the engine VM has: {sealed.plain_size} of {size} bytes, SHA-256"
                f" {sealed.plain_sha256[:12]} instead of {wanted[:12]}. Take a new backup."
            )
        vault.keep(part, name)
        prove(vault.store(), name, sealed.sha256, lambda done: working.check())
    finally:
        part.unlink(missing_ok=True)
    _write(working, backup, name, sealed, readers)


def looks(parameters: Parameters) -> dict[str, Command]:
    """What is asked about the archive on the engine VM."""
    path = take.final(parameters)
    return {
        "size": Command(("stat", "-c", "%s", path), root=True),
        "sha256": Command(("cat", f"{path}.sha256"), root=True),
    }


def _there(working: Working) -> tuple[int, str]:
    """Size and SHA-256 of the archive on the engine VM. Raises WorkFailed."""
    path, seen = take.final(working.parameters), whole(working, looks(working.parameters))
    size, digest = (seen[name].stdout.decode("ascii", "replace").strip() for name in ("size", "sha256"))
    if not size.isdecimal() or int(size) == 0 or len(digest) != 64:
        raise WorkFailed(f"The archive {path} or its SHA-256 is not on the engine VM any more: take a new backup.")
    return int(size), digest


def _sealed(working: Working, remote: str, part: Path, readers: list[Recipient], size: int) -> Sealed:
    """The archive, encrypted into `part`. Raises LookFailed, WorkFailed and OSError."""
    keys = [reader.public_key for reader in readers]
    pipe = Pipe()
    pull = threading.Thread(target=_pull, args=(working, remote, pipe), name="pull", daemon=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        pull.start()
        try:
            sealed = encrypt(pipe.read, _watched(working, file.write, size), keys)
            file.flush()
            os.fsync(file.fileno())
        finally:
            pipe.leave()
            pull.join()
    return sealed


def _pull(working: Working, remote: str, pipe: Pipe) -> None:
    try:
        working.pull(remote, pipe.write, LARGEST)
        pipe.end(None)
    except BaseException as error:  # noqa: BLE001  # a thread's end: whoever reads the pipe raises it
        pipe.end(error)
    finally:
        connection.close()  # of this thread


def _watched(working: Working, write: Callable[[bytes], object], size: int) -> Callable[[bytes], object]:
    """`write`, with a look now and then at whether the work may go on, and a line about how far it is."""
    passed = told = 0

    def _write(piece: bytes) -> None:
        nonlocal passed, told
        working.check()
        write(piece)
        passed += len(piece)
        if passed - told >= STEP:
            told = passed
            working.say(f"{passed // 1024**2} of {size // 1024**2} MiB are in the vault.")

    return _write


def _write(working: Working, backup: Backup, name: str, sealed: Sealed, readers: list[Recipient]) -> None:
    verify, after = verified(working, backup), counted(backup.engine)
    now = timezone.now()
    who = [reader.name for reader in readers]
    began, ended = _span(working)
    with working.writing():
        Backup.objects.filter(pk=backup.pk).update(
            status=Backup.Status.DONE,
            began=began,
            ended=ended or now,
            size=sealed.plain_size,
            sha256=sealed.plain_sha256,
            engine_path=take.final(working.parameters),
            on_engine=True,
            objects_then={**backup.objects_then, AFTER: after},
            output={**backup.output, "verify": verify},
        )
        Copy.objects.update_or_create(
            backup=backup,
            destination=vault.destination(),
            defaults={
                "state": Copy.State.HELD, "name": name, "size": sealed.size, "sha256": sealed.sha256,
                "sent": sealed.size, "recipients": who, "held_at": now, "checked_at": now,
                "sentence": "Read back and compared.",
            },
        )  # fmt: skip
        body = {
            "size": sealed.plain_size, "sha256": sealed.plain_sha256, "copy": name, "copy_sha256": sealed.sha256,
            "recipients": who, "cause": backup.cause, "verify": verify["cause"],
        }  # fmt: skip
        append("backup.done", "holdfast", f"backup:{backup.ident}", body)


def _span(working: Working) -> tuple[datetime | None, datetime | None]:
    """When engine-backup was started and seen to have ended, on the portal's clock; None for what nobody wrote down."""
    step = RunStep.objects.filter(run__ref=working.parameters["run"], name=take.STEP.name).first()
    return (step.intended_at or step.began, step.ended) if step else (None, None)
