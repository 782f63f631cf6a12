"""A switch's SSH server: exec requests and a plain shell, with or without a terminal (lab/san/fos_cli.py)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from lab import ledger, life
from lab.san import fos_cli, refusals
from lab.sshd import CIPHERS, KEX
from lab.world import World


def host_key(folder: Path, name: str) -> asyncssh.SSHKey:
    """The switch's key, made when absent."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.ed25519"
    if not path.exists():
        path.touch(mode=0o600)
        asyncssh.generate_private_key("ssh-ed25519", comment=name).write_private_key(path)
    return asyncssh.read_private_key(path)


def public_part(key: asyncssh.SSHKey) -> str:
    """`ssh-ed25519 AAAA...`."""
    return " ".join(key.export_public_key().decode().split()[:2])


class _Link(asyncssh.SSHServer):
    """One connection: who may log in."""

    def __init__(self, server: SwitchSsh) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Kept, so that a dying switch takes it along."""
        self._server.links.add(conn)
        self._conn = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._server.links.discard(self._conn)

    def begin_auth(self, username: str) -> bool:
        """Everybody proves who they are."""
        return True

    def public_key_auth_supported(self) -> bool:
        """The portal's way."""
        return True

    def password_auth_supported(self) -> bool:
        """People's way."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """True for the account with a key that was handed to the lab."""
        return self._server.known(username) and key.public_data in self._server.allowed()

    def validate_password(self, username: str, password: str) -> bool:
        """True for the account with its password."""
        return self._server.known(username) and self._server.right(username, password)


@dataclass
class SwitchSsh:
    """The SSH server of one switch. allowed: the public keys that may log in. up: whether it should answer now."""

    world: World
    name: str
    address: str
    port: int
    key: asyncssh.SSHKey
    allowed: Callable[[], set[bytes]]
    up: Callable[[], bool]
    links: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    acceptor: asyncssh.SSHAcceptor | None = None
    opening: asyncio.Task[None] | None = field(default=None, repr=False)

    def known(self, username: str) -> bool:
        """Whether the switch has an account and lets it in now."""
        assert self.world.san is not None
        refused = refusals.login(self.world, self.name, "") is not None
        return username in self.world.san.device(self.name).accounts and not refused

    def right(self, username: str, password: str) -> bool:
        """Whether a password is the account's."""
        assert self.world.san is not None
        account = self.world.san.device(self.name).accounts[username]
        return secrets.compare_digest(account.password.encode(), password.encode())

    async def open(self) -> None:
        """Listens. Raises OSError."""
        self.acceptor = await asyncssh.listen(
            self.address,
            self.port,
            server_factory=lambda: _Link(self),
            server_host_keys=[self.key],
            process_factory=self._start,
            encoding=None,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=None,
            kex_algs=KEX,
            encryption_algs=CIPHERS,
            server_version="OpenSSH_7.1",
            login_timeout=30,
            gss_host=None,
            line_editor=False,
            reuse_address=True,
        )

    def follow(self) -> None:
        """Opens or closes the port as the switch's power demands."""
        wanted = self.up()
        if not wanted and self.acceptor is not None:
            self.hang_up()
        elif wanted and self.acceptor is None and (self.opening is None or self.opening.done()):
            self.opening = asyncio.create_task(self._try())

    async def _try(self) -> None:
        with contextlib.suppress(OSError):
            await self.open()

    def hang_up(self) -> None:
        """Closes the port and every connection."""
        if self.acceptor is not None:
            self.acceptor.close()
            self.acceptor = None
        for link in list(self.links):
            link.abort()

    async def close(self) -> None:
        """For good."""
        if self.opening is not None:
            self.opening.cancel()
        self.hang_up()

    # --- commands

    async def _start(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        terminal = process.get_terminal_type() is not None
        code = 0
        with contextlib.suppress(OSError, asyncssh.Error):
            if process.command is not None:
                code = self._say(process, process.command, terminal)
            else:
                await self._shell(process, terminal)
            process.exit(code)

    async def _shell(self, process: asyncssh.SSHServerProcess[bytes], terminal: bool) -> None:
        prompt = f"{self.name}:user> ".encode()
        process.stdout.write(prompt)
        while line := await process.stdin.readline():
            words = line.decode("utf-8", "replace").strip()
            if words in ("exit", "logout"):
                return
            if words:
                self._say(process, words, terminal)
            process.stdout.write(prompt)

    def _say(self, process: asyncssh.SSHServerProcess[bytes], line: str, terminal: bool) -> int:
        life.tick(self.world)
        assert self.world.san is not None
        entry = ledger.enter(self.world, self.name, [line], "ssh")
        design = self.world.san.design
        text, code = fos_cli.run(self.world.san.live(self.world), design.switches[self.name], line)
        ledger.close(self.world, entry, code)
        process.stdout.write((fos_cli.on_terminal(text) if terminal else text).encode())
        return code
