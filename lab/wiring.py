"""The estate's logical networks, and the devices that carry them on each machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lab.world import ENGINE, Host, uid

GATEWAY, PREFIX = "10.20.0.1", 24
DNS = ("10.20.0.2", "10.20.0.3")
ENGINE_MAC, ENGINE_ADDRESS = "00:16:3e:4a:5b:01", "10.20.0.10"


@dataclass(frozen=True)
class Network:
    """A logical network of the cluster. vlan 0: untagged. mtu 0: the engine's default. device: of every host."""

    name: str
    required: bool
    vlan: int
    mtu: int
    device: str
    roles: tuple[str, ...] = ("vm",)

    @property
    def id(self) -> str:
        return uid("network", self.name)


NETWORKS = (
    Network("ovirtmgmt", True, 0, 0, "ens1f0", ("default_route", "display", "management", "migration", "vm")),
    Network("ora-pub", True, 0, 9000, "ens1f1"),
)


@dataclass(frozen=True)
class Nic:
    """A network card of a host and the network on it."""

    name: str
    mac: str
    network: Network


def nics(host: Host) -> list[Nic]:
    """The cards in their slots' order."""
    return [Nic(one.device, _mac(host, one.device), one) for one in NETWORKS]


def _mac(host: Host, name: str) -> str:
    digest = hashlib.sha1(f"{host.name}/{name}".encode()).hexdigest()
    return "52:54:00:" + ":".join([digest[0:2], digest[2:4], digest[4:6]])


def address(host: Host) -> str:
    """The machine's address in the management network, as its own system has it."""
    if host.name == ENGINE:
        return ENGINE_ADDRESS
    return f"10.20.0.{20 + int(''.join(letter for letter in host.name if letter.isdigit()) or 0) % 200}"
