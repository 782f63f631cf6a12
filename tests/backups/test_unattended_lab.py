"""Nobody at the keyboard: the lab's engine is backed up, verified, rehearsed, copied, and what is old is deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from backups.models import Backup, Destination
from backups.services import heartbeat
from backups.services.clock import now as database_now
from backups.services.pages_standing import standings
from backups.services.tick import tick
from inventory.verdicts.answer import Word
from portal.connectors.stores.directory import mark
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.fixtures_backup_lab import backup_lab, finish, stand  # noqa: F401
from tests.fixtures_watcher import UUID

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]

MINUTE = timedelta(minutes=1)


def settle(at) -> list[str]:
    """Ticks at one moment until nothing more is due; drives what was begun to its end. Gives the plans in order."""
    begun: list[str] = []
    for _ in range(12):
        assert tick(at) == []
        runs = list(Run.objects.filter(status__in=Run.ACTIVE).order_by("pk"))
        if not runs:
            return begun
        begun += [run.plan for run in runs]
        for run in runs:
            ended = finish(run)
            assert ended.status == "succeeded", (ended.plan, ended.sentence)
    raise AssertionError(f"it does not come to rest: {begun}")


@pytest.mark.timeout(300)
@pytest.mark.matrix
def test_from_the_schedule_to_the_deletion(stand, tmp_path, settings, watcher):  # noqa: F811
    (tmp_path / "dr").mkdir()
    mark(tmp_path / "dr")
    place = Destination.objects.create(
        name="DR", site=stand.engine.site, kind=Destination.Kind.DIRECTORY, path=str(tmp_path / "dr")
    )
    policy = stand.policy
    policy.cron, policy.rehearse_every, policy.heartbeat_url = "* * * * *", 0, watcher.url
    policy.retention, policy.count, policy.minimum_redundancy = "redundancy", 1, 1
    policy.decided_to = database_now() - MINUTE
    policy.save()
    policy.destinations.add(place)

    at = database_now()
    first_round = settle(at)
    assert [plan for plan in first_round if plan != "recovery_kit"] == ["backup_take", "backup_rehearse", "backup_copy"]
    first = Backup.objects.get()
    assert (first.status, first.whole, first.proof, first.reason) == ("DONE", True, "proven", "scheduled"), first.ladder
    assert {copy.destination.name: copy.state for copy in first.copies.all()} == {"vault": "held", "DR": "held"}

    second_round = settle(at + MINUTE)
    assert "backup_retire" in second_round
    first.refresh_from_db()
    second = Backup.objects.get(deleted_at__isnull=True)
    assert (first.deleted_at is not None, second.proof, second.due_at - first.due_at) == (True, "proven", MINUTE)
    names = {copy.name for copy in second.copies.all()}
    assert {path.name for path in (tmp_path / "dr").glob("*.age")} == names
    assert {path.name for path in (Path(settings.HOLDFAST_VAULT) / "backups").glob("*.age")} == names
    stand.clean()

    kinds = set(Record.objects.filter(subject=f"backup:{first.ident}").values_list("kind", flat=True))
    assert kinds >= {"backup.done", "backup.verified", "backup.copied", "backup.deleting", "backup.deleted"}
    assert Run.objects.exclude(requested_by="holdfast").count() == 0
    (one,) = standings(database_now())
    assert one.verdict.word is Word.YES, json.dumps([line.sentence for line in one.verdict.lines])
    assert heartbeat.send_all() == 4
    assert [path.removeprefix(f"/ping/{UUID}") for _, path, _ in watcher.told] == ["/start", "", "/start", ""]
