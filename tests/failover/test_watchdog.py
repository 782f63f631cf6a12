"""The watchdog over stored looks: it finds, records, adopts and closes without asking anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from failover.models import Drill, Window
from failover.services import standing, watchdog, windows_tick
from failover.services.answer import proven
from failover.tasks import watch
from inventory.models import Engine, Finding, Host, Look
from inventory.services.pages_engine import looks_of, seen
from portal.evidence.models import Record
from portal.runs.models import Run, RunStep
from tests.ui import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine():
    made = world.build("healthy")
    assert made is not None
    return made


def one_of(engine):
    (one,) = seen(looks_of(Q(engine=engine)), timezone.now())
    return one


def change(probe, host="", **facts):
    """What the looks at a host (or all hosts) have found."""
    rows = Look.objects.filter(probe=probe)
    for row in rows.filter(host__name=host) if host else rows:
        row.facts = {**row.facts, **facts}
        row.save(update_fields=["facts"])


def kinds():
    return list(Record.objects.filter(kind__startswith="w").order_by("number").values_list("kind", flat=True))


def test_nothing_is_found_and_nothing_recorded_on_a_whole_pair(engine):
    watch()
    watchdog.tick()
    assert (watchdog.watch(one_of(engine), timezone.now()), kinds(), Window.objects.count()) == ((), [], 0)


def test_global_maintenance_by_hand_is_found_once_and_closed_when_it_is_gone(engine):
    change("she_status", global_maintenance=True)
    Finding.objects.filter(check_name="global_maintenance").update(outcome="warn")
    watchdog.tick()
    watchdog.tick()
    window = Window.objects.get()
    assert (window.foreign, window.scope, window.state, window.owner) == (True, "global", "active", "")
    assert kinds() == ["window.found", "watchdog.left"]
    (found,) = watchdog.leftovers(one_of(engine), standing.stored(one_of(engine)), timezone.now())
    assert (found.item.what, found.since is not None) == ("global", True)
    body = Record.objects.get(kind="watchdog.left").body
    assert (body["left"], "hosted-engine --set-maintenance --mode=none" in body["sentences"][0]) == (["global"], True)
    change("she_status", global_maintenance=False)
    watchdog.tick()
    window.refresh_from_db()
    assert (window.state, kinds()[2:]) == ("ended", ["window.ended_elsewhere", "watchdog.clear"])
    change("she_status", global_maintenance=True)
    watchdog.tick()  # looks may lag behind an end for some seconds
    assert Window.objects.count() == 1
    watchdog.tick(timezone.now() + timedelta(seconds=1))
    Window.objects.update(ended_at=timezone.now() - timedelta(minutes=5))
    watchdog.tick()
    assert Window.objects.count() == 2


@pytest.mark.parametrize(("status", "scope"), [("up", "local"), ("maintenance", "host")])
def test_a_host_that_was_taken_away_by_hand_becomes_a_window_of_its_scope(engine, status, scope):
    Host.objects.filter(name="kvm02").update(status=status)
    change("ha_state", "kvm02", local_maintenance=True, local_maintenance_manual=scope == "local")
    watchdog.tick()
    window = Window.objects.get()
    assert (window.scope, window.host.name) == (scope, "kvm02")
    facts = standing.stored(one_of(engine))
    assert windows_tick.still_set(scope, "kvm02", facts) is True
    assert windows_tick.still_set(scope, "kvm09", facts) is None
    change("ha_state", "kvm02", local_maintenance=None)
    Host.objects.filter(name="kvm02").update(status="up")
    assert windows_tick.still_set(scope, "kvm02", standing.stored(one_of(engine))) is None


def test_what_an_open_window_set_is_not_left_behind(engine):
    Window.objects.create(engine=engine, scope="global", state="active", owner="anna", asked_at=timezone.now(),
                          deadline=timezone.now() + timedelta(hours=1))  # fmt: skip
    change("she_status", global_maintenance=True)
    watchdog.tick()
    assert (watchdog.watch(one_of(engine), timezone.now()), Window.objects.count()) == ((), 1)


def run_of(engine, **fields):
    values = {"plan": "she_maintenance_enter", "plan_version": 1, "title": "Entering of maintenance",
              "target": f"she:{engine.pk}", "target_name": "the pair", "requested_by": "anna"}  # fmt: skip
    return Run.objects.create(**(values | fields))


def test_a_run_that_needs_a_person_is_left_behind_and_an_active_one_keeps_the_watchdog_still(engine):
    run_of(engine, status="needs_attention", sentence="An undo failed.")
    (found,) = watchdog.watch(one_of(engine), timezone.now())
    assert (found.item.what, "An undo failed." in found.item.sentence, found.since) == ("run", True, None)
    run_of(engine, status="queued")
    change("she_status", global_maintenance=True)
    watchdog.tick()
    assert Window.objects.count() == 0


def test_a_window_follows_the_ends_of_its_runs(engine):
    enter = run_of(engine, status="queued", parameters={"on": 1, "release_after": 60})
    row = Window.objects.create(engine=engine, scope="global", owner="anna", asked_at=timezone.now(), enter_run=enter)
    windows_tick.reconcile()
    row.refresh_from_db()
    assert row.state == "entering"
    Run.objects.update(status="failed", sentence="The guard rails refuse.")
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.state, row.sentence) == ("failed", "It was not entered. The guard rails refuse.")
    host = Host.objects.get(name="kvm02")
    enter.parameters = {"on": host.pk, "release_after": 60}
    enter.save(update_fields=["parameters"])
    for name, state in (("release_arm", "done"), ("mode_set", "undo_failed")):
        RunStep.objects.create(run=enter, position=1 + (state != "done"), name=name, title=name, mutating=True,
                               state=state, intended_at=timezone.now())  # fmt: skip
    Window.objects.update(state="entering")
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.state, row.release_on, "set all the same" in row.sentence) == ("active", host, True)
    leave = run_of(engine, status="failed", plan="she_maintenance_leave", sentence="kvm01 is away.")
    Window.objects.update(state="leaving", leave_run=leave)
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.state, row.sentence) == ("active", "Leaving it did not come to its end: kvm01 is away.")
    Run.objects.filter(pk=leave.pk).update(status="queued")  # a person retries its step
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.state, row.sentence) == ("leaving", "Leaving it is tried again.")
    Window.objects.update(state="failed", leave_run=None)
    Run.objects.filter(pk=leave.pk).update(status="failed")
    Run.objects.filter(pk=enter.pk).update(status="queued")
    other = Window.objects.create(engine=engine, scope="global", state="active", foreign=True, asked_at=timezone.now())
    windows_tick.reconcile()
    row.refresh_from_db()
    assert row.state == "failed"
    other.delete()
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.state, row.sentence) == ("entering", "Entering it is tried again.")
    Window.objects.update(state="leaving", leave_run=None)
    windows_tick.reconcile()
    row.refresh_from_db()
    assert row.sentence.endswith("Its run is gone.")


def test_an_extension_without_a_release_counts_by_its_deadline(engine):
    until = timezone.now() + timedelta(hours=3)
    row = Window.objects.create(engine=engine, scope="host", host=Host.objects.get(name="kvm02"), owner="anna",
                                state="active", asked_at=timezone.now(), deadline=timezone.now())  # fmt: skip
    given = {"window": row.pk, "deadline": until.isoformat(), "release_after": 60, "on": row.host_id}
    run_of(engine, status="succeeded", plan="she_maintenance_extend", parameters=given)
    windows_tick.reconcile()
    windows_tick.reconcile()
    row.refresh_from_db()
    assert (row.deadline, row.extended, row.release) == (until, 1, "")


def test_a_restart_of_the_engine_vm_is_remembered_for_its_cool_down(engine):
    now = timezone.now()
    assert standing.of(engine, now).restarted is None
    fields = {"engine": engine, "plan": "she_failover", "title": "Failover", "requested_by": "anna"}
    Drill.objects.create(**fields, requested_at=now, clock_began=now - timedelta(seconds=90))
    assert standing.of(engine, now).restarted == 90
    Drill.objects.update(clock_began=now - timedelta(days=2))
    assert standing.of(engine, now, "6f1d6b1e-0000-4000-8000-00000000f457").restarted is None


def test_the_banner_is_of_the_window_that_nobody_owns_first(engine):
    now = timezone.now()
    assert proven(now).banner is None
    row = Window.objects.create(engine=engine, scope="global", state="active", owner="anna", asked_at=now)
    assert proven(now).banner.sentence.endswith("It has no deadline.")
    other = Engine.objects.create(site=engine.site, name="dr", url="https://dr/ovirt-engine/api", username="x")
    Window.objects.create(engine=other, scope="global", state="active", foreign=True, asked_at=now)
    assert "nobody owns it" in proven(now).banner.sentence
    Window.objects.exclude(pk=row.pk).delete()
    Window.objects.update(deadline=now + timedelta(minutes=5), change="CHG-9")
    assert "by anna, change CHG-9" in proven(now).banner.sentence
