"""Held copies are read back from time to time; the recovery kit is collected after each backup."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from backups.models import Copy, Kit
from backups.services import copies, take
from backups.services.tick import tick
from backups.steps.recheck import STEP
from backups.works import rechecking
from portal.evidence.models import Record
from portal.kernel.output import Output
from portal.kernel.step import WorkFailed
from portal.kernel.verdict import Word
from portal.runs import registry
from portal.runs.models import Run
from tests.fixtures_backups import HOUR, AtHand, end
from tests.fixtures_runs import mark, plan

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BYTES = b"age-encryption.org/v1 and so on"


@pytest.fixture
def held(world, tmp_path):
    """A copy in a folder with a marker."""
    folder = tmp_path / "dr"
    folder.mkdir()
    (folder / ".holdfast-store").touch()
    policy = world.policy()
    backup = world.backup(policy, HOUR)
    copy = world.copy(backup, world.place("DR", path=str(folder)), sha256=hashlib.sha256(BYTES).hexdigest())
    (folder / copy.name).write_bytes(BYTES)
    Copy.objects.filter(pk=copy.pk).update(checked_at=timezone.now() - 31 * DAY)
    return copy, folder / copy.name


def look(hand: AtHand):
    told = json.dumps(rechecking.standing(hand.parameters)).encode()
    return STEP.settled({"copy": Output(told, b"", 0)}, hand.parameters)


def read_back() -> tuple[Word, str]:
    tick()
    run = Run.objects.get(plan="backup_recheck")
    hand = AtHand(run)
    assert look(hand).word is Word.WAIT
    rechecking.work(hand)
    verdict = look(hand)
    end(run, "succeeded" if verdict.word is Word.DONE else "failed")
    return verdict.word, verdict.sentence


def test_a_copy_that_is_whole_is_so_again_for_a_month(held):
    copy, _ = held
    assert read_back() == (Word.DONE, f"DR still holds the copy; read back, its SHA-256 is {copy.sha256}.")
    copy.refresh_from_db()
    assert (copy.state, timezone.now() - copy.checked_at < HOUR) == ("held", True)
    assert Record.objects.get(kind="backup.copy_read_back").body["state"] == "held"
    tick()
    assert Run.objects.filter(plan="backup_recheck").count() == 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"x"), "DR holds other bytes under the name"),
        (lambda path: path.unlink(), "DR holds no file"),
    ],
)
def test_a_copy_that_is_not_what_was_sent_is_lost_and_sent_again(held, damage, said):
    copy, path = held
    copy.backup.policy.destinations.add(copy.destination)
    damage(path)
    word, sentence = read_back()
    assert (word, sentence.startswith(said)) == (Word.FAILED, True)
    copy.refresh_from_db()
    assert copy.state == "lost"
    tick()
    assert Run.objects.filter(plan="backup_copy", target=f"destination:{copy.destination.pk}").exists()


def test_a_place_that_does_not_answer_says_nothing_about_the_copy(held):
    copy, path = held
    (path.parent / ".holdfast-store").unlink()
    hand = AtHand(copies.recheck(copy.backup, copy.destination, "anna"))
    with pytest.raises(WorkFailed, match="Whether the copy is still whole is not known"):
        rechecking.work(hand)
    copy.refresh_from_db()
    assert copy.state == "held"
    Copy.objects.update(state="deleted")
    with pytest.raises(WorkFailed, match="nothing to read back"):
        rechecking.work(hand)
    Copy.objects.all().delete()
    assert look(hand).word is Word.FAILED


def test_one_copy_at_a_time_the_longest_unread_first(world, held):
    copy, _ = held
    tick()
    other = world.backup(copy.backup.policy, 2 * HOUR, held=())
    world.copy(other, world.vault, checked_at=None)
    tick()
    assert [run.target for run in Run.objects.filter(plan="backup_recheck")] == [f"destination:{copy.destination_id}"]
    Run.objects.update(status="succeeded")
    Copy.objects.filter(pk=copy.pk).update(checked_at=timezone.now())
    tick()
    assert Run.objects.filter(plan="backup_recheck").first().target == f"destination:{world.vault.pk}"


def test_the_kit_is_collected_after_each_backup_and_each_proof(world, monkeypatch):
    known = dict(registry.plans())
    monkeypatch.setattr(registry, "plans", lambda: known)
    policy = world.policy()
    begun = Run.objects.filter(plan="recovery_kit")
    run = take.start(policy, "anna")
    policy.backups.update(status="DONE", whole=True, proof="proven")
    world.copy(run.backup, world.vault)
    known["recovery_kit"] = plan(mark("kit"), name="recovery_kit", targets=("engine",))
    tick()
    assert not begun.exists()  # the engine is busy
    end(run, "succeeded", ago=timedelta(minutes=2))
    tick()
    tick()
    assert begun.get().target == f"engine:{world.engine.pk}"
    Run.objects.update(status="succeeded")
    Kit.objects.create(engine=world.engine, at=timezone.now() - timedelta(minutes=1))
    tick()
    assert begun.count() == 1
    policy.backups.update(proven_at=timezone.now())
    tick()
    assert begun.count() == 2
    known.pop("recovery_kit")
    tick()
