"""Maintenance windows against the lab: entered and left in each scope, seen from the other host, refused, extended."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from failover.catalog.pair import written
from failover.models import Window
from failover.services import pairs, standing, watchdog, windows, windows_tick
from failover.services.answer import proven
from failover.services.windows import GuardSaid
from failover.works import host_mode
from inventory.models import Host
from inventory.services.sync import sync
from portal.evidence.models import Record
from portal.kernel.step import WorkFailed
from portal.runs.models import Run
from portal.runs.services.refused import Refused
from tests.fixtures_maintenance import A, B, finish, pair, pair_lab  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def sentences(run):
    return run.sentence, [(row.name, row.state, row.sentence) for row in run.steps.order_by("position")]


def kinds(window):
    return list(Record.objects.filter(subject=f"window:{window.pk}").order_by("number").values_list("kind", flat=True))


def test_global_maintenance_is_entered_and_left(pair):  # noqa: F811
    standby = pair.standby()
    run = finish(pair.enter("global"))
    assert run.status == "succeeded", sentences(run)
    truth = pair.truth()
    assert truth["global_maintenance"]
    assert {truth["hosts"][name]["state"] for name in (A, B)} == {"GlobalMaintenance"}
    window = pair.window()
    assert (window.state, window.release_on.name, len(pair.timers())) == ("active", standby, 1)
    assert window.release == pair.timers()[0].removesuffix(".timer")
    with pytest.raises(GuardSaid) as refused:
        pair.enter("local", standby)
    assert refused.value.said.rule == "window"
    left = finish(windows.leave(window, "anna"))
    assert left.status == "succeeded", sentences(left)
    assert pair.healthy()
    assert pair.timers() == []
    assert pair.modes() == [f"{standby} global", f"{standby} none"]
    assert pair.window().state == Window.State.ENDED
    assert kinds(window) == ["window.asked", "window.entered", "window.leave_asked", "window.ended"]


def test_local_maintenance_is_entered_and_left(pair):  # noqa: F811
    standby = pair.standby()
    run = finish(pair.enter("local", standby))
    assert run.status == "succeeded", sentences(run)
    told = pair.host(standby)
    assert (told["state"], told["local_maintenance"], told["local_maintenance_manual"]) == (
        "LocalMaintenance",
        True,
        True,
    )
    left = finish(windows.leave(pair.window(), "anna"))
    assert left.status == "succeeded", sentences(left)
    assert pair.healthy()
    assert pair.modes() == [f"{standby} local", f"{standby} none"]
    assert pair.window().state == Window.State.ENDED


def test_a_host_goes_into_the_engines_maintenance_and_back_even_with_a_flag_set_by_hand(pair):  # noqa: F811
    standby = pair.standby()
    run = finish(pair.enter("host", standby))
    assert run.status == "succeeded", sentences(run)
    told = pair.host(standby)
    assert (told["engine_status"], told["local_maintenance"], told["state"]) == (
        "maintenance",
        True,
        "LocalMaintenance",
    )
    assert pair.timers() == []
    pair.on(standby, "hosted-engine --set-maintenance --mode=local")  # what activating does not clear (trap 6)
    Host.objects.filter(name=standby).update(status="maintenance")  # as the sync has it
    left = finish(windows.leave(pair.window(), "anna"))
    assert left.status == "succeeded", sentences(left)
    assert pair.healthy()
    assert pair.modes() == [f"{standby} local", f"{standby} none"]


def test_what_a_guard_rail_refuses_is_recorded_and_changes_nothing(pair):  # noqa: F811
    active = A if pair.standby() == B else B
    with pytest.raises(GuardSaid) as refused:
        pair.enter("local", active)
    assert (refused.value.said.rule, Window.objects.count(), Run.objects.count()) == ("engine-away", 0, 0)
    assert f"The engine VM runs on {active}" in str(refused.value)
    assert any("serves the engine" in line for line in refused.value.said.evidence)
    last = Record.objects.order_by("-number")[0]
    assert (last.kind, last.actor) == ("run.refused", "anna")
    pair.on(pair.standby(), "hosted-engine --set-maintenance --mode=local")
    pair.wait(lambda: pair.host(pair.standby())["state"] == "LocalMaintenance")
    with pytest.raises(GuardSaid) as refused:
        pair.enter("global")
    assert refused.value.said.rule == "local-off"
    assert len(pair.modes()) == 1


WRONG = (
    ({"scope": "all"}, 60, "is no scope"),
    ({"scope": "global", "host": B}, 60, "names no host"),
    ({"scope": "local"}, 60, "the other scopes name one"),
    ({"scope": "global"}, -1, "has passed"),
    ({"scope": "global"}, 8 * 1440, "more than 7 days"),
)


def test_a_wish_that_is_not_whole_is_refused(pair):  # noqa: F811
    for given, minutes, words in WRONG:
        with pytest.raises(Refused, match=words):
            pair.enter(**given, minutes=minutes)
    assert pair.modes() == []


def test_two_clicks_at_once_enter_once(pair):  # noqa: F811
    deadline = timezone.now() + timedelta(hours=1)
    runs, errors = [], []

    def click():
        try:
            runs.append(pair.enter("global", key="one", deadline=deadline).pk)
        except Refused as error:
            errors.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(set(runs)), Window.objects.count(), Run.objects.count()) == (1, 1, 1), errors
    assert pair.enter("global", key="one", deadline=deadline).pk == runs[0]
    with pytest.raises(Refused, match="another maintenance"):
        pair.enter("local", B, key="one")


@pytest.mark.matrix
def test_an_extension_arms_a_new_release_and_takes_the_old_one_away(pair):  # noqa: F811
    finish(pair.enter("global", minutes=11))
    window = pair.window()
    old = window.release
    windows_tick.reconcile(timezone.now() + timedelta(minutes=2))
    window.refresh_from_db()
    assert window.warned_at is not None
    until = timezone.now() + timedelta(hours=2)
    run = finish(windows.extend(window, until, "ben", "the update takes longer"))
    assert run.status == "succeeded", sentences(run)
    window = pair.window()
    assert (window.deadline, window.extended, window.warned_at) == (until, 1, None)
    assert window.release != old
    assert [name.removesuffix(".timer") for name in pair.timers()] == [window.release]
    assert pair.window().extended == 1
    windows_tick.reconcile(until + timedelta(seconds=1))
    window.refresh_from_db()
    assert "overdue" in window.sentence
    assert kinds(window)[-4:] == ["window.warned", "window.extend_asked", "window.extended", "window.overdue"]
    with pytest.raises(Refused, match="reason"):
        windows.extend(window, until, "ben", " ")


def test_global_maintenance_set_by_hand_is_found_adopted_and_ended(pair):  # noqa: F811
    pair.on(A, "hosted-engine --set-maintenance --mode=global")
    pair.wait(lambda: {pair.host(name)["state"] for name in (A, B)} == {"GlobalMaintenance"})
    facts = standing.live(pair.engine)
    watchdog._adoptable(Stored(pair.engine), facts, timezone.now())
    window = pair.window()
    assert (window.foreign, window.owner, window.state, window.deadline) == (True, "", "active", None)
    assert "nobody owns it" in proven(timezone.now()).banner.sentence
    with pytest.raises(GuardSaid):
        pair.enter("global")
    run = finish(windows.adopt(window, timezone.now() + timedelta(hours=1), "anna", "found after the update"))
    assert run.status == "succeeded", sentences(run)
    window = pair.window()
    assert (window.owner, window.extended, len(pair.timers())) == ("anna", 0, 1)
    assert "by anna" in proven(timezone.now()).banner.sentence
    with pytest.raises(Refused, match="an owner already"):
        windows.adopt(window, timezone.now() + timedelta(hours=1), "ben", "mine")
    assert finish(windows.leave(window, "ben")).status == "succeeded"
    assert pair.healthy()
    assert pair.window().state == "ended"
    assert proven(timezone.now()).banner is None


class Stored:
    """What the watchdog reads of a Seen there."""

    def __init__(self, engine):
        self.engine = engine


def test_a_window_that_somebody_ended_by_hand_is_closed_with_words(pair):  # noqa: F811
    finish(pair.enter("global"))
    window = pair.window()
    pair.on(A, "hosted-engine --set-maintenance --mode=none")
    pair.wait(pair.healthy)
    facts = standing.live(pair.engine)
    windows_tick.ended_elsewhere(pair.engine, facts, timezone.now())
    assert pair.window().state == "active"  # it was entered a moment ago
    windows_tick.ended_elsewhere(pair.engine, facts, timezone.now() + timedelta(minutes=2))
    window.refresh_from_db()
    assert (window.state, window.sentence) == ("ended", "Somebody ended it outside of the portal.")


class AtWork:
    """What a work is given, as far as this one looks at it."""

    def __init__(self, pair, host):  # noqa: F811
        given = {"hosts": written(pairs.members_of(pair.engine)), "on": pair.hosts[host].pk}
        self.parameters = {**given, "target": f"she:{pair.engine.pk}", "run": "6f1d6b1e-0000-4000-8000-00000000f457"}
        self.said = []

    def say(self, text):
        self.said.append(text)


def engine_score(pair, name):  # noqa: F811
    """As the engine knows it, which is later than the host."""
    sync(pair.engine, storage=False)
    return Host.objects.get(engine=pair.engine, name=name).he_score


def test_a_host_that_is_on_its_way_is_not_asked_twice(pair):  # noqa: F811
    """As after a worker that died between the question and its answer; the engine would refuse a second one."""
    work = AtWork(pair, pair.standby())
    host_mode.deactivate(work)
    host_mode.deactivate(work)
    assert ["correlation id hf-6f1d6b1e" in text for text in work.said] == [True, False]
    assert "already, so nothing is asked" in work.said[1]
    pair.wait(lambda: pair.host(pair.standby())["engine_status"] == "maintenance")
    host_mode.activate(work)
    pair.wait(pair.healthy)
    pair.fault("stop-agent", pair.standby())
    pair.wait(lambda: engine_score(pair, pair.standby()) == 0)
    work = AtWork(pair, A if pair.standby() == B else B)
    with pytest.raises(WorkFailed, match=r"The engine refuses: Cannot switch .* mode\. None of the hosts capable"):
        host_mode.deactivate(work)
