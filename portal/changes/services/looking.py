"""Reading a change back from its system. What comes is kept on the row; that its gate, state or window is another one
is on record. Asking takes seconds at worst: call it outside of transactions that others wait for."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from portal.changes.models import Change, ChangeSystem
from portal.changes.services.alone import alone
from portal.changes.services.opening import opened
from portal.evidence import services as evidence
from portal.kernel.change import ChangeFailed, ChangeKey, ChangeSeen, Gate, newer
from portal.kernel.words import span

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)  # between two unasked looks while it may still change what is allowed
SLOW = timedelta(minutes=15)  # while it is settled for now
AFTER = timedelta(days=2)  # after the end of its window it is looked at no more
FAR = timedelta(hours=1)  # no look is planned as far ahead: the clock went back
SLOWEST = timedelta(minutes=5)  # more than an answer takes; a larger difference is a clock that went back
AT_ONCE = 20  # changes of one tick
LONGEST_TICK = 30.0  # seconds after which no further one is asked for
LOCK = 0x686F6C6463686C6B  # of the database session that looks
CHANNEL = "holdfast"


def subject(change: Change) -> str:
    """How the evidence names a change."""
    return f"change:{change.system.name}/{change.number}"


def look(pk: int, within: float = 0.0) -> Change:
    """The change as it stands now. within: an answer to a question of so many seconds ago is good enough. Never
    raises for a system that fails: `error` of the row says why it could not be read back."""
    change = Change.objects.select_related("system").get(pk=pk)
    now = timezone.now()
    if recent(change, within, now):
        return change
    try:
        came = answer(change.system, change.key)
    except ChangeFailed as error:
        _failed(change, str(error), now)
    else:
        keep(change, came, now)
    change.refresh_from_db()
    return change


def recent(change: Change, within: float, now: datetime) -> bool:
    """Whether the last attempt is good enough. What was answered is as old as the question: it may have changed while
    the answer was on its way. A failure, which lets nothing act, is as old as its end: nobody waits for it twice."""
    at = change.tried_at if change.error else change.seen_at
    return bool(within) and at is not None and timedelta() <= now - at <= timedelta(seconds=within)


def answer(system: ChangeSystem, key: ChangeKey) -> ChangeSeen:
    """What the system says of a change, asked now; nothing is kept. Raises ChangeFailed, whatever went wrong."""
    if not system.enabled:
        raise ChangeFailed(f"The change system {system} is switched off: an administrator switches it on.")
    try:
        return opened(system).read(key)
    except ChangeFailed:
        raise
    except Exception as error:  # whatever the connector broke on, nothing is known of the change
        log.exception("Reading change %s of %s broke.", key.number, system)
        words = f"The portal itself broke while asking ({type(error).__name__}): see its log."
        raise ChangeFailed(words) from None


def keep(change: Change, came: ChangeSeen, now: datetime) -> None:
    """Writes down what was read. An answer that is older than what is known, and would open the gate, is not taken.
    now: when it was asked for."""
    with transaction.atomic():
        row = Change.objects.select_for_update(of=("self",)).select_related("system").get(pk=change.pk)
        if came.gate is Gate.ALLOWED and row.seen_at is not None and now < row.seen_at < now + SLOWEST:
            return  # another answer, asked for later, came while this one was on its way
        told = _taken(row.seen, came)
        was = (row.gate, row.state, row.begins, row.ends) if row.seen_at else None
        row.gate, row.sentence, row.state = told.gate.value, told.sentence, told.state[:80]
        row.kind, row.begins, row.ends, row.ci = told.kind[:40], told.begins, told.ends, list(told.ci)
        row.url, row.sequence, row.changed = told.url[:500], told.sequence, told.changed
        if told.state:  # the system has told of the change itself: its own identity of it wins over what is kept
            row.sys_id = told.key.sys_id or row.sys_id
        row.seen_at, row.tried_at = now, timezone.now()  # what was seen may have changed while the answer came
        row.failing_since, row.error = None, ""
        if row.look_at is None or not now <= row.look_at <= timezone.now():
            row.look_at = _next(row, now)  # else a callback came while it was being read: it is read once more
        row.save()
        if was != (row.gate, row.state, row.begins, row.ends):
            _on_record(row)
    ChangeSystem.objects.filter(pk=change.system_id).update(answered_at=now, failing_since=None, error="")


def _taken(kept: ChangeSeen | None, came: ChangeSeen) -> ChangeSeen:
    """An older answer that shuts the gate is taken all the same: a mistake must not let anything act. Where the system
    tells another sys_id of the number it is another record, and nothing of the former one is newer."""
    if kept is None or came.gate is not Gate.ALLOWED:
        return came
    other = kept.key.sys_id and came.key.sys_id and kept.key.sys_id != came.key.sys_id
    return came if other else newer(kept, came)


def _on_record(row: Change) -> None:
    body = {
        "gate": row.gate, "state": row.state, "sentence": row.sentence, "change": row.number,
        "window": [row.begins, row.ends], "sequence": row.sequence,
    }  # fmt: skip
    evidence.append("change.seen", "portal", subject(row), body)
    announce()


def _failed(change: Change, sentence: str, now: datetime) -> None:
    since = {"failing_since": change.failing_since or now}
    Change.objects.filter(pk=change.pk).update(tried_at=timezone.now(), error=sentence, look_at=now + EVERY, **since)
    rows = ChangeSystem.objects.filter(pk=change.system_id)
    rows.update(error=sentence)
    rows.filter(failing_since=None).update(failing_since=now)
    if change.failing_since is None:
        announce()


def _next(row: Change, now: datetime) -> datetime | None:
    """When it is looked at unasked: often while people may decide, seldom when it is settled, never when it is over."""
    if row.ends is not None and now > row.ends + AFTER:
        return None
    if row.gate == Gate.INVALID.value and row.ends is None and now > row.asked_at + AFTER:
        return None
    return now + (EVERY if row.gate in (Gate.AWAITING.value, Gate.ALLOWED.value) else SLOW)


def ask_clashes(pk: int) -> None:
    """Asks the system what it sees in the way itself. Nothing is kept when it does not say."""
    change = Change.objects.select_related("system").get(pk=pk)
    try:
        told = list(opened(change.system).clashes(change.key))
    except ChangeFailed as error:
        log.warning("What clashes with %s is not known: %s", change, error)
        return
    Change.objects.filter(pk=pk).update(clashes=told[:20], clashes_at=timezone.now())


def soon(pk: int, now: datetime) -> None:
    """Wants it read back at the next tick."""
    Change.objects.filter(pk=pk).update(look_at=now)


def look_due(now: datetime) -> int:
    """Reads back what is due, the longest due first; gives how many. Each is claimed first, so two workers do not ask
    for the same one."""
    with alone(LOCK) as mine:
        return _look_all(now) if mine else 0


def _look_all(now: datetime) -> int:
    due = Q(look_at__lte=now) | Q(look_at__gt=now + FAR)
    rows = Change.objects.filter(due, system__enabled=True).order_by("look_at")
    read, silent, until = 0, set(), time.monotonic() + LONGEST_TICK
    for pk, at, system in list(rows.values_list("pk", "look_at", "system")[:AT_ONCE]):
        if system in silent or time.monotonic() > until:
            continue
        if Change.objects.filter(pk=pk, look_at=at).update(look_at=now + EVERY):
            read += 1
            if look(pk).error:
                # one question is enough: its other changes make way for those of systems that answer
                silent.add(system)
                Change.objects.filter(due, system=system).update(look_at=now + EVERY)
    return read


def wake(now: datetime) -> int:
    """Wants every change again that belongs to nothing that is over; for a system that was switched on again."""
    live = Q(ends=None) | Q(ends__gt=now - AFTER)
    return Change.objects.filter(live, look_at=None).exclude(seen_at=None).update(look_at=F("seen_at"))


def announce() -> None:
    """Tells the live channel that pages with changes are out of date."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, 'run')", [CHANNEL])


def age(change: Change, now: datetime) -> str:
    """How old the last read-back is, for a sentence."""
    return f"{span((now - change.seen_at).total_seconds())} ago" if change.seen_at else "never"
