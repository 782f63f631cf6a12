"""Syslog as RFC 5424 has it: over TLS (RFC 5425) and TCP with octet counting (RFC 6587), and over UDP (RFC 5426).

Syslog has no answer. Over TCP and TLS the portal ends its side and waits for the other to end its own: a connection
that breaks before is a message that nobody may have, and is sent again. Over UDP nothing can be known."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import socket
import ssl
import struct
import termios
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.connectors.delivery import DeliveryFailed, DeliveryRefused

TLS, TCP, UDP = "tls", "tcp", "udp"
PORTS = {TLS: 6514, TCP: 601, UDP: 514}
TIMEOUT = 10.0  # seconds for each step
GOODBYE = 2.0  # seconds that the other side has to end its half; one that keeps it open has taken the message
LARGEST = {TLS: 8192, TCP: 8192, UDP: 1180}  # bytes; UDP: what fits into the smallest IPv6 packet (RFC 5426 3.2)
LEVELS = {"critical": 2, "warning": 4, "info": 6}
NOTICE = 5
BOM = b"\xef\xbb\xbf"  # before a message in UTF-8
# The number is the one that is set apart for documents (RFC 5612): the portal has none of its own.
ELEMENT = "holdfast@32473"


@dataclass(frozen=True)
class Server:
    """Where it goes. name: for sentences. Trust of TLS: pin_pem, its certificate, compared by its public key; or
    ca_pem; both empty: the system's CAs."""

    name: str
    host: str
    port: int
    transport: str
    ca_pem: str = ""
    pin_pem: str = ""


@dataclass(frozen=True)
class Line:
    """One message. facility: 0 to 23; level: 0 to 7; host: who speaks; kind: MSGID; data: names and values."""

    facility: int
    level: int
    at: datetime
    host: str
    kind: str
    text: str
    data: Mapping[str, str] = field(default_factory=dict)


def problem(address: str) -> str:
    """Why there can be no server at "host:port", in one sentence; "" when there can."""
    host, colon, port = address.rpartition(":")
    name = host.strip("[]")
    plain = name and address.isascii() and not any(sign.isspace() or sign in "/@?#" for sign in address)
    fits = colon and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536
    return "" if plain and fits else "The address is no host:port, such as siem.bank.example:6514."


