"""Real SSH servers, one per lab host on its own loopback address with its own host key.

Public keys only. An exec request runs a real /bin/sh in the host's home, with the virtual commands first on PATH.
The listening sockets are the lab's own, so that a host without power can accept a connection and never answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import Any, cast

import asyncssh

from lab import ledger
from lab.runtime import Lab
from lab.world import ENGINE, Host

# what OpenSSH 8.0 of Oracle Linux 8 offers; newer key exchanges would only cost time here
KEX = ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"]
CIPHERS = [
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes128-ctr",
]
CHUNK = 65_536  # bytes of a stream that are carried at a time
LINGER_NOTHING = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close means RST


class _Void:
    """Stands in for the transport of a silenced connection: takes everything, sends nothing."""

    def write(self, data: bytes) -> None:
        """Nothing reaches the other side any more."""

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        """The connection stays as it is: silent."""

    close = pause_reading = resume_reading = abort

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default


class HostLink(asyncssh.SSHServer):
    """One accepted connection: decides who may log in, and can go silent or be reset."""

    def __init__(self, servers: HostServers, host: Host) -> None:
        self._servers, self._host = servers, host
        self._conn: asyncssh.SSHServerConnection | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """The handshake begins."""
        self._conn = conn
        self._servers.lab.links[self._host.name].add(self)
        # asyncssh keeps its transport to itself; silence and reset need it
        self._transport = conn._transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._servers.lab.links[self._host.name].discard(self)

    def begin_auth(self, username: str) -> bool:
        """Everybody has to prove a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """The only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """True for a key that was handed to the lab."""
        return key.public_data in self._servers.keys

    def silence(self) -> None:
        """The host has no power: nothing is read, nothing is sent, the connection stays open."""
        if self._transport is not None and self._conn is not None:
            self._transport.pause_reading()
            self._conn._transport = cast("asyncio.Transport", _Void())

    def reset(self) -> None:
        """Ends the connection with RST."""
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.get_extra_info("socket").setsockopt(*LINGER_NOTHING)
            self._transport.abort()
        self._servers.lab.links[self._host.name].discard(self)


class VmFiles(asyncssh.SFTPServer):
    """SFTP of the engine VM: its whole file system; what does not begin at / lies in root's home."""

    def map_path(self, path: bytes) -> bytes:
        """Where a path of the client really lies."""
        return super().map_path(path if path.startswith(b"/") else b"/root/" + path)


