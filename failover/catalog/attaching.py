"""What may be attached to an answer: told from the bytes alone, never from a name or what a browser claims. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

LONGEST_NAME = 100  # characters
PNG, JPEG, PDF, TEXT = "image/png", "image/jpeg", "application/pdf", "text/plain"
ENDINGS = {PNG: ".png", JPEG: ".jpg", PDF: ".pdf", TEXT: ".txt"}
_ALIKE = {".jpeg": ".jpg", ".log": ".txt"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_ODD = re.compile(r"[^\w .()+@-]")


class NotTaken(ValueError):
    """The file is not kept. Its text is one sentence."""


@dataclass(frozen=True)
class File:
    """kind: a MIME type of ENDINGS, told from the content. name: plain, with the ending of its kind."""

    name: str
    kind: str
    sha256: str
    raw: bytes


def checked(name: str, raw: bytes, most: int) -> File:
    """A file as it may be kept. most: bytes. Raises NotTaken."""
    if not raw:
        raise NotTaken("The file is empty.")
    if len(raw) > most:
        raise NotTaken(too_large(len(raw), most))
    kind = kind_of(raw)
    if kind is None:
        raise NotTaken("The file is neither a PNG or JPEG picture, nor a PDF, nor plain text in UTF-8. It is not kept.")
    return File(plain(name, kind), kind, hashlib.sha256(raw).hexdigest(), raw)


def too_large(size: int, most: int) -> str:
    """Why a file of that size is not kept."""
    return f"The file has {size:,} bytes; at most {most:,} are kept."


def kind_of(raw: bytes) -> str | None:
    """The MIME type by its content; None for what is not on the list. A picture or PDF must begin as one."""
    if raw.startswith(b"\x89PNG\r\n\x1a\n") and raw[12:16] == b"IHDR":
        return PNG
    if raw.startswith(b"\xff\xd8\xff"):
        return JPEG
    if raw.startswith(b"%PDF-"):
        return PDF
    return TEXT if _is_text(raw) else None


def _is_text(raw: bytes) -> bool:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


def plain(name: str, kind: str) -> str:
    """The last part of the name, without what a shell, a path or a header could take for more, ending as its kind."""
    last = _ODD.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    stem, dot, ending = last.rpartition(".")
    given = f".{ending.lower()}" if dot else ""
    if _ALIKE.get(given, given) == ENDINGS[kind]:
        last = stem
    return f"{last[:LONGEST_NAME].strip(' .') or 'attachment'}{ENDINGS[kind]}"
