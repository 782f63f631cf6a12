"""The engine's audit log: what it writes, and what flood control keeps it from writing (facts/engine-api.md 7)."""

from __future__ import annotations

from typing import Any

from lab.world import World

FIRST_ID = 12001
KEPT = 50_000
# Seconds in which the same event of the same object is not written again.
FLOOD = {
    17: 60, 18: 60, 9027: 180, 517: 60, 522: 60, 603: 60, 604: 3600, 10300: 600, 123: 300, 524: 3600, 970: 60,
    979: 60, 980: 60, 986: 60, 987: 60, 10452: 60, 10459: 7200, 845: 86400, 879: 86400, 877: 86400, 847: 86400,
    878: 86400, 846: 86400,
}  # fmt: skip


def _suppressed(world: World, code: int, host: str, vm: str, now: float) -> bool:
    interval = FLOOD.get(code)
    if interval is None:
        return False
    for event in reversed(world.events):
        if now - float(event.get("at", 0.0)) > interval:  # type: ignore[arg-type]
            return False
        if (event["code"], event.get("host", ""), event.get("vm", "")) == (code, host, vm):
            return True
    return False


def _host_id(world: World, host: str) -> str:
    return world.hosts[host].id if host in world.hosts else host


def _vm_id(world: World, vm: str) -> str:
    if not vm or vm in world.vms:
        return vm
    return next((known.id for known in world.vms.values() if known.name == vm), vm)


def _forget_alerts(world: World) -> None:
    """A completed backup deletes the alerts about missing and failed ones (facts/engine-backup.md)."""
    for event in world.events:
        if event["code"] in (9022, 9023, 9026):
            event["deleted"] = True


def record(
    world: World,
    code: int,
    severity: str,
    text: str,
    *,
    host: str = "",
    vm: str = "",
    correlation_id: str = "",
    **more: Any,
) -> int | None:
    """Append one event and return its id, or None when flood control suppresses it.

    severity: normal | warning | error | alert. host: engine name or id; vm: id or name. more: origin, custom_id, user,
    storage_domain (ids). A row without host, VM and domain shows neither cluster nor data centre, as those of SQL."""
    now = world.clock.now()
    host, vm = _host_id(world, host), _vm_id(world, vm)
    if _suppressed(world, code, host, vm, now):
        return None
    last = world.events[-1]["id"] if world.events else FIRST_ID - 1
    number = int(str(last)) + 1
    event: dict[str, object] = {
        "id": number, "code": code, "severity": severity, "text": text, "host": host, "vm": vm, "at": now,
        "time": world.clock.wall_at(now), "correlation_id": correlation_id, **more,
    }  # fmt: skip
    if code == 9025:
        _forget_alerts(world)
    world.events.append(event)
    if len(world.events) > KEPT:
        del world.events[: KEPT // 10]
    return number
