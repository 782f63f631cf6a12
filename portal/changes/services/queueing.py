"""What is owed to a change is kept here until its system has it. Each is queued once, by the key of what it says."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from portal.changes.models import Change, ChangeNote

LONGEST = 1_000  # characters of a note
# `password=...`, `token: ...`, `Bearer ...`: what must not go to another system whatever was in a sentence
_SHOWN = re.compile(r"(?i)((?:password|passwd|passphrase|secret|token|api[-_]?key)['\"]?\s*[=:]\s*|bearer\s+)\S+")


def note(change: Change, key: str, about: str, text: str, now: datetime) -> bool:
    """Queues a work note, once. False when it is queued or delivered already."""
    words = _SHOWN.sub(r"\1***", " ".join(text.split()))
    words = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    return _kept(change, key, about, now, kind=ChangeNote.Kind.NOTE, text=words)


def attach(change: Change, key: str, about: str, name: str, media_type: str, content: bytes, now: datetime) -> bool:
    """Queues a file, once. name: plain file name."""
    sha256 = hashlib.sha256(content).hexdigest()
    file = {"name": name[:120], "media_type": media_type, "content": content, "sha256": sha256}
    return _kept(change, key, about, now, kind=ChangeNote.Kind.ATTACH, **file)


@dataclass(frozen=True)
class Result:
    """How it went. code: successful | successful_issues | unsuccessful."""

    began: datetime
    ended: datetime
    code: str
    notes: str


def close(change: Change, key: str, about: str, result: Result, now: datetime) -> bool:
    """Queues the actual times and the result, after everything else that is owed to the change."""
    told = {"began": result.began, "ended": result.ended, "code": result.code, "text": result.notes[:LONGEST]}
    new = _kept(change, key, about, now, kind=ChangeNote.Kind.CLOSE, **told)
    if new:
        Change.objects.filter(pk=change.pk).update(closed_by_us=now)
    return new


def queued(change_pk: int, keys: Collection[str]) -> set[str]:
    """Which of the keys are queued or delivered already."""
    return set(ChangeNote.objects.filter(change=change_pk, key__in=keys).values_list("key", flat=True))


def undelivered(change_pk: int) -> int:
    """How many were refused, or wait for another try."""
    late = Q(state__in=ChangeNote.LOST) | (Q(state=ChangeNote.State.QUEUED) & ~Q(error=""))
    return ChangeNote.objects.filter(late, change=change_pk).count()


@transaction.atomic
def _kept(change: Change, key: str, about: str, now: datetime, **fields: Any) -> bool:
    # the change's row is the lock: its notes are numbered without gaps
    Change.objects.select_for_update().only("pk").get(pk=change.pk)
    if ChangeNote.objects.filter(key=key).exists():
        return False
    Change.objects.filter(pk=change.pk).update(notes_made=F("notes_made") + 1)
    sequence = Change.objects.values_list("notes_made", flat=True).get(pk=change.pk)
    ChangeNote.objects.create(
        change=change, sequence=sequence, key=key, mark=uuid.uuid4().hex, about=about, queued_at=now, next_at=now,
        **fields,
    )  # fmt: skip
    return True
