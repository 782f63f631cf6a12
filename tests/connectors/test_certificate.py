"""The end of the engine's certificate, read from what TLS showed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.connectors.engine.certificate import Leaf, leaf

END = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


def pem(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank CA")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(END - timedelta(days=398))
        .not_valid_after(END)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def test_the_leaf_stands_first():
    assert leaf(pem("engine.bank.example") + pem("other")) == Leaf(
        END.timestamp(), "CN=engine.bank.example", "CN=bank CA"
    )


def test_nothing_shown_and_nothing_readable_are_not_known():
    assert leaf("") == leaf("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") == leaf("x") == Leaf()
