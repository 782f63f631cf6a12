"""Writing back: what is queued for a change goes to its system, in order, until it is taken or refused. At least once:
what was sent and not noted is sent again, with the same mark. What people can put right over there is held and tried
seldom; what is refused for good, or was in vain for a week, waits for a person. Nothing is lost."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from portal.changes.models import Change, ChangeNote
from portal.changes.services.alone import alone
from portal.changes.services.looking import announce, subject
from portal.changes.services.opening import opened
from portal.evidence import services as evidence
from portal.kernel.change import ChangeBusy, ChangeFailed, ChangeHeld, ChangeLogin, ChangeRefused, ChangeUnreachable
from portal.kernel.change import ChangeSystem as System

log = logging.getLogger(__name__)

K, S = ChangeNote.Kind, ChangeNote.State
TRIES = 40  # of what breaks the connector or is answered with nonsense; a system that is away has all of WORTH
FIRST_PAUSE = timedelta(seconds=10)  # doubled with each try
LONGEST_PAUSE = timedelta(minutes=30)
HELD_PAUSE = timedelta(hours=1)
FAR = timedelta(hours=2)  # no pause is as long: the clock went back
WORTH = timedelta(days=7)  # for which an undelivered one is tried
TAKEN = timedelta(seconds=180)  # that a worker may have one; longer than a system may be silent
BURST = 10  # deliveries to one change in one tick: the rest of a flood comes with the next one
AT_ONCE = 20  # changes of one tick
LONGEST_TICK = 30.0  # seconds after which no further one is begun
LOCK = 0x686F6C6463686E67  # of the database session that delivers
LONGEST = 500  # characters of a system's own words


def deliver_due(now: datetime) -> int:
    """Delivers what is due; gives how many were taken. One change after the other, each as far as it goes."""
    done = 0
    with alone(LOCK) as mine:
        if not mine:
            return 0
        until = time.monotonic() + LONGEST_TICK
        _revive(now)
        for change in _due(now):
            done += _change(change, now, until)
            if time.monotonic() > until:
                break
    return done


def _revive(now: datetime) -> None:
    """What is held is tried again when its time has come."""
    rows = ChangeNote.objects.filter(_ripe(now), state=S.HELD, change__system__enabled=True)
    rows.update(state=S.QUEUED)


def _ripe(now: datetime) -> Q:
    return Q(next_at__lte=now) | Q(next_at__gt=now + FAR)


def _due(now: datetime) -> list[int]:
    """Changes whose first undelivered one is due: a later one never overtakes an earlier one."""
    waiting = ChangeNote.objects.filter(state=S.QUEUED, change__system__enabled=True)
    earlier = ChangeNote.objects.filter(state=S.QUEUED, change=OuterRef("change"), sequence__lt=OuterRef("sequence"))
    due = waiting.filter(_free(now), _ripe(now), ~Exists(earlier)).order_by("next_at")
    return list(due.values_list("change", flat=True)[:AT_ONCE])


def _free(now: datetime) -> Q:
    return Q(taken_until=None) | Q(taken_until__lt=now) | Q(taken_until__gt=now + FAR)


def _change(pk: int, now: datetime, until: float) -> int:
    """One change's notes in order, until one has to wait. The first failure ends it."""
    change = Change.objects.select_related("system").get(pk=pk)
    done = 0
    for _ in range(BURST):
        row = ChangeNote.objects.filter(change=pk, state=S.QUEUED).order_by("sequence").first()
        late = time.monotonic() > until
        if late or row is None or now < row.next_at <= now + FAR or _waits(row, now) or not _taken(row, now):
            break
        row.change = change
        state = _one(row, now)
        done += state == S.DELIVERED
        if state == S.QUEUED:
            break
    return done


def _waits(row: ChangeNote, now: datetime) -> bool:
    """A closed change takes no notes any more: it stays open while an earlier one is not delivered."""
    if row.kind != K.CLOSE or not ChangeNote.objects.filter(change=row.change_id, state__in=ChangeNote.LOST).exists():
        return False
    words = "It waits for what is not delivered before it: try that again, or give it up."
    ChangeNote.objects.filter(pk=row.pk, state=S.QUEUED).update(error=words, next_at=now + LONGEST_PAUSE)
    return True


def _taken(row: ChangeNote, now: datetime) -> bool:
    rows = ChangeNote.objects.filter(_free(now), pk=row.pk, state=S.QUEUED)
    row.attempts += 1
    return rows.update(taken_until=now + TAKEN, attempts=F("attempts") + 1) == 1


def _one(row: ChangeNote, now: datetime) -> str:
    """The state that it comes to. The next one follows unless it stays queued."""
    try:
        _send(opened(row.change.system), row)
    except ChangeFailed as error:
        return _not_taken(row, error, now)
    except Exception as error:  # one that breaks the connector must not hold up all others for ever
        log.exception("Delivering %s broke.", row)
        broke = ChangeFailed(f"The portal itself broke while delivering it ({type(error).__name__}): see its log.")
        return _not_taken(row, broke, now)
    _end(row, S.DELIVERED, "", now)
    return S.DELIVERED


def _send(system: System, row: ChangeNote) -> None:
    key = row.change.key
    if row.kind == K.NOTE:
        system.note(key, row.text, row.mark)
    elif row.kind == K.ATTACH:
        system.attach(key, row.name, row.media_type, bytes(row.content), row.mark)
    else:
        assert row.began is not None
        assert row.ended is not None
        system.close(key, row.began, row.ended, row.code, row.text)