class HostServers:
    """The SSH servers of all hosts and of the engine VM."""

    def __init__(self, lab: Lab, port: int) -> None:
        self.lab, self.port = lab, port
        self.keys: set[bytes] = set()
        self.host_keys: dict[str, asyncssh.SSHKey] = {}
        self._sockets: list[socket.socket] = []
        self._options: dict[str, asyncssh.SSHServerConnectionOptions] = {}
        self._held: dict[str, set[socket.socket]] = {name: set() for name in lab.world.machines}

    # --- keys

    def load_keys(self) -> None:
        """Host keys (made when absent) and the keys that may log in."""
        for host in self.lab.world.machines.values():
            path = self.lab.state_dir / "keys" / f"{host.name}.ed25519"
            if not path.exists():
                self.change_host_key(host)
            self.host_keys[host.name] = asyncssh.read_private_key(path)
            host.host_key, host.ssh_port = self.public_key(host), self.port
        path = self.lab.state_dir / "authorized_keys"
        if path.exists():
            self.allow(path.read_text("utf-8"))

    def change_host_key(self, host: Host) -> None:
        """A new host key, as after a re-installation. New connections meet it."""
        path = self.lab.state_dir / "keys" / f"{host.name}.ed25519"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = asyncssh.generate_private_key("ssh-ed25519", comment=host.hostname)
        path.touch(mode=0o600)
        key.write_private_key(path)
        self.host_keys[host.name] = key
        self._options.pop(host.name, None)

    def public_key(self, host: Host) -> str:
        """The host's public key as `ssh-ed25519 AAAA...`."""
        return " ".join(self.host_keys[host.name].export_public_key().decode().split()[:2])

    def allow(self, text: str) -> int:
        """Adds authorized_keys lines; returns how many keys may log in. Raises ValueError for a line that is no key."""
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        try:
            self.keys |= {asyncssh.import_public_key(line).public_data for line in lines}
        except asyncssh.KeyImportError as error:
            raise ValueError(f"A line is not an OpenSSH public key: {error}.") from None
        return len(self.keys)

    # --- listening

    def listen(self) -> None:
        """Opens every host's socket. Raises OSError with the address in its text when one is in use."""
        for host in self.lab.world.machines.values():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._sockets.append(sock)
            try:
                sock.bind((host.address, self.port))
            except OSError as error:
                raise OSError(f"port {self.port} on {host.address} cannot be used ({error.strerror})") from error
            sock.listen(128)
            sock.setblocking(False)
            asyncio.get_running_loop().add_reader(sock, self._accept, host, sock)

    def close(self) -> None:
        """Closes everything that listens or is connected."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
            sock.close()
        for host in self.lab.world.machines.values():
            self.reset(host)

    def _accept(self, host: Host, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError, ConnectionError):
            sock, _ = listener.accept()
            sock.setblocking(False)
            if self.silent(host):
                self._held[host.name].add(sock)
                return
            task = asyncio.create_task(self._serve(host, sock))
            self.lab.tasks.add(task)
            task.add_done_callback(self.lab.tasks.discard)

    def silent(self, host: Host) -> bool:
        """True for a host that accepts and never answers: no power, still booting, or hanging."""
        return not host.powered or host.hanging or self.lab.world.clock.now() < host.ready_at

    async def _serve(self, host: Host, sock: socket.socket) -> None:
        try:
            if host.name not in self._options:
                self._options[host.name] = await self._make_options(host)
            await asyncssh.run_server(sock, options=self._options[host.name])
        except (OSError, asyncssh.Error, TimeoutError):
            sock.close()

    async def _make_options(self, host: Host) -> asyncssh.SSHServerConnectionOptions:
        options: asyncssh.SSHServerConnectionOptions = await asyncssh.SSHServerConnectionOptions.construct(
            server_factory=lambda: HostLink(self, host),
            server_host_keys=[self.host_keys[host.name]],
            process_factory=lambda process: self._start(host, process),
            sftp_factory=lambda chan: self._sftp(host, chan),
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=None,
            kex_algs=KEX,
            encryption_algs=CIPHERS,
            server_version="OpenSSH_8.0",
            login_timeout=30,
            gss_host=None,
        )
        return options

    # --- what faults do to connections

    def silence(self, host: Host) -> None:
        """Existing connections go silent."""
        for link in list(self.lab.links[host.name]):
            link.silence()

    def reset(self, host: Host) -> None:
        """Every connection is reset, the held ones too."""
        for link in list(self.lab.links[host.name]):
            link.reset()
        for sock in self._held[host.name]:
            with contextlib.suppress(OSError):
                sock.setsockopt(*LINGER_NOTHING)
            sock.close()
        self._held[host.name].clear()

    # --- commands and files

    def _sftp(self, host: Host, chan: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        ledger.close(self.lab.world, ledger.enter(self.lab.world, host.name, ["sftp"], "sftp"), 0)
        if host.name == ENGINE:
            return VmFiles(chan, chroot=os.fsencode(self.lab.vm_root))
        return asyncssh.SFTPServer(chan, chroot=os.fsencode(self.lab.home(host)))

    def _start(self, host: Host, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """The command has a task of its own, so that it outlives its connection as on a real host."""
        task = asyncio.create_task(self._process(host, process))
        self.lab.tasks.add(task)
        task.add_done_callback(self.lab.tasks.discard)

    async def _process(self, host: Host, process: asyncssh.SSHServerProcess[bytes]) -> None:
        entry = ledger.enter(self.lab.world, host.name, [process.command or ""], "ssh")
        rc: int | None = None
        try:
            rc = await self._run(host, process)
        finally:
            ledger.close(self.lab.world, entry, rc)
        with contextlib.suppress(OSError, asyncssh.Error):
            process.exit(rc)
            await process.wait_closed()  # collects what asyncssh keeps of a redirected stdin

    async def _run(self, host: Host, process: asyncssh.SSHServerProcess[bytes]) -> int:
        child = await asyncio.create_subprocess_exec(
            *(["/bin/sh"] if process.command is None else ["/bin/sh", "-c", process.command]),
            cwd=self.lab.home(host),
            env={**self.lab.environment(host), **_forwarded(process)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self.lab.children.add(child.pid)
        try:
            if not await _join(process, child):
                _cut_off(child)
            rc = await child.wait()
        finally:
            self.lab.children.discard(child.pid)
        return rc if rc >= 0 else 128 - rc


async def _join(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> bool:
    """Carries the three streams until the child has closed both of its own; False when the channel went first.
    (asyncssh's own redirection of asyncio streams reads twice at a time when a client is slow, and drops the link.)"""
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("the child was started without pipes")
    feed = asyncio.create_task(_carry(process.stdin, child.stdin))
    told = asyncio.gather(_carry(child.stdout, process.stdout), _carry(child.stderr, process.stderr))
    gone = asyncio.create_task(process.channel.wait_closed())
    either: set[asyncio.Future[Any]] = {told, gone}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    whole = told.done() and not told.cancelled() and told.exception() is None and all(told.result())
    for task in (feed, told, gone):
        task.cancel()
    await asyncio.gather(feed, told, gone, return_exceptions=True)
    return whole


async def _carry(source: Any, sink: Any) -> bool:
    """Everything from source to sink at the sink's pace; True when the source ended. A sink of a child ends with it."""
    try:
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    except (OSError, asyncssh.Error):
        return False
    if isinstance(sink, asyncio.StreamWriter):
        sink.close()
    return True


def _cut_off(child: asyncio.subprocess.Process) -> None:
    """The connection is lost: like sshd, close the pipes and leave the command to notice by itself."""
    for number in (0, 1, 2):
        pipe = child._transport.get_pipe_transport(number)  # type: ignore[attr-defined]
        if pipe is not None:
            pipe.close()


def _forwarded(process: asyncssh.SSHServerProcess[bytes]) -> dict[str, str]:
    """Of the client's environment sshd takes LANG and LC_* only."""
    return {key: value for key, value in process.env.items() if key == "LANG" or key.startswith("LC_")}


def write_known(path: Path, text: str) -> None:
    """Writes a small file, for its owner only, so that a reader sees the old or the new one, never a part."""
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text, "utf-8")
    os.replace(new, path)
