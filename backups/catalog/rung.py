"""What a rung of the verify ladder is, and what is expected of an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backups.catalog.cause import Cause
from backups.catalog.parts import Part
from backups.catalog.streams import Limits

NAMES = ("present", "size", "hash", "verify", "listing", "members", "dumps", "pki", "version")

# What an engine cannot be without; the names of facts/engine-backup.md 5 (V5). Other databases: some table with data.
CORE_TABLES = frozenset(
    f"public.{table}" for table in ("schema_version", "storage_domain_static", "vdc_options", "vds_static", "vm_static")
)


class Mark(StrEnum):
    """skipped: not asked here, or nothing was left to look at; its sentence says which."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Rung:
    """One rung's result. evidence: facts that a person can check by hand."""

    name: str
    outcome: Mark
    sentence: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """What is known from elsewhere. now: aware. parts: what the engine has, or None when unknown. engine: its version.
    sizes: bytes of the last proven archives, newest first. sha256: as recorded when it was taken. taken, verified:
    causes of the backup run and of `--mode=verify`, None when there was none. fqdn: the engine's name, "" unknown.
    scope: words of --scope that the backup was taken with, () for all. accepted: who accepted its size, "" nobody."""

    now: datetime
    parts: frozenset[Part] | None
    engine: str = ""
    sizes: tuple[int, ...] = ()
    min_size: int = 1
    sha256: str = ""
    taken: Cause | None = None
    verified: Cause | None = None
    fqdn: str = ""
    tables: Mapping[Part, frozenset[str]] = field(default_factory=lambda: {Part.ENGINE: CORE_TABLES})
    limits: Limits = field(default_factory=Limits)
    scope: tuple[str, ...] = ()
    accepted: str = ""
