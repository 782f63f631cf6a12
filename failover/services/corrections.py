"""Putting the ledger of downtime right: entries that only add, by a named person, with a reason. One that makes
downtime less counts when a second person has confirmed it. What was measured is never changed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from failover.models import Correction, CorrectionDecision, Objective
from failover.services.objectives import LONGEST, subject
from inventory.services.signal import announce
from portal.access.services import may
from portal.evidence.services import append
from portal.runs.services import Refused
from portal.runs.services.refused import recorded

LEAST = 10  # characters of a reason
LONGEST_CAUSE = 200
LONGEST_KEY = 200
LONGEST_TIME = timedelta(days=366)


@dataclass(frozen=True)
class Wish:
    """kind: cause | planned | unplanned | up | down. begins, ends: aware."""

    kind: str
    begins: datetime
    ends: datetime
    cause: str
    reason: str


def enter(row: Objective, wish: Wish, by: str, key: str = "") -> Correction:
    """One more entry. The same key with the same wish gives the same entry. Raises Refused with one sentence per
    reason, which is recorded."""
    tidy = Wish(wish.kind, wish.begins, wish.ends, " ".join(wish.cause.split()), " ".join(wish.reason.split()))
    body = {each.name: getattr(tidy, each.name) for each in fields(tidy)}
    try:
        if (earlier := _earlier(row, tidy, by, key)) is not None:
            return earlier
        if mistakes := _wrong(row, tidy, key):
            raise Refused("parameters", *mistakes)
        with transaction.atomic():
            entry = Correction.objects.create(objective=row, by=by, at=timezone.now(), key=key, **body)
            waits = {"waits_for_second_person": entry.kind in Correction.LESS}
            append("availability.corrected", by, subject(row), {**body, "entry": entry.pk, **waits})
        announce("looks")
        return entry
    except IntegrityError:
        # two clicks at one time: whoever lost takes what the other one wrote
        again = _earlier(row, tidy, by, key)
        if again is not None:
            return again
        raise
    except Refused as refusal:
        raise recorded(refusal, by, subject(row), {**body, "wish": "correct"}) from None


def decide(pk: int, word: str, by: str, why: str = "") -> CorrectionDecision:
    """What becomes of an entry that waits: confirmed or refused by a second person who may approve, or withdrawn by
    whoever made it. Raises Refused, Correction.DoesNotExist."""
    why = " ".join(why.split())[:LONGEST]
    entry = Correction.objects.select_related("objective").get(pk=pk)
    try:
        _may_decide(entry, word, by, why)
        with transaction.atomic():
            decision = CorrectionDecision.objects.create(
                correction=entry, word=word, asked_by=entry.by, by=by, at=timezone.now(), why=why
            )
            body = {"entry": entry.pk, "asked_by": entry.by, "why": why}
            append(f"availability.correction_{word}", by, subject(entry.objective), body)
        announce("looks")
        return decision
    except IntegrityError:
        late = Refused("state", "It is decided already.")
        raise recorded(late, by, subject(entry.objective), {"entry": pk, "wish": word}) from None
    except Refused as refusal:
        raise recorded(refusal, by, subject(entry.objective), {"entry": pk, "wish": word}) from None


def waits(entry: Correction) -> bool:
    """Whether it counts only when a second person has confirmed it, and nobody has decided yet."""
    return entry.kind in Correction.LESS and not hasattr(entry, "decision")


def _earlier(row: Objective, wish: Wish, by: str, key: str) -> Correction | None:
    found = Correction.objects.filter(by=by, key=key).select_related("objective").first() if key else None
    if found is None:
        return None
    same = Wish(found.kind, found.begins, found.ends, found.cause, found.reason)
    if found.objective_id != row.pk or same != wish:
        raise Refused("idempotency", f"The key {key!r} has made entry {found.pk} with other content: use a new key.")
    return found


def _wrong(row: Objective, wish: Wish, key: str) -> list[str]:
    found = []
    if wish.kind not in Correction.Kind.values:
        found.append(f"{wish.kind!r} is no kind of correction: it is one of {', '.join(Correction.Kind.values)}.")
    if wish.begins >= wish.ends or wish.begins < row.since - LONGEST_TIME:
        found.append("The time ends before it begins, or begins more than a year before anything was promised.")
    if wish.ends > timezone.now():
        found.append("The time lies in the future: what has not been is not put right.")
    if wish.ends <= row.since:
        found.append(f"Nothing was promised of {row} before {row.since:%d %b %Y %H:%M} UTC.")
    return found + _worded(wish, key)


def _worded(wish: Wish, key: str) -> list[str]:
    found = []
    if len(wish.reason) < LEAST:
        found.append(f"Say in at least {LEAST} characters how you know it.")
    if wish.kind in (Correction.Kind.CAUSE, Correction.Kind.DOWN) and not wish.cause:
        found.append("Name the cause.")
    for name, text, most in (("reason", wish.reason, LONGEST), ("cause", wish.cause, LONGEST_CAUSE)):
        if len(text) > most:
            found.append(f"The {name} has {len(text)} characters; at most {most} are taken.")
    if len(key) > LONGEST_KEY:
        found.append(f"The key has {len(key)} characters; at most {LONGEST_KEY} are taken.")
    return found


def _may_decide(entry: Correction, word: str, by: str, why: str) -> None:
    if not waits(entry):
        raise Refused("state", "It is decided already, or needs nobody's word: enter another correction instead.")
    mine = entry.by.casefold() == by.casefold()
    if word == CorrectionDecision.Word.WITHDRAWN:
        if not mine:
            raise Refused("four_eyes", f"Only {entry.by} takes it back; another person refuses it.")
        return
    if word not in CorrectionDecision.Word.values:
        raise Refused(
            "parameters", f"{word!r} is no decision: it is one of {', '.join(CorrectionDecision.Word.values)}."
        )
    if mine:
        raise Refused("four_eyes", f"{by} has asked for it, and it makes downtime less: another person decides.")
    person = User.objects.filter(username=by, is_active=True).first()
    if person is None or not may(person, "run.approve"):
        raise Refused("four_eyes", f"{by} is nobody who may approve, so this is no second person.")
    if word == CorrectionDecision.Word.REFUSED and not why:
        raise Refused("parameters", "Say why it is refused.")
