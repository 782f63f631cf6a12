"""What came back from a host or an engine, before anybody has read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# CSI and OSC sequences, as `multipath -ll` writes them on a PTY (facts/luns-and-tuning.md 0.7).
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")

TIMED_OUT = 124  # what coreutils' timeout(1) returns
KILLED = 137  # timeout -k had to use SIGKILL


class ParseError(Exception):
    """The output cannot be read. Its text is one sentence for a person; the finding becomes unknown."""


class LookFailed(Exception):
    """The look itself failed: no connection, wrong key, deadline. Its text is one sentence that names the host or
    engine, what was tried and what to do."""


@dataclass(frozen=True)
class Output:
    """One command's result. exit_code None means that the end was never seen. took in seconds."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    took: float = 0.0
    truncated: bool = False

    @property
    def timed_out(self) -> bool:
        """True when the host's own timeout(1) ended the command."""
        return self.exit_code in (TIMED_OUT, KILLED)

    def text(self) -> str:
        """stdout as text without terminal colours. Raises ParseError when it is cut or not UTF-8."""
        if self.truncated:
            raise ParseError("The output was cut at its size limit, so it is not read.")
        return clean(self.stdout)

    def error_line(self) -> str:
        """The last line of stderr that says something, for a sentence; "" when there is none."""
        lines = [line.strip() for line in self.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer of an engine. status None means that none came; then `error` says why in one sentence.
    `peer_pem` is the server's certificate chain as PEM, leaf first, when TLS was used. The connector that made the
    TLS connection also reads the leaf certificate, since probes are standard library only: `peer_not_after` (Unix
    seconds), `peer_subject` and `peer_issuer` ("CN=..., O=..."); None and "" when no certificate was seen."""

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    took: float = 0.0
    error: str = ""
    peer_pem: str = ""
    at: float = 0.0  # portal's clock (Unix seconds) when the answer was complete
    peer_not_after: float | None = None
    peer_subject: str = ""
    peer_issuer: str = ""
    untrusted: bool = False  # somebody answered whose certificate does not verify, so nothing was asked


def clean(raw: bytes) -> str:
    """Bytes as text without ANSI sequences. Raises ParseError, naming the offset, when they are not UTF-8."""
    try:
        return _ANSI.sub("", raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ParseError(f"The output is not UTF-8 (byte {error.start}), so it is not read.") from None


def sha256(raw: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(raw).hexdigest()
