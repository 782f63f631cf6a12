"""What a drill writes down about itself: fingerprints and the clock's marks. Each looks first at what is there."""

from __future__ import annotations

import time
from pathlib import Path

from django.utils import timezone

from failover.models import Drill
from failover.services import fingerprints, pairs, readiness
from failover.services.telling import drill_of
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working, WorkStopped

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def before(working: Working) -> None:
    """Drill.before, and the prechecks as they stand. Raises WorkFailed: without it nothing can be proven after."""
    drill = drill_of(working.parameters)
    if drill.before:
        return
    try:
        made = fingerprints.take(drill.engine, pairs.members_of(drill.engine))
    except fingerprints.CannotSee as error:
        raise WorkFailed(f"Production cannot be written down. {error} Nothing was done.") from None
    ready = readiness.last(drill.engine, drill.plan)
    checks = {"at": ready.at.isoformat(), "checks": ready.checks, "depends": ready.depends} if ready else {}
    with working.writing():
        Drill.objects.filter(pk=drill.pk, before={}).update(before=made, readiness=checks)
        append("drill.before", "portal", f"drill:{drill.pk}", {"fingerprint": made, "readiness": checks})


def after(working: Working) -> None:
    """Drill.after. Raises WorkStopped while the engine cannot be asked: it is tried again."""
    drill = drill_of(working.parameters)
    if drill.after:
        return
    try:
        made = fingerprints.take(drill.engine, pairs.members_of(drill.engine))
    except fingerprints.CannotSee as error:
        raise WorkStopped(f"Production cannot be written down yet. {error}") from None
    with working.writing():
        Drill.objects.filter(pk=drill.pk, after={}).update(after=made)
        append("drill.after", "portal", f"drill:{drill.pk}", {"fingerprint": made})


def start_clock(working: Working) -> None:
    """Drill.clock_*: read together, so that the wall time and the monotonic time mean the same moment."""
    drill = drill_of(working.parameters)
    boot = BOOT_ID.read_text("ascii").strip()
    with working.writing():
        now, mono = timezone.now(), monotonic()
        marks = {"clock_began": now, "clock_began_mono": mono, "clock_boot": boot}
        if Drill.objects.filter(pk=drill.pk, clock_began=None).update(**marks):
            body = {"at": now.isoformat(), "monotonic": mono, "boot": boot}
            append("drill.clock_began", "portal", f"drill:{drill.pk}", body)


def stop_clock(working: Working) -> None:
    """Drill.clock_ended*: when the steps saw the service back."""
    drill = drill_of(working.parameters)
    with working.writing():
        now, mono = timezone.now(), monotonic()
        if Drill.objects.filter(pk=drill.pk, clock_ended=None).update(clock_ended=now, clock_ended_mono=mono):
            body = {"at": now.isoformat(), "monotonic": mono}
            append("drill.clock_ended", "portal", f"drill:{drill.pk}", body)


def monotonic() -> float:
    """Seconds of CLOCK_MONOTONIC: the same for every process of one boot."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
