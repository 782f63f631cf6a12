"""The certificates of a switch or an array: a person compares what it shows with what it is known by, then they are
pinned. Both kinds sign their own, so nobody else can vouch for them (facts/san.md 2.1). An array's two controllers may
show one certificate or one each: both are compared and pinned in one act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.utils import timezone

from inventory.models import Device, Look
from inventory.services.signal import announce
from portal.connectors.san.https import offered
from portal.evidence.canonical import digest
from portal.evidence.services import append

SECONDS = 5.0  # for the TLS greeting


class TrustRefusal(ValueError):
    """Nothing is pinned; the sentence says why and what to do."""


@dataclass(frozen=True)
class Shown:
    """A certificate for a person: SHA-256 as two-digit groups, as `openssl x509 -fingerprint -sha256` prints it."""

    pem: str
    fingerprint: str
    subject: str
    until: datetime


@dataclass(frozen=True)
class Offer:
    """What one management address shows now; None when nothing came."""

    address: str
    shown: Shown | None


@dataclass(frozen=True)
class Offers:
    """What all addresses of a device show. mark: stands for exactly this."""

    every: tuple[Offer, ...]

    @property
    def certificates(self) -> tuple[Shown, ...]:
        """Each once."""
        found = {one.shown.fingerprint: one.shown for one in self.every if one.shown}
        return tuple(found.values())

    @property
    def silent(self) -> tuple[str, ...]:
        """Addresses that show nothing."""
        return tuple(one.address for one in self.every if one.shown is None)

    @property
    def mark(self) -> str:
        return digest([[one.address, one.shown.fingerprint if one.shown else ""] for one in self.every])


def pinned(pem: str) -> tuple[Shown, ...]:
    """The certificates that are pinned; () when they cannot be read, or there is none."""
    try:
        every = x509.load_pem_x509_certificates(pem.encode()) if pem.strip() else []
    except ValueError:
        return ()
    return tuple(_shown(one) for one in every)


def shown(pem: str) -> Shown | None:
    """What stands in a certificate, the first one of several; None when it cannot be read."""
    return next(iter(pinned(pem)), None)


def _shown(one: x509.Certificate) -> Shown:
    raw = one.fingerprint(SHA256())
    pem = one.public_bytes(Encoding.PEM).decode()
    return Shown(pem, ":".join(f"{byte:02X}" for byte in raw), one.subject.rfc4514_string(), one.not_valid_after_utc)


def ask(device: Device) -> Offers:
    """What it shows now at each of its addresses; nothing but the TLS greeting is sent."""
    addresses = dict.fromkeys(one for one in (device.address, device.second_address) if one)
    return Offers(tuple(Offer(one, shown(offered(one, device.port, SECONDS))) for one in addresses))


def holds(device: Device, now: Offers) -> bool:
    """Whether every address that answers shows a pinned certificate, and one answers."""
    known = {one.fingerprint for one in pinned(device.pin_pem)}
    return bool(now.certificates) and all(one.fingerprint in known for one in now.certificates)


def pin(device: Device, by: str, mark: str) -> tuple[Shown, ...]:
    """Pins the certificates that the page showed, of all addresses at once. They are asked for anew, so that what is
    pinned is what is there; what a silent address was pinned with stays. Raises TrustRefusal."""
    now = ask(device)
    if not now.certificates:
        where = " and ".join(f"{one} port {device.port}" for one in now.silent)
        raise TrustRefusal(f"{device.name} shows no certificate at {where} now: see its HTTPS.")
    if now.mark != mark:
        raise TrustRefusal(
            f"{device.name} shows other certificates than the page did: compare them. Nothing is pinned."
        )
    kept = pinned(device.pin_pem) if now.silent else ()
    every = {one.fingerprint: one for one in (*now.certificates, *kept)}
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(pin_pem="".join(one.pem for one in every.values()))
        Look.objects.filter(device=device).update(due_at=timezone.now())
        addresses = {one.address: one.shown.fingerprint if one.shown else "" for one in now.every}
        body = {"certificate_sha256": now.certificates[0].fingerprint, "addresses": addresses}
        append("device.pinned", by, f"device:{device.name}", body)
    announce("estate")
    return now.certificates
