"""What a drill asks the engine to do. Each looks first whether it was done or asked already, and then POSTs once, with
a correlation id that the Run gives, so that the engine's own events say which one it was."""

from __future__ import annotations

from failover.catalog.pair import Member, member
from failover.models import Drill
from failover.services import prompts
from failover.services.correlating import correlation
from failover.services.telling import drill_of
from inventory.models import Host
from inventory.services.reach import credentials
from portal.connectors.engine import ActionResult, EngineFailed, Session, fence_host, migrate_vm, shared
from portal.connectors.engine.shapes import VmSeen
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working, WorkStopped


def migrate(working: Working) -> None:
    """Asks for the engine VM's migration to the host `to`."""
    drill, goal = drill_of(working.parameters), member(working.parameters, "to")
    host = Host.objects.get(pk=goal.pk)
    session = shared(credentials(drill.engine))
    try:
        vm = _engine_vm(session)
        if vm.host_uuid == host.uuid or vm.status == "migrating":
            working.say(f"The engine VM is {vm.status}; nothing more is asked.")
            return
        newest = session.newest_event()
        _mark(
            working, drill, "", newest
        )  # first: a worker that dies after the question leaves enough to find the answer
        result = migrate_vm(session, vm.uuid, host_uuid=host.uuid, correlation_id=correlation(working.parameters, "m"))
        _mark(working, drill, result.job_uuid, newest)
        if not result.accepted and _engine_vm(session).status == "migrating":
            working.say(f"The engine VM is migrating already; the engine said: {result.fault}")
            return
    except EngineFailed as error:
        raise WorkStopped(f"Whether the engine took the migration is not known: {error}") from None
    _said(working, drill, "migrate", result)


def _mark(working: Working, drill: Drill, job: str, newest: int) -> None:
    """Writes down how the engine's answer is found again (failover.services.migration)."""
    with working.writing():
        row = Drill.objects.select_for_update().get(pk=drill.pk)
        Drill.objects.filter(pk=drill.pk).update(marks={**row.marks, "migration": {"job": job, "after": newest}})


def _engine_vm(session: Session) -> VmSeen:
    rows = session.vms_now()
    found = next((one for one in rows if one.is_engine), None)
    if found is None:
        raise WorkFailed("The engine does not list its own VM, so nothing was asked.")
    return found


def _said(working: Working, drill: Drill, what: str, result: ActionResult) -> None:
    body = {"what": what, "accepted": result.accepted, "fault": result.fault, "correlation": result.correlation_id}
    with working.writing():
        append("drill.engine_asked", "portal", f"drill:{drill.pk}", body)
    if not result.accepted:
        raise WorkFailed(f"The engine refuses: {result.fault.rstrip('.')}. Nothing was done.")
    working.say(f"The engine has taken it (correlation id {result.correlation_id}).")


def cut_power(working: Working) -> None:
    """how person: asks a person. how fence: asks the engine to fence the host, once."""
    drill, on = drill_of(working.parameters), member(working.parameters, "on")
    if working.parameters["how"] == "person":
        with working.writing():
            words = f"Cut the power of {on.name} now, at its management controller or by hand, and confirm it here."
            prompts.ask(drill, "cut_power", [words])
        return
    if not _claimed(working, drill):
        return  # another worker, or this one before it died, has asked or was about to: it is not asked twice
    _fence(working, drill, on)


def _claimed(working: Working, drill: Drill) -> bool:
    """Writes down that the fencing is being asked for. A fence that is sent twice is a second power cycle, so one that
    may have been sent is never sent again."""
    with working.writing():
        row = Drill.objects.select_for_update().get(pk=drill.pk)
        if row.marks.get("fenced"):
            return False
        Drill.objects.filter(pk=drill.pk).update(marks={**row.marks, "fenced": True})
        return True


def _fence(working: Working, drill: Drill, on: Member) -> None:
    host = Host.objects.get(pk=on.pk)
    try:
        result = fence_host(
            shared(credentials(drill.engine)),
            host.uuid,
            kind="restart",
            correlation_id=correlation(working.parameters, "f"),
        )
    except EngineFailed as error:
        # expected when the host carries the engine: it cannot answer any more
        working.say(f"The engine was asked to fence {on.name} and gives no answer: {error}")
        return
    _said(working, drill, "fence", result)


def power_on(working: Working) -> None:
    """Asks a person, unless fencing gives the power back by itself: it does not when the engine ran on the host."""
    drill, on = drill_of(working.parameters), member(working.parameters, "on")
    with working.writing():
        prompts.ask(drill, "power_on", [f"Switch {on.name} on again, and confirm it here when it boots."])
