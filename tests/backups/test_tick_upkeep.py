"""What follows a backup by itself: rows put right, copies, verification, rehearsal, deletion; each when it is due."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from backups.models import Backup, Copy, Destination
from backups.services import copies, obstacles, take
from backups.services.tick import tick
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.fixtures_backups import HOUR, end

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def begun(plan: str) -> list[str]:
    return [run.target for run in Run.objects.filter(plan=plan).order_by("pk")]


def later(minutes: float):
    return timezone.now() + minutes * MINUTE


# ---- rows that were left in the middle


@pytest.mark.parametrize(
    ("status", "sentence", "said"),
    [
        ("failed", "Step 1: no room.", "Step 1: no room."),
        ("aborted", "Aborted by eve.", "Aborted by eve."),
        ("errored", "", "ended as errored without a word"),
        ("succeeded", "All done.", "succeeded without saying how the backup ended"),
    ],
)
def test_a_backup_whose_run_has_ended_is_not_left_started(world, status, sentence, said):
    policy = world.policy()
    run = take.start(policy, "anna")
    tick()
    assert policy.backups.get().status == "STARTED"
    end(run, status, sentence)
    tick()
    tick()
    backup = policy.backups.get()
    assert (backup.status, backup.cause, said in backup.sentence) == ("FAILED", "", True)
    assert Record.objects.filter(kind="backup.failed").count() == 1


def test_a_backup_whose_run_is_gone_failed(world):
    policy = world.policy()
    world.backup(policy, HOUR, status="STARTED", whole=None)
    tick()
    assert (policy.backups.get().status, "no longer there" in policy.backups.get().sentence) == ("FAILED", True)


def test_what_its_own_work_has_written_stays(world):
    policy = world.policy()
    run = take.start(policy, "anna")
    Backup.objects.update(status="FAILED", cause="tmp_full", sentence="No room.")
    end(run, "failed", "Step 4: it failed.")
    tick()
    assert policy.backups.get().sentence == "No room."


def test_a_copy_whose_run_died_goes_on_later_and_later(world):
    place = world.place("DR")
    policy = world.policy()
    policy.destinations.add(place)
    backup = world.backup(policy, HOUR)
    for failures, minutes in ((1, 1), (2, 5), (3, 30), (4, 60), (5, 60)):
        Copy.objects.filter(destination=place).delete()
        world.copy(backup, place, "copying", failures=failures - 1)
        now = timezone.now()
        tick(now)
        copy = Copy.objects.get(destination=place)
        assert (copy.state, copy.failures, copy.retry_at) == ("failed", failures, now + minutes * MINUTE)
        assert begun("backup_copy") == []


def test_a_copy_that_is_under_way_is_left_alone(world):
    place = world.place("DR")
    policy = world.policy()
    policy.destinations.add(place)
    backup = world.backup(policy, HOUR)
    copies.push(backup, place, "anna")
    world.copy(backup, place, "copying")
    in_the_making = take.start(policy, "anna").backup
    world.copy(in_the_making, world.vault, "copying")
    tick()
    assert Copy.objects.filter(state="copying").count() == 2


def test_a_copy_that_failed_by_itself_says_when_it_is_tried_again(world):
    backup = world.backup(world.policy(), HOUR)
    world.copy(backup, world.place("DR"), "failed", failures=2)
    now = timezone.now()
    tick(now)
    assert Copy.objects.get(state="failed").retry_at == now + 5 * MINUTE


def test_a_deletion_that_nobody_goes_on_with_lets_go(world):
    backup = world.backup(world.policy(), HOUR)
    Backup.objects.update(retiring_at=timezone.now() - HOUR)
    tick()
    backup.refresh_from_db()
    assert backup.retiring_at is None


# ---- copies


def test_missing_copies_are_sent_newest_first_one_per_place(world):
    dr, tape, off = world.place("DR"), world.place("TAPE"), world.place("OFF", enabled=False)
    policy = world.policy()
    policy.destinations.add(dr, tape, off, world.vault)
    old, new = world.backup(policy, DAY), world.backup(policy, HOUR)
    world.copy(new, tape)
    tick()
    assert begun("backup_copy") == [f"destination:{dr.pk}", f"destination:{tape.pk}"]
    assert [run.parameters["backup"] for run in Run.objects.order_by("pk")] == [new.pk, old.pk]
    tick()
    assert Run.objects.count() == 2
    world.copy(new, dr)
    world.copy(old, tape)
    Run.objects.update(status="succeeded")
    tick()
    assert Run.objects.first().parameters == {"backup": old.pk}
    assert Run.objects.count() == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "FAILED"},
        {"status": "STARTED", "whole": None},
        {"whole": False},
        {"whole": None},
        {"deleted_at": "2026-11-20T00:00:00Z"},
        {"held": ()},
    ],
)
def test_nothing_else_is_sent(world, fields):
    policy = world.policy()
    policy.destinations.add(world.place("DR"))
    world.backup(policy, HOUR, **fields)
    tick()
    assert begun("backup_copy") == []


def test_what_retention_does_not_want_is_not_sent_and_what_is_held_is(world):
    dr = world.place("DR")
    policy = world.policy(retention="redundancy", count=1)
    policy.destinations.add(dr)
    kept, _, newest = (world.backup(policy, n * DAY) for n in (3, 2, 1))
    world.copy(newest, dr)
    tick()
    assert begun("backup_copy") == []
    Backup.objects.filter(pk=kept.pk).update(keep="audit")
    tick()
    assert Run.objects.get().parameters == {"backup": kept.pk}


def test_a_copy_that_fails_waits_and_another_one_goes_first(world):
    dr = world.place("DR")
    policy = world.policy()
    policy.destinations.add(dr)
    old, new = world.backup(policy, DAY), world.backup(policy, HOUR)
    now = timezone.now()
    tick(now)
    world.copy(new, dr, "failed", failures=1, retry_at=now + MINUTE)
    end(Run.objects.get(), "failed")
    tick(now + timedelta(seconds=5))
    assert [run.parameters["backup"] for run in Run.objects.order_by("pk")] == [new.pk, old.pk]


def test_a_run_that_fails_at_once_is_not_begun_at_every_tick(world):
    policy = world.policy()
    policy.destinations.add(world.place("DR"))
    world.backup(policy, HOUR)
    now = timezone.now()
    for seconds in range(0, 400, 10):
        tick(now + timedelta(seconds=seconds))
        Run.objects.filter(status="queued").update(status="failed", ended=now + timedelta(seconds=seconds))
    assert len(begun("backup_copy")) == 3  # at 0 s, after 1 min, after 5 min more


def test_a_copy_that_a_jumping_clock_put_off_for_years_is_sent(world):
    dr = world.place("DR")
    policy = world.policy()
    policy.destinations.add(dr)
    world.copy(world.backup(policy, HOUR), dr, "failed", failures=3, retry_at=timezone.now() + 900 * DAY)
    tick()
    assert begun("backup_copy") == [f"destination:{dr.pk}"]


def test_a_refusal_stands_on_the_page_until_it_is_over(world, monkeypatch):
    from portal.runs.services import Refused

    def refuse(*given, **named):
        raise Refused("target", "There is no such destination.")

    dr = world.place("DR")
    policy = world.policy()
    policy.destinations.add(dr)
    world.backup(policy, HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(copies, "push", refuse)
        tick()
    met = policy.obstacles.get()
    assert (met.act, met.subject, met.sentence) == (
        "copy",
        f"destination:{dr.pk}",
        "There is no such destination.",
    )
    tick(later(0.5))
    assert begun("backup_copy") == []
    tick(later(2))
    assert begun("backup_copy") == [f"destination:{dr.pk}"]
    assert not policy.obstacles.exists()


def test_pauses_grow_up_to_an_hour():
    assert [obstacles.pause(n) // MINUTE for n in (0, 1, 2, 3, 4, 99)] == [1, 1, 5, 30, 60, 60]


# ---- proofs


def test_a_backup_that_nobody_verified_is_verified(world):
    policy = world.policy()
    run = take.start(policy, "anna")
    Backup.objects.update(status="DONE", whole=None)
    world.copy(run.backup, world.vault)
    tick()
    assert begun("backup_verify") == []
    end(run, "failed", "The ladder could not be climbed.", ago=HOUR)
    tick()
    assert begun("backup_verify") == [f"backup:{run.backup.pk}"]
    tick()
    assert len(begun("backup_verify")) == 1


@pytest.mark.parametrize(
    ("every", "age", "due"), [(0, 0, True), (DAY, 23 * HOUR, False), (DAY, 25 * HOUR, True), (DAY, None, True)]
)
def test_a_rehearsal_is_due_when_the_last_proven_one_is_old(world, every, age, due):
    policy = world.policy(rehearse_every=int(every / timedelta(seconds=1)) if every else 0)
    before = world.backup(policy, 30 * HOUR)
    if age is not None:
        world.rehearsal(before, timezone.now() - (age or timedelta()))
    world.rehearsal(before, timezone.now(), "failed")
    new = world.backup(policy, HOUR, proof="none")
    tick()
    assert begun("backup_rehearse") == ([f"backup:{new.pk}"] if due else [])


def test_a_rehearsal_is_due_when_what_was_proven_is_gone(world):
    policy = world.policy(rehearse_every=24 * 3600)
    proven = world.backup(policy, 2 * HOUR)
    world.rehearsal(proven, timezone.now() - HOUR)
    new = world.backup(policy, HOUR, proof="none")
    tick()
    assert begun("backup_rehearse") == []
    proven.copies.update(state="lost")
    tick()
    assert begun("backup_rehearse") == [f"backup:{new.pk}"]


def test_a_rehearsal_is_not_repeated_unless_it_came_to_no_answer(world):
    policy = world.policy()
    backup = world.backup(policy, HOUR, proof="unknown")
    first = world.rehearsal(backup, timezone.now() - MINUTE, "unknown")
    tick()
    assert begun("backup_rehearse") == []
    first.at -= HOUR
    first.save()
    tick()
    assert len(begun("backup_rehearse")) == 1
    Run.objects.update(status="succeeded")
    first.outcome = "failed"
    first.save()
    tick(later(120))
    assert len(begun("backup_rehearse")) == 1


@pytest.mark.parametrize("fields", [{"whole": False}, {"status": "FAILED"}, {"held": ()}])
def test_what_cannot_be_restored_is_not_rehearsed(world, fields):
    world.backup(world.policy(), HOUR, proof="none", **fields)
    tick()
    assert begun("backup_rehearse") == []


def test_what_reads_whole_archives_leaves_workers_for_others(world):
    policy = world.policy(retention="redundancy", count=9)
    policy.destinations.add(*(world.place(f"D{n}") for n in range(4)))
    world.backup(policy, 2 * HOUR)
    world.backup(policy, HOUR, proof="none")
    tick()
    assert (len(begun("backup_rehearse")), len(begun("backup_copy"))) == (1, 1)
    Run.objects.filter(plan="backup_rehearse").update(status="failed", ended=timezone.now())
    tick()
    assert len(begun("backup_copy")) == 2


def test_one_rehearsal_at_a_time(world):
    for name in ("one", "two"):
        world.backup(world.policy(engine=world.new_engine(name)), HOUR, proof="none")
    tick()
    assert len(begun("backup_rehearse")) == 1


# ---- deletion


def test_obsolete_backups_are_deleted_by_one_run_at_a_time(world):
    policy = world.policy(retention="redundancy", count=2, delete_obsolete=True)
    rows = [world.backup(policy, n * HOUR) for n in (1, 2, 3, 4)]
    tick()
    tick()
    run = Run.objects.get(plan="backup_retire")
    assert run.target == f"catalog:{world.engine.pk}"
    assert run.parameters == {"policy": policy.pk, "backups": f"{rows[3].ident},{rows[2].ident}"}


@pytest.mark.parametrize(
    ("fields", "ages"),
    [
        ({"delete_obsolete": False}, (1, 2, 3)),
        ({"enabled": False}, (1, 2, 3)),
        ({}, (27, 28, 29)),  # the schedule stopped, or the clock jumped ahead
        ({"count": 0}, (1, 2, 3)),
    ],
)
def test_nothing_is_deleted_by_itself(world, fields, ages):
    policy = world.policy(**({"retention": "redundancy", "count": 1, "delete_obsolete": True} | fields))
    for hours in ages:
        world.backup(policy, hours * HOUR)
    assert tick() == []
    assert begun("backup_retire") == []


def test_copies_that_are_locked_start_no_deletion(world):
    policy = world.policy(retention="redundancy", count=1, delete_obsolete=True)
    world.backup(policy, HOUR)
    old = world.backup(policy, DAY, held=())
    locked = world.copy(old, world.place("S3", Destination.Kind.S3), locked_until=timezone.now() + DAY)
    tick()
    assert begun("backup_retire") == []
    Copy.objects.filter(pk=locked.pk).update(locked_until=timezone.now() - MINUTE)
    tick()
    assert len(begun("backup_retire")) == 1


@pytest.mark.django_db(transaction=True)
def test_ticks_at_once_begin_each_thing_once(world):
    dr = world.place("DR")
    policy = world.policy(retention="redundancy", count=2, delete_obsolete=True)
    policy.destinations.add(dr)
    for hours in (2, 3, 4):
        world.backup(policy, hours * HOUR)
    world.backup(policy, HOUR, proof="none")
    ready = threading.Barrier(4)
    broken = []

    def look():
        ready.wait()
        try:
            for _ in range(3):
                broken.extend(tick())
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broken.extend(tick())  # what stood in each other's way then begins now
    assert broken == []
    assert sorted(Run.objects.values_list("plan", flat=True)) == ["backup_copy", "backup_rehearse", "backup_retire"]
