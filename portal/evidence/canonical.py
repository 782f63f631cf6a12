"""One way to write a value as bytes, so that its hash means the same thing everywhere: canonical JSON.

Rules (docs/adr/0007-evidence.md): keys are strings, sorted by code point; no space; UTF-8, only what JSON must escape
is escaped; whole numbers as they are; a fraction becomes its shortest decimal as a string, because two languages do
not print a float alike; times are UTC with six decimals and Z; NUL and half surrogates, which PostgreSQL and UTF-8
refuse, become U+FFFD."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TypeAlias
from uuid import UUID

from portal.kernel.secret import Secret

Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain] | None"

UNWRITABLE = re.compile("[\0\ud800-\udfff]")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class SecretInEvidence(TypeError):
    """A secret was about to be written into the record. Nothing was written."""


def canonical(value: object) -> bytes:
    """The one spelling of a value. Raises SecretInEvidence, or TypeError for what has no spelling."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: object) -> str:
    """SHA-256 of the canonical spelling, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def plain(value: object) -> Plain:
    """The value with nothing in it but null, booleans, whole numbers, strings, lists and string-keyed maps."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, int) else text(_spelled(value))


def text(value: str) -> str:
    """The string as it can be stored. Raises SecretInEvidence for a private key in PEM."""
    if PRIVATE_KEY.search(value):
        raise SecretInEvidence("A private key does not go into the evidence.")
    return UNWRITABLE.sub("\ufffd", value)


def stamp(at: datetime) -> str:
    """2026-03-01T09:00:00.000000Z. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _key(key: object) -> str:
    if isinstance(key, Secret):
        raise SecretInEvidence("A secret does not go into the evidence, not even as a key.")
    if not isinstance(key, str):
        raise TypeError(f"The key {key!r} of an evidence body is no string.")
    return text(key)


def _spelled(value: object) -> str:
    if isinstance(value, Secret):
        raise SecretInEvidence("A secret does not go into the evidence: name what it opens instead.")
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str | Decimal | UUID | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no spelling in the evidence{_hint(value)}.")


def _hint(value: object) -> str:
    return ": make a list of it" if isinstance(value, Iterable) and not isinstance(value, bytes) else ""
