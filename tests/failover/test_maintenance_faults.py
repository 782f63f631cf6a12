"""What goes wrong while a maintenance is entered, kept and left: seen, undone as far as it goes, told; nothing is left
behind that nobody names."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from failover.models import Window
from failover.services import standing, watchdog, windows, windows_tick
from portal.runs import runner, services
from portal.runs.models import Run, RunStep
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_maintenance import A, B, finish, pair, pair_lab  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def sentences(run):
    return run.sentence, [(row.name, row.state, row.sentence) for row in run.steps.order_by("position")]


def until(run, step, state, seconds=20):
    """Drives a run until a step has come to a state."""
    end = time.monotonic() + seconds
    while run.steps.get(name=step).state != state:
        assert time.monotonic() < end, sentences(run)
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        runner.execute(run.pk)


@pytest.fixture
def short(monkeypatch):
    """Workers let go after each look, so that a test can act in between."""
    monkeypatch.setattr("portal.runs.drive.SLICE", 0.0)


def overdue(run, step):
    """The step's patience has ended."""
    RunStep.objects.filter(run=run, name=step).update(deadline=Now() - timedelta(seconds=1))


def other(host):
    return A if host == B else B


@pytest.mark.matrix
def test_a_write_that_was_lost_is_seen_from_the_other_host_and_repeated_once(pair, short, settings):  # noqa: F811
    """The command ended with exit code 0; what it wrote is gone before another host has read it (traps 3, 4)."""
    settings.HOLDFAST_HA_LAG = 4
    on = pair.standby()
    run = pair.enter("global")
    until(run, "mode_set", "done")
    pair.on(other(on), "hosted-engine --set-maintenance --mode=none")
    run = finish(run)
    assert run.status == "succeeded", sentences(run)
    assert pair.modes() == [f"{on} global", f"{other(on)} none", f"{on} global"]
    assert "second write came through" in run.steps.get(name="mode_again").sentence
    left = windows.leave(pair.window(), "anna")
    until(left, "mode_clear", "done")
    pair.on(other(on), "hosted-engine --set-maintenance --mode=global")
    left = finish(left)
    assert left.status == "succeeded", sentences(left)
    assert pair.modes()[-3:] == [f"{on} none", f"{other(on)} global", f"{on} none"]
    assert pair.healthy()


@pytest.mark.matrix
def test_a_flag_that_never_comes_is_undone_and_the_window_fails(pair, short, settings):  # noqa: F811
    """The agent stops after the guard rails: exit code 0, the write is lost, the broker ends itself (trap 3)."""
    settings.HOLDFAST_HA_LAG = 4
    on = pair.standby()
    run = pair.enter("local", on)
    until(run, "release_arm", "done")
    pair.fault("stop-agent", on)
    until(run, "mode_again", "running")
    end = time.monotonic() + 25
    while "written twice" not in run.steps.get(name="mode_again").sentence:
        assert time.monotonic() < end, sentences(run)
        time.sleep(0.2)
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        runner.execute(run.pk)
    pair.fault("start-agent", on)
    overdue(run, "mode_again")
    run = finish(run)
    assert run.status == "rolled_back", sentences(run)
    assert "does not see it, though it was written twice" in run.sentence
    assert pair.window().state == "failed"
    told = pair.host(on)
    assert (told["local_maintenance"], told["local_maintenance_manual"], pair.timers()) == (False, False, [])


