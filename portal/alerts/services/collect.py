"""Asking the sources what holds, and bringing the alerts to it. Every move is decided from the rows alone, so a worker
that dies has lost nothing: the next one finds the same rows. A source that does not answer resolves nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max
from django.utils.module_loading import import_string

from portal.alerts.models import Alert, Asked, Notice
from portal.alerts.rules.alarm import Alarm, Ask, Severity
from portal.alerts.rules.living import Move, Standing, move
from portal.alerts.services.record import note
from portal.evidence import services as evidence

log = logging.getLogger(__name__)

PORTAL = "portal"
BATCH = 50  # alerts of one transaction: while it lasts, nobody else can write evidence
LONGEST = 300  # characters of a key
EACH, SOME = 50, 100  # what comes back has a line of its history each time at first, later one for so many times


def collect(now: datetime) -> list[str]:
    """Asks every source once; gives the names of those that did not answer."""
    broken = []
    for path in settings.HOLDFAST_ALARMS:
        row, _ = Asked.objects.get_or_create(source=path)
        asking = ask(row, now)
        try:
            reconcile(path, said(asking, path), now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # one source that breaks must not keep the others from being heard
            if row.failed_since is None:  # once, not every few seconds
                log.exception("The alarms of %s could not be worked out.", path)
            _silent(row, error, now)
            broken.append(path)
            continue
        noticed = {key: since.isoformat() for key, since in asking.noticed.items()}
        Asked.objects.filter(pk=row.pk).update(at=now, failed_since=None, sentence="", seen=noticed)
    _forget(now)
    return broken


def ask(row: Asked, now: datetime) -> Ask:
    """What a source is asked as of now."""
    held = dict(Alert.objects.filter(source=row.source, resolved_at=None).values_list("key", "again"))
    return Ask(now, row.at, held, {key: datetime.fromisoformat(text) for key, text in row.seen.items()})


def said(asking: Ask, path: str) -> list[Alarm]:
    """What a source says. Raises whatever it raises."""
    return list(import_string(path)(asking))


@transaction.atomic
def _forget(now: datetime) -> None:
    """Open alerts of sources that this release does not have."""
    rows = Alert.objects.select_for_update().filter(resolved_at=None).exclude(source__in=settings.HOLDFAST_ALARMS)
    for row in rows:
        resolve(row, now, why="This release of the portal does not look at it.")


def _silent(row: Asked, error: Exception, now: datetime) -> None:
    words = f"The portal could not work it out ({type(error).__name__}). An administrator reads its log."
    Asked.objects.filter(pk=row.pk).update(failed_since=row.failed_since or now, sentence=words)


def reconcile(source: str, found: Iterable[Alarm], now: datetime) -> int:
    """Brings the open alerts of one source to what it says; gives how many moved."""
    alarms = _gravest(found)
    mine = Alert.objects.filter(source=source, resolved_at=None).order_by("pk").values_list("key", flat=True)
    keys = list(dict.fromkeys([*mine, *alarms]))
    return sum(_brought(source, batch, alarms, now) for batch in _batches(keys))


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(keys), BATCH):
        yield keys[first : first + BATCH]


@transaction.atomic
def _brought(source: str, keys: list[str], alarms: Mapping[str, Alarm], now: datetime) -> int:
    held = {row.key: row for row in Alert.objects.select_for_update().filter(key__in=keys, resolved_at=None)}
    # what another source says already stays with it, unless this release does not have that source any more
    others = {key for key, row in held.items() if row.source not in (source, *_gone(held.values()))}
    Alert.objects.filter(pk__in=[row.pk for row in held.values() if row.key not in others]).exclude(
        source=source
    ).update(source=source)
    done = _closed(set(keys) - set(held))
    moved = 0
    for key in keys:
        mine, alarm = held.get(key), alarms.get(key)
        if key in others or (alarm is not None and mine is None and key in done and alarm.again <= done[key]):
            continue  # the last: a person has said that nothing is left to do
        step = move(_standing(mine), alarm, now)
        if step is not Move.NONE:
            moved += 1
            _apply(step, source, mine, alarm, now)
    return moved


def _gone(rows: Iterable[Alert]) -> set[str]:
    return {row.source for row in rows} - set(settings.HOLDFAST_ALARMS)


def _gravest(found: Iterable[Alarm]) -> dict[str, Alarm]:
    """One alarm per key, the gravest that was given."""
    alarms: dict[str, Alarm] = {}
    for one in found:
        key = one.key[:LONGEST]
        other = alarms.get(key)
        if other is None or one.severity.rank > other.severity.rank:
            alarms[key] = replace(one, key=key)
    return alarms


def _closed(keys: set[str]) -> dict[str, datetime]:
    rows = Alert.objects.filter(key__in=keys).exclude(closed_by="")
    return {key: again for key, again in rows.order_by().values_list("key").annotate(last=Max("again")) if again}


def _standing(row: Alert | None) -> Standing | None:
    if row is None:
        return None
    return Standing(Severity(row.severity), row.sentence, row.again, row.calm, row.calm_since)


def _apply(step: Move, source: str, row: Alert | None, alarm: Alarm | None, now: datetime) -> None:
    if row is None:
        assert alarm is not None
        _open(source, alarm, now)
    elif step is Move.RESOLVE:
        resolve(row, now)
    elif step is Move.CALM:
        Alert.objects.filter(pk=row.pk).update(calm_since=now)
    else:
        assert alarm is not None
        _say(step, row, alarm, now)


def _open(source: str, alarm: Alarm, now: datetime) -> None:
    about = alarm.about
    row = Alert.objects.create(
        key=alarm.key, source=source, severity=alarm.severity, concern=alarm.concern, subject_kind=about.kind[:24],
        subject=about.name[:255], engine=about.engine[:80], site=about.site[:80], sentence=alarm.sentence,
        link=alarm.link[:200],
        since=alarm.since, again=alarm.again, calm=alarm.calm, calm_since=alarm.until, opened_at=now,
    )  # fmt: skip
    note(row, "opened", alarm.sentence, now)
    evidence.append("alert.opened", PORTAL, f"alert:{row.pk}", told(row))


def _say(step: Move, row: Alert, alarm: Alarm, now: datetime) -> None:
    fields = _told_of(row, alarm)
    if step is Move.REPEAT:
        row.calm_since, row.again, row.repeats = None, alarm.again, row.repeats + 1
        fields += ["calm_since", "again", "repeats"]
        if row.repeats <= EACH or row.repeats % SOME == 0:
            note(row, "repeated", alarm.sentence if row.repeats <= EACH else _counted(row), now)
    elif step is Move.RAISE:
        row.severity = alarm.severity
        fields += ["severity", *anew(row, "raised")]
        note(row, "raised", alarm.sentence, now)
    row.save(update_fields=fields)


def _told_of(row: Alert, alarm: Alarm) -> list[str]:
    """Sets what may change while it holds: also its names, by which routes and silences go. Gives the fields."""
    about = alarm.about
    row.sentence, row.link, row.concern = alarm.sentence, alarm.link[:200], alarm.concern
    row.subject, row.engine, row.site = about.name[:255], about.engine[:80], about.site[:80]
    return ["sentence", "link", "concern", "subject", "engine", "site"]


def _counted(row: Alert) -> str:
    return f"It has come back {row.repeats} times; now: {row.sentence}"


def anew(row: Alert, saying: str) -> list[str]:
    """Sets the fields by which it is told once more, to whoever the routes name then; gives their names."""
    row.turn, row.saying, row.told_at, row.held = row.turn + 1, saying, None, ""
    row.acknowledged_by, row.acknowledged_at, row.acknowledged_until = "", None, None
    Notice.objects.filter(alert=row).update(escalate_at=None)
    return ["turn", "saying", "told_at", "held", "acknowledged_by", "acknowledged_at", "acknowledged_until"]


def resolve(row: Alert, now: datetime, by: str = "", why: str = "It holds no longer.") -> None:
    """It is over, or a person says so. Whoever was told of it is told of its end. Call it with the row locked."""
    row.resolved_at, row.closed_by = now, by
    row.save(update_fields=["resolved_at", "closed_by"])
    note(row, "closed" if by else "resolved", row.note if by else why, now, by)
    earlier = Notice.objects.filter(alert=row).exclude(receiver__resolved=False).select_related("receiver")
    ends = {one.who: one for one in earlier}
    Notice.objects.bulk_create(
        [
            Notice(
                alert=row, what="resolved", turn=row.turn, who=who, receiver=one.receiver, route=one.route,
                due_at=now if one.sent_at else max(now, one.due_at), digest=one.digest,
            )
            for who, one in ends.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    Notice.objects.filter(alert=row).update(escalate_at=None)
    evidence.append("alert.closed" if by else "alert.resolved", by or PORTAL, f"alert:{row.pk}", told(row))


def told(row: Alert) -> dict[str, object]:
    """What the evidence says of an alert."""
    return {
        "key": row.key, "severity": str(row.severity), "concern": str(row.concern), "sentence": row.sentence,
        "subject": f"{row.subject_kind}:{row.subject}", "since": row.since.isoformat(), "repeats": row.repeats,
    }  # fmt: skip
