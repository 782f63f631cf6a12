"""Writing: one link after the other, and the signature over the last one."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction
from django.utils import timezone

from portal.evidence import signing
from portal.evidence.canonical import canonical, digest, plain, text
from portal.evidence.models import GENESIS, Key, Record, Signature

# One writer at a time, until its transaction ends: "HFEV" as a number.
LOCK = 0x48464556


def head() -> Record | None:
    """The last record, or None when nothing has been recorded."""
    return Record.objects.order_by("-number").first()


def append(kind: str, actor: str, subject: str, body: Mapping[str, object] | None = None) -> Record:
    """Adds one record inside the caller's transaction, so that an act and its record are committed together or not at
    all. Every other writer waits until that transaction ends: call it last, shortly before the commit.
    actor is a user name, "token:<name> of <user>" or "portal"; subject is "run:7", "host:kvm1", "person:anna".
    Raises SecretInEvidence, TypeError for a body that has no canonical spelling, ValueError for an empty kind or actor;
    then nothing is written, and nothing may be done."""
    if not kind or not actor:
        raise ValueError("A record needs a kind and an actor.")
    content = plain(body or {})
    with transaction.atomic(savepoint=False):
        _lock()
        return _link(kind, text(actor), text(subject), content)


def seal(subject: str) -> Signature | None:
    """Signs the chain's head and, with it, every record before; None when nothing is recorded or no key is set.
    A key that signs for the first time is itself recorded first. Call it when a Run ends, last in the transaction."""
    key = signing.private_key()
    if key is None:
        return None
    with transaction.atomic(savepoint=False):
        _lock()
        last = head()
        if last is None:
            return None
        name = signing.key_id(key)
        if not Key.objects.filter(pk=name).exists():
            last = _introduce(key, name)
        return _sign(key, name, last, subject)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _link(kind: str, actor: str, subject: str, content: object) -> Record:
    last = head()
    record = Record(
        number=last.number + 1 if last else 1,
        at=timezone.now(),
        kind=kind,
        actor=actor,
        subject=subject,
        body=content,
        body_sha256=digest(content),
        previous=last.sha256 if last else GENESIS,
    )
    record.sha256 = record.header_sha256()
    record.save(force_insert=True)
    return record


def _introduce(key: Ed25519PrivateKey, name: str) -> Record:
    former = Key.objects.order_by("-since").first()
    known = Key.objects.create(pk=name, pem=signing.public_pem(key), since=timezone.now())
    body = {"key": name, "public_key": known.pem, "former_key": former.pk if former else ""}
    return _link("evidence.key", "portal", f"key:{name[:16]}", body)


def _sign(key: Ed25519PrivateKey, name: str, last: Record, subject: str) -> Signature:
    subject = text(subject)
    same = Signature.objects.filter(record=last, subject=subject, key_id=name).first()
    if same:
        return same
    signature = Signature(
        record=last,
        subject=subject,
        subject_records=Record.objects.filter(subject=subject, number__lte=last.number).count(),
        at=timezone.now(),
        key_id=name,
    )
    signature.signature = signing.sign(key, canonical(signature.statement()))
    signature.save(force_insert=True)
    return signature
