"""Starts and ends the whole lab in one asyncio process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import control, engine_vm, engine_vm_files, estate, life, oracle_vm, runtime, shims
from lab.change import serve as change_serve
from lab.engine.server import serve as serve_engine
from lab.san import cabling
from lab.san import serve as san_serve
from lab.sshd import HostServers, write_known
from lab.world import ENGINE, Clock, Host, World

TICK = 0.1  # real seconds between two looks at the clock when nobody asks


class CannotStart(Exception):
    """The lab cannot start; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line gives."""

    state_dir: Path
    size: estate.Size
    speed: float = 5.0
    port: int = 8090
    engine_port: int = 8443
    ssh_port: int = 2222
    quick: bool = False
    backup_mib: int = 8


async def run(options: Options) -> None:
    """Runs until SIGINT or SIGTERM. Raises CannotStart."""
    try:
        claimed = runtime.claim(options.state_dir)
    except (OSError, RuntimeError) as error:
        raise CannotStart(str(error)) from error
    with claimed:
        await _play(options)


async def _play(options: Options) -> None:
    world = estate.build(options.size, Clock(speed=options.speed), quick=options.quick)
    lab = runtime.make(world, options.state_dir, options.backup_mib)
    told = lab.state_dir / "estate.json"
    told.unlink(missing_ok=True)
    runtime.adopt_orphans()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(told.unlink, missing_ok=True)
        stack.callback(runtime.drop_socket, lab)
        stack.callback(runtime.bury)
        try:
            await _open(lab, options, stack)
        except (OSError, RuntimeError) as error:
            raise CannotStart(str(error)) from error
        await ended.wait()


async def _open(lab: runtime.Lab, options: Options, stack: contextlib.AsyncExitStack) -> None:
    shims.install(lab)
    shim_server = await shims.serve(lab)
    stack.callback(shim_server.close)
    ssh = HostServers(lab, options.ssh_port)
    ssh.load_keys()
    stack.callback(ssh.close)
    ssh.listen()
    stack.push_async_callback(lab.cluster.stop)
    engine = await serve_engine(lab.world, options.engine_port, lab.state_dir)
    san = await san_serve.start(lab.world, lab.state_dir, options.engine_port, options.ssh_port, lambda: ssh.keys)
    stack.push_async_callback(san.close)
    authority = lab.state_dir / "engine-pki"
    await asyncio.to_thread(engine_vm_files.make, lab.vm_root, lab.world, lab.cluster.passwords, authority)
    changes = await change_serve.start(authority, options.engine_port)
    stack.push_async_callback(changes.close)
    stack.push_async_callback(await control.serve(lab, ssh, options.port, changes.desks))
    living = asyncio.create_task(_live(lab, ssh, san))
    stack.callback(living.cancel)
    write_known(
        lab.state_dir / "estate.json",
        json.dumps(_estate(lab, ssh, engine, options) | _beside(lab.world, san, changes), indent=2) + "\n",
    )
    url = f"http://127.0.0.1:{options.port}/"
    print(f"lab: {len(lab.world.hosts)} hosts, engine at {engine['url']}, page at {url}", file=sys.stderr, flush=True)


def _beside(world: World, san: san_serve.SanServers, changes: change_serve.ChangeServers) -> dict[str, object]:
    known = {"switches": san.switches, "arrays": san.arrays, "change_systems": changes.known}
    return {**known, "cabling": cabling.lines(world)}


async def _live(lab: runtime.Lab, ssh: HostServers, san: san_serve.SanServers) -> None:
    suspect = 0
    powered: dict[str, bool] = {}
    while True:
        life.tick(lab.world)
        _follow_engine_vm(lab, ssh)
        _follow_oracle_vms(lab, ssh)
        _follow_power(lab, ssh, powered)
        san.follow()
        suspect = runtime.reap_orphans(lab.children, suspect)
        await asyncio.sleep(TICK)


def _follow_engine_vm(lab: runtime.Lab, ssh: HostServers) -> None:
    """Its processes and connections come and go with the engine VM."""
    news = engine_vm.look(lab.world)
    if news == "gone":
        ssh.silence(lab.world.machine(ENGINE))
        runtime.kill_processes(ENGINE)
    elif news == "came":
        ssh.reset(lab.world.machine(ENGINE))


def _follow_oracle_vms(lab: runtime.Lab, ssh: HostServers) -> None:
    """Their processes and connections come and go with their VMs."""
    for machine, powered in oracle_vm.follow(lab.world):
        if powered:
            ssh.reset(machine)
        else:
            ssh.silence(machine)
            runtime.kill_processes(machine.name)


def _follow_power(lab: runtime.Lab, ssh: HostServers, powered: dict[str, bool]) -> None:
    """A host's processes and connections end with its power, whoever took it: a fault, or the engine's fencing."""
    for host in lab.world.hosts.values():
        was = powered.get(host.name, True)
        powered[host.name] = host.powered
        if was and not host.powered:
            ssh.silence(host)
            runtime.kill_processes(host.name)
        elif host.powered and not was:
            ssh.reset(host)


def _machine(host: Host, ssh: HostServers) -> dict[str, object]:
    return {
        "name": host.name,
        "hostname": host.hostname,
        "address": host.address,
        "ssh_port": ssh.port,
        "host_key": ssh.public_key(host),
    }


def _estate(lab: runtime.Lab, ssh: HostServers, engine: Mapping[str, object], options: Options) -> dict[str, object]:
    return {
        "engine": dict(engine),
        "engine_vm": _machine(lab.world.machine(ENGINE), ssh),
        "oracle_vms": [
            {**_machine(one, ssh), "ssh_user": "oracle", "instances": oracle_vm.instances(one.name)}
            for one in lab.world.oracle_machines.values()
        ],
        "hosts": [_machine(host, ssh) for host in lab.world.hosts.values()],
        "control": f"http://127.0.0.1:{options.port}",
    }


def main(options: Options) -> int:
    """Runs the lab; the exit code is 1 with a sentence on stderr when it cannot start."""
    if sys.version_info < (3, 12):
        asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())
    try:
        asyncio.run(run(options))
    except CannotStart as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0
