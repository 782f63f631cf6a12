"""The facts of one policy from its rows, for the verdict about it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Obstacle, Policy, Rehearsal
from backups.services import schedule
from backups.verdicts.facts import Aims, Brief, Facts, Place
from backups.verdicts.policy import Verdict
from backups.verdicts.policy import verdict as judge

MISSED = 5  # sentences
LASTING = timedelta(minutes=5)  # an obstacle that is younger is no news
C = Copy.State


def verdict(policy: Policy, now: datetime) -> Verdict:
    """How the policy stands."""
    return judge(facts(policy, now))


def facts(policy: Policy, now: datetime) -> Facts:
    """A dozen small queries."""
    mine = policy.backups.filter(deleted_at__isnull=True).order_by("-taken", "-pk")
    done = mine.filter(status=Backup.Status.DONE)
    held = Copy.objects.filter(backup=OuterRef("pk"), state=C.HELD)
    proven = done.filter(Exists(held), proof=Backup.Proof.PROVEN, whole=True)  # as retain.is_proven
    last = done.first()
    after = Q(taken__gt=last.taken) if last else Q()
    missed = policy.missed.filter(due_at__gt=last.taken) if last else policy.missed.all()
    waiting = policy.pings.filter(sent_at__isnull=True, given_up_at__isnull=True).order_by("pk").first()
    outlook = schedule.outlook(policy, now)
    return Facts(
        name=policy.name,
        now=timezone.localtime(now),
        enabled=policy.enabled,
        aims=Aims(policy.rpo, policy.max_age, policy.min_size, policy.minimum_redundancy, policy.rehearse_every),
        newest=_brief(mine.first()),
        done=_brief(last),
        proven=_brief(proven.first()),
        proven_count=proven.count(),
        total=mine.count(),
        failed=mine.filter(after, status=Backup.Status.FAILED).count(),
        missed_count=missed.count(),
        missed=tuple(missed.values_list("sentence", flat=True)[:MISSED]),
        places=_places(policy),
        rehearsed_at=_rehearsed_at(policy),
        next_due=outlook.next[0] if outlook.next else None,
        looked_at=schedule.looked_at(policy),
        schedule_problem=schedule.problem(policy),
        obstacles=_obstacles(policy, now),
        unheard=waiting.made_at if waiting and policy.heartbeat_url else None,
        heartbeat=policy.heartbeat_sentence,
    )


def _obstacles(policy: Policy, now: datetime) -> tuple[str, ...]:
    """Those that last. A schedule that cannot be used is told apart from them."""
    rows = policy.obstacles.filter(since__lte=now - LASTING).exclude(
        act=Obstacle.Act.TAKE, subject=f"policy:{policy.pk}"
    )
    return tuple(rows.values_list("sentence", flat=True))


def _brief(row: Backup | None) -> Brief | None:
    if row is None:
        return None
    return Brief(row.ident, row.taken, row.status, row.size, row.whole, row.proof, row.sentence, row.what_to_do)


def _rehearsed_at(policy: Policy) -> datetime | None:
    held = Rehearsal.objects.filter(backup__policy=policy, outcome=Backup.Proof.PROVEN)
    return held.order_by("-at").values_list("at", flat=True).first()


def _places(policy: Policy) -> tuple[Place, ...]:
    rows = policy.destinations.filter(enabled=True).exclude(kind=Destination.Kind.VAULT).order_by("pk")
    return tuple(_place(policy, row) for row in rows)


def _place(policy: Policy, place: Destination) -> Place:
    mine = Copy.objects.filter(destination=place, backup__policy=policy).select_related("backup")
    newest = mine.filter(state=C.HELD).order_by("-backup__taken").first()
    failed = mine.filter(state__in=(C.FAILED, C.LOST)).order_by("-backup__taken").first()
    since = newest.backup.taken if newest else None
    trouble = failed.sentence if failed and (since is None or failed.backup.taken > since) else ""
    return Place(place.name, place.late_after, since, trouble)
