"""The engine's PKI out of an archive, judged in memory; keys and passwords are read here and go no further.

Without the CA's key and an engine certificate that chains to it, a restored engine can talk to none of its hosts.
facts/engine-backup.md 5 (V4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

_Read = TypeVar("_Read")
ROOT = "etc/pki/ovirt-engine/"
CONF = "etc/ovirt-engine/engine.conf.d/"
CA, CA_KEY, ENGINE, STORE = (
    f"{ROOT}ca.pem", f"{ROOT}private/ca.pem", f"{ROOT}certs/engine.cer", f"{ROOT}keys/engine.p12"
)  # fmt: skip
NEEDED = (
    CA,
    CA_KEY,
    ENGINE,
    STORE,
    f"{CONF}10-setup-database.conf",
    "etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf",
)
# pairs that must match when both are there; a bank's own web certificate does not chain to the engine's CA
_PAIRS = (
    (CA, CA_KEY),
    (f"{ROOT}qemu-ca.pem", f"{ROOT}private/qemu-ca.pem"),
    (ENGINE, f"{ROOT}keys/engine_id_rsa"),
    (f"{ROOT}certs/apache.cer", f"{ROOT}keys/apache.key.nopass"),
)
KEPT = {*NEEDED, *(name for pair in _PAIRS for name in pair)}
_STORE_PASSWORD = re.compile(r'(?m)^ENGINE_PKI_ENGINE_STORE_PASSWORD="?([^"\n]*)"?$')
_FQDN = re.compile(r'(?m)^ENGINE_FQDN="?([A-Za-z0-9.-]+)"?$')
_DEFAULT_PASSWORD = "mypass"  # noqa: S105 - what engine-setup writes on every engine; it protects nothing


@dataclass(frozen=True)
class Pki:
    """What was found. missing: files that must be there; problems: sentences. The dates are when the CA's
    and the engine's certificate end; None when they could not be read."""

    missing: tuple[str, ...]
    problems: tuple[str, ...]
    ca: str = ""
    ca_until: datetime | None = None
    engine_until: datetime | None = None
    fqdn: str = ""


def kept(name: str) -> bool:
    """True for a file whose content judge needs."""
    return name in KEPT or (name.startswith(CONF) and name.endswith(".conf"))


def judge(files: Mapping[str, bytes]) -> Pki:
    """The PKI among the kept files of one archive."""
    problems: list[str] = []
    missing = tuple(name for name in NEEDED if not files.get(name, b"").strip())
    certificates = {name: _certificate(files, name, problems) for name, _ in _PAIRS}
    keys = {name: _key(files, name, problems) for _, name in _PAIRS}
    for certificate, key in _PAIRS:
        _match(certificates[certificate], keys[key], certificate, key, problems)
    ca, engine = certificates[CA], certificates[ENGINE]
    if ca and engine:
        _chain(ca, engine, problems)
    _open_store(files, engine, problems)
    conf = "\n".join(raw.decode("utf-8", "replace") for name, raw in sorted(files.items()) if name.startswith(CONF))
    fqdns = _FQDN.findall(conf)
    return Pki(
        missing,
        tuple(problems),
        ca=ca.subject.rfc4514_string() if ca else "",
        ca_until=ca.not_valid_after_utc if ca else None,
        engine_until=engine.not_valid_after_utc if engine else None,
        fqdn=fqdns[-1] if fqdns else "",
    )


def _read(files: Mapping[str, bytes], name: str, load: Callable[[bytes], _Read], problems: list[str]) -> _Read | None:
    raw = files.get(name, b"")
    if not raw.strip():
        return None
    try:
        return load(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        problems.append(f"{name} cannot be read.")
        return None


def _certificate(files: Mapping[str, bytes], name: str, problems: list[str]) -> x509.Certificate | None:
    return _read(files, name, x509.load_pem_x509_certificate, problems)


def _key(files: Mapping[str, bytes], name: str, problems: list[str]) -> PrivateKeyTypes | None:
    return _read(files, name, lambda raw: load_pem_private_key(raw, None), problems)


def _public(of: x509.Certificate | PrivateKeyTypes) -> bytes:
    return of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _match(
    certificate: x509.Certificate | None, key: PrivateKeyTypes | None, name: str, key_name: str, problems: list[str]
) -> None:
    if certificate and key and _public(certificate) != _public(key):
        problems.append(f"{key_name} is not the key of {name}.")


def _chain(ca: x509.Certificate, engine: x509.Certificate, problems: list[str]) -> None:
    try:
        engine.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        problems.append(f"{ENGINE} is not signed by the CA in {CA}.")


def _open_store(files: Mapping[str, bytes], engine: x509.Certificate | None, problems: list[str]) -> None:
    """engine.p12 must open with the password that the engine's own configuration names, and hold the engine's key. The
    RC2 and 3DES of old engines open too."""
    raw = files.get(STORE, b"")
    if not raw.strip():
        return
    conf = "\n".join(raw.decode("utf-8", "replace") for name, raw in sorted(files.items()) if name.startswith(CONF))
    password = (_STORE_PASSWORD.findall(conf) or [_DEFAULT_PASSWORD])[-1]
    try:
        key, _, _ = load_key_and_certificates(raw, password.encode())
    except (ValueError, UnsupportedAlgorithm):
        problems.append(f"{STORE} does not open with the password in the engine's configuration.")
        return
    if key is None or (engine and _public(engine) != _public(key)):
        problems.append(f"{STORE} does not hold the key of {ENGINE}.")
