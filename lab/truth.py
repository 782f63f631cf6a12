"""What the lab tells: the truth (for tests and people), and the estate's state in words (for its page)."""

from __future__ import annotations

from lab import life, life_vm
from lab.world import Host, World


def truth(world: World) -> dict[str, object]:
    """Where the engine VM really is, what each agent really does, which outages there were. Times: lab seconds (`at`,
    `from`, `until`) and Unix seconds (`wall`)."""
    life.tick(world)
    return {
        "lab": round(world.at, 3),
        "wall": round(world.clock.wall_at(world.at), 3),
        "speed": world.clock.speed,
        "engine_vm_host": life_vm.running_on(world),
        "engine_phase": life_vm.phase(world),
        "engine_generation": world.engine.generation,
        "global_maintenance": world.global_maintenance,
        "fabrics": dict(world.fabrics),
        "hosts": {host.name: _host(host) for host in world.hosts.values()},
        "vms": {vm.name: {"host": vm.host, "status": vm.status} for vm in world.vms.values()},
        "engine_outages": world.truth.get("engine_outages", []),
        "transitions": world.truth.get("transitions", []),
        "power": world.truth.get("power", []),
        "vms_lost": world.truth.get("vms_lost", []),
        "faults": faults(world),
    }


def _host(host: Host) -> dict[str, object]:
    return {
        "powered": host.powered,
        "hanging": host.hanging,
        "he_host_id": host.he_host_id,
        "state": host.state if host.he_host_id is not None else None,
        "agent": host.agent.phase if host.he_host_id is not None else None,
        "score": host.score if host.he_host_id is not None else None,
        "local_maintenance": host.local_maintenance,
        "local_maintenance_manual": host.local_maintenance_manual,
        "units": dict(host.units),
        "failed_paths": len(host.failed_paths),
        "engine_status": host.engine_status,
    }


def faults(world: World) -> list[dict[str, object]]:
    """The faults in force."""
    return [{"name": f.name, "target": f.target, "at": round(f.at, 3), "args": f.args} for f in world.faults]


def sentences(world: World) -> list[str]:
    """The estate in a few sentences."""
    life.tick(world)
    where = life_vm.running_on(world)
    phases = {
        "up": "The engine answers.",
        "503": "The engine's web server answers, the engine does not yet.",
        "refused": "The engine VM is up and refuses connections.",
        "off": "The engine cannot be reached.",
    }
    text = [phases[life_vm.phase(world)]]
    text.append(f"The engine VM runs on {where}." if where else "The engine VM runs nowhere.")
    text.append("Global maintenance is on." if world.global_maintenance else "Global maintenance is off.")
    dark = [host.name for host in world.hosts.values() if not host.powered]
    text.append(f"Without power: {', '.join(dark)}." if dark else f"All {len(world.hosts)} hosts have power.")
    out = [name for name, up in world.fabrics.items() if not up]
    text.append(f"Fabric {' and '.join(out)} is pulled." if out else "Both fabrics carry traffic.")
    return text + _san_sentences(world)


def _san_sentences(world: World) -> list[str]:
    if world.san is None:
        return []
    design = world.san.design
    dead = [switch.name for switch in design.switches.values() if switch.disabled]
    dead += [f"controller {name} of {array.name}" for array in design.arrays.values() for name in sorted(array.dead)]
    text = [f"Out of order: {', '.join(dead)}."] if dead else ["All switches and controllers work."]
    if world.severed:
        text.append(f"The SAN does not carry {len(world.severed)} pairs of HBA and array port.")
    pair = design.replication
    if pair.link_lost is not None or pair.split is not None:
        text.append("Replication is split." if pair.split is not None else "Replication is interrupted.")
    return text
