"""The targets of backups that are records: "backup:<pk>", "destination:<pk>", "catalog:<engine pk>"."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ObjectDoesNotExist

from backups.models import Backup, Destination
from inventory.models import Engine
from portal.kernel.output import LookFailed
from portal.runs.record_shell import RecordShell

NAMES: dict[str, Callable[[int], str]] = {
    "backup": lambda key: f"backup {Backup.objects.get(pk=key).ident}",
    "destination": lambda key: f"destination {Destination.objects.get(pk=key).name}",
    "catalog": lambda key: f"the catalog of {Engine.objects.get(pk=key).name}",
}


def shell() -> RecordShell:
    """The way to them."""
    return RecordShell(_named)


def _named(target: str) -> str:
    kind, _, key = target.partition(":")
    try:
        return NAMES[kind](int(key))
    except (ObjectDoesNotExist, ValueError):
        raise LookFailed(f"There is no {kind} with the key {key!r}.") from None
