"""What keeps the estate current between looks: the sync, the list of looks, and what looks teach about hosts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from inventory.models import Engine, Finding, Host, Look
from inventory.services import declare, watch
from inventory.services.looks import Result
from inventory.services.sync import SyncReport, sync, sync_quick
from inventory.services.sync_keys import take_offered
from portal.kernel.outcome import Outcome

log = logging.getLogger(__name__)

SYNC_LOCK = 0x486F6C64  # first key of the advisory lock; the second is the engine's
SOON = timedelta(seconds=30)  # until a look that found something is repeated at the latest
MOST_HOSTS = 2000  # sanlock's highest host id; what a host says beyond it is no id


@contextmanager
def _only_one(pk: int) -> Iterator[bool]:
    """False while another process syncs the same engine; the lock goes with the session, so a dead one holds none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [SYNC_LOCK, pk])
        held = bool(cursor.fetchone()[0])
        try:
            yield held
        finally:
            if held:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [SYNC_LOCK, pk])


def sync_once(pk: int, *, storage: bool) -> SyncReport | None:
    """Syncs one engine unless another process does so now (then None), and brings the list of looks to it."""
    with _only_one(pk) as held:
        if not held:
            return None
        engine = Engine.objects.get(pk=pk)
        report = sync(engine, storage=storage)
        watch.ensure(engine)
        return report


def sync_told(pk: int, *, storage: bool) -> None:
    """As sync_once; what failed goes to the log."""
    report = sync_once(pk, storage=storage)
    if report is not None and report.failed:
        log.warning("sync of engine %s: %s", pk, "; ".join(report.failed.values()))


def watch_once(pk: int) -> SyncReport | None:
    """The fast loop of one engine, statuses and events, unless a sync of it runs now (then None)."""
    with _only_one(pk) as held:
        return sync_quick(Engine.objects.get(pk=pk)) if held else None


def learn(results: Collection[Result]) -> None:
    """Takes over what looks say about hosts themselves: the hosted-engine id of hosted-engine.conf where none was
    declared, a host key that was offered and refused, and that a host answers again: then its slower looks, which were
    not known while it was silent, are due at once. A slow look that found something is due soon, so that neither the
    alarm nor its end waits for minutes."""
    uneasy = [one.look for one in results if any(found.outcome is not Outcome.OK for found in one.findings)]
    soon = timezone.now() + SOON
    Look.objects.filter(pk__in=uneasy, due_at__gt=soon).update(due_at=soon)
    same = [one.look for one in results if one.unread and not one.findings]
    if same:
        bad = Finding.objects.filter(look=OuterRef("pk")).exclude(outcome=Outcome.OK.value)
        Look.objects.filter(Exists(bad), pk__in=same, due_at__gt=soon).update(due_at=soon)
    answered = [one.look for one in results if isinstance(one.facts, dict) and one.facts.get("answers")]
    Look.objects.filter(host__looks__in=answered, state=Look.State.UNANSWERED).update(due_at=timezone.now())
    for result in results:
        if not isinstance(result.facts, dict):
            continue
        he_host_id = result.facts.get("configured_host_id")
        if isinstance(he_host_id, int) and 0 < he_host_id <= MOST_HOSTS:
            Host.objects.filter(looks__pk=result.look, he_host_id__isnull=True).update(he_host_id=he_host_id)
        offered = result.facts.get("offered")
        if offered:
            note_offered_key(result.look, offered)


def note_offered_key(look: int, offered: str) -> None:
    """Takes the key that a look was shown: see sync_keys.take_offered."""
    for pk in Host.objects.filter(looks__pk=look).exclude(offered_key=offered).values_list("pk", flat=True):
        take_offered(pk, offered)


def declare_paths(host: Host, by: User) -> int:
    """Declares what the host's latest multipath look shows, whatever it is: for estates that are made new, where nobody
    has to be asked. Returns the number of paths; raises declare.CannotDeclare with a sentence."""
    return declare.declare(host, by, declare.proposal(host).sha256, host.name).seen
