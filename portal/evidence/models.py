"""The record: a chain of entries that nobody changes, the keys that sign it, and the signatures. The database itself
refuses UPDATE, DELETE and TRUNCATE on these tables, and an entry that is not the next link (migration 0002)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from portal.evidence.canonical import digest, stamp

GENESIS = "0" * 64


class Record(models.Model):
    """One act, refusal, approval or result. number is gapless from 1; sha256 covers the header, the header holds the
    hash of the body, so that a body can be withheld from an export without breaking the chain."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=60)  # "run.started", "access.denied"
    actor = models.CharField(max_length=200)  # user name, "token:<name> of <user>", "portal"
    subject = models.CharField(max_length=200)  # "run:7", "host:kvm1", "person:anna"
    body = models.JSONField()
    body_sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["number"]
        indexes: ClassVar = [
            models.Index(fields=["subject", "number"], name="evidence_record_subject"),
            models.Index(fields=["kind", "number"], name="evidence_record_kind"),
            models.Index(fields=["actor", "number"], name="evidence_record_actor"),
            models.Index(fields=["at"], name="evidence_record_at"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.subject}"

    def header(self) -> dict[str, object]:
        """What sha256 covers."""
        return {
            "actor": self.actor,
            "at": stamp(self.at),
            "body_sha256": self.body_sha256,
            "kind": self.kind,
            "number": self.number,
            "previous": self.previous,
            "subject": self.subject,
        }

    def header_sha256(self) -> str:
        """The hash that this entry must carry."""
        return digest(self.header())

    def intact(self) -> bool:
        """Whether header and body are what its hashes say; that the record is in its place, only the chain says."""
        return self.body_sha256 == digest(self.body) and self.sha256 == self.header_sha256()


class Key(models.Model):
    """A public key that has signed. id is the SHA-256 of the key's DER form (what `openssl pkey -pubin -outform DER |
    sha256sum` prints)."""

    id = models.CharField(max_length=64, primary_key=True)
    pem = models.TextField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class Signature(models.Model):
    """Ed25519 over a statement about the chain's head: everything up to `number` is as it was `at`, and it holds so
    many records of `subject`."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="signatures")
    subject = models.CharField(max_length=200)
    subject_records = models.BigIntegerField()
    at = models.DateTimeField()
    key = models.ForeignKey(Key, on_delete=models.PROTECT, related_name="signatures")
    signature = models.CharField(max_length=88)  # base64

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "subject", "key"], name="evidence_signature_once"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} by {self.key_id[:12]}"

    def statement(self) -> dict[str, object]:
        """What is signed, in canonical JSON."""
        return {
            "at": stamp(self.at),
            "head": self.record.sha256,
            "key": self.key_id,
            "number": self.record_id,
            "subject": self.subject,
            "subject_records": self.subject_records,
            "type": "holdfast-evidence-seal-1",
        }
