"""The engine's PKI as it lies in /etc/pki/ovirt-engine, signed by the CA that the lab's engine shows on the wire."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from lab.world import World

ROOT = "etc/pki/ovirt-engine"
STORE_PASSWORD = b"mypass"  # what engine-setup writes on every engine
DAYS = 1800


def make(authority: Path, world: World) -> dict[str, bytes]:
    """Path -> content. authority: the folder of lab/tls.py, whose CA and web certificate exist."""
    ca_pem, secret = (authority / "ca.pem").read_bytes(), (authority / "ca.key").read_bytes()
    ca, ca_key = x509.load_pem_x509_certificate(ca_pem), serialization.load_pem_private_key(secret, None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = rsa.generate_private_key(65537, 2048)
    engine = _certificate(ca, ca_key, key.public_key(), world.engine_fqdn, 4097)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    key_pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    cipher = serialization.BestAvailableEncryption(STORE_PASSWORD)
    web, web_key = (authority / "server.pem").read_bytes(), (authority / "server.key").read_bytes()
    files = {
        "ca.pem": ca_pem,
        "apache-ca.pem": ca_pem,
        "qemu-ca.pem": ca_pem,
        "private/ca.pem": secret,
        "private/qemu-ca.pem": secret,
        "serial.txt": f"{4098 + len(world.hosts):X}\n".encode(),
        "database.txt": b"",
        "certs/ca.der": ca.public_bytes(serialization.Encoding.DER),
        "certs/engine.cer": _described(engine),
        "certs/apache.cer": web,
        "keys/engine_id_rsa": key_pem,
        "keys/engine.p12": pkcs12.serialize_key_and_certificates(b"1", key, engine, None, cipher),
        "keys/apache.key.nopass": web_key,
    }
    for number, host in enumerate(world.hosts.values()):
        own = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(ca, ca_key, own.public_key(), host.hostname, 4098 + number)
        files[f"certs/{host.address}.cer"] = signed.public_bytes(serialization.Encoding.PEM)
    return {f"{ROOT}/{name}": content for name, content in files.items()}


def other_key() -> bytes:
    """A key that belongs to none of the certificates."""
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    name: str,
    serial: int,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "bank.example"),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(ca.subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .sign(ca_key, hashes.SHA256())
    )


def _described(certificate: x509.Certificate) -> bytes:
    """PEM behind a few words in plain text, as `openssl ca` writes certificates."""
    words = f"Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number: {certificate.serial_number}\n"
    return words.encode() + certificate.public_bytes(serialization.Encoding.PEM)
