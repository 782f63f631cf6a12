"""From open alerts to messages in the outbox. What is to be told, and that it was given to the outbox, are rows of one
transaction each: nothing is told twice, nothing is forgotten when a worker dies in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.alerts.models import Alert, Notice, Receiver
from portal.alerts.rules import wording
from portal.alerts.rules.alarm import About, Severity
from portal.alerts.rules.living import acknowledged, escalates
from portal.alerts.rules.quieting import held_back
from portal.alerts.rules.routing import Telling
from portal.alerts.services import collect, routes
from portal.alerts.services.record import note
from portal.alerts.services.routes import Rules
from portal.evidence import services as evidence
from portal.outbox import services as outbox
from portal.outbox.services import News

STORM = 5  # alerts that one receiver is told of at once in messages of their own
LONGEST_DIGEST = timedelta(days=1)  # services/checking.py
OPEN = Q(resolved_at=None)


def lapse(now: datetime) -> int:
    """Acknowledgements whose time is over: the alert is told anew."""
    over = (
        Alert.objects.filter(OPEN, acknowledged_until__lte=now).exclude(acknowledged_by="").values_list("pk", flat=True)
    )
    return sum(_lapsed(pk, now) for pk in list(over))


@transaction.atomic
def _lapsed(pk: int, now: datetime) -> bool:
    rows = (
        Alert.objects.select_for_update().filter(OPEN, pk=pk, acknowledged_until__lte=now).exclude(acknowledged_by="")
    )
    row = rows.first()
    if row is None:
        return False
    words = f"{row.acknowledged_by} had acknowledged it until now, and it still holds."
    row.save(update_fields=collect.anew(row, "lapsed"))
    note(row, "lapsed", words, now)
    return True


def route(now: datetime, given: Rules) -> int:
    """Decides about every open alert that was not told yet; gives how many notices are new."""
    untold = Alert.objects.filter(OPEN, told_at=None).order_by("pk")
    return sum(_routed(row.pk, now, given) for row in list(untold) if not _as_before(row, now, given))


def _as_before(row: Alert, now: datetime, given: Rules) -> bool:
    """Whether it is held back for the reason that stands there already: then nothing is written."""
    said = routes.decide(given, routes.spoken(row), now)
    return bool(row.held) and not said.tellings and not said.final and row.held == said.why


@transaction.atomic
def _routed(pk: int, now: datetime, given: Rules) -> int:
    row = Alert.objects.select_for_update().filter(OPEN, pk=pk, told_at=None).first()
    if row is None or acknowledged(row.acknowledged_by, row.acknowledged_until, now):
        return 0
    if row.held and row.calm_since is not None:
        return 0  # it was held back, and is about to be over
    said = routes.decide(given, routes.spoken(row), now)
    if said.tellings:
        return _noticed(row, said.tellings, now)
    if row.held != said.why:
        note(row, "held", said.why, now)
        row.held = said.why
    row.told_at = now if said.final else None
    row.save(update_fields=["held", "told_at"])
    return 0


def _noticed(row: Alert, found: Sequence[Telling], now: datetime) -> int:
    known = {routes.who(one): one for one in Receiver.objects.all()}
    new = [_notice(row, one, known, now) for one in found]
    Notice.objects.bulk_create(new, ignore_conflicts=True)
    row.told_at, row.held = now, ""
    row.save(update_fields=["told_at", "held"])
    by_rule: dict[str, list[str]] = {}
    for one in found:
        by_rule.setdefault(one.rule.name, []).append(routes.named(one.receiver, known))
    note(row, "told", "; ".join(f"{', '.join(names)} (route {rule})" for rule, names in by_rule.items()), now)
    return len(new)


def _notice(row: Alert, one: Telling, known: dict[str, Receiver], now: datetime) -> Notice:
    rule = one.rule
    after = timedelta(minutes=rule.after) if rule.after and rule.to in known else None
    return Notice(
        alert=row, what=row.saying, turn=row.turn, who=one.receiver, receiver=known.get(one.receiver), route=rule.name,
        due_at=_due(one, now), digest=bool(rule.digest), escalate_minutes=rule.after,
        escalate_at=now + after if after else None, escalate_to=known.get(rule.to),
    )  # fmt: skip


def _due(one: Telling, now: datetime) -> datetime:
    """At once; or, of a digest, when the one that is being gathered goes out."""
    if not one.rule.digest:
        return now
    gathered = Notice.objects.filter(sent_at=None, digest=True, who=one.receiver, route=one.rule.name, due_at__gt=now)
    first = gathered.order_by("due_at").first()
    return first.due_at if first else now + timedelta(minutes=one.rule.digest)


def escalate(now: datetime, given: Rules) -> int:
    """Tells the next one of what nobody has acknowledged in time."""
    due = (
        Notice.objects.filter(escalate_at__lte=now, alert__resolved_at=None).order_by("pk").values_list("pk", flat=True)
    )
    return sum(_escalated(pk, now, given) for pk in list(due))


@transaction.atomic
def _escalated(pk: int, now: datetime, given: Rules) -> int:
    one = Notice.objects.select_related("escalate_to").get(pk=pk)
    row = Alert.objects.select_for_update().filter(OPEN, pk=one.alert_id).first()
    one.refresh_from_db(fields=["escalate_at"])
    if row is None or one.escalate_at is None:
        return 0
    if one.escalate_to is None:
        Notice.objects.filter(pk=pk).update(escalate_at=None)
        note(row, "untold", "It is not acknowledged, and the receiver that it escalates to is gone.", now)
        return 0
    taken_on = acknowledged(row.acknowledged_by, row.acknowledged_until, now)
    back = bool(held_back(routes.spoken(row), given.quiets, given.hushes, now))
    if not escalates(one.escalate_at, taken_on, back, now):
        return 0
    Notice.objects.filter(pk=pk).update(escalate_at=None)
    _, new = Notice.objects.get_or_create(
        alert=row, what="escalated", turn=row.turn, who=routes.who(one.escalate_to),
        defaults={"receiver": one.escalate_to, "route": one.route, "due_at": now},
    )  # fmt: skip
    if not new:
        return 0
    words = f"Nobody acknowledged it for {one.escalate_minutes} min: {one.escalate_to.name} is told by {one.route}."
    note(row, "escalated", words, now)
    evidence.append(
        "alert.escalated", collect.PORTAL, f"alert:{row.pk}", {**collect.told(row), "to": one.escalate_to.name}
    )
    return 1


def flush(now: datetime) -> int:
    """Gives what is due to the outbox; gives how many messages that were."""
    # what is no digest is due when it is made; a digest that is due in more than a day was made by a clock ahead
    ripe = Q(due_at__lte=now) | Q(digest=False) | Q(due_at__gt=now + LONGEST_DIGEST)
    due = Notice.objects.filter(ripe, sent_at=None).select_related("alert", "receiver")
    rows = sorted(due, key=lambda one: (one.who, one.route if one.digest else "", one.pk))
    made = 0
    for _, group in groupby(rows, key=lambda one: (one.who, one.route if one.digest else "")):
        told = list(group)
        bundles = [told] if told[0].digest or len(told) > STORM else [[one] for one in told]
        made += sum(_given(bundle, now) for bundle in bundles)
    return made


@transaction.atomic
def _given(bundle: Sequence[Notice], now: datetime) -> int:
    first = bundle[0]
    mine = Notice.objects.select_for_update().filter(pk__in=[one.pk for one in bundle], sent_at=None)
    if len(list(mine.order_by("pk").values_list("pk", flat=True))) != len(bundle):
        return 0  # another worker has given them
    items = [item(one) for one in bundle]
    key = f"alert-notice:{first.pk}"
    what = first.what if len(bundle) == 1 else "digest"
    document = {**wording.document(items, now), "receiver": first.receiver_id}
    body = wording.body(items, timezone.localtime(now), place("alerts/"))
    news = News(key, f"alert.{what}", f"alert:{first.alert_id}", wording.subject(items), body, payload=document)
    sent = outbox.queue(news, routes.readers(first.receiver, first.who), now)
    if not sent:
        note(first.alert, "untold", f"{first.who}: the receiver is gone or switched off, so nobody was told.", now)
    Notice.objects.filter(pk__in=[one.pk for one in bundle]).update(message=key if sent else "", sent_at=now)
    return sent


def item(one: Notice) -> wording.Item:
    """A notice as a message says it."""
    row = one.alert
    about = About(row.subject_kind, row.subject, row.engine, row.site)
    return wording.Item(
        row.pk, row.key, one.what, Severity(row.severity), str(row.concern), about, row.sentence,
        timezone.localtime(row.since), place(f"alerts/{row.pk}/"), row.repeats, row.acknowledged_by,
    )  # fmt: skip


def place(path: str) -> str:
    """A page's address, whole where the portal's own is known."""
    return f"{settings.HOLDFAST_PUBLIC_URL.rstrip('/')}/{path}" if settings.HOLDFAST_PUBLIC_URL else f"/{path}"
