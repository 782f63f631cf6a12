"""The ways of Runs over the portal's SSH pool: to a host "host:<pk>" and to an engine's VM "engine:<pk>". Bound by
settings.HOLDFAST_SHELLS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inventory.models import Engine, Host
from inventory.services.reach import address, engine_address
from portal.connectors.ssh import Address, Pool
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.secret import Secret

LARGEST = 2_000_000_000  # bytes of a file that a Run fetches
LONGEST = 12 * 3600.0  # seconds that one file may take to be pulled


@dataclass(frozen=True)
class Way:
    """How a target is reached: its name for people, whose key opens it, and where it is."""

    name: str
    engine: Engine
    address: Address


class SshShell:
    """A kernel Shell over SSH. Keeps one pool per estate's key, made after a worker's fork."""

    def __init__(self, way: Callable[[str], Way]) -> None:
        """way: a target's key in, how it is reached out; raises LookFailed when there is no such target."""
        self._way = way
        self._guard = threading.Lock()
        self._pools: dict[int, tuple[str, Pool]] = {}

    def name(self, target: str) -> str:
        """The target's name. Raises LookFailed when there is none or it has left the estate."""
        return self._way(target).name

    def look(self, target: str, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """One visit for all commands; they are read-only, so a lost connection may ask again. Raises LookFailed."""
        way = self._way(target)
        return self._pool(way.engine).collect(way.address, commands)

    def run(self, target: str, command: Command) -> Output:
        """Sent at most once. Raises LookFailed; then nobody knows whether it ran."""
        way = self._way(target)
        return self._pool(way.engine).run(way.address, command)

    def fetch(self, target: str, remote: str, local: Path) -> None:
        """Copies a file over SFTP. Raises LookFailed, and OSError when `local` cannot be written."""
        with local.open("wb") as file:
            self.pull(target, remote, file.write, LARGEST, lambda: None)

    def pull(
        self, target: str, remote: str, sink: Callable[[bytes], object], limit: int, waiting: Callable[[], object]
    ) -> int:
        """A file's bytes to `sink`, at most `limit`, over as many links as it takes; returns how many. Raises
        LookFailed."""
        way = self._way(target)
        return self._pool(way.engine).pull(way.address, remote, sink, limit, LONGEST, waiting).size

    def _pool(self, engine: Engine) -> Pool:
        with self._guard:
            kept = self._pools.get(engine.pk)
            if kept is None or kept[0] != engine.ssh_public_key:
                kept = (engine.ssh_public_key, Pool(engine.ssh_private_key))
                self._pools[engine.pk] = kept
            return kept[1]


def host_shell() -> SshShell:
    """The way to targets "host:<pk>"."""
    return SshShell(_host)


def engine_shell() -> SshShell:
    """The way to targets "engine:<pk>": the engine VM."""
    return SshShell(_engine)


def _engine(target: str) -> Way:
    key = target.partition(":")[2]
    engine = Engine.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    if engine is None:
        raise LookFailed(f"There is no engine with the key {key!r}.")
    return Way(engine.name, engine, engine_address(engine))


def _host(target: str) -> Way:
    key = target.partition(":")[2]
    host = Host.objects.select_related("engine").filter(pk=int(key)).first() if key.isdecimal() else None
    if host is None:
        raise LookFailed(f"There is no host with the key {key!r}.")
    if host.gone_since is not None:
        raise LookFailed(f"The engine no longer lists {host.name} since {host.gone_since:%Y-%m-%d %H:%M} UTC.")
    return Way(host.name, host.engine, address(host))


def secrets() -> Iterator[Secret]:
    """What must not appear in a Run's lines: every engine's password and SSH key."""
    for engine in Engine.objects.only("password", "ssh_private_key"):
        for sealed in (engine.password, engine.ssh_private_key):
            try:
                yield Secret(sealed.reveal())
            except ValueError:
                continue  # sealed with a key that is gone: nobody can have printed it through this portal
