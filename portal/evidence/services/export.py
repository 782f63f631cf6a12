"""Reading out: one JSON file that an auditor checks with deploy/holdfast_verify.py and the public key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from portal.evidence.canonical import canonical
from portal.evidence.models import Record, Signature
from portal.evidence.services.chain import head, seal

FORMAT = "holdfast-evidence-1"
CHUNK = 2_000


@dataclass(frozen=True)
class Scope:
    """Which records: first to last, both included. subject "": every body; otherwise the bodies of other subjects are
    withheld, and their headers stay, so that the chain can still be followed."""

    first: int
    last: int
    subject: str = ""


def everything_of(subject: str) -> Scope:
    """From the subject's first record to the signature after its last one. The head is sealed for the subject first
    when it is not yet. Raises ValueError when nothing is recorded about the subject."""
    mine = Record.objects.filter(subject=subject)
    first = mine.order_by("number").values_list("number", flat=True).first()
    last = mine.order_by("-number").values_list("number", flat=True).first()
    if first is None or last is None:
        raise ValueError(f"Nothing is recorded about {subject}.")
    signature = Signature.objects.filter(subject=subject, record__gte=last).order_by("record_id").first()
    signature = signature or seal(subject)
    return Scope(first, signature.record_id if signature else last, subject)


def span(first: int = 1, last: int | None = None) -> Scope:
    """The records first to last, up to the head when last is None; the head is sealed first when it is not yet.
    Raises ValueError when there are none."""
    if last is None and (signature := seal("export")):
        last = signature.record_id
    end = head()
    if end is None or first < 1 or first > end.number or (last is not None and last < first):
        raise ValueError(f"There are no records {first} to {last or 'the last'}.")
    return Scope(first, min(last or end.number, end.number))


def export(scope: Scope) -> Iterator[str]:
    """The file, piece by piece, one record a line: nothing is held in memory but one batch."""
    signatures = Signature.objects.filter(record__gte=scope.first, record__lte=scope.last)
    signatures = signatures.select_related("record").order_by("record_id", "pk")
    opening = {"format": FORMAT, "first": scope.first, "last": scope.last, "subject": scope.subject}
    yield _text(opening)[:-1] + ',"records":[\n'
    yield from _list(_record(record, scope) for record in _records(scope).iterator(CHUNK))
    yield '],"signatures":[\n'
    yield from _list({**row.statement(), "signature": row.signature} for row in signatures.iterator(CHUNK))
    yield "]}\n"


def _records(scope: Scope) -> QuerySet[Record]:
    return Record.objects.filter(number__gte=scope.first, number__lte=scope.last).order_by("number")


def _record(record: Record, scope: Scope) -> dict[str, object]:
    entry = {**record.header(), "sha256": record.sha256}
    if scope.subject in ("", record.subject):
        entry["body"] = record.body
    return entry


def _list(entries: Iterator[dict[str, object]]) -> Iterator[str]:
    for index, entry in enumerate(entries):
        yield (",\n" if index else "") + _text(entry)
    yield "\n"


def _text(value: object) -> str:
    return canonical(value).decode()
