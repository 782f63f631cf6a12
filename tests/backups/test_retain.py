"""Deletion: what the report says, what guards the last one, and a Run that may be killed between any two."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Policy
from backups.services import copies, hold, retain
from backups.works import retiring
from portal.evidence.models import Record
from portal.runs import runner
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.fixtures_backups import HOUR, drive, files

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def with_the_runner(run: Run) -> Run:
    for _ in range(10):
        runner.execute(run.pk)
        run.refresh_from_db()
        if run.status not in Run.ACTIVE:
            break
    return run


def words(policy: Policy) -> list[str]:
    return [row.word for row in retain.preview(policy, timezone.now())]


@pytest.mark.django_db(transaction=True)
@pytest.mark.wire
def test_what_is_obsolete_goes_with_a_record_of_each(world, folder, shelf):
    policy, rows = shelf
    assert words(policy) == ["VALID", "VALID", "OBSOLETE", "OBSOLETE"]
    run = with_the_runner(retain.start(policy, "anna"))
    assert run.status == "succeeded", run.sentence
    assert files(folder) == {rows[0].ident, rows[1].ident}
    for row in rows[2:]:
        row.refresh_from_db()
        assert row.deleted_at is not None
        assert row.retiring_at is None
        assert [copy.state for copy in row.copies.all()] == ["deleted"]
        intent, gone = Record.objects.filter(subject=f"backup:{row.ident}").order_by("number")
        assert (intent.kind, gone.kind) == ("backup.deleting", "backup.deleted")
        assert intent.body["why"] == "REDUNDANCY 2 does not need it."
        assert (intent.body["sha256"], intent.body["size"], intent.body["run"]) == (row.sha256, row.size, run.pk)
        assert intent.body["places"][0]["place"] == "vault"
        assert gone.body["places"][0]["state"] == "deleted"
    assert words(policy) == ["VALID", "VALID"]
    with pytest.raises(Refused, match="is obsolete and removable now"):
        retain.start(policy, "anna")


@pytest.mark.django_db(transaction=True)
@pytest.mark.wire
def test_another_worker_goes_on_with_it(world, folder, shelf, monkeypatch):
    policy, rows = shelf
    counter = kill_after(monkeypatch, 3, "after")
    run = retain.start(policy, "anna")
    with pytest.raises(Killed):
        runner.execute(run.pk)
    counter["left"] = None
    Run.objects.filter(pk=run.pk).update(lease_expires="2020-01-01T00:00:00Z")
    assert with_the_runner(run).status == "succeeded"
    assert files(folder) == {rows[0].ident, rows[1].ident}


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("at", range(10))
def test_a_worker_may_be_killed_between_any_two(world, folder, shelf, monkeypatch, at, side):
    """Dies at every write and every removal; whoever takes over ends with the same rows, files and records."""
    policy, rows = shelf
    counter = kill_after(monkeypatch, at, side)
    run = retain.start(policy, "anna")
    with pytest.raises(Killed):
        drive(run)
    counter["left"] = None
    assert files(folder) >= {rows[0].ident, rows[1].ident}
    # what nobody can restore any more is not called held, whenever the worker died
    for copy in Copy.objects.filter(state="held"):
        assert (folder / copy.name).exists()
    drive(run)
    assert files(folder) == {rows[0].ident, rows[1].ident}
    assert Backup.objects.filter(deleted_at__isnull=False, retiring_at__isnull=True).count() == 2
    kinds = [record.kind for record in Record.objects.filter(subject__startswith="backup:")]
    assert (kinds.count("backup.deleting"), kinds.count("backup.deleted")) == (2, 2)


class Killed(BaseException):
    pass


def kill_after(monkeypatch, at: int, side: str) -> dict[str, int | None]:
    """The worker dies before or after its write or removal of that number. left None: it lives on."""
    counter: dict[str, int | None] = {"left": at}

    def dying(real):
        def deed(*given, **named):
            if counter["left"] is None:
                return real(*given, **named)
            counter["left"] -= 1
            if counter["left"] < 0 and side == "before":
                raise Killed
            result = real(*given, **named)
            if counter["left"] < 0:
                raise Killed
            return result

        return deed

    for name in ("_begin", "_set", "_end"):
        monkeypatch.setattr(retiring._Deletion, name, dying(getattr(retiring._Deletion, name)))
    store = type(copies.store_of(Destination.objects.get(kind="vault")))
    monkeypatch.setattr(store, "remove", dying(store.remove))
    return counter


def test_what_became_valid_meanwhile_stays(world, folder, shelf):
    policy, rows = shelf
    run = retain.start(policy, "anna")
    Backup.objects.filter(pk=rows[0].pk).update(proof="failed")  # the newest turned out not to be restorable
    said = drive(run)
    assert files(folder) == {row.ident for row in rows[:3]}
    assert f"{rows[2].ident} stays: It is VALID now" in said


def test_a_hold_comes_in_time_or_too_late(world, folder, shelf):
    policy, rows = shelf
    run = retain.start(policy, "anna")
    hold.keep(rows[2], "eve", "audit 2026")
    said = drive(run)
    assert files(folder) == {row.ident for row in rows[:3]}
    assert "It is KEEP now: It is held: audit 2026." in said
    Backup.objects.filter(pk=rows[0].pk).update(retiring_at=timezone.now())
    with pytest.raises(Refused, match="it is too late"):
        hold.keep(rows[0], "eve", "audit 2026")
    with pytest.raises(Refused, match="nothing is left to hold"):
        hold.keep(rows[3], "eve", "audit 2026")


def test_a_hold_and_its_end_are_recorded(world):
    backup = world.backup(world.policy(), HOUR)
    for why in ("", "  ", "x" * 201):
        with pytest.raises(Refused, match="characters why"):
            hold.keep(backup, "eve", why)
    kept = hold.keep(backup, "eve", " before  CHG1 ")
    assert (kept.keep, kept.keep_by) == ("before CHG1", "eve")
    assert hold.release(backup, "adam").keep == ""
    with pytest.raises(Refused, match="Nobody holds"):
        hold.release(backup, "adam")
    failed = world.backup(world.policy(), 2 * HOUR, status="FAILED")
    with pytest.raises(Refused, match="failed"):
        hold.keep(failed, "eve", "x")
    records = [(one.kind, one.actor) for one in Record.objects.filter(subject=f"backup:{backup.ident}")]
    assert records.count(("backup.kept", "eve")) == 1
    assert records.count(("backup.released", "adam")) == 1
    assert records.count(("run.refused", "eve")) == 3


# ---- the last proven one


def test_the_last_proven_one_is_guarded_when_everything_says_that_it_may_go(world, folder, shelf, monkeypatch):
    """The report is made to call everything obsolete, the policy asks for nothing, and a Run names all."""
    from backups.catalog import retention

    policy, rows = shelf
    Policy.objects.filter(pk=policy.pk).update(minimum_redundancy=0)
    real = retention.report

    def all_obsolete(*given):
        return tuple(retention.Line(line.key, retention.Word.OBSOLETE, "It is made so.") for line in real(*given))

    monkeypatch.setattr(retention, "report", all_obsolete)
    run = retain.start(policy, "anna")
    run.parameters["backups"] = ",".join(row.ident for row in rows)
    said = drive(forged(run))
    assert files(folder) == {rows[0].ident}
    assert "newest one that is proven restorable" in said or "No other" in said


def forged(run: Run) -> Run:
    """Names frozen into a run that start() would never have named."""
    from portal.kernel.plan import digest
    from portal.runs.registry import plan_named

    run.digest = digest(plan_named(run.plan), run.parameters, run.target)
    run.save()
    return run


@pytest.mark.parametrize(("minimum", "left"), [(0, 2), (1, 2), (3, 3), (4, 4), (9, 4)])
def test_never_below_the_minimum_redundancy(world, folder, shelf, minimum, left):
    policy, _ = shelf
    Policy.objects.filter(pk=policy.pk).update(minimum_redundancy=minimum)
    policy.refresh_from_db()
    if left < 4:
        drive(retain.start(policy, "anna"))
    else:
        assert retain.deletable(policy, timezone.now()) == []
    assert len(files(folder)) == left


def test_the_guard_shares_nothing_with_the_report(world):
    policy = world.policy()
    new, old, unproven = (world.backup(policy, n * HOUR) for n in (1, 2, 3))
    Backup.objects.filter(pk=unproven.pk).update(proof="none")
    rows = list(retain.entries(policy))
    by = {row.pk: row for row in rows}
    assert "newest" in retain.guard(by[new.pk], rows, 1)
    assert retain.guard(by[old.pk], rows, 1) == ""
    assert "minimum redundancy is 2" in retain.guard(by[old.pk], rows, 2)
    assert retain.guard(by[unproven.pk], rows, 5) == ""
    assert "No other backup" in retain.guard(by[unproven.pk], [by[unproven.pk]], 0)
    by[old.pk].keep = "audit"
    assert "held: audit" in retain.guard(by[old.pk], rows, 0)


def test_a_proven_backup_whose_copies_are_all_lost_counts_for_nothing(world, folder, shelf):
    policy, rows = shelf
    Copy.objects.filter(backup__in=rows[:2]).update(state="lost")
    # one of those that are left is kept by the rule, the other too: the lost ones are no backups to fall back on
    assert [row.word for row in retain.preview(policy, timezone.now())] == ["VALID"] * 4


def test_grandfather_father_son_in_the_policys_zone(world):
    policy = world.policy(retention="generations", days=2, weeks=0, months=0, years=0, zone="Asia/Tokyo")
    for hours in (1, 30, 60):
        world.backup(policy, hours * HOUR)
    assert str(retain.rule(policy)) == "GENERATIONS 2 days, 0 weeks, 0 months, 0 years"
    assert words(policy) == ["VALID", "VALID", "OBSOLETE"]
    policy.zone = "Asia"
    assert {row.word for row in retain.preview(policy, timezone.now())} == {"VALID"}


def test_what_holds_deletion_by_itself_off_is_said(world):
    policy = world.policy(delete_obsolete=True)
    assert "No backup is proven" in retain.held_off(policy, timezone.now())
    world.backup(policy, 27 * HOUR)
    assert "before a newer one" in retain.held_off(policy, timezone.now())
    world.backup(policy, HOUR)
    assert retain.held_off(policy, timezone.now()) == ""
    policy.delete_obsolete = False
    assert "a person" in retain.held_off(policy, timezone.now())


def test_a_rule_that_keeps_nothing_keeps_all(world, shelf):
    policy, _ = shelf
    for fields in ({"count": 0}, {"retention": "window", "count": 0}):
        Policy.objects.filter(pk=policy.pk).update(**fields)
        policy.refresh_from_db()
        rows = retain.preview(policy, timezone.now())
        assert {row.word for row in rows} == {"VALID"}
        assert "cannot be used" in rows[0].why


def test_failed_entries_are_no_backups_and_leave_the_list_but_not_the_table(world):
    policy = world.policy()
    now = timezone.now()
    failed = [world.backup(policy, n * DAY, held=(), status="FAILED") for n in (29, 31)]
    gone = world.backup(policy, 90 * DAY, deleted_at=now - 31 * DAY)
    done = world.backup(policy, 80 * DAY)
    assert [row.word for row in retain.preview(policy, now)] == ["NONE", "NONE", "VALID"]
    assert set(retain.listed(policy, now)) == {failed[0], done}
    assert Backup.objects.filter(pk=gone.pk).exists()