@pytest.mark.matrix
def test_a_host_that_vanishes_in_the_middle_needs_a_person_and_is_named(pair, short, settings):  # noqa: F811
    settings.HOLDFAST_HA_LAG = 60  # so that it vanishes before it is believed
    on = pair.standby()
    run = pair.enter("local", on)
    until(run, "mode_set", "done")
    pair.fault("power-off", on)
    end = time.monotonic() + 40
    while Run.objects.get(pk=run.pk).status in Run.ACTIVE and time.monotonic() < end:
        RunStep.objects.filter(run=run, deadline__isnull=False).update(deadline=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "needs_attention", sentences(run)
    assert f"The undo of step 3 (Set the mode on the host) failed: {on}" in run.sentence
    window = pair.window()
    assert (window.state, "it may be set all the same" in window.sentence) == ("active", True), window.sentence
    assert [one.what for one in watchdog._stuck(pair.engine)] == ["run"]
    pair.fault("power-on", on)


def test_without_the_portal_the_host_ends_it_by_itself(pair, settings):  # noqa: F811
    settings.HOLDFAST_RELEASE_GRACE = 1
    run = finish(pair.enter("global", deadline=timezone.now() + timedelta(seconds=14)))
    assert run.status == "succeeded", sentences(run)
    window = pair.window()
    on = window.release_on
    pair.wait(lambda: not pair.truth()["global_maintenance"], 30)  # nobody does anything here
    pair.wait(pair.healthy, 20)
    assert [line for line in pair.modes() if line.endswith("none")] == [f"{on} none"]
    later = timezone.now() + timedelta(minutes=3)
    windows_tick.ended_elsewhere(pair.engine, standing.live(pair.engine), later)
    window.refresh_from_db()
    assert window.state == "ended"
    assert f"The dead-man's release on {on} ended it" in window.sentence
    pair.wait(lambda: pair.timers() == [])


@pytest.mark.matrix
def test_a_worker_killed_at_every_step_sets_the_mode_once(pair):  # noqa: F811
    """Each worker dies once the next step has begun; another one goes on from what it finds."""
    run = pair.enter("global")
    killed_at_every_step(run)
    on = pair.window().release_on.name
    assert pair.modes() == [f"{on} global"]
    assert len(pair.timers()) == 1
    left = windows.leave(pair.window(), "anna")
    killed_at_every_step(left)
    assert pair.modes() == [f"{on} global", f"{on} none"]
    pair.wait(lambda: pair.timers() == [])
    assert pair.healthy()
    assert pair.window().state == "ended"


def killed_at_every_step(run):
    for position in range(1, run.steps.count() + 1):
        with worker(run.pk) as one:
            wait_for(lambda position=position: run.steps.get(position=position).state != "waiting", 40)
            one.kill()
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
    run = finish(run)
    assert run.status == "succeeded", sentences(run)


def test_an_abort_in_the_middle_gives_ha_back(pair, short, settings):  # noqa: F811
    settings.HOLDFAST_HA_LAG = 4  # so that the abort comes before it is believed
    on = pair.standby()
    run = pair.enter("local", on)
    until(run, "mode_set", "done")
    services.abort(run.pk, "anna", "wrong host")
    run = finish(run)
    assert run.status == "aborted", sentences(run)
    pair.wait(pair.healthy)
    pair.wait(lambda: pair.timers() == [])
    assert pair.modes() == [f"{on} local", f"{on} none"]
    assert pair.window().state == "failed"
    assert Window.objects.filter(state__in=Window.OPEN).count() == 0


def test_what_the_guard_rails_see_at_the_host_stops_it_before_anything_is_set(pair, short):  # noqa: F811
    """Allowed when it was asked for, not any more when its worker comes."""
    on = pair.standby()
    run = pair.enter("local", on)
    pair.on(other(on), "hosted-engine --set-maintenance --mode=global")
    pair.wait(lambda: {pair.host(name)["state"] for name in (A, B)} == {"GlobalMaintenance"})
    run = finish(run)
    assert (run.status, "would end the global maintenance" in run.sentence) == ("failed", True), sentences(run)
    assert pair.modes() == [f"{other(on)} global"]
    assert pair.window().state == "failed"


def test_a_deadline_that_passed_in_the_queue_enters_nothing(pair):  # noqa: F811
    run = pair.enter("global", deadline=timezone.now() + timedelta(seconds=1))
    time.sleep(1.1)
    run = finish(run)
    assert (run.status, "deadline of this maintenance has passed" in run.sentence) == ("failed", True), run.sentence
    assert pair.modes() == []


@pytest.mark.matrix
def test_an_extension_aborted_when_the_old_release_is_gone_keeps_the_new_one(pair, short):  # noqa: F811
    """The abort comes while the old release is being disarmed: there is no moment without one."""
    finish(pair.enter("global"))
    window = pair.window()
    old, on = window.release, window.release_on.name
    run = windows.extend(window, timezone.now() + timedelta(hours=2), "ben", "it takes longer")
    until(run, "release_arm", "done")
    pair.on(on, f"systemctl stop {old}.timer")
    services.abort(run.pk, "ben", "wrong window")
    run = finish(run)
    assert run.status == "needs_attention", sentences(run)
    assert "the release before it is gone, so this one stays armed" in run.sentence
    new = f"holdfast-release-{run.ref}"
    assert pair.timers() == [f"{new}.timer"]
    window = pair.window()
    assert (window.state, window.release) == ("active", new)
    assert finish(windows.leave(window, "anna")).status == "succeeded"
    assert pair.timers() == []
