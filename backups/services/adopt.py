"""A policy from what an old crontab and its script did. It is made switched off: a person reads it first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db import transaction

from backups.catalog import names
from backups.catalog import schedule as catalog
from backups.catalog.crontab_proposal import Proposal
from backups.catalog.retention import RecoveryWindow
from backups.catalog.schedule import Schedule
from backups.models import Policy
from backups.services.clock import now as database_now
from inventory.models import Engine
from inventory.services.signal import announce
from portal.evidence import services as evidence

DAY = 24 * 3600
SPARE = 2 * 3600  # seconds that a backup may be later than its schedule before it is called old
STARTS = 60  # that are looked at for the longest gap


class NotAdopted(Exception):
    """The proposal makes no policy. Its text is one sentence."""


@transaction.atomic
def adopt(proposal: Proposal, engine: Engine, name: str, by: str) -> tuple[Policy, list[str]]:
    """The policy, switched off, and what a person still has to decide, one sentence each. Raises NotAdopted."""
    if Policy.objects.filter(name=name).exists():
        raise NotAdopted(f"There is a policy named {name} already: choose another name.")
    policy = Policy(engine=engine, name=name, enabled=False, created_by=by, decided_to=database_now())
    open_points = [*_when(policy, proposal), *_what(policy, proposal), *_how_long(policy, proposal)]
    open_points += _where(proposal)
    policy.save()
    announce("backups")
    body = {"name": name, "engine": engine.name, "cron": policy.cron, "zone": policy.zone, "line": proposal.line}
    evidence.append("policy.imported", by, f"policy:{policy.pk}", body)
    return policy, open_points


def _when(policy: Policy, proposal: Proposal) -> list[str]:
    """Schedule, and the objectives that such a schedule can hold at all."""
    policy.cron, policy.zone = proposal.expression, proposal.zone or "UTC"
    schedule = Schedule(policy.cron, policy.zone)
    if wrong := catalog.problem(schedule):
        raise NotAdopted(wrong)
    gap = longest_gap(schedule, policy.decided_to)
    policy.rpo = max(gap, DAY)
    policy.max_age = gap + SPARE
    points = [] if proposal.zone else ["The time zone is taken as UTC: choose the engine VM's."]
    if gap > DAY:
        points.append(f"Backups are up to {gap // 3600} h apart, so as much may be lost: choose a denser schedule.")
    return points


def longest_gap(schedule: Schedule, now: datetime) -> int:
    """Seconds between two planned starts at most, as the next ones go."""
    starts = [start.astimezone(UTC) for start in catalog.next_runs(schedule, now, STARTS)]
    return int(max((end - begin for begin, end in pairwise(starts)), default=timedelta(days=1)).total_seconds())


def _what(policy: Policy, proposal: Proposal) -> list[str]:
    policy.scope = [] if "all" in proposal.scopes else list(proposal.scopes)
    points = []
    if policy.scope:
        points.append(f"Its scope is {', '.join(policy.scope)} only: an engine is rebuilt from all of it.")
    if wrong := names.directory_problem(proposal.directory):
        points.append(f"The folder on the engine VM stays {policy.directory}: {wrong}")
    else:
        policy.directory = proposal.directory
    return points


def _how_long(policy: Policy, proposal: Proposal) -> list[str]:
    if proposal.retention is None:
        return [f"Retention is the usual RECOVERY WINDOW OF {policy.count} DAYS: choose it."]
    if isinstance(proposal.retention, RecoveryWindow):
        policy.retention, policy.count = Policy.Retention.WINDOW, proposal.retention.days
    else:
        policy.retention, policy.count = Policy.Retention.REDUNDANCY, proposal.retention.count
    return []


def _where(proposal: Proposal) -> list[str]:
    points = [
        f"It sent archives to {one.where} ({one.kind}): add that place, with its key, and choose it."
        for one in proposal.destinations
    ]
    if not proposal.destinations:
        points.append("It sent archives nowhere: choose a place at another site.")
    if proposal.heartbeats:
        points.append("It told a watcher outside: give the policy an address of its own there.")
    return points
