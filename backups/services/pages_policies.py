"""Policies and places as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum

from backups.catalog.retention import Word
from backups.models import Backup, Copy, Destination, Policy, Recipient
from backups.services import retain, schedule
from backups.services.pages_schedule import spoken, upcoming
from backups.services.pages_standing import Standing, Waiting, standings
from portal.connectors.ssh_keys import public_line
from portal.kernel.words import span

SHOWN = 30  # rows of the retention preview on a policy's page


@dataclass(frozen=True)
class PolicyRow:
    """One line of the list."""

    standing: Standing
    schedule: str
    rule: str


@dataclass(frozen=True)
class Going:
    """A backup that a deletion would take, and the copies that it would remove."""

    backup: Backup
    word: str
    why: str
    copies: Sequence[Copy]


@dataclass(frozen=True)
class PolicyPage:
    """One policy. wrong: why its schedule cannot be used. held_off: why nothing is deleted by itself now."""

    row: PolicyRow
    starts: Sequence[datetime]
    wrong: str
    windows: list[str]
    preview: Sequence[retain.PreviewRow]
    counts: list[tuple[str, int]]
    going: Sequence[Backup]
    held_off: str
    readers: list[Recipient]
    obstacles: Sequence[Waiting]


def policy_rows(now: datetime, policies: QuerySet[Policy] | None = None) -> list[PolicyRow]:
    """All policies with how they stand. One query."""
    return [PolicyRow(one, spoken(one.policy.cron), str(retain.rule(one.policy))) for one in standings(now, policies)]


def policy_page(pk: int, now: datetime) -> PolicyPage:
    """Raises Policy.DoesNotExist."""
    rows = policy_rows(now, Policy.objects.filter(pk=pk))
    if not rows:
        raise Policy.DoesNotExist
    policy = rows[0].standing.policy
    preview = retain.preview(policy, now)
    words = [row.word for row in preview]
    return PolicyPage(
        rows[0],
        upcoming(policy, now) if policy.enabled else (),
        rows[0].standing.facts.schedule_problem,
        _windows(policy),
        preview,
        [(word.value, words.count(word)) for word in Word],
        likely(policy, preview, now),
        retain.held_off(policy, now),
        list(Recipient.objects.filter(retired_at=None).defer("private_key").order_by("pk")),
        rows[0].standing.obstacles,
    )


def _windows(policy: Policy) -> list[str]:
    try:
        return [str(window) for window in schedule.of(policy).blackouts]
    except schedule.Unreadable:
        return [str(row) for row in policy.blackouts] if isinstance(policy.blackouts, list) else []


def likely(policy: Policy, preview: Sequence[retain.PreviewRow], now: datetime) -> list[Backup]:
    """What a deletion would take by what the rows say; whether a run is at one of them is asked on its own page."""
    others = [row.backup for row in preview]
    obsolete = [row.backup for row in preview if row.word is Word.OBSOLETE]
    return [
        backup
        for backup in obsolete
        if (retain.removable(backup, now) or not backup.copies.all())
        and not retain.guard(backup, others, policy.minimum_redundancy)
    ]


def going(policy: Policy, preview: Sequence[retain.PreviewRow], now: datetime) -> list[Going]:
    """What a deletion would take now, the oldest first, as retain.start freezes it."""
    why = {row.backup.pk: (row.word.value, row.why) for row in preview}
    return [
        Going(backup, *why.get(backup.pk, ("OBSOLETE", "")), retain.removable(backup, now))
        for backup in retain.deletable(policy, now)[: retain.MOST]
    ]


@dataclass(frozen=True)
class PlaceRow:
    """One destination. where: without secrets. public: the public half of its SSH key."""

    place: Destination
    where: str
    held: int
    bytes: int
    newest: datetime | None
    problem: str
    public: str
    policies: list[str]
    state: str
    word: str


def place_rows(now: datetime) -> list[PlaceRow]:
    """All destinations with what they hold."""
    copies = Copy.objects.filter(destination=OuterRef("pk"))
    bad = copies.filter(state__in=(Copy.State.FAILED, Copy.State.LOST)).order_by("-backup__taken")
    held = Q(copies__state=Copy.State.HELD)
    rows = (
        Destination.objects.select_related("site")
        .prefetch_related("policies")
        .annotate(
            held=Count("copies", filter=held, distinct=True),
            bytes=Subquery(
                copies.filter(state=Copy.State.HELD)
                .order_by()
                .values("destination")
                .annotate(all=Sum("size"))
                .values("all")
            ),
            newest=Max("copies__backup__taken", filter=held),
            problem=Subquery(bad.values("sentence")[:1]),
            bad_at=Subquery(bad.values("backup__taken")[:1]),
        )
        .order_by("pk")
    )
    return [_place(row, now) for row in rows]


def _place(row: Destination, now: datetime) -> PlaceRow:
    newest = row.newest  # type: ignore[attr-defined]
    bad_at = row.bad_at  # type: ignore[attr-defined]
    problem = row.problem if bad_at and (newest is None or bad_at > newest) else ""  # type: ignore[attr-defined]
    state, words = _state(row, newest, problem or "", now)
    used = [policy.name for policy in row.policies.all()]
    return PlaceRow(row, where(row), row.held, row.bytes or 0, newest, problem or "", _public(row), used, state, words)  # type: ignore[attr-defined]


def _state(row: Destination, newest: datetime | None, problem: str, now: datetime) -> tuple[str, str]:
    if not row.enabled:
        return "waiting", "Switched off"
    if newest is None:
        return ("fail", "Failed") if problem else ("unknown", "Holds nothing yet")
    if (now - newest).total_seconds() > row.late_after:
        return "warn", f"Late, limit {span(row.late_after)}"
    return ("warn", "The last copy failed") if problem else ("ok", "Current")


def where(place: Destination) -> str:
    """The place as a person would name it; no secret is in it."""
    kind = Destination.Kind
    if place.kind == kind.VAULT:
        return "on the portal's machine"
    if place.kind == kind.DIRECTORY:
        return place.path
    if place.kind == kind.SFTP:
        return f"{place.user}@{place.host}:{place.port}{place.path}"
    return f"{place.host} bucket {place.bucket}{f' under {place.path}' if place.path else ''}"


def _public(place: Destination) -> str:
    if place.kind != Destination.Kind.SFTP or not place.secret:
        return ""
    try:
        return public_line(place.secret)
    except ValueError:
        return ""
