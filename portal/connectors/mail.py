"""SMTP with TLS. The server's URL holds a password: it stands in no sentence, no log and no command line.

    smtps://USER:PASSWORD@HOST:465         TLS from the first byte
    smtp+starttls://USER:PASSWORD@HOST:587 STARTTLS, and nothing without it
    smtp://HOST:25                         in the clear; only to this machine, or with a word of agreement (?clear=yes)
Query: from=ADDRESS (needed), ca=PATH of a PEM file (else the system's CAs)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import localtime
from urllib.parse import parse_qs, unquote, urlsplit

from portal.connectors.delivery import DeliveryFailed, DeliveryRefused

TIMEOUT = 20.0  # seconds for each answer of the server
_PORTS = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
_HERE = ("127.0.0.1", "::1", "localhost")


class MailFailed(DeliveryFailed):
    """It was not taken; trying again may help. Its text is one sentence without the password."""


class MailRefused(MailFailed, DeliveryRefused):
    """The server refuses this address or message for good (5xx)."""


@dataclass(frozen=True)
class MailServer:
    """Where mail goes. kind: smtps, smtp+starttls or smtp. sender: address that it comes from."""

    kind: str
    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""

    @property
    def shown(self) -> str:
        """For people."""
        words = {"smtps": "over TLS", "smtp+starttls": "over STARTTLS", "smtp": "in the clear"}
        return f"{self.host}:{self.port} {words[self.kind]}"


@dataclass(frozen=True)
class File:
    """An attachment. kind: its MIME type."""

    name: str
    kind: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class Message:
    """One message to one address. message_id: with its angle brackets; the same each time it is tried."""

    message_id: str
    address: str
    subject: str
    body: str
    files: tuple[File, ...] = ()


def server_of(url: str) -> MailServer:
    """Reads the URL. Raises ValueError with one sentence, which quotes nothing of it but its kind."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ValueError("The mail server's URL cannot be read.") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("The mail server's URL begins with smtps://, smtp+starttls:// or smtp:// and names a host.")
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    sender = given.get("from", "")
    if "@" not in sender or any(sign in sender for sign in "\r\n<> "):
        raise ValueError("The mail server's URL names no sender: add ?from=ADDRESS.")
    if parts.scheme == "smtp" and parts.hostname not in _HERE and given.get("clear") != "yes":
        raise ValueError("smtp:// sends in the clear: use smtps:// or smtp+starttls://, or agree to it by &clear=yes.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.scheme, parts.hostname, port, sender, user, password, given.get("ca", ""))


def send(server: MailServer, message: Message, *, timeout: float = TIMEOUT) -> None:
    """Gives one message to the server. Returns once the server has taken it. Raises MailFailed, MailRefused; after
    MailFailed it may have been taken all the same."""
    try:
        with _connected(server, timeout) as client:
            if server.user:
                client.login(server.user, server.password)
            client.send_message(_letter(server, message), server.sender, [message.address])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        raise _refusal(server, code, said) from None
    except smtplib.SMTPAuthenticationError:
        raise MailFailed(f"The mail server {server.shown} refuses the portal's login.") from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(server, error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError:
        raise MailFailed(f"The mail server {server.shown} does not offer what the portal needs (TLS, login).") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(f"The mail server {server.shown} did not take it: {_words(error)}.") from None


def _connected(server: MailServer, timeout: float) -> smtplib.SMTP:
    if server.kind == "smtps":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=_context(server))
    client = smtplib.SMTP(server.host, server.port, timeout=timeout)
    try:
        if server.kind == "smtp+starttls":
            client.starttls(context=_context(server))
    except BaseException:
        client.close()
        raise
    return client


def _context(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=server.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _letter(server: MailServer, message: Message) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"] = server.sender, message.address
    letter["Subject"] = " ".join(message.subject.split())
    letter["Message-ID"] = message.message_id
    letter["Date"] = localtime()  # RFC 5322 3.6 wants one, and not every relay adds it
    letter["Auto-Submitted"] = "auto-generated"  # so that no absence note answers (RFC 3834)
    letter.set_content(message.body, cte="quoted-printable")  # eight bits would need 8BITMIME (RFC 6152)
    for one in message.files:
        main, _, sub = one.kind.partition("/")
        letter.add_attachment(one.raw, maintype=main, subtype=sub or "octet-stream", filename=one.name)
    return letter


def _refusal(server: MailServer, code: int, said: bytes | str) -> MailFailed:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    words = f"The mail server {server.shown} says {code}: {' '.join(text.split())[:200]}"
    return MailRefused(words) if 500 <= code < 600 else MailFailed(words)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate does not verify"
    if isinstance(error, ssl.SSLError):
        return "the TLS handshake failed"
    if isinstance(error, TimeoutError) or "timed out" in str(error):  # smtplib makes a disconnection of it
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at its address"
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError):
        return "the connection ended"
    return "its name or address cannot be reached" if isinstance(error, OSError) else "it does not speak SMTP"
