"""systemctl's acts on ovirt-engine inside the engine VM: what they do to the health page."""

from __future__ import annotations

from lab import life_vm
from lab.world import World

UNIT = "ovirt-engine"


def act(world: World, verb: str, units: list[str]) -> None:
    """start | stop | restart of the engine service, when it is among the units."""
    if UNIT not in [unit.removesuffix(".service") for unit in units]:
        return
    if verb == "stop":
        world.engine_health = "dead"
        world.engine.service_stopped = True
    elif verb == "restart" or world.engine_health == "dead":
        world.engine.service_stopped = False
        world.faults[:] = [fault for fault in world.faults if fault.name != "kill-engine-service"]
        life_vm.restart_service(world)
    life_vm.settle(world)


def word(world: World) -> str:
    """systemd's word for it: a stopped service is inactive, one that died failed."""
    if world.engine_health != "dead":
        return "active"
    return "inactive" if world.engine.service_stopped else "failed"