def _not_taken(row: ChangeNote, error: ChangeFailed, now: datetime) -> str:
    words = f"{error} {error.detail}".strip()[:LONGEST]
    if (state := _refused(row, error, now)) != S.QUEUED:
        _end(row, state, words, now)
        return state
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.attempts - 1, 20))
    if error.wait is not None:
        pause = max(pause, timedelta(seconds=min(error.wait, LONGEST_PAUSE.total_seconds())))
    fields = {"error": words, "next_at": now + pause, "taken_until": None}
    ChangeNote.objects.filter(pk=row.pk, state=S.QUEUED).update(**fields)
    if isinstance(error, ChangeLogin) or (isinstance(error, ChangeUnreachable) and not error.sent):
        # no other change of the system is taken either; each try may lock the account, or takes other systems' time
        others = ChangeNote.objects.filter(change__system=row.change.system_id, state=S.QUEUED, next_at__lt=now + pause)
        others.update(next_at=now + pause)
    announce()
    return S.QUEUED


def _refused(row: ChangeNote, error: ChangeFailed, now: datetime) -> str:
    """What becomes of one that was not taken: it waits for another try, is held, or is tried no more by itself."""
    odd = not isinstance(error, ChangeBusy | ChangeUnreachable | ChangeRefused)
    if now - row.queued_at >= WORTH or (odd and row.attempts >= TRIES):
        return S.DEAD
    if isinstance(error, ChangeLogin) or not isinstance(error, ChangeRefused):
        return S.QUEUED
    return S.HELD if isinstance(error, ChangeHeld) else S.DEAD


@transaction.atomic
def _end(row: ChangeNote, state: str, error: str, now: datetime) -> None:
    fields = {"state": state, "error": error, "ended_at": now, "taken_until": None}
    if state == S.DELIVERED:
        fields["content"] = b""  # its hash stays
    if state == S.HELD:
        fields |= {"next_at": now + HELD_PAUSE, "ended_at": row.ended_at or now}  # since when it is held
    if not ChangeNote.objects.filter(pk=row.pk, state=S.QUEUED).update(**fields):
        return
    news, row.error = row.error != error, error
    if state != S.HELD or news:  # the same again each hour is no news
        told(f"change.note_{state}", "portal", row)
        announce()
    if state == S.DEAD or (state == S.HELD and news):
        log.error("%s is %s: %s", row, row.State(state).label.lower(), error)


def told(kind: str, by: str, row: ChangeNote) -> None:
    """One record about a note."""
    body = {
        "about": row.about, "kind": row.kind, "sequence": row.sequence, "key": row.key, "mark": row.mark,
        "text": row.text, "file": row.name, "sha256": row.sha256, "code": row.code, "attempts": row.attempts,
        "error": row.error, "change": row.change.number,
    }  # fmt: skip
    evidence.append(kind, by, subject(row.change), body)


@transaction.atomic
def again(pk: int, by: str, now: datetime) -> bool:
    """A person lets one that was not delivered be tried once more; False when there is nothing to try."""
    fields = {"state": S.QUEUED, "next_at": now, "queued_at": now, "attempts": 0, "ended_at": None}
    if not ChangeNote.objects.filter(pk=pk, state__in=ChangeNote.LOST).update(**fields):
        return False
    _told_by_person("change.note_again", pk, by, now)
    return True


@transaction.atomic
def drop(pk: int, by: str, now: datetime) -> bool:
    """A person gives one up that was not delivered, so that the change can be closed; False when there is none."""
    if not ChangeNote.objects.filter(pk=pk, state__in=ChangeNote.LOST).update(state=S.DROPPED, ended_at=now):
        return False
    _told_by_person("change.note_dropped", pk, by, now)
    return True


def _told_by_person(kind: str, pk: int, by: str, now: datetime) -> None:
    row = ChangeNote.objects.select_related("change__system").get(pk=pk)
    told(kind, by, row)
    closing = ChangeNote.objects.filter(change=row.change_id, kind=K.CLOSE, state=S.QUEUED)
    closing.update(next_at=now)  # it may have waited for this one
    announce()


@transaction.atomic
def withdraw(pk: int, why: str, now: datetime) -> bool:
    """Takes back a close that is not delivered and in nobody's hands: something of its change is under way again. False
    when it is too late."""
    states = (S.QUEUED, *ChangeNote.LOST)
    rows = ChangeNote.objects.filter(_free(now), pk=pk, kind=K.CLOSE, state__in=states)
    if not rows.update(state=S.WITHDRAWN, error=why, ended_at=now):
        return False
    row = ChangeNote.objects.select_related("change__system").get(pk=pk)
    Change.objects.filter(pk=row.change_id).update(closed_by_us=None)
    told("change.note_withdrawn", "portal", row)
    return True


@transaction.atomic
def again_from(change_pk: int, sequence: int, by: str, now: datetime) -> int:
    """Every one from a sequence on that was not delivered is tried once more, and what waits is tried now. Gives how
    many."""
    rows = ChangeNote.objects.filter(change=change_pk, sequence__gte=sequence)
    dead = list(rows.filter(state__in=ChangeNote.LOST).order_by("sequence").values_list("pk", flat=True))
    for pk in dead:
        again(pk, by, now)
    waiting = rows.filter(state=S.QUEUED, next_at__gt=now).update(next_at=now)
    return len(dead) + waiting
