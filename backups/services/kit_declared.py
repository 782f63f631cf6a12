"""What people declared about a recovery, as the kit takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from backups.kit.content import Contact, Source, Spare
from backups.models import Declared
from inventory.models import Engine
from inventory.services.signal import announce
from portal.evidence import services as evidence

GIB = 2**30
TARGET, KEEPS = "target", "keeps the databases"


def of(engine: Engine) -> Declared:
    """The engine's row; an unsaved empty one when nobody has declared anything."""
    return Declared.objects.filter(engine=engine).first() or Declared(engine=engine)


def save(row: Declared, by: str, changed: Iterable[str]) -> Declared:
    """Saves what a person declared. On record by the names of what changed: a value could be more than it should be."""
    row.by, row.at = by, timezone.now()
    with transaction.atomic():
        row.save()
        body = {"engine": row.engine.name, "changed": sorted(changed)}
        evidence.append("kit.declared", by, f"engine:{row.engine_id}", body)
        announce("backups")
    return row


def source(row: Declared) -> Source:
    """Who declared and when."""
    return Source(_unix(row.at), f"declared by {row.by}" if row.by else "")


def spare(row: Declared) -> Spare | None:
    """The reserved LUN; None when there is none."""
    if not row.spare_lun:
        return None
    size = None if row.spare_lun_gib is None else row.spare_lun_gib * GIB
    zoned = tuple(str(name) for name in row.spare_zoned_to)
    return Spare(row.spare_lun, size, row.spare_array, zoned, _unix(row.spare_empty_at), source(row))


def contacts(row: Declared) -> tuple[Contact, ...]:
    """Who is called."""
    return tuple(Contact(one["role"], one["name"], one["reach"]) for one in row.contacts)


def role(row: Declared, host: str) -> str:
    """What a host is for on the day."""
    told = [word for word, name in ((TARGET, row.target_host), (KEEPS, row.keeps_host)) if name == host]
    return " and ".join(told)


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
