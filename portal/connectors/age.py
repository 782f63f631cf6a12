"""Sealing and opening in the age format, streamed: constant memory, and never a plaintext on disk (docs/adr/0012).

pyrage pushes into a file-like object. Two of its habits matter here: what a callback raises comes out as an error of
its own, and an error of the very last write is swallowed. So every callback keeps its failure, which is raised."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import pyrage

from portal.connectors.age_pipe import Pipe
from portal.kernel.secret import Secret

Read = Callable[[int], bytes]  # at most n bytes; b"" at the end

CHUNK = 64 * 1024  # bytes of plaintext under one tag: the format's own
TAG = 16  # bytes of one tag, and of the nonce before the first chunk
LONGEST_HEADER = 256 * 1024  # bytes; one recipient takes about 200
_X25519 = re.compile(r"age1[02-9ac-hj-np-z]{58}")


class SealBroken(OSError):
    """An age file that cannot be opened: sealed for others, cut, changed, or no age file. Its text is one sentence.
    damaged: the file is at fault, and no other key would help."""

    def __init__(self, sentence: str, damaged: bool = True) -> None:
        super().__init__(errno.EIO, sentence.rstrip("."))
        self.sentence, self.damaged = sentence, damaged

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Sealed:
    """What went in and what came out. Sizes in bytes, hashes as hex."""

    plain_size: int
    plain_sha256: str
    size: int
    sha256: str


class Origin(Protocol):
    """Where sealed bytes lie (backups.catalog.ports.Source)."""

    @property
    def name(self) -> str: ...
    def size(self) -> int | None: ...
    def open(self) -> AbstractContextManager[BinaryIO]: ...


def new_identity() -> tuple[Secret, str]:
    """A new private identity and the recipient line that belongs to it."""
    identity = pyrage.x25519.Identity.generate()
    return Secret(str(identity)), str(identity.to_public())


def recipient_of(identity: Secret) -> str:
    """The recipient line of a private identity. Raises ValueError."""
    return str(_identity(identity).to_public())


def problem(recipient: str) -> str:
    """What is wrong with a recipient line, as one sentence that never quotes it; "" when files can be sealed for it.
    Taken are age1... and ssh-ed25519 lines."""
    text = recipient.strip()
    if "SECRET-KEY" in text.upper() or "PRIVATE KEY" in text.upper():
        return (
            "This is a private key, and private keys are not typed in here. "
            "Treat it as disclosed, make a new one and give its public line (age1...)."
        )
    if len(text.splitlines()) > 1:
        return "This is more than one line. Give one recipient a line of its own."
    try:
        _recipient(text)
    except ValueError as error:
        return str(error)
    return ""


def encrypt(read: Read, write: Callable[[bytes], object], recipients: Sequence[str]) -> Sealed:
    """Seals what read gives for all recipients. write must take all that it is given. What read or write raises comes
    out as it is; what was written until then is no age file. Raises ValueError for recipients that are none."""
    keys = [_recipient(each) for each in dict.fromkeys(each.strip() for each in recipients)]
    if not keys:
        raise ValueError("Nobody is named as a recipient, so nothing is sealed. Name at least one.")
    plain, sealed = _Reading(read), _Writing(write)
    try:
        pyrage.encrypt_io(plain, sealed, keys)
    except pyrage.EncryptError as error:
        failure = sealed.failure or plain.failure or SealBroken(f"The archive could not be sealed: {error}.")
        raise failure from None
    if sealed.failure is not None:
        raise sealed.failure
    return Sealed(plain.size, plain.hashed.hexdigest(), sealed.size, sealed.hashed.hexdigest())


class AgeSource:
    """An archive that lies sealed somewhere, opened on the way. identity: AGE-SECRET-KEY-1..."""

    def __init__(self, sealed: Origin, identity: Secret) -> None:
        self._sealed, self._secret = sealed, identity

    @property
    def name(self) -> str:
        """The sealed file's name."""
        return self._sealed.name

    def size(self) -> int | None:
        """Bytes of plaintext, worked out from the sealed size and the header's; None when there is no such file.
        Raises SealBroken."""
        size = self._sealed.size()
        if size is None:
            return None
        with self._sealed.open() as stream:
            header = _header_size(stream, self.name)
        payload = size - header - TAG
        chunks = -(-payload // (CHUNK + TAG))
        if payload < TAG or payload - (chunks - 1) * (CHUNK + TAG) < TAG:
            raise SealBroken(f"The age file {self.name} is cut after {size} bytes. Use another copy.")
        return payload - chunks * TAG

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The plaintext from its start. Each byte was authenticated before it is given; the end of the stream is given
        only when the file's real end was authenticated too. Raises SealBroken, here for a key that does not fit and
        while reading for the rest; what the place raises comes out as it is."""
        key = _identity(self._secret)
        with self._sealed.open() as stream:
            pipe = Pipe()
            opening = _Opening(self.name, stream.read, key, pipe)
            thread = threading.Thread(target=opening.run, name="age", daemon=True)
            thread.start()
            try:
                pipe.wait()
                yield io.BufferedReader(pipe, CHUNK)
            finally:
                pipe.leave()
                thread.join()


class _Reading:
    """pyrage's side of a source."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.size, self.hashed = 0, hashlib.sha256()
        self.failure: BaseException | None = None

    def read(self, wanted: int = -1) -> bytes:
        try:
            piece = self._read(wanted)
        except BaseException as error:
            self.failure = error
            raise
        self.size += len(piece)
        self.hashed.update(piece)
        return piece


class _Writing:
    """pyrage's side of a sink. After a failure nothing more is written."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.size, self.hashed = 0, hashlib.sha256()
        self.failure: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.failure is not None:
            raise self.failure
        try:
            self._write(piece)
        except BaseException as error:
            self.failure = error
            raise
        self.size += len(piece)
        self.hashed.update(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back here."""


class _Opening:
    """One opening in a thread of its own, from a sealed stream into a pipe."""

    def __init__(self, name: str, read: Read, key: pyrage.x25519.Identity, pipe: Pipe) -> None:
        self._name, self._key, self._pipe = name, key, pipe
        self._sealed, self._plain = _Reading(read), _Writing(pipe.write)

    def run(self) -> None:
        """Never raises: the reader of the pipe is told."""
        try:
            pyrage.decrypt_io(self._sealed, self._plain, [self._key])
            failure = self._plain.failure
        except BaseException as error:  # noqa: BLE001  # a thread's end: whoever reads the pipe raises it
            failure = self._plain.failure or self._sealed.failure or self._broken(error)
        self._pipe.end(failure)

    def _broken(self, error: BaseException) -> BaseException:
        if not isinstance(error, (pyrage.DecryptError, OSError)):
            return error
        told = str(error)
        if "No matching keys" in told:
            return SealBroken(
                f"{self._name} is sealed for other keys than the portal's, or its header was changed. "
                "Open it with the key of one of its recipients, or use another copy.",
                damaged=False,
            )
        if "MAC" in told:
            return SealBroken(f"The header of the age file {self._name} was changed. Use another copy.")
        if "Incomplete" in told or "fill whole buffer" in told:
            return SealBroken(f"The age file {self._name} is cut within its header. Use another copy.")
        if isinstance(error, pyrage.DecryptError) and not self._plain.size and self._sealed.size <= LONGEST_HEADER:
            return SealBroken(f"{self._name} is no age file, or its header was changed. Use another copy.")
        return SealBroken(
            f"The age file {self._name} is cut or was changed: only {self._plain.size} bytes could be opened. "
            "Use another copy."
        )


def _header_size(stream: BinaryIO, name: str) -> int:
    """Bytes up to the end of the header's last line, which begins with "--- "."""
    taken = 0
    while taken < LONGEST_HEADER:
        line = stream.readline(4096)
        if not taken and not line.startswith(b"age-encryption.org/"):
            raise SealBroken(f"{name} is no age file, or its header was changed. Use another copy.")
        taken += len(line)
        if not line.endswith(b"\n"):
            break
        if line.startswith(b"--- "):
            return taken
    raise SealBroken(f"The age file {name} is cut within its header. Use another copy.")


def _recipient(text: str) -> pyrage.x25519.Recipient | pyrage.ssh.Recipient:
    words = text.split()
    try:
        if words and words[0] == "ssh-ed25519":
            return pyrage.ssh.Recipient.from_str(" ".join(words[:2]))
        if _X25519.fullmatch(text):
            return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise ValueError("The recipient has a typing error: its check sum does not fit. Copy the line anew.") from None
    raise ValueError("This is no recipient that the portal seals for. Give a line age1... or ssh-ed25519 ...")


def _identity(secret: Secret) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(secret.reveal().strip())
    except pyrage.IdentityError:
        raise ValueError("The portal's age identity cannot be read: it is no AGE-SECRET-KEY-1... line.") from None
