"""An archive is judged by the scope that was asked for; a size that changed for good is accepted by a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from backups.catalog import judging
from backups.catalog.archive import SMALL, Seen
from backups.catalog.cause import Cause
from backups.catalog.parts import NAMES, Part, asked
from backups.catalog.rehearsal import Restored, verdict
from backups.catalog.rehearsal import judge as judge_restore
from backups.catalog.rung import Mark
from backups.models import Backup
from backups.services import accept
from backups.works.knowing import expectation as known_expectation
from backups.works.knowing import scope_of
from portal.access.services.people import add_person
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.backups.defects import PARTS, expectation
from tests.backups.test_ladder import survey
from tests.backups.test_rehearsal import DWH, ENGINE, KNOWN, restored
from tests.fixtures_backups import world  # noqa: F401


def holding(*parts):
    names = (*SMALL, *(NAMES[part].member for part in parts))
    return survey(members=dict.fromkeys(names, Seen(10, "a" * 64)))


@pytest.mark.parametrize(
    ("scope", "parts", "mark", "words"),
    [
        ((), PARTS, Mark.OK, "It holds the files of the engine, the engine database"),
        (("all",), PARTS, Mark.OK, "It holds the files of the engine, the engine database"),
        (("db", "files"), (Part.FILES, Part.ENGINE), Mark.OK,
         "It holds the files of the engine and the engine database. Its scope, db,files, leaves out the DWH database, "
         "the Keycloak database and the Grafana database."),
        (("db", "files"), (Part.FILES,), Mark.FAIL, "lacks the engine database"),
        (("files",), (Part.FILES,), Mark.OK, "It holds the files of the engine. Its scope, files, leaves out"),
        (("cinderlibdb",), (Part.FILES,), Mark.FAIL, "asks for nothing that this engine has: change the"),
        ((), (Part.FILES, Part.ENGINE), Mark.FAIL, "lacks the DWH database, the Keycloak database and the Grafana"),
    ],
)  # fmt: skip
def test_members_are_those_of_the_scope(scope, parts, mark, words):
    rung = judging.members(holding(*parts), expectation(scope=scope))
    assert (rung.outcome, words in rung.sentence) == (mark, True), rung


@pytest.mark.parametrize("name", SMALL)
def test_only_what_engine_backup_cannot_restore_without_is_missed(name):
    whole = holding(*PARTS)
    found = {other: seen for other, seen in whole.members.items() if other != name}
    rung = judging.members(replace(whole, members=found), expectation())
    assert rung.outcome is (Mark.OK if name == "os_version" else Mark.FAIL)
    assert rung.outcome is Mark.OK or f"lacks {name}, without which" in rung.sentence


def test_the_scope_files_asks_for_no_database():
    rung = judging.dumps(survey(), expectation(scope=("files",)))
    assert (rung.outcome, "files alone" in rung.sentence) == (Mark.SKIPPED, True)
    assert judging.dumps(survey(), expectation(scope=("files", "db"))).outcome is Mark.FAIL
    said = Cause("engine_not_verified", "It did not look at the engine database.", "Do not count it.")
    assert judging.verify(survey(), expectation(verified=said, scope=("files",))).outcome is Mark.SKIPPED
    assert judging.verify(survey(), expectation(verified=said, scope=("db",))).outcome is Mark.FAIL


def test_words_of_the_scope():
    assert asked(()) == asked(("all", "db")) == frozenset(Part)
    assert asked(("db", "dwhdb")) == {Part.ENGINE, Part.DWH}


def test_a_part_of_an_engine_that_comes_back_is_not_called_proven_and_not_failed():
    rungs = judge_restore(restored(dwh=None), replace(KNOWN, scope=("db",), previous=None))
    assert rungs[0].outcome is Mark.UNKNOWN
    assert "Its scope, db, leaves out the files of the engine and the DWH database." in rungs[0].sentence
    assert "keep backups of all parts, too" in rungs[0].sentence
    assert verdict(rungs) == "unknown"
    everything = judge_restore(restored(), replace(KNOWN, scope=("db", "files", "dwhdb")))
    assert verdict(everything) == "proven"
    lost = judge_restore(Restored({Part.DWH: DWH}, "15.18"), replace(KNOWN, scope=("db", "dwhdb")))
    assert (lost[0].outcome, "no engine database" in lost[0].sentence) == (Mark.FAIL, True)
    nothing = judge_restore(Restored({}, "15.18"), replace(KNOWN, scope=("files",)))
    assert (nothing[0].outcome, "asks for no database" in nothing[0].sentence) == (Mark.UNKNOWN, True)
    assert judge_restore(Restored({Part.ENGINE: ENGINE}, "15"), replace(KNOWN, parts=None))[0].outcome is Mark.UNKNOWN


def test_a_size_that_was_accepted_is_no_failure():
    seen = survey(size=100)
    doubted = judging.size(seen, expectation(sizes=(1000, 1000, 1000)))
    assert (doubted.outcome, "then accept the size" in doubted.sentence) == (Mark.FAIL, True)
    rung = judging.size(seen, expectation(sizes=(1000, 1000, 1000), accepted="anna"))
    assert (rung.outcome, rung.sentence) == (Mark.OK, "anna has accepted its size; the trend begins anew with it.")
    assert judging.size(seen, expectation(accepted="anna", min_size=200)).outcome is Mark.FAIL, "the policy's least"


DOUBT = [{"name": "size", "outcome": "fail", "sentence": "The archive has 30% of the usual size.", "evidence": []}]


@pytest.fixture
def shrunk(world):  # noqa: F811
    policy = world.policy(min_size=10)
    for age in range(10, 5, -1):
        world.backup(policy, timedelta(days=age), size=1000, proof="proven")
    return world.backup(policy, timedelta(hours=1), size=300, ladder=DOUBT)


def test_a_person_accepts_it_and_the_trend_begins_anew(shrunk, world):  # noqa: F811
    with pytest.raises(Refused, match="what changed"):
        accept.size(shrunk, "anna", " ")
    run = accept.size(shrunk, "anna", "400 VMs were deleted under CHG0034817.")
    assert (run.plan, run.target) == ("backup_verify", f"backup:{shrunk.pk}")
    shrunk.refresh_from_db()
    assert shrunk.size_accepted == "anna"
    said = Record.objects.get(kind="backup.size_accepted")
    assert (said.actor, said.body["why"], said.body["size"]) == ("anna", "400 VMs were deleted under CHG0034817.", 300)
    with pytest.raises(Refused, match="already"):
        accept.size(shrunk, "bert", "Again.")
    assert known_expectation(shrunk).accepted == "anna"
    later = world.backup(shrunk.policy, timedelta(), size=310)
    assert known_expectation(later).sizes == (300,), "those before the accepted one are the trend no more"


def test_what_is_not_doubted_or_too_small_is_not_accepted(shrunk, world):  # noqa: F811
    good = world.backup(shrunk.policy, timedelta(hours=2), size=1000)
    assert "nothing to accept" in accept.refused(good)
    Backup.objects.filter(pk=shrunk.pk).update(size=5)
    shrunk.refresh_from_db()
    assert "change the policy first" in accept.refused(shrunk)
    with pytest.raises(Refused, match="change the policy first"):
        accept.size(shrunk, "anna", "Why.")
    assert Record.objects.filter(kind="run.refused").exists()


def test_the_page_offers_it_where_the_size_is_doubted(shrunk, client):
    client.force_login(add_person("keeper", "operator", Secret("correct horse battery"), by="test", demo=True))
    url = f"/backups/{shrunk.pk}/accept-size/"
    assert url in client.get(f"/backups/{shrunk.pk}/").content.decode()
    page = client.get(url).content.decode()
    assert "The archive has 30% of the usual size." in page
    assert client.post(url, {"why": "", "key": "k"}).status_code == 422
    assert client.post(url, {"why": "VMs were deleted.", "key": "k"}).status_code == 302
    assert url not in client.get(f"/backups/{shrunk.pk}/").content.decode()
    assert client.post(url, {"why": "Again.", "key": "l"}).status_code == 409
    answer = client.post(f"/api/v1/backups/{shrunk.pk}/accept-size/", {"why": "x"}, content_type="application/json")
    assert answer.status_code == 409


def test_the_scope_is_the_runs(world):  # noqa: F811
    backup = world.backup(world.policy(), timedelta(hours=1))
    assert scope_of(backup) == ()
    backup.run = Run(parameters={"scope": "db,files"})
    assert scope_of(backup) == ("db", "files")
    backup.taken = timezone.now()
    assert known_expectation(backup).scope == ("db", "files")
