"""One file for the safe: everything of the kit, its hashes, and a signature over them. Works without the portal.

A ZIP without compression, so that the same kit is always the same bytes and every system opens it. SHA256SUMS covers
every file but itself and SHA256SUMS.sig, which is the raw Ed25519 signature over the bytes of SHA256SUMS: deploy/
holdfast_verify.py checks both, and so do sha256sum and openssl 3."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backups.kit.conf import mask
from backups.kit.content import ConfFile, Host, Kit
from backups.kit.runbook import as_text
from backups.kit.words import when
from portal.kernel.facts import dump, load
from portal.kernel.output import sha256

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
# What must never be in it, whatever a caller put into a text: private keys of PEM, OpenSSH and age
_KEYS = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|AGE-SECRET-KEY-1")


@dataclass(frozen=True)
class Signer:
    """key: SHA-256 of the public key in DER, 64 hex digits. sign: message in, 64 bytes out."""

    key: str
    sign: Callable[[bytes], bytes]


def to_json(kit: Kit) -> bytes:
    """The kit as kit.json. Times are Unix seconds, sizes bytes."""
    return json.dumps(dump(kit), indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def from_json(raw: bytes) -> Kit:
    """The inverse. Raises ValueError, TypeError or KeyError for what another version wrote."""
    kit: Kit = load(Kit, json.loads(raw))
    return kit


def bundle(kit: Kit, index: bytes, signer: Signer | None) -> bytes:
    """The bundle's bytes. index: the page, as HTML. Raises ValueError when a private key is in any file of it."""
    files = _files(kit, index, signer)
    for name, content in files.items():
        if _KEYS.search(content):
            raise ValueError(f"{name} holds a private key: the kit is not made.")
    sums = "".join(f"{sha256(content)}  {name}\n" for name, content in sorted(files.items())).encode()
    files[SUMS] = sums
    if signer:
        files[SIGNATURE] = signer.sign(sums)
    return _zip(files, kit.made)


def file_name(kit: Kit) -> str:
    """holdfast-kit-olvm-prod-20261122T071411Z.zip"""
    return f"holdfast-kit-{_safe(kit.estate)}-{datetime.fromtimestamp(kit.made, UTC):%Y%m%dT%H%M%SZ}.zip"


def _files(kit: Kit, index: bytes, signer: Signer | None) -> dict[str, bytes]:
    files = {
        "index.html": index,
        "kit.json": to_json(kit),
        "runbook.txt": as_text(kit).encode("utf-8", "replace"),
        "VERIFY.txt": _verify(kit, signer).encode(),
    }
    for number, host in enumerate(kit.hosts, 1):
        folder = f"hosts/{number}-{_safe(host.name)}"
        files |= {f"{folder}/{name}": _masked(file) for name, file in _conf_files(host).items()}
    return files


def _conf_files(host: Host) -> Mapping[str, ConfFile]:
    kept = {"hosted-engine.conf": host.he_conf, "answers.conf": host.answers}
    kept |= {f"answers/{number}-{_safe(one.path.rpartition('/')[2])}": one for number, one in enumerate(host.saved, 1)}
    return {name: file for name, file in kept.items() if file}


def _masked(file: ConfFile) -> bytes:
    """Masked once more: a kit may have been made by a version that knew fewer secrets."""
    return mask(file.text)[0].encode("utf-8", "replace")


def _safe(name: str) -> str:
    """A file name on every system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "unnamed"


def _verify(kit: Kit, signer: Signer | None) -> str:
    lines = [
        f"Recovery-day kit of {kit.estate}, made {when(kit.made, kit.zone)}.",
        "",
        "index.html opens in any browser, without a network. runbook.txt is the same for a terminal.",
        "",
        "Is every file as it was made? In this folder:",
        "    sha256sum -c SHA256SUMS",
        "",
    ]
    if signer is None:
        return "\n".join([*lines, "This kit is not signed: who made it cannot be proven.", ""])
    return "\n".join(
        [
            *lines,
            f"Who made it? It is signed with the Ed25519 key {signer.key}.",
            "Take the public key from a place of your own, not from beside this file. With Python 3.9, on the ZIP:",
            "    python3 holdfast_verify.py KIT.zip PUBLIC_KEY.pem",
            "or with OpenSSL 3, in this folder:",
            "    openssl pkeyutl -verify -pubin -inkey PUBLIC_KEY.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig",
            "",
        ]
    )


def _zip(files: Mapping[str, bytes], made: int) -> bytes:
    at = datetime.fromtimestamp(max(made, 315_532_800), UTC)  # ZIP begins in 1980
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
            entry.external_attr = 0o100600 << 16
            entry.create_system = 3
            archive.writestr(entry, content)
    return target.getvalue()
