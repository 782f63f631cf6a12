"""Asking a change system for a change. One per key: whoever asks claims the wish in the database before anything goes
out; what nobody knows the end of is looked for by its mark before it is asked for again (docs/adr/0033)."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.changes.asked import moment, spelled
from portal.changes.models import Change, ChangeSystem, Wish
from portal.changes.services import looking
from portal.changes.services.binding import change_of
from portal.changes.services.opening import opened
from portal.evidence import services as evidence
from portal.kernel.change import ChangeFailed, ChangeSeen, ChangeWanted
from portal.kernel.words import span

log = logging.getLogger(__name__)

S = Wish.State
TAKES = timedelta(seconds=120)  # longer than a system may take to make a change
SETTLES = timedelta(seconds=30)  # after a lost answer: so long it may still be made, or not be found yet
LATER = timedelta(minutes=2)  # between two looks for one that nobody knows of
WORTH = timedelta(days=2)  # for which it is looked for unasked
AT_ONCE = 5  # looks of one tick


class WishRefused(Exception):
    """The wish is not taken. Its text is one sentence. wait: seconds after which to ask again; 0 when that does not
    help."""

    def __init__(self, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.wait = wait


def mark_of(by: str, key: str) -> str:
    """What makes a repeat recognisable over there."""
    return hashlib.sha256(f"{by}\n{key}".encode()).hexdigest()[:32]


def ask(system: ChangeSystem, wanted: ChangeWanted, by: str, now: datetime) -> Change:
    """Asks for a change and keeps it. wanted.mark: the same gives the same change. Raises WishRefused while another one
    asks, or when the mark was used for something else, and ChangeFailed: then the wish says whether it may have been
    made, and asking again with the same mark finds out."""
    wish, new = _claimed(system, wanted, by, now)
    if wish.change is not None:
        return wish.change
    return _carried_out(wish, wanted, create=True, new=new)


def settle_due(now: datetime) -> int:
    """Looks for wishes of which nobody knows what became; never asks for one again. Gives how many it looked for."""
    free = Q(taken_until=None) | Q(taken_until__lte=now) | Q(taken_until__gt=now + TAKES)
    rows = Wish.objects.filter(free, state__in=(S.ASKING, S.UNKNOWN), asked_at__gt=now - WORTH, system__enabled=True)
    done = 0
    for wish in list(rows.select_related("system").order_by(F("taken_until").asc(nulls_first=True))[:AT_ONCE]):
        if rows.filter(pk=wish.pk).update(taken_until=now + TAKES):
            done += 1
            try:
                _carried_out(wish, thawed(wish), create=False, new=False)
            except ChangeFailed as error:
                log.warning("What became of the change %s is not known: %s", wish, error)
    return done


def unsettled() -> QuerySet[Wish]:
    """Wishes that are under way, or of which nobody knows whether they were made; the newest first."""
    return Wish.objects.filter(state__in=(S.ASKING, S.UNKNOWN)).select_related("system").order_by("-pk")


def content(wanted: ChangeWanted) -> dict[str, Any]:
    """As it is kept; JSON."""
    return {
        **dataclasses.asdict(wanted), "begins": spelled(wanted.begins), "ends": spelled(wanted.ends),
        "ci": list(wanted.ci),
    }  # fmt: skip


def thawed(wish: Wish) -> ChangeWanted:
    """From `content`."""
    told = dict(wish.wanted)
    begins, ends = moment(told["begins"]), moment(told["ends"])
    assert begins is not None
    assert ends is not None
    return ChangeWanted(**{**told, "begins": begins, "ends": ends, "ci": tuple(told["ci"])})


@transaction.atomic
def _claimed(system: ChangeSystem, wanted: ChangeWanted, by: str, now: datetime) -> tuple[Wish, bool]:
    """The wish, which is the caller's for a while, and whether nothing can have gone out for it. Raises WishRefused."""
    told = content(wanted)
    given = {"system": system, "by": by, "wanted": told, "asked_at": now, "taken_until": now + TAKES}
    try:
        with transaction.atomic():
            wish = Wish.objects.create(mark=wanted.mark, **given)
    except IntegrityError:
        return _again(system, told, wanted.mark, now)
    _told("change.asking", by, wish)
    return wish, True


