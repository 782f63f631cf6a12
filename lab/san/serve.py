"""Starts the servers of all switches and arrays, and tells how to reach them.

A switch answers REST and SSH at its own loopback address, an array REST at the addresses of its two controllers. The
ports are the engine's and the hosts'.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.san import fos_ssh, front
from lab.san.array_rest import ArrayRest
from lab.san.fos_rest import SwitchRest
from lab.san.front import Front
from lab.san.state import Account
from lab.world import World

USER = "portal"


@dataclass
class SanServers:
    """All of them. switches and arrays: what estate.json tells."""

    world: World
    fronts: list[Front] = field(default_factory=list)
    shells: list[fos_ssh.SwitchSsh] = field(default_factory=list)
    switches: list[dict[str, object]] = field(default_factory=list)
    arrays: list[dict[str, object]] = field(default_factory=list)

    def follow(self) -> None:
        """Ports open and close with their devices; cheap when nothing changed."""
        for one in self._all():
            one.follow()

    async def close(self) -> None:
        """Ends all servers."""
        await asyncio.gather(*(one.close() for one in self._all()))

    def _all(self) -> list[Front | fos_ssh.SwitchSsh]:
        return [*self.fronts, *self.shells]


def _account(world: World, name: str, role: str) -> Account:
    assert world.san is not None
    account = Account(USER, secrets.token_urlsafe(15), role)
    world.san.device(name).accounts = {USER: account}
    return account


def _switch_up(world: World, name: str) -> bool:
    return world.san is not None and world.san.design.switches[name].power


def _controller_up(world: World, name: str, controller: str) -> bool:
    if world.san is None:
        return False
    array = world.san.design.arrays[name]
    return controller not in array.dead | array.unreachable


async def start(
    world: World, state_dir: Path, https_port: int, ssh_port: int, keys: Callable[[], set[bytes]]
) -> SanServers:
    """Opens everything. keys: what may log in to the switches' shells. Raises OSError."""
    servers = SanServers(world)
    assert world.san is not None
    for name in world.san.design.switches:
        await asyncio.to_thread(_add_switch, servers, name, state_dir, (https_port, ssh_port), keys)
    for name in world.san.design.arrays:
        await asyncio.to_thread(_add_array, servers, name, state_dir, https_port)
    for front_door in servers.fronts:
        await front_door.open()
    for shell in servers.shells:
        await shell.open()
    return servers


def _add_switch(
    servers: SanServers, name: str, state_dir: Path, ports: tuple[int, int], keys: Callable[[], set[bytes]]
) -> None:
    world = servers.world
    assert world.san is not None
    switch, account = world.san.design.switches[name], _account(world, name, "user")
    up = functools.partial(_switch_up, world, name)
    context, pem = front.certificate(state_dir / "san", name, [switch.address])
    key = fos_ssh.host_key(state_dir / "keys", name)
    servers.fronts.append(Front(switch.address, ports[0], context, SwitchRest(world, name).answer, up))
    servers.shells.append(fos_ssh.SwitchSsh(world, name, switch.address, ports[1], key, keys, up))
    servers.switches.append(
        {
            "name": name,
            "fabric": switch.fabric,
            "address": switch.address,
            "https_port": ports[0],
            "ssh_port": ports[1],
            "url": f"https://{switch.address}:{ports[0]}/rest",
            "certificate_pem": pem,
            "host_key": fos_ssh.public_part(key),
            "username": account.username,
            "password": account.password,
        }
    )


def _add_array(servers: SanServers, name: str, state_dir: Path, port: int) -> None:
    world = servers.world
    assert world.san is not None
    array, account = world.san.design.arrays[name], _account(world, name, "Monitor")
    context, pem = front.certificate(state_dir / "san", name, [])
    answer = ArrayRest(world, name).answer
    for controller, address in array.addresses.items():
        up = functools.partial(_controller_up, world, name, controller)
        servers.fronts.append(Front(address, port, context, answer, up))
    servers.arrays.append(
        {
            "name": name,
            "serial": array.serial,
            "site": array.location,
            "role": "production" if array.primary else "dr",
            "addresses": list(array.addresses.values()),
            "https_port": port,
            "urls": [f"https://{address}:{port}/deviceManager/rest" for address in array.addresses.values()],
            "certificate_pem": pem,
            "username": account.username,
            "password": account.password,
        }
    )
