"""The way of Runs to a host: a target "host:<pk>" over the portal's SSH pool. Bound by settings.HOLDFAST_SHELLS."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from inventory.models import Engine, Host
from inventory.services.reach import address
from portal.connectors.ssh import Pool
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.secret import Secret

LARGEST = 2_000_000_000  # bytes of a file that a Run fetches


class HostShell:
    """A kernel Shell. Keeps one pool per estate's key, made after a worker's fork."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pools: dict[int, tuple[str, Pool]] = {}

    def name(self, target: str) -> str:
        """The host's name. Raises LookFailed when there is no such host or it has left the estate."""
        return _host(target).name

    def look(self, target: str, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """One visit for all commands; they are read-only, so a lost connection may ask again. Raises LookFailed."""
        host = _host(target)
        return self._pool(host.engine).collect(address(host), commands)

    def run(self, target: str, command: Command) -> Output:
        """Sent at most once. Raises LookFailed; then nobody knows whether it ran."""
        host = _host(target)
        return self._pool(host.engine).run(address(host), command)

    def fetch(self, target: str, remote: str, local: Path) -> None:
        """Copies a file over SFTP. Raises LookFailed, and OSError when `local` cannot be written."""
        host = _host(target)
        with local.open("wb") as file:
            self._pool(host.engine).fetch(address(host), remote, file.write, LARGEST)

    def _pool(self, engine: Engine) -> Pool:
        with self._guard:
            kept = self._pools.get(engine.pk)
            if kept is None or kept[0] != engine.ssh_public_key:
                kept = (engine.ssh_public_key, Pool(engine.ssh_private_key))
                self._pools[engine.pk] = kept
            return kept[1]


def _host(target: str) -> Host:
    key = target.partition(":")[2]
    host = Host.objects.select_related("engine").filter(pk=int(key)).first() if key.isdecimal() else None
    if host is None:
        raise LookFailed(f"There is no host with the key {key!r}.")
    if host.gone_since is not None:
        raise LookFailed(f"The engine no longer lists {host.name} since {host.gone_since:%Y-%m-%d %H:%M} UTC.")
    return host


def secrets() -> Iterator[Secret]:
    """What must not appear in a Run's lines: every engine's password and SSH key."""
    for engine in Engine.objects.only("password", "ssh_private_key"):
        for sealed in (engine.password, engine.ssh_private_key):
            try:
                yield Secret(sealed.reveal())
            except ValueError:
                continue  # sealed with a key that is gone: nobody can have printed it through this portal
