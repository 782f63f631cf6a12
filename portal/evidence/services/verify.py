"""Checking the whole chain in the database, link by link, without holding it in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.evidence import signing
from portal.evidence.canonical import canonical, digest
from portal.evidence.models import GENESIS, Record, Signature

CHUNK = 2_000


@dataclass
class Verdict:
    """problem "": all records are intact. signed_to: up to which record a signature vouches; 0 for none."""

    records: int = 0
    signatures: int = 0
    signed_to: int = 0
    problem: str = ""
    keys: set[str] = field(default_factory=set)

    @property
    def intact(self) -> bool:
        return not self.problem

    def sentence(self) -> str:
        """What is, in one sentence."""
        if self.problem:
            return self.problem
        if not self.records:
            return "Nothing is recorded yet."
        if not self.signed_to:
            return f"Records 1 to {self.records} are intact; none is signed."
        rest = f"; {self.records - self.signed_to} after it are not signed yet" if self.records > self.signed_to else ""
        return f"Records 1 to {self.records} are intact, signed up to record {self.signed_to}{rest}."


def verify_chain(trusted: frozenset[str] | None = None) -> Verdict:
    """Reads every record and signature in order and stops at the first that is wrong. trusted: the ids of the keys
    that may have signed; None trusts those that the database lists."""
    verdict = Verdict()
    signatures = Signature.objects.select_related("key", "record").order_by("record_id", "pk").iterator(CHUNK)
    waiting = next(signatures, None)
    previous = GENESIS
    for record in Record.objects.order_by("number").iterator(CHUNK):
        verdict.problem = _broken(record, verdict.records + 1, previous)
        verdict.records, previous = record.number, record.sha256
        while waiting and not verdict.problem and waiting.record_id == record.number:
            verdict.problem = _forged(waiting, trusted)
            _count(verdict, waiting)
            waiting = next(signatures, None)
        if verdict.problem:
            return verdict
    if verdict.signatures != Signature.objects.count():
        verdict.problem = f"A signature vouches for records after record {verdict.records}, and they are missing."
    return verdict


def _broken(record: Record, expected: int, previous: str) -> str:
    if record.number != expected:
        return f"Record {expected} is missing: record {record.number} follows record {expected - 1}."
    if record.body_sha256 != digest(record.body):
        return f"The body of record {record.number} has been altered."
    if record.sha256 != record.header_sha256():
        return f"Record {record.number} has been altered."
    if record.previous != previous:
        return f"Record {record.number} does not follow record {record.number - 1}: one of them has been replaced."
    return ""


def _forged(row: Signature, trusted: frozenset[str] | None) -> str:
    if trusted is not None and row.key_id not in trusted:
        return (
            f"The signature at record {row.record_id} is by the key {row.key_id}, which is not among the trusted keys."
        )
    if not signing.signed(row.key.pem, row.signature, canonical(row.statement())):
        return (
            f"The signature at record {row.record_id} does not fit: the records before it or the signature are forged."
        )
    return ""


def _count(verdict: Verdict, row: Signature) -> None:
    verdict.signatures += 1
    verdict.signed_to = row.record_id
    verdict.keys.add(row.key_id)
