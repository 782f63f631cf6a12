"""What the pages of alerts read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from portal.alerts.models import CONCERNS, SEVERITIES, Alert, Asked, Event, Notice, Receiver, Route, Silence
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.living import acknowledged
from portal.alerts.rules.quieting import Quiet
from portal.alerts.rules.routing import Rule, Spoken
from portal.alerts.rules.routing import said as rule_words
from portal.alerts.rules.routing import words as filter_words
from portal.alerts.services import routes
from portal.alerts.services.counting import SHAPES, bare
from portal.alerts.services.settings import shown
from portal.outbox import services as outbox
from portal.outbox.models import Mail

SIZE = 50
MOST = 100
STATES = [("open", "open"), ("unacknowledged", "open, not acknowledged"), ("resolved", "over")]
SENT = {Mail.State.QUEUED: ("waiting", "queued"), Mail.State.SENT: ("ok", "sent"), Mail.State.FAILED: ("fail", "lost")}


@dataclass(frozen=True)
class Row:
    """An alert of a list. shape, word: how it stands; taken: whether somebody has acknowledged it."""

    alert: Alert
    shape: str
    word: str
    taken: bool


def row_of(alert: Alert, now: datetime) -> Row:
    """How an alert stands now."""
    taken = acknowledged(alert.acknowledged_by, alert.acknowledged_until, now)
    if alert.resolved_at is not None:
        return Row(alert, "ok", "Closed" if alert.closed_by else "Over", taken)
    word = {Severity.CRITICAL: "Critical", Severity.WARNING: "Warning", Severity.INFO: "Info"}[Severity(alert.severity)]
    return Row(alert, SHAPES[Severity(alert.severity)], word, taken)


def found(asked: Mapping[str, str], now: datetime) -> QuerySet[Alert]:
    """The alerts that a filter asks for, open ones first, the gravest and newest first. Words that no column holds
    match nothing."""
    ranks = [When(severity=one.value, then=Value(one.rank)) for one in Severity]
    rows = Alert.objects.annotate(
        rank=Case(*ranks, default=Value(0), output_field=IntegerField()),
        over=Case(When(resolved_at=None, then=Value(0)), default=Value(1), output_field=IntegerField()),
    )
    state = asked.get("state", "")
    if state in ("open", "unacknowledged"):
        rows = rows.filter(resolved_at=None)
    if state == "unacknowledged":
        rows = rows.filter(bare(now))
    if state == "resolved":
        rows = rows.exclude(resolved_at=None)
    for name, column in (("severity", "severity"), ("concern", "concern"), ("engine", "engine"), ("site", "site"),
                         ("kind", "subject_kind"), ("subject", "subject")):  # fmt: skip
        if value := asked.get(name, ""):
            rows = rows.filter(**{column: value})
    if words := asked.get("q", "").strip():
        rows = rows.filter(Q(sentence__icontains=words) | Q(subject__icontains=words))
    return rows.order_by("over", "-rank", "-pk")


def choices() -> dict[str, list[tuple[str, str]]]:
    """What the filter of the list offers."""
    engines = Alert.objects.exclude(engine="").order_by("engine").values_list("engine", flat=True).distinct()
    kinds = Alert.objects.order_by("subject_kind").values_list("subject_kind", flat=True).distinct()
    return {
        "states": STATES, "severities": SEVERITIES[::-1], "concerns": CONCERNS,
        "engines": [(name, name) for name in engines[:MOST]], "kinds": [(name, name) for name in kinds[:MOST]],
    }  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One message about an alert, and what became of it."""

    what: str
    to: str
    route: str
    at: datetime | None
    due: datetime
    shape: str
    word: str
    error: str


def told(alert: Alert) -> list[Told]:
    """Who was or will be told, oldest first. Three queries."""
    notices = list(Notice.objects.filter(alert=alert).select_related("receiver").order_by("pk"))
    known = {routes.who(one): one for one in Receiver.objects.all()}
    wanted = Q(pk__in=[])
    for key in {one.message for one in notices if one.message}:
        wanted |= Q(key__startswith=f"{key}>")
    mails: dict[str, list[Mail]] = {}
    for row in Mail.objects.filter(wanted).order_by("pk"):
        mails.setdefault(row.key.partition(">")[0], []).append(row)
    lines: list[Told] = []
    for one in notices:
        lines += _lines(one, routes.named(one.who, known), mails.get(one.message, []))
    return lines


