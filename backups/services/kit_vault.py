"""The bundles of kits in the vault, one folder per engine. One Run at a time collects for an engine, so what no row
names there is nobody's."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from inventory.models import Engine


def folder(engine: Engine) -> Path:
    """Where an engine's bundles lie; made when it is not there."""
    path = Path(settings.HOLDFAST_VAULT) / "kits" / str(engine.pk)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write(engine: Engine, run: str, raw: bytes) -> Path:
    """A whole bundle on the disk, without its name yet."""
    part = folder(engine) / f".{run}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return part


def keep(part: Path, name: str) -> None:
    """Gives it its name, for good."""
    part.replace(part.parent / name)
    descriptor = os.open(part.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(engine: Engine, named: set[str]) -> None:
    """Removes what no kit names."""
    for path in folder(engine).iterdir():
        if path.name not in named:
            path.unlink(missing_ok=True)


def read(engine: Engine, name: str) -> bytes:
    """A bundle's bytes; they have less than 1 MiB. Raises OSError."""
    return (folder(engine) / name).read_bytes()
