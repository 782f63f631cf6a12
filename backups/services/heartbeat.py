"""What the watcher outside is told, one word after the other; a watcher that cannot be reached holds nothing up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q

from backups.models import Backup, Ping, Policy
from backups.services.clock import now as database_now
from inventory.services.signal import announce
from portal.connectors.heartbeat import PingFailed, ping
from portal.runs.states import ENDED

# A word that comes later tells a watcher, which goes by when it hears it, something that is not so any more.
GIVE_UP = timedelta(hours=1)
MOST = 10  # words to one watcher per tick
LOCK = 0x48464842  # "HFHB": one sender per policy
K = Ping.Kind


def note(policy: Policy, now: datetime) -> None:
    """Writes down what is to be told: missed starts, backups that began, and how they ended. Each once."""
    if not policy.heartbeat_url:
        return
    since = now - GIVE_UP
    told = set(policy.pings.filter(made_at__gte=since - GIVE_UP).values_list("key", flat=True))
    wanted = [one for one in (*_missed(policy, since), *_backups(policy, since)) if one[0] not in told]
    Ping.objects.bulk_create(
        [Ping(policy=policy, key=key, kind=kind, sentence=words, made_at=now) for key, kind, words in wanted],
        ignore_conflicts=True,
    )


def send_all() -> int:
    """Sends what waits, for all policies; how many words arrived. Holds no transaction while it waits for a watcher."""
    waiting = Ping.objects.filter(sent_at__isnull=True, given_up_at__isnull=True)
    policies = Policy.objects.filter(pk__in=waiting.values("policy")).order_by("pk")
    return sum(send(policy) for policy in policies)


def send(policy: Policy) -> int:
    """Sends what waits for one watcher, in order, up to the first word that does not arrive."""
    sent = 0
    with _alone(policy.pk) as alone:
        waiting = policy.pings.filter(sent_at__isnull=True, given_up_at__isnull=True) if alone else Ping.objects.none()
        for one in waiting.order_by("pk")[:MOST]:
            now = database_now()
            if not now - GIVE_UP <= one.made_at <= now + GIVE_UP:
                Ping.objects.filter(pk=one.pk).update(given_up_at=now)
            elif _arrives(policy, one):
                sent += 1
            else:
                break
    return sent


def _arrives(policy: Policy, one: Ping) -> bool:
    try:
        ping(policy.heartbeat_url, one.kind, one.sentence)
    except (PingFailed, ValueError) as error:  # ValueError: the URL cannot be unsealed
        Ping.objects.filter(pk=one.pk).update(tries=F("tries") + 1)
        if policy.heartbeat_sentence != str(error):
            policy.heartbeat_sentence = str(error)
            policy.save(update_fields=["heartbeat_sentence"])
            announce("backups")
        return False
    now = database_now()
    Ping.objects.filter(pk=one.pk).update(tries=F("tries") + 1, sent_at=now)
    policy.heartbeat_at, policy.heartbeat_sentence = now, ""
    policy.save(update_fields=["heartbeat_at", "heartbeat_sentence"])
    return True


def _missed(policy: Policy, since: datetime) -> Iterator[tuple[str, str, str]]:
    """Missed starts that were noticed together are one word."""
    newest = policy.missed.filter(noticed_at__gte=since).first()
    if newest is not None:
        yield f"missed:{newest.pk}", K.FAIL, newest.sentence


def _backups(policy: Policy, since: datetime) -> Iterator[tuple[str, str, str]]:
    rows = policy.backups.filter(Q(run__created__gte=since) | Q(run__ended__gte=since)).select_related("run")
    for backup in rows.order_by("pk"):
        if backup.run is not None and backup.run.created >= since:
            yield f"start:{backup.pk}", K.START, ""
        end = _end(backup)
        if end is not None:
            yield f"end:{backup.pk}:{end[0]}", *end  # a person may retry a run that failed


def _end(backup: Backup) -> tuple[str, str] | None:
    """How it ended, in a watcher's two words: DONE alone is no success, the ladder must have held."""
    if backup.status == Backup.Status.FAILED:
        return K.FAIL, f"{backup.ident} failed: {backup.sentence} {backup.what_to_do}".strip()
    if backup.status != Backup.Status.DONE:
        return None
    if backup.whole:
        return K.SUCCESS, ""
    if backup.whole is False:
        return K.FAIL, f"{backup.ident} ended as DONE, but its archive is not whole: see its ladder."
    if backup.run is not None and backup.run.status in ENDED:
        return K.FAIL, f"{backup.ident} ended as DONE, but nobody verified its archive. {backup.run.sentence}".strip()
    return None


@contextmanager
def _alone(policy_pk: int) -> Iterator[bool]:
    """Whether this process is the only one that sends for the policy, as long as the block lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, policy_pk])
        got = bool(cursor.fetchone()[0])
        try:
            yield got
        finally:
            if got:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, policy_pk])
