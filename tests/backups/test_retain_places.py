"""Deletion where places do not do as asked: locked, cut off, switched off, at work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from backups.models import Backup, Copy
from backups.services import copies, prove, retain
from portal.connectors.stores.store import Held, StoreFailed
from portal.runs.models import Run
from tests.fixtures_backups import HOUR, drive, files

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


class Place:
    """A store at the port: its copies, and what it answers."""

    name = "DR"

    def __init__(self) -> None:
        self.locked_until = None
        self.failing = ""
        self.gone: list[str] = []
        self.silent = False

    def held(self, name):
        if self.silent:
            raise StoreFailed("DR does not answer.", retry=True)
        return None if name in self.gone else Held(9, locked_until=self.locked_until)

    def remove(self, name):
        if self.failing:
            self.silent = self.failing == "cut"
            raise StoreFailed("DR broke the connection.", retry=True)
        self.gone.append(name)


@pytest.fixture
def second(world, shelf, monkeypatch):
    """The same backups at a second place that tests command."""
    _, rows = shelf
    destination, place = world.place("DR"), Place()
    for row in rows:
        world.copy(row, destination)
    real = copies.store_of
    monkeypatch.setattr(copies, "store_of", lambda one: place if one.pk == destination.pk else real(one))
    return place


def test_a_locked_copy_stays_and_goes_when_the_lock_ends(world, folder, shelf, second):
    policy, rows = shelf
    second.locked_until = timezone.now() + DAY
    said = drive(retain.start(policy, "anna"))
    assert "DR locks it until" in said
    assert files(folder) == {rows[0].ident, rows[1].ident}
    oldest = Backup.objects.get(pk=rows[3].pk)
    assert (oldest.deleted_at, oldest.retiring_at) == (None, None)
    assert {copy.destination.name: copy.state for copy in oldest.copies.all()} == {"vault": "deleted", "DR": "held"}
    assert retain.deletable(policy, timezone.now()) == []
    second.locked_until = None
    Copy.objects.filter(destination__name="DR").update(locked_until=timezone.now() - HOUR)
    drive(retain.start(policy, "anna"))
    assert Backup.objects.filter(deleted_at__isnull=False).count() == 2


@pytest.mark.parametrize(("failing", "state"), [("refused", "held"), ("cut", "lost")])
def test_a_place_that_fails_is_tried_again_and_nobody_counts_on_what_is_uncertain(
    world, folder, shelf, second, failing, state
):
    policy, rows = shelf
    second.failing = failing
    said = drive(retain.start(policy, "anna"))
    assert "could not be removed from DR. DR broke the connection." in said
    copy = Copy.objects.get(backup=rows[3], destination__name="DR")
    assert (copy.state, copy.failures, copy.retry_at > timezone.now()) == (state, 1, True)
    assert Backup.objects.filter(deleted_at__isnull=False).count() == 0
    assert retain.deletable(policy, timezone.now()) == []
    second.failing, second.silent = "", False
    Copy.objects.update(retry_at=None)
    drive(retain.start(policy, "anna"))
    assert Backup.objects.filter(deleted_at__isnull=False).count() == 2


def test_what_is_at_work_or_switched_off_stays(world, folder, shelf):
    policy, rows = shelf
    off = world.place("OFF", enabled=False)
    world.copy(rows[3], off)
    world.copy(rows[2], world.place("DR"), "copying")
    run = prove.verify(rows[2], "anna")
    assert [one.pk for one in retain.deletable(policy, timezone.now())] == [rows[3].pk]
    said = drive(retain.start(policy, "anna"))
    assert f"{rows[3].ident} stays" in said
    Run.objects.filter(pk=run.pk).update(status="failed")
    said = drive(retain.start(policy, "anna"))
    assert "It is being copied to DR." in said


def test_a_policy_that_is_gone_deletes_nothing(world, folder, shelf):
    policy, _ = shelf
    run = retain.start(policy, "anna")
    policy.delete()
    said = drive(run)
    assert len(files(folder)) == 4
    assert "It is not in the catalog any more." in said