def _lines(one: Notice, name: str, mails: Sequence[Mail]) -> list[Told]:
    if one.sent_at is None:
        word = "gathered for a digest" if one.digest else "to be handed over"
        return [Told(one.what, name, one.route, None, one.due_at, "waiting", word, "")]
    if not mails:
        return [Told(one.what, name, one.route, one.sent_at, one.due_at, "unknown", "nobody to tell", "")]
    lines = []
    for mail in mails:
        shape, word = SENT[Mail.State(mail.state)]
        to = name if mail.person == name else f"{name}: {mail.person}"
        lines.append(
            Told(one.what, to, one.route, mail.ended_at or mail.queued_at, one.due_at, shape, word, mail.error)
        )
    return lines


def history(alert: Alert) -> list[Event]:
    """What happened, oldest first."""
    return list(alert.events.order_by("at", "pk"))


@dataclass(frozen=True)
class Known:
    """A receiver as its page shows it. last: its newest message; None for none."""

    receiver: Receiver
    where: str
    last: Mail | None
    shape: str
    word: str
    routes: list[str]


def receivers() -> list[Known]:
    """All receivers by name, each with what became of its newest message."""
    rows = Receiver.objects.prefetch_related("routes", "escalations").order_by("name")
    return [_known(row) for row in rows]


def _known(row: Receiver) -> Known:
    last = Mail.objects.filter(payload__receiver=row.pk).order_by("-pk").first()
    shape, word = SENT[Mail.State(last.state)] if last else ("waiting", "never told")
    used = sorted({one.name for one in (*row.routes.all(), *row.escalations.all())})
    return Known(
        row, shown(row), last, shape if row.enabled else "unknown", word if row.enabled else "switched off", used
    )


@dataclass(frozen=True)
class Line:
    """A route as its page shows it."""

    route: Route
    words: str
    tells: list[str]
    escalates: str


def lines() -> list[Line]:
    """All routes in their order."""
    rows = Route.objects.select_related("escalate_to").prefetch_related("receivers")
    return [_line(row, routes.rule_of(row)) for row in rows]


def _line(row: Route, rule: Rule) -> Line:
    to = f"{row.escalate_to.name} after {row.escalate_after} min" if row.escalate_to and row.escalate_after else ""
    return Line(row, rule_words(rule), sorted(one.name for one in row.receivers.all()), to)


@dataclass(frozen=True)
class Preview:
    """Who would be told now of one kind of alert. why: why nobody would be."""

    names: list[tuple[str, str]]
    why: str


def preview(spoken: Spoken, now: datetime) -> Preview:
    """As the next tick would decide: routes, silences and open windows of this moment."""
    said = routes.decide(routes.rules_of(now), spoken, now)
    known = {routes.who(one): one for one in Receiver.objects.all()}
    return Preview([(routes.named(one.receiver, known), one.rule.name) for one in said.tellings], said.why)


@dataclass(frozen=True)
class Held:
    """What holds messages back now."""

    silences: list[tuple[Silence, str]]
    quiets: tuple[Quiet, ...]
    broken: list[Asked]


def held(now: datetime) -> Held:
    """Silences that are not over, windows that are open, sources that do not answer."""
    rows = Silence.objects.filter(ended_at=None, until__gt=now)
    broken = list(Asked.objects.exclude(failed_since=None))
    return Held([(row, filter_words(routes.filter_of(row))) for row in rows], routes.quiets(now), broken)


def measures(now: datetime) -> list[tuple[str, str, tuple[str, ...], list[tuple[tuple[str, ...], float]]]]:
    """For /metrics: name, words, labels, values. No names leave."""
    rows = Alert.objects.filter(resolved_at=None).order_by().values("severity", "concern")
    counted = rows.annotate(all=Count("pk"), taken=Count("pk", filter=~bare(now)))
    opened: list[tuple[tuple[str, ...], float]] = []
    for row in counted:
        labels = (row["severity"], row["concern"])
        opened += [((*labels, "yes"), float(row["taken"])), ((*labels, "no"), float(row["all"] - row["taken"]))]
    lost = outbox.lost().order_by().values_list("channel")
    waiting = Mail.objects.filter(state=Mail.State.QUEUED).order_by().values_list("channel")
    return [
        ("holdfast_alerts_open", "Open alerts.", ("severity", "concern", "acknowledged"), opened),
        (
            "holdfast_messages_undelivered",
            "Messages that were not delivered and are not done with.",
            ("channel",),
            [((channel,), float(number)) for channel, number in lost.annotate(number=Count("pk"))],
        ),
        (
            "holdfast_messages_waiting",
            "Messages to be sent.",
            ("channel",),
            [((channel,), float(number)) for channel, number in waiting.annotate(number=Count("pk"))],
        ),
    ]


def spoken_of(severity: str, concern: str, kind: str, name: str, engine: str, site: str) -> Spoken:
    """For a preview. Raises ValueError for words that there are not."""
    return Spoken(Severity(severity), Concern(concern), About(kind, name, engine, site))
