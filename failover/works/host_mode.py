"""Takes a host into the engine's maintenance, and out of it: looks first, asks once, leaves the waiting to the step.

A worker may die between the question and the answer; the next one finds the host on its way and asks no more."""

from __future__ import annotations

from failover.catalog.pair import member
from failover.services.correlating import correlation
from inventory.models import Engine, Host
from inventory.services.reach import credentials
from portal.connectors.engine import (
    ActionResult,
    Cursor,
    EngineFailed,
    Session,
    activate_host,
    deactivate_host,
    shared,
)
from portal.kernel.output import LookFailed
from portal.kernel.step import WorkFailed, Working

ON_ITS_WAY = {"off": ("maintenance", "preparing_for_maintenance"), "on": ("up", "unassigned", "initializing")}
LETTERS = {"off": "d", "on": "a"}  # deactivate, activate: the end of the correlation id


def deactivate(working: Working) -> None:
    """Asks for maintenance, once. Raises WorkFailed with the engine's words when it refuses, LookFailed when the engine
    does not answer."""
    _ask(working, "off")


def activate(working: Working) -> None:
    """Asks to end maintenance, once. As deactivate."""
    _ask(working, "on")


def statuses(session: Session) -> dict[str, str]:
    """The engine's word per host uuid, asked now. Raises EngineFailed."""
    hosts = session.quick(Cursor()).hosts
    if hosts.failed is not None:
        raise hosts.failed
    return {one.uuid: one.status for one in hosts.rows or ()}


def _ask(working: Working, way: str) -> None:
    engine = Engine.objects.get(pk=int(working.parameters["target"].partition(":")[2]))
    host = Host.objects.get(pk=member(working.parameters, "on").pk, engine=engine)
    mark = correlation(working.parameters, LETTERS[way])
    try:
        session = shared(credentials(engine))
        status = statuses(session).get(host.uuid, "")
        if status in ON_ITS_WAY[way]:
            working.say(f"The engine's status of {host.name} is {status} already, so nothing is asked.")
            return
        result = _post(session, host, way, mark)
    except EngineFailed as error:
        raise LookFailed(str(error)) from None
    if not result.accepted:
        raise WorkFailed(f"The engine refuses: {result.fault}")
    working.say(f"The engine has taken the order (correlation id {mark}).")


def _post(session: Session, host: Host, way: str, correlation: str) -> ActionResult:
    if way == "off":
        reason = "Maintenance window of Holdfast"
        return deactivate_host(session, host.uuid, reason=reason, correlation_id=correlation)
    return activate_host(session, host.uuid, correlation_id=correlation)
