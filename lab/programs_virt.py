"""sanlock and a little of vdsm-client."""

from __future__ import annotations

import json

from lab import life_broker, life_hosts, life_vm
from lab.command import Program, Reply
from lab.world import Host, World, uid


def sanlock(world: World, host: Host, argv: list[str]) -> Reply:
    """`sanlock client status` and `sanlock client host_status -s NAME`."""
    if not life_broker.unit_active(world, host, "sanlock"):
        return Reply(err="connect error -2\n", rc=1)
    words = argv[1:3]
    if words == ["client", "status"]:
        return Reply(out=_status(world, host))
    if words == ["client", "host_status"]:
        now = int(world.at - host.booted)
        ids = [h.he_host_id for h in world.hosts.values() if h.he_host_id is not None and h.powered]
        return Reply(out="".join(f"{number} timestamp {now - 7}\n" for number in ids))
    return Reply(err="unknown option\n", rc=1)


def _status(world: World, host: Host) -> str:
    hosted = next((key for key, value in world.domains.items() if value["name"] == "hosted_storage"), "")
    number = host.he_host_id or 250
    lines = [f"daemon {host.boot_id}.{host.hostname}", "p -1 helper", "p -1 listener"]
    held = world.engine.lease_host == host.name
    if held:
        lines.append("p 48211 HostedEngine")
    lines += ["p -1 status", f"s {hosted}:{number}:/dev/{hosted}/ids:0"]
    if host.he_host_id is not None and host.agent.phase == "running":
        volume = f"{uid('image', 'lockspace')}/{uid('volume', 'lockspace')}"
        lines.append(f"s hosted-engine:{number}:/var/run/vdsm/storage/{hosted}/{volume}:0")
    if held:
        vm_id = life_vm.engine_vm(world).id
        lines.append(f"r {hosted}:{vm_id}:/dev/{hosted}/xleases:3145728:7 p 48211")
    return "".join(line + "\n" for line in lines)


def vdsm_client(world: World, host: Host, argv: list[str]) -> Reply:
    """`vdsm-client Host getStats|getVMList|getStorageRepoStats`, `vdsm-client VM getStats vmID=ID`."""
    if not life_broker.unit_active(world, host, "vdsmd"):
        return Reply(err="vdsm-client: Connection to localhost:54321 with use_tls=True, timeout=60 failed\n", rc=1)
    words = [word for word in argv[1:] if not word.startswith("-")]
    answers = {
        ("Host", "getVMList"): _vm_list,
        ("Host", "getStorageRepoStats"): _repo_stats,
        ("Host", "getStats"): _stats,
    }
    if tuple(words[:2]) in answers:
        return Reply(out=json.dumps(answers[words[0], words[1]](world, host), indent=4) + "\n")
    if words[:2] == ["VM", "getStats"]:
        return _vm_stats(world, host, next((word[5:] for word in words if word.startswith("vmID=")), ""))
    return Reply(err=f"vdsm-client: unknown method {' '.join(words[:2])}\n", rc=1)


def _vm_list(world: World, host: Host) -> object:
    vms = [vm.id for vm in life_hosts.on_host(world, host.name)]
    return vms + ([life_vm.engine_vm(world).id] if host.name in world.engine.records else [])


def _repo_stats(world: World, host: Host) -> object:
    return {
        key: {
            "acquired": True,
            "actual": True,
            "code": 0,
            "delay": "0.000512",
            "lastCheck": "3.1",
            "valid": True,
            "version": 5,
        }
        for key in world.domains
    }


def _stats(world: World, host: Host) -> object:
    own = host.broker.records.get(host.he_host_id or 0)
    return {
        "cpuLoad": f"{host.cores * host.penalties.get('cpu-load-percent', 7) / 100:.2f}",
        "memFree": host.free_memory >> 20,
        "haStats": {
            "configured": host.he_host_id is not None,
            "active": host.he_host_id in life_broker.live(world, host),
            "score": own.score if own else 0,
            "localMaintenance": own.maintenance if own else False,
            "globalMaintenance": host.broker.global_maintenance,
        },
    }


def _vm_stats(world: World, host: Host, vm_id: str) -> Reply:
    vm = world.vms.get(vm_id)
    record = world.engine.records.get(host.name) if vm is not None and vm.is_engine else None
    if record is not None:
        return Reply(out=json.dumps([{"vmId": vm_id, "status": record.status}], indent=4) + "\n")
    if vm is not None and vm.host == host.name and not vm.is_engine:
        return Reply(out=json.dumps([{"vmId": vm_id, "status": "Up"}], indent=4) + "\n")
    text = f"(code=1, message=Virtual machine does not exist: {{'vmId': '{vm_id}'}})"
    return Reply(err=f"vdsm-client: Command VM.getStats with args {{'vmID': '{vm_id}'}} failed:\n{text}\n", rc=1)


PROGRAMS: dict[str, Program] = {"sanlock": sanlock, "vdsm-client": vdsm_client}
