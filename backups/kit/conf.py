"""hosted-engine.conf and answers.conf: read as text, never sourced, and with every secret masked before it is kept.

hosted-engine.conf is `key=value` with quotes now and then and an iSCSI `password=` at its end; answers.conf is INI with
`OVEHOSTED_NETWORK/fqdn=str:engine.bank.example` (facts/hosted-engine.md 5, engine-backup.md 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backups.kit.content import ConfFile
from backups.kit.words import plain
from portal.kernel.output import ParseError, clean, sha256
from portal.kernel.secret import MASK

LONGEST = 200_000  # bytes; the real files have 2 to 6 KiB
# The key of a secret, wherever the word stands in it: adminPassword, cloudinitRootPwd, iSCSIDiscoverPassword, passwd
_KEY = re.compile(
    r"^(?P<head>[^=:]*?(?:pass(?:w|phrase)|pwd|secret|token|credential|private.?key)[^=:]*?\s*[=:]\s*)"
    r"(?P<type>(?:multi-)?str:)?(?P<value>.*)$",
    re.IGNORECASE,
)
_URL = re.compile(r"(\w+://[^\s/:@]+:)(?!\*\*\*@)[^\s/@]+@")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LINE = re.compile(r"^\s*([A-Za-z][\w./-]*)\s*=\s*(.*?)\s*$")
_TYPED = re.compile(r"^(str|multi-str|int|bool|none):(.*)$", re.DOTALL)

# What must differ between hosts, and what only says when and where a file was written
OWN = frozenset({"host_id", "OVEHOSTED_STORAGE/hostID", "OVEHOSTED_NETWORK/host_name", "OVEHOSTED_ENGINE/appHostName"})


def mask(text: str) -> tuple[str, int]:
    """The text with *** for every secret, and how many there were. Masking twice changes nothing. A masked value's
    continuation lines go with it."""
    text, keys = _PEM.subn(MASK, text)
    text, urls = _URL.subn(rf"\1{MASK}@", text)
    count = keys + urls
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        if inside and line[:1] in (" ", "\t"):
            continue
        found = _KEY.match(line)
        inside = found is not None
        if found and found["value"].strip() not in ("", MASK):
            count += 1
            lines.append(f"{found['head']}{found['type'] or ''}{MASK}")
        else:
            lines.append(line)
    return "\n".join(lines), count


def conf_file(path: str, raw: bytes) -> ConfFile:
    """A file as the kit keeps it. Raises ParseError for what is no text, or too long to be such a file."""
    if len(raw) > LONGEST:
        raise ParseError(f"{path} has more than {LONGEST} bytes, so it is not read.")
    text, masked = mask(clean(raw).replace("\r\n", "\n").rstrip("\n") + "\n")
    return ConfFile(path, text, sha256(text.encode()), masked)


def values(text: str) -> Mapping[str, str]:
    """Keys and values of either file: quotes and otopi's type taken off, none:None as "". The last of two equal keys
    counts, as it does for the shell and for the INI reader."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.lstrip().startswith(("#", ";", "[")) and (match := _LINE.match(line)):
            found[match[1]] = plain(_value(match[2]))
    return found


def _value(raw: str) -> str:
    if typed := _TYPED.match(raw):
        return "" if typed[1] == "none" else typed[2]
    return raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'" else raw
