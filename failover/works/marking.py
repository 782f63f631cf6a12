"""What a drill writes down about itself: fingerprints and the clock's marks. Each looks first at what is there."""

from __future__ import annotations

from datetime import datetime

from failover.models import Drill
from failover.services import clock, fingerprints, pairs, readiness
from failover.services.telling import drill_of
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working, WorkStopped


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
    """The injection is next: the drill's clock begins, once."""
    drill = drill_of(working.parameters)
    with working.writing():
        if clock.begin(drill.pk):
            drill.refresh_from_db()
            body = {"at": _iso(drill.clock_began), "monotonic": drill.clock_began_mono, "boot": drill.clock_boot}
            append("drill.clock_began", "portal", f"drill:{drill.pk}", body)


def stop_clock(working: Working) -> None:
    """The steps have seen the service back."""
    drill = drill_of(working.parameters)
    with working.writing():
        if clock.stop(drill.pk):
            drill.refresh_from_db()
            body = {"at": _iso(drill.clock_ended), "monotonic": drill.clock_ended_mono}
            append("drill.clock_ended", "portal", f"drill:{drill.pk}", body)


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
