"""What backups do as root on the engine VM, per policy, and the recovery-day kit on the hosts (portal.runs.as_root)."""

from __future__ import annotations

from collections.abc import Iterator

from backups.kit import commands
from backups.models import Policy
from backups.services.take import parameters
from backups.works import judging, looking_back, receiving
from portal.kernel.sudoers import Varies, digits
from portal.runs.as_root import RUNS_ID, Case

IDENT = "19990109T010203"
_NAME = Varies(IDENT, f"{digits(8)}T{digits(6)}", "the name of the backup, which is its time")


def cases() -> Iterator[Case]:
    """One per policy: folders, scope and time limit stand in its lines, so they are printed anew when it changes."""
    for policy in Policy.objects.select_related("engine").order_by("engine__name", "name"):
        given = parameters(policy, IDENT)
        asked = (*receiving.looks(given).values(), *judging.looks(given).values(), looking_back.look(given))
        yield Case("backup_take", f"Backups by {policy.name} of {policy.engine}", given, (RUNS_ID, _NAME), asked)
    yield Case("recovery_kit", "Recovery-day kit", {}, (), (*commands.HOST.values(), *commands.ENGINE.values()))
