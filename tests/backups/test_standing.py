"""The facts of a policy from its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from backups.models import Missed, Obstacle, Ping
from backups.services.pages_standing import standings
from tests.fixtures_backups import HOUR

pytestmark = pytest.mark.django_db


def test_the_rows_of_one_policy(world):
    now = timezone.now()
    dr = world.place("DR")
    policy = world.policy(decided_to=now, heartbeat_url="https://hc.example/x", heartbeat_sentence="HTTP 500.")
    policy.destinations.add(world.vault, dr, world.place("OFF", enabled=False))
    lost = world.backup(policy, 3 * HOUR, held=())
    proven = world.backup(policy, 9 * HOUR)
    world.backup(policy, 2 * HOUR, proof="none")
    world.backup(policy, HOUR, status="FAILED", sentence="No.", held=())
    world.backup(policy, HOUR / 2, deleted_at=now)
    world.copy(proven, dr)
    world.copy(lost, dr, "failed", sentence="DR is full.")
    world.rehearsal(proven, now - 8 * HOUR)
    world.rehearsal(proven, now, "failed")
    for hours in (20, 1):
        at = now - hours * HOUR
        Missed.objects.create(policy=policy, due_at=at, noticed_at=at, sentence=f"{hours} h ago.")
    for act, since in (("copy", HOUR), ("retire", timedelta(seconds=5))):
        Obstacle.objects.create(policy=policy, act=act, subject="x", sentence=f"{act}.", since=now - since, at=now)
    Ping.objects.create(policy=policy, key="a", kind="fail", made_at=now - HOUR)
    (one,) = standings(now)
    told, said = one.facts, one.verdict
    assert (told.total, told.proven_count, told.failed) == (4, 1, 1)
    assert (told.newest.status, told.done.proof, told.proven.ident) == ("FAILED", "none", proven.ident)
    assert (told.missed_count, told.missed) == (1, ("1 h ago.",))
    assert [(one.name, one.newest, one.trouble) for one in told.places] == [("DR", proven.taken, "DR is full.")]
    assert told.rehearsed_at == now - 8 * HOUR
    assert told.obstacles == ("copy.",)
    assert (told.unheard, told.heartbeat) == (now - HOUR, "HTTP 500.")
    assert told.next_due > now
    assert said.title.startswith("Restorable to ")
    assert "the newest backup failed" in [line.short for line in said.lines]


def test_a_policy_without_anything(world):
    world.policy(zone="Mars/Base")
    (one,) = standings(timezone.now())
    told = one.verdict
    assert (told.word, told.outcome) == ("Not known", "fail")
    assert told.lines[0].short == "no backup is planned"
