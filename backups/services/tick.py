"""One tick of the unattended side. Harmless to repeat and to run twice at once: what is done is decided under the
policy's row lock from the rows of that moment, each policy and each kind of thing in a transaction of its own, so that
a policy that cannot be handled stops no other one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from backups.models import Policy
from backups.services import due, heartbeat, upkeep
from backups.services.clock import now as database_now
from backups.services.reconcile import reconcile

log = logging.getLogger(__name__)

Deed = Callable[[Policy, datetime], None]
ON: tuple[Deed, ...] = (
    due.start_due,
    due.try_again,
    upkeep.verify_due,
    upkeep.rehearse_due,
    upkeep.copies_due,
    upkeep.kit_due,
    upkeep.recheck_due,
    upkeep.retire_due,
    heartbeat.note,
)
# what is switched off begins nothing; what it has is still sent, and deleted, as it says
OFF: tuple[Deed, ...] = (due.pass_by, upkeep.copies_due, heartbeat.note)


def tick(now: datetime | None = None) -> list[str]:
    """Looks at all policies once. now: by default the database's clock. Gives one line per thing that broke, for the
    log; what merely cannot be done now is an Obstacle of its policy."""
    at = now or database_now()
    broken = _tried("reconcile", lambda: reconcile(at))
    # in any order: what can run side by side is limited, and no policy shall always come first
    for pk, enabled in Policy.objects.order_by("?").values_list("pk", "enabled"):
        for deed in ON if enabled else OFF:
            broken += _tried(f"policy {pk}: {deed.__name__}", lambda deed=deed, pk=pk: _under_lock(deed, pk, at))  # type: ignore[misc]
    return broken


def _under_lock(deed: Deed, pk: int, now: datetime) -> None:
    with transaction.atomic():
        # whom another tick is looking at is looked at by it
        row = Policy.objects.select_for_update(skip_locked=True, of=("self",)).select_related("engine").filter(pk=pk)
        policy = row.first()
        if policy is not None:
            deed(policy, now)


def _tried(what: str, deed: Callable[[], object]) -> list[str]:
    """A database that is away ends the tick; anything else ends only this deed."""
    try:
        deed()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("%s broke", what)
        return [f"{what}: {type(error).__name__}"]
    return []
