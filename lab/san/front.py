"""An HTTPS server on one address that is open exactly while something would answer there."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS = 3650
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Front:
    """up: whether it should answer now."""

    address: str
    port: int
    context: ssl.SSLContext
    answer: Answer
    up: Callable[[], bool]
    runner: web.ServerRunner | None = None
    listener: asyncio.Server | None = None
    opening: asyncio.Task[None] | None = field(default=None, repr=False)

    async def open(self) -> None:
        """Listens. Raises OSError."""
        if self.runner is None:
            self.runner = web.ServerRunner(
                web.Server(self.answer, access_log=None), handle_signals=False, shutdown_timeout=0.2
            )
            await self.runner.setup()
        assert self.runner.server is not None
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(
            self.runner.server, self.address, self.port, ssl=self.context, reuse_address=True
        )

    def follow(self) -> None:
        """Opens or closes the port as its device demands; cheap when nothing changed."""
        wanted = self.up()
        if not wanted and self.listener is not None:
            self.hang_up()
        elif wanted and self.listener is None and (self.opening is None or self.opening.done()):
            self.opening = asyncio.create_task(self._try())

    async def _try(self) -> None:
        with contextlib.suppress(OSError):
            await self.open()

    def hang_up(self) -> None:
        """Closes the port and resets every connection."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for connection in list(self.runner.server.connections) if self.runner and self.runner.server else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        """For good."""
        if self.opening is not None:
            self.opening.cancel()
        self.hang_up()
        if self.runner is not None:
            await self.runner.cleanup()


def certificate(folder: Path, common: str, addresses: list[str]) -> tuple[ssl.SSLContext, str]:
    """A self-signed certificate, kept in `folder`, so that a pinned one stays the right one. addresses: empty for one
    that does not name its host, as an array's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{common}.pem"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_make(common, addresses))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    text = path.read_text("ascii")
    return context, text[text.index("-----BEGIN CERTIFICATE") :]


def _make(common: str, addresses: list[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    if addresses:
        names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + made.public_bytes(serialization.Encoding.PEM)
