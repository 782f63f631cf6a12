"""Files that people attach to their answers: kept in the vault under their hash, given out only as they were kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from failover.catalog.attaching import File, NotTaken, checked, too_large
from failover.models import Attachment, Drill
from portal.evidence import services as evidence
from portal.runs.services import Refused

FOLDER = "attachments"  # in the Run's folder in the vault


@dataclass(frozen=True)
class Taken:
    """A file that is given out."""

    row: Attachment
    raw: bytes


def read(upload: Any) -> File:
    """An uploaded file, looked at. upload: with name, size and read(). Raises Refused with one sentence."""
    most = settings.HOLDFAST_ATTACHMENT_MB * 1_000_000
    try:
        if upload.size > most:  # before a byte of it is read
            raise NotTaken(too_large(upload.size, most))
        return checked(str(upload.name or ""), upload.read(), most)
    except NotTaken as error:
        raise Refused("parameters", str(error)) from None


def store(drill: Drill, file: File) -> None:
    """Puts the bytes into the vault, under their hash. Repeating it is harmless; a file that no row names is nobody's.
    Raises Refused when the vault takes nothing."""
    path = _path(drill, file.sha256)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(file.raw)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        words = f"The vault cannot keep the file: {error.strerror or error}"
        raise Refused("parameters", f"{words}. Nothing was answered.") from None


def told(file: File) -> dict[str, Any]:
    """What the evidence holds of it."""
    return {"name": file.name, "kind": file.kind, "size": len(file.raw), "sha256": file.sha256}


def take(drill: Drill, pk: int, by: str, trace: Mapping[str, object]) -> Taken:
    """The file as it was kept; that it was taken is recorded first. Raises Attachment.DoesNotExist, and Refused when it
    is not there or not as it was kept any more."""
    row = Attachment.objects.select_related("prompt").get(pk=pk, prompt__drill=drill)
    try:
        raw = _path(drill, row.sha256).read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise Refused(
            "state", f"The vault does not give {row.name} out: {why}. Bring it back from its backup."
        ) from None
    if hashlib.sha256(raw).hexdigest() != row.sha256:
        words = f"{row.name} in the vault is not what was attached: its SHA-256 differs from the one in the evidence"
        raise Refused("state", f"{words}. It is not given out; bring it back from its backup.")
    body = {"file": row.name, "sha256": row.sha256, "prompt": row.prompt.question, **trace}
    evidence.append("drill.attachment_taken", by, f"drill:{drill.pk}", body)
    return Taken(row, raw)


def _path(drill: Drill, sha256: str) -> Path:
    assert drill.run is not None
    return Path(settings.HOLDFAST_VAULT) / str(drill.run.ref) / FOLDER / sha256
