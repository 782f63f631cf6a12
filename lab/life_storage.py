"""What the loss of every path to the hosted-engine LUN does: no metadata for the broker, no lease for the engine VM.

The broker ends itself at its next read and stays down until the volume is back (facts/hosted-engine.md 2.6); sanlock
cannot renew and ends the VM after 80 s, the lease itself is free 140 s after its last renewal (facts 3.3).
"""

from __future__ import annotations

from lab import life_vm
from lab.world import Host, World

RENEWAL_FAILS = 80.0


def cut_since(world: World, host: Host) -> float | None:
    """Lab time since when no path of the hosted-engine LUN works on a host; None while one does."""
    if not host.failed_paths:
        return None
    lun = next((lun for lun in world.luns.values() if lun.name == "he_sd"), None)
    if lun is None:
        return None
    pairs = [
        (hba.wwpn, target.wwpn, lun.wwid)
        for hba in host.hbas
        for target in world.targets
        if target.fabric == hba.fabric and target.array == lun.array
    ]
    lost = [host.failed_paths.get(pair) for pair in pairs]
    times = [at for at in lost if at is not None]
    return max(times) if times and len(times) == len(lost) else None


def due(world: World) -> float:
    """Lab time at which sanlock ends an engine VM that has lost its storage."""
    host = world.hosts.get(life_vm.running_on(world))
    since = None if host is None else cut_since(world, host)
    return life_vm.NEVER if since is None else since + RENEWAL_FAILS


def step(world: World) -> None:
    """Ends the VM when its time has come."""
    if due(world) <= world.at:
        name = life_vm.running_on(world)
        since = cut_since(world, world.hosts[name]) or 0.0
        life_vm.lose_lease(world, name, since)
