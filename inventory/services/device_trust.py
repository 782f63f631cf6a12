"""What a person does about the certificate of a switch or an array: compare what it shows, and pin exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import transaction
from django.utils import timezone

from inventory.models import Device, Look
from inventory.services.signal import announce
from portal.connectors.san.https import offered
from portal.evidence.services import append

SECONDS = 5.0  # for the TLS greeting


class TrustRefusal(ValueError):
    """The certificate is not pinned; the sentence says why and what to do."""


@dataclass(frozen=True)
class Shown:
    """A certificate for a person: SHA-256 as two-digit groups, as `openssl x509 -fingerprint -sha256` prints it."""

    pem: str
    fingerprint: str
    subject: str
    until: datetime


def shown(pem: str) -> Shown | None:
    """What stands in a certificate; None when it cannot be read."""
    try:
        one = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
    raw = one.fingerprint(SHA256())
    return Shown(pem, ":".join(f"{byte:02X}" for byte in raw), one.subject.rfc4514_string(), one.not_valid_after_utc)


def ask(device: Device) -> Shown | None:
    """The certificate that it shows now; nothing but the TLS greeting is sent. None when none came."""
    pem = offered(device.address, device.port, SECONDS)
    return shown(pem) if pem else None


def pin(device: Device, by: str, fingerprint: str) -> Shown:
    """Pins the certificate whose fingerprint the page showed. It is asked for anew, so that what is pinned is what is
    there. Raises TrustRefusal."""
    now = ask(device)
    if now is None:
        where = f"{device.address} port {device.port}"
        raise TrustRefusal(f"{device.name} shows no certificate at {where} now: see its HTTPS.")
    if now.fingerprint != fingerprint:
        raise TrustRefusal(f"{device.name} shows another certificate than the page did: compare it. Nothing is pinned.")
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(pin_pem=now.pem)
        Look.objects.filter(device=device).update(due_at=timezone.now())
        append("device.pinned", by, f"device:{device.name}", {"certificate_sha256": now.fingerprint})
    announce("estate")
    return now
