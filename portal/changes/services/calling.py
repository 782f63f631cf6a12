"""Callbacks of change systems. Whoever signs one may be right, late, doubled or out of order: it is never believed, it
only causes a read-back. What is refused is kept, too, and starts nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from portal.access.admission import first_in_a_while
from portal.changes.asked import LONGEST
from portal.changes.models import Callback, Change, ChangeSystem
from portal.changes.services import looking
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, Flaw, verify
from portal.evidence import services as evidence

V = Callback.Verdict
# as a change system's own forms name them: facts/drills-and-evidence.md 4.1 to 4.3
NUMBERS = ("number", "change", "changeNumber", "issueKey", "key", "Infrastructure Change ID")
SYS_IDS = ("sys_id", "sysId", "id")
SEQUENCES = ("sequence", "updateSequenceNumber", "update_sequence_number")
MOST = 2**63 - 1
FLAWS = {
    Flaw.UNSIGNED: V.UNSIGNED,
    Flaw.NO_KEY: V.UNSIGNED,
    Flaw.MALFORMED: V.MALFORMED,
    Flaw.STALE: V.STALE,
    Flaw.WRONG_KEY: V.FORGED,
}


@dataclass(frozen=True)
class Came:
    """A call as it arrived. headers: by name, whatever the case. address: of whoever called."""

    body: bytes
    headers: Mapping[str, str]
    address: str | None


@dataclass(frozen=True)
class Said:
    """What a body names. sequence 0: none."""

    number: str
    sys_id: str
    sequence: int


def receive(system: ChangeSystem, came: Came, now: datetime) -> Callback:
    """Judges a call and keeps it. An accepted one brings the read-back forward; nothing else happens by it."""
    stamp, mark = came.headers.get(TIMESTAMP_HEADER, ""), came.headers.get(SIGNATURE_HEADER, "")
    keys = [key for key in (system.signing_key, system.former_key) if key]
    try:
        signed = verify(keys, stamp, mark, came.body, now.timestamp())
    except BadSignature as error:
        digest = hashlib.sha256(stamp.encode("utf-8", "replace") + b"." + came.body).hexdigest()
        return _kept(system, came, now, FLAWS[error.flaw], str(error), digest=digest)
    said = _read(came.body)
    if said is None:
        words = "The body is no JSON object that names a change by its number or sys_id."
        return _kept(system, came, now, V.MALFORMED, words, digest=signed.digest)
    return _signed(system, came, now, said, signed.digest)


def _signed(system: ChangeSystem, came: Came, now: datetime, said: Said, digest: str) -> Callback:
    change = _change(system, said)
    # a sequence is of one change, also where the message names it by its sys_id alone
    number = change.number if change else said.number
    told: dict[str, Any] = {"digest": digest, "number": number, "sequence": said.sequence}
    before = Callback.objects.filter(system=system, number=number, verdict=V.ACCEPTED)
    newest = before.aggregate(newest=Max("sequence"))["newest"] or 0
    again = Callback.objects.filter(system=system, digest=digest, verdict__in=(V.ACCEPTED, V.UNKNOWN_CHANGE)).exists()
    if again:
        return _kept(system, came, now, V.REPLAYED, "The very same message came before.", **told)
    if said.sequence and said.sequence < newest:
        words = f"Sequence {said.sequence} is older than {newest}, which came before."
        return _kept(system, came, now, V.OUTDATED, words, **told)
    verdict = V.ACCEPTED if change else V.UNKNOWN_CHANGE
    words = "The change is read back." if change else "Nothing of the portal belongs to this change."
    try:
        with transaction.atomic():
            row = _kept(system, came, now, verdict, words, **told)
            if change is not None:
                looking.soon(change.pk, now)
    except IntegrityError:  # two of the same at one moment
        return _kept(system, came, now, V.REPLAYED, "The very same message came before.", **told)
    return row


def _change(system: ChangeSystem, said: Said) -> Change | None:
    rows = Change.objects.filter(system=system)
    if said.number:
        return rows.filter(number=said.number).first()
    return rows.filter(sys_id=said.sys_id).first()


def _read(body: bytes) -> Said | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    number, sys_id = _text(found, NUMBERS), _text(found, SYS_IDS)
    if not (number or sys_id) or "\0" in number + sys_id:
        return None
    return Said(number, sys_id, _sequence(found))


def _text(found: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST:
            return value.strip()
    return ""


def _sequence(found: Mapping[str, Any]) -> int:
    for name in SEQUENCES:
        value = found.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST:
            return value
    return 0


@transaction.atomic
def _kept(system: ChangeSystem, came: Came, now: datetime, verdict: str, sentence: str, **told: Any) -> Callback:
    row = Callback.objects.create(
        system=system, at=now, address=came.address, verdict=verdict, sentence=sentence[:300], **told
    )
    good = verdict in (V.ACCEPTED, V.UNKNOWN_CHANGE)
    # one who knocks without a key must not flood the chain: one entry a minute, address and verdict
    if good or first_in_a_while("callback", system.name, str(came.address), verdict):
        body = {
            "system": system.name, "verdict": verdict, "sentence": sentence, "number": row.number,
            "sequence": row.sequence, "digest": row.digest, "address": came.address,
        }  # fmt: skip
        kind = "change.callback" if good else "change.callback_refused"
        evidence.append(kind, f"change system {system.name}" if good else "anonymous", f"changes:{system.name}", body)
    return row
