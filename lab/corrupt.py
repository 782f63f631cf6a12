"""Ways in which a command's output arrives spoilt."""

from __future__ import annotations

KINDS = ("truncate", "binary", "ansi", "huge", "html", "empty")
_HUGE = 64 << 20


def spoil(out: bytes, kind: str) -> bytes:
    """The output spoilt in one of KINDS. Raises ValueError for another word."""
    if kind == "truncate":
        return out[: len(out) // 2]
    if kind == "binary":
        return out[: len(out) // 3] + b"\xff\xfe\x00\x80\xc3\x28" + out[len(out) // 3 :]
    if kind == "ansi":
        return b"".join(b"\x1b[1m" + line + b"\x1b[0m\n" for line in out.splitlines())
    if kind == "huge":
        return out + b"x" * _HUGE
    if kind == "html":
        return b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body>Internal Server Error</body></html>\n"
    if kind == "empty":
        return b""
    raise ValueError(f"{kind} is not a way to spoil output; known are {', '.join(KINDS)}.")
