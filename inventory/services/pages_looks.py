"""Raw evidence for people: what was asked, what came back, both streams apart, bytes as they came."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 200_000  # characters of one stream that a page shows; the download has all of it


@dataclass(frozen=True)
class Stream:
    """One stream of a section. text is "" when the bytes are no text (binary) or there are none."""

    name: str
    text: str
    size: int
    binary: bool
    cut: bool  # the page does not show all of it

    @property
    def empty(self) -> bool:
        return self.size == 0


@dataclass(frozen=True)
class Section:
    """One command or request of a look. ended: "exit code 0", "status 200" or "no end seen"."""

    name: str
    asked: str
    ended: str
    good: bool
    took: float | None
    truncated: bool
    error: str
    streams: tuple[Stream, ...]


def sections(raw: Mapping[str, Any] | None) -> list[Section]:
    """The sections of a look or a capture, in their order."""
    return [_section(name, dict(section)) for name, section in (raw or {}).items()]


def _section(name: str, section: dict[str, Any]) -> Section:
    asked = section.get("asked", "")
    words = shlex.join(asked) if isinstance(asked, list) else str(asked)
    streams = tuple(
        _stream(stream, section[stream]) for stream in ("stdout", "body", "answer", "stderr") if stream in section
    )
    ended, good = _ended(section)
    return Section(
        name,
        words,
        ended,
        good,
        section.get("took"),
        bool(section.get("truncated")),
        str(section.get("error") or ""),
        streams,
    )


def _ended(section: dict[str, Any]) -> tuple[str, bool]:
    if "exit_code" in section:
        code = section["exit_code"]
        return ("the end was not seen", False) if code is None else (f"exit code {code}", code == 0)
    if "status" in section:
        status = section["status"]
        return ("no answer", False) if status is None else (f"status {status}", 200 <= status < 300)
    return "", True


def _stream(name: str, value: Any) -> Stream:
    raw = stream_bytes(value)
    if isinstance(value, Mapping):
        return Stream(name, "", len(raw), True, True)
    text = str(value or "")
    return Stream(name, text[:SHOWN], len(raw), False, len(text) > SHOWN)


def stream_bytes(value: Any) -> bytes:
    """The bytes of a stored stream: text, or {"base64": ...}."""
    if isinstance(value, Mapping):
        return base64.b64decode(str(value.get("base64", "")))
    return str(value or "").encode()


def stream_of(raw: Mapping[str, Any] | None, section: str, stream: str) -> bytes | None:
    """The bytes of one stream of one section; None when there is no such thing."""
    found = (raw or {}).get(section)
    if not isinstance(found, Mapping) or stream not in ("stdout", "stderr", "body", "answer") or stream not in found:
        return None
    return stream_bytes(found[stream])
