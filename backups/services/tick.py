"""One tick of the unattended side. Harmless to repeat and to run twice at once: what is done is decided under the
policy's row lock from the rows of that moment, each policy and each kind of thing in a transaction of its own, so that
a policy that cannot be handled stops no other one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import InterfaceError, OperationalError, transaction

from backups.models import Policy
from backups.services import due, heartbeat, upkeep
from backups.services.clock import now as database_now
from backups.services.reconcile import reconcile

log = logging.getLogger(__name__)

Deed = Callable[[Policy, datetime], None]


@dataclass(frozen=True)
class Round:
    """What one tick does for a policy that is switched on, and for one that is switched off: that begins nothing,
    but what it has is still sent as it says."""

    on: tuple[Deed, ...]
    off: tuple[Deed, ...]


STARTS = Round((due.start_due, due.try_again, heartbeat.note), (due.pass_by, heartbeat.note))
# looks at whole catalogs, so less often
FOLLOWING = Round(
    (
        upkeep.verify_due,
        upkeep.rehearse_due,
        upkeep.copies_due,
        upkeep.kit_due,
        upkeep.recheck_due,
        upkeep.retire_due,
    ),
    (upkeep.copies_due,),
)
BOTH = Round(STARTS.on + FOLLOWING.on, STARTS.off + FOLLOWING.off)


def tick(now: datetime | None = None, what: Round = BOTH) -> list[str]:
    """Looks at all policies once. now: by default the database's clock. Gives one line per thing that broke, for the
    log; what merely cannot be done now is an Obstacle of its policy."""
    at = now or database_now()
    broken = _tried("reconcile", lambda: reconcile(at))
    # in any order: what can run side by side is limited, and no policy shall always come first
    for pk, enabled in Policy.objects.order_by("?").values_list("pk", "enabled"):
        for deed in what.on if enabled else what.off:
            broken += _tried(f"policy {pk}: {deed.__name__}", partial(_under_lock, deed, pk, at))
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
