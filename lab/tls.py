"""The lab's own certificate authority and the engine's server certificate."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVER_NAMES = ("127.0.0.1", "localhost", "engine.bank.example")
CA_DAYS = 3650
SERVER_DAYS = 398  # what a live OLVM engine's web certificate lasts (facts/engine-api.md, live captures)


@dataclass(frozen=True)
class Identity:
    """What the engine shows on the wire: TLS context, CA and server certificate (PEM), its key as SSH public key."""

    context: ssl.SSLContext
    ca_pem: str
    certificate_pem: str
    ssh_public_key: str


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "bank.example"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=min(days, 0) - 1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The CA outlives a restart of the lab, so that a pinned CA stays the right one."""
    certificate, secret = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and secret.exists():
        key = serialization.load_pem_private_key(secret.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return x509.load_pem_x509_certificate(certificate.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _builder("engine.bank.example.lab-ca", "engine.bank.example.lab-ca", key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_secret(secret, _pem(key))
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return made, key


def identity(
    folder: Path, names: Sequence[str] = SERVER_NAMES, days: int = SERVER_DAYS, leaf: str = "server"
) -> Identity:
    """The CA of `folder` (made when absent), a new certificate for `names`, good for `days` (negative: expired). leaf:
    what its files are named."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, ca_key = _authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder("engine.bank.example", "engine.bank.example.lab-ca", key.public_key(), days)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / f"{leaf}.pem").write_bytes(pem)
    _write_secret(folder / f"{leaf}.key", _pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{leaf}.pem", folder / f"{leaf}.key")
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Identity(context, ca.public_bytes(serialization.Encoding.PEM).decode(), pem.decode(), public.decode())


def wide_pem(pem: str) -> str:
    """The same certificate with base64 lines of 76, as pki-resource prints it (facts/engine-api.md 1.7)."""
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
    text = base64.b64encode(der).decode()
    lines = [text[i : i + 76] for i in range(0, len(text), 76)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