def _again(system: ChangeSystem, told: dict[str, Any], mark: str, now: datetime) -> tuple[Wish, bool]:
    wish = Wish.objects.select_for_update(of=("self",)).select_related("system", "change").get(mark=mark)
    same = (wish.system_id, wish.wanted) == (system.pk, told)
    if not same and wish.state != S.NOT_MADE:
        raise WishRefused(f'This key has asked for "{wish}" before, with other content: begin anew.')
    if wish.state == S.MADE:
        return wish, False
    if wish.taken_until is not None and now < wish.taken_until <= now + TAKES:
        left = (wish.taken_until - now).total_seconds()
        raise WishRefused(f"It is being asked for, or its answer was lost: ask again in {span(left)}.", left)
    not_made = wish.state == S.NOT_MADE
    wish.system, wish.wanted, wish.state, wish.taken_until, wish.error = system, told, S.ASKING, now + TAKES, ""
    wish.asked_at = now
    wish.save(update_fields=["system", "wanted", "state", "taken_until", "error", "asked_at"])
    _told("change.asking", wish.by, wish)
    return wish, not_made


def _carried_out(wish: Wish, wanted: ChangeWanted, *, create: bool, new: bool) -> Change:
    """Looks for it where it may be there already, and makes it where it is not and that is wanted. Raises
    ChangeFailed."""
    try:
        seen = _at_the_system(wish.system, wanted, create=create, new=new)
    except ChangeFailed as error:
        _failed(wish, error, new=new)
        raise
    except Exception as error:  # whatever the connector broke on, it may have been sent
        log.exception("Asking %s for a change broke.", wish.system)
        words = f"The portal itself broke while asking ({type(error).__name__}): see its log."
        broke = ChangeFailed(words, sent=True)
        _failed(wish, broke, new=new)
        raise broke from None
    if seen is None:
        words = f"{wish.system} has no such change: it was not made."
        _ended(wish, S.NOT_MADE, words, None)
        raise ChangeFailed(f"{words} Ask for it again.")
    return _made(wish, seen)


def _at_the_system(system: ChangeSystem, wanted: ChangeWanted, *, create: bool, new: bool) -> ChangeSeen | None:
    at = opened(system)
    found = None if new else at.find(wanted)
    return at.create(wanted) if found is None and create else found


def _failed(wish: Wish, error: ChangeFailed, *, new: bool) -> None:
    """Not known, unless nothing was sent for it, now or earlier."""
    words = f"{error} {error.detail}".strip()
    if new and not error.sent:
        _ended(wish, S.NOT_MADE, words, None)
        return
    pause = max(SETTLES if error.sent else LATER, timedelta(seconds=min(error.wait or 0.0, LATER.total_seconds())))
    hint = f'Whether it was made is not known: the portal looks for it, or look for "{wish}" there.'
    _ended(wish, S.UNKNOWN, f"{words} {hint}", timezone.now() + pause)


@transaction.atomic
def _ended(wish: Wish, state: str, error: str, until: datetime | None) -> None:
    was = wish.state if wish.error else ""
    wish.state, wish.error, wish.taken_until = state, error, until
    wish.save(update_fields=["state", "error", "taken_until"])
    if was != state:  # the same again is no news
        _told("change.ask_failed", "portal", wish)
    looking.announce()


@transaction.atomic
def _made(wish: Wish, seen: ChangeSeen) -> Change:
    now = timezone.now()
    change = change_of(wish.system, seen.key.number, wish.by, now)
    fields = {"mark": wish.mark, "short": str(wish.wanted["short"])[:160], "asked_by": wish.by}
    Change.objects.filter(pk=change.pk).update(**fields)
    wish.change, wish.state, wish.error, wish.taken_until = change, S.MADE, "", None
    wish.save(update_fields=["change", "state", "error", "taken_until"])
    body = {**wish.wanted, "number": seen.key.number, "sys_id": seen.key.sys_id}
    evidence.append("change.asked", wish.by, looking.subject(change), body)
    looking.keep(change, seen, now)
    change.refresh_from_db()
    return change


def _told(kind: str, by: str, wish: Wish) -> None:
    body = {"system": wish.system.name, "wanted": wish.wanted, "state": wish.state, "error": wish.error}
    evidence.append(kind, by, f"changes:{wish.system.name}", body)
