"""Backups of the lab's engine, end to end: taken, received, climbed, copied, rehearsed; nothing left behind."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.utils import timezone

from backups.models import Backup, Copy, Destination
from backups.services import copies, prove, vault
from portal.connectors.stores.directory import mark
from portal.evidence.models import Record
from portal.runs.services.refused import Refused
from tests.fixtures_backup_lab import backup_lab, finish, stand  # noqa: F401
from tests.fixtures_runs import states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def test_a_backup_is_taken_received_and_climbed(stand, settings):  # noqa: F811
    run = stand.take()
    assert (run.status, states(run)) == ("succeeded", ["done"] * 9), run.sentence
    backup = stand.newest()
    assert (backup.status, backup.cause, backup.whole) == ("DONE", "ok", True), backup.ladder
    assert backup.parts == ["dwh", "engine", "files", "grafana", "keycloak"]
    assert (backup.on_engine, backup.fqdn) == (True, "engine.bank.example")
    assert backup.taken <= backup.began < backup.ended <= timezone.now()
    copy = backup.copies.get()
    assert (copy.state, copy.recipients) == ("held", ["the portal itself"])
    file = Path(settings.HOLDFAST_VAULT) / "backups" / copy.name
    assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [copy.name]
    stand.clean()
    kinds = list(Record.objects.filter(subject=f"backup:{backup.ident}").values_list("kind", flat=True))
    assert kinds == ["backup.done", "backup.verified"]


def test_a_backup_is_copied_and_rehearsed(stand, tmp_path):  # noqa: F811
    stand.take()
    backup = stand.newest()
    (tmp_path / "dr").mkdir()
    mark(tmp_path / "dr")
    place = Destination.objects.create(
        name="DR", site=stand.engine.site, kind=Destination.Kind.DIRECTORY, path=str(tmp_path / "dr")
    )
    run = finish(copies.push(backup, place, "anna"))
    assert run.status == "succeeded", run.sentence
    assert Copy.objects.get(destination=place).state == "held"
    assert (tmp_path / "dr" / vault.copy_of(backup).name).read_bytes()[:22] == b"age-encryption.org/v1\n"
    run = finish(prove.rehearse(backup, "anna"))
    backup.refresh_from_db()
    rehearsal = backup.rehearsals.get()
    assert (run.status, backup.proof) == ("succeeded", "proven"), (rehearsal.sentence, rehearsal.rungs)
    assert rehearsal.tables["engine"]["public.vm_static"] > 0
    again = finish(prove.verify(backup, "anna"))
    assert again.status == "succeeded"


@pytest.mark.matrix
def test_a_copy_that_was_changed_in_the_vault_is_lost_and_comes_back_from_elsewhere(stand, tmp_path):  # noqa: F811
    stand.take()
    backup = stand.newest()
    (tmp_path / "dr").mkdir()
    mark(tmp_path / "dr")
    place = Destination.objects.create(name="DR", site=stand.engine.site, kind="directory", path=str(tmp_path / "dr"))
    assert finish(copies.push(backup, place, "anna")).status == "succeeded"
    with pytest.raises(Refused, match="DR holds a copy"):
        copies.push(backup, place, "anna")
    assert [one.name for one in copies.places_for(backup)] == []
    file = vault.folder() / vault.copy_of(backup).name
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    run = finish(prove.verify(backup, "anna"))
    backup.refresh_from_db()
    lost = backup.copies.get(destination=vault.destination())
    assert (run.status, lost.state) == ("failed", "lost")
    assert "copy it into the vault" in run.sentence
    # the archive is what it was: the copy at the other place was compared when it was sent
    assert backup.whole is True
    for again in (prove.verify, prove.rehearse):
        Backup.objects.update(proof="proven")
        assert finish(again(backup, "anna")).status == "failed"
        backup.refresh_from_db()
        assert (backup.whole, backup.proof) == (True, "proven")
    assert [one.kind for one in copies.places_for(backup)] == ["vault"]
    run = finish(copies.push(backup, vault.destination(), "anna"))
    assert run.status == "succeeded", run.sentence
    assert file.read_bytes() == whole
    assert file.with_name(file.name + ".changed").exists()
    assert finish(prove.verify(backup, "anna")).status == "succeeded"
    backup.refresh_from_db()
    assert backup.whole is True
    file.unlink()
    finish(prove.verify(backup, "anna"))
    assert backup.copies.get(destination=vault.destination()).state == "lost"


@pytest.mark.matrix
def test_only_the_newest_stay_on_the_engine_vm(stand):  # noqa: F811
    stand.policy.engine_keep = 1
    stand.policy.save()
    stand.take()
    first = stand.newest()
    stand.take()
    first.refresh_from_db()
    assert (first.on_engine, stand.newest().on_engine) == (False, True)
    assert [name for name in stand.files() if name.endswith(".backup")] == [stand.newest().engine_path]


@pytest.mark.matrix
def test_the_same_key_takes_one_backup(stand):  # noqa: F811
    one = stand.take(key="k")
    two = stand.take(key="k")
    assert one.pk == two.pk
    assert stand.newest().run_id == one.pk