def split(address: str) -> tuple[str, int]:
    """Host and port of an address without a problem."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def encoded(line: Line, most: int) -> bytes:
    """The message without its frame, at most so many bytes; what is too long loses the end of its text."""
    header = " ".join(
        (
            f"<{line.facility * 8 + line.level}>1",
            line.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            _word(line.host, 255),
            "holdfast",
            "-",
            _word(line.kind, 32),
            _element(line.data),
        )
    )
    text = " ".join(line.text.split()).encode("utf-8", "replace")
    room = max(0, most - len(header) - 1 - len(BOM))
    cut = text[:room].decode("utf-8", "ignore").encode() if len(text) > room else text
    return header.encode("ascii", "replace") + b" " + BOM + cut


def _word(text: str, most: int) -> str:
    """Printable ASCII without spaces, "-" for nothing."""
    return "".join(sign for sign in text if "!" <= sign <= "~")[:most] or "-"


def _element(data: Mapping[str, str]) -> str:
    pairs = "".join(f' {_word(name, 32)}="{_value(value)}"' for name, value in data.items() if value)
    return f"[{ELEMENT}{pairs}]"


def _value(text: str) -> str:
    """Backslash, quote and bracket are escaped (RFC 5424 6.3.3). ASCII only, so that a cut hurts no character."""
    plain = " ".join(text.split()).encode("ascii", "replace").decode()[:160]
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def send(to: Server, line: Line, timeout: float = TIMEOUT) -> None:
    """Gives one message to the server. Raises DeliveryFailed; after it the server may have it all the same."""
    raw = encoded(line, LARGEST[to.transport])
    try:
        if to.transport == UDP:
            _datagram(to, raw)
        else:
            _stream(to, f"{len(raw)} ".encode() + raw, timeout)
    except ssl.SSLCertVerificationError:
        raise DeliveryFailed(f"{to.name} did not take it: its certificate does not verify.") from None
    except ssl.SSLError as error:
        raise DeliveryFailed(f"{to.name} did not take it: {_tls_words(error)}.") from None
    except OSError as error:
        raise DeliveryFailed(f"{to.name} did not take it: {_words(error)}.") from None


def _datagram(to: Server, raw: bytes) -> None:
    family, kind, number, _, address = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, number) as link:
        link.connect(address)
        link.send(raw)


def _stream(to: Server, raw: bytes, timeout: float) -> None:
    with socket.create_connection((to.host, to.port), timeout) as plain:
        if to.transport == TCP:
            plain.sendall(raw)
            plain.shutdown(socket.SHUT_WR)
            _goodbye(plain)
            return
        _Talk(to, plain).give(raw)


class _Talk:
    """One TLS connection. It reads for itself: a socket's own `unwrap` takes the alert by which a server refuses what
    it was sent for an end like any other."""

    def __init__(self, to: Server, plain: socket.socket) -> None:
        self._to, self._plain = to, plain
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context(to).wrap_bio(self._came, self._goes, server_hostname=to.host)

    def give(self, raw: bytes) -> None:
        """Sends all of it, ends the portal's half, and waits for the other side to end its own."""
        self._until(self._tls.do_handshake)
        _pinned(self._to, self._tls)
        self._until(partial(self._tls.write, raw))
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._plain.settimeout(GOODBYE)
        try:
            self._until(partial(self._tls.read, 1))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return  # it has read what was sent; a reset is told as OSError, a refusal as an alert
        except TimeoutError:
            _confirmed(self._plain)

    def _until(self, act: Callable[[], object]) -> None:
        """Repeats it with what comes until it is done."""
        while True:
            try:
                act()
                done = True
            except ssl.SSLWantReadError:
                done = False
            self._plain.sendall(self._goes.read())
            if done:
                return
            piece = self._plain.recv(16_384)
            self._came.write(piece) if piece else self._came.write_eof()


def _goodbye(link: socket.socket) -> None:
    """Until the other side has ended its half. Raises OSError for a reset: what was on the way is lost."""
    link.settimeout(GOODBYE)
    try:
        link.recv(1)
    except TimeoutError:
        _confirmed(link)


def _confirmed(link: socket.socket) -> None:
    """Of a connection that is kept open: whether the other machine has confirmed every byte. Raises TimeoutError when
    it has not: a cable that was pulled looks like a server that is silent."""
    left = struct.unpack("i", fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))[0]
    if left:
        raise TimeoutError


def _tls_words(error: ssl.SSLError) -> str:
    """With TLS 1.3 a server refuses a client only after the client has sent (RFC 8446 4.4.2.4)."""
    if "CERTIFICATE_REQUIRED" in (error.reason or ""):
        return "it wants a certificate of the portal, which has none: let it take messages without"
    return "the TLS handshake or connection failed"


def _context(to: Server) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=to.ca_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if to.pin_pem.strip():
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the pinned key is compared before anything is sent
    return context


def _pinned(to: Server, link: ssl.SSLObject) -> None:
    if not to.pin_pem.strip():
        return
    try:
        wanted = _key(x509.load_pem_x509_certificate(to.pin_pem.encode()))
    except ValueError:
        raise DeliveryRefused(f"The certificate pinned for {to.name} cannot be read: pin it again.") from None
    shown = link.getpeercert(binary_form=True)
    if shown is None or _key(x509.load_der_x509_certificate(shown)) != wanted:
        raise DeliveryFailed(f"{to.name} did not take it: its certificate is not the pinned one.")


def _key(certificate: x509.Certificate) -> bytes:
    der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at its address"
    if isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN:  # it broke before the portal ended its half
        return "the connection was reset"
    if isinstance(error, socket.gaierror):
        return "its name is not known to the portal's resolver"
    return "its address cannot be reached"
