"""The leaf of a certificate chain, for probes, which read no ASN.1 themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509


@dataclass(frozen=True)
class Leaf:
    """End of validity in Unix seconds and both names as RFC 4514 text; None and "" when there is no certificate."""

    not_after: float | None = None
    subject: str = ""
    issuer: str = ""


@lru_cache(maxsize=64)
def leaf(chain_pem: str) -> Leaf:
    """The first certificate of a PEM chain. A chain that cannot be read gives an empty Leaf: it is not known then."""
    if not chain_pem:
        return Leaf()
    try:
        first = x509.load_pem_x509_certificate(chain_pem.encode())
        return Leaf(
            first.not_valid_after_utc.timestamp(), first.subject.rfc4514_string(), first.issuer.rfc4514_string()
        )
    except ValueError:
        return Leaf()
