"""The incident's courses, phases and acts, from records made by hand: every rule of facts/hosted-engine.md 6 once."""

from __future__ import annotations

import pytest

from inventory.verdicts.incident import Course, Moments, scene_of
from inventory.verdicts.incident_acts import Act, named
from inventory.verdicts.incident_phases import State, phases
from tests.verdicts.incident_scenes import DOWN2, STALE1, STARTING2, T0, UP1, gone, record, shown, told

DEAD = Moments((gone(unseen=74),), page=False, lost=T0 + 2)
SICK1 = record(1, "EngineUpBadHealth", "up", timeout_left=200)
FALLEN1 = record(1, "EngineUnexpectedlyDown", score=0, timeout_left=420)


def leads(*args):
    return [act.lead for act in shown(*args).acts]


def states(found):
    return [
        (one.title, one.state, round(one.begin), None if one.end is None else round(one.end)) for one in found.phases
    ]


# --- what is no incident


@pytest.mark.parametrize(
    ("verdict", "moments"),
    [
        (told(UP1, DOWN2, page="good"), Moments(page=True)),
        (told(UP1, DOWN2, page="good", held=True), Moments(page=True)),
        (told(UP1, record(2, "LocalMaintenance", score=0, maintenance=True), page="good"), Moments(page=True)),
        (told(UP1, DOWN2, silent=(1, 2), page="good"), Moments(page=True)),
        (told(record(1, "EngineStarting", "up"), DOWN2, page="good"), Moments(page=True)),
        (told(), Moments()),
    ],
)
def test_what_a_person_need_not_watch_is_no_incident(verdict, moments):
    assert scene_of(verdict, moments) is None


def test_a_host_that_only_the_portal_does_not_reach_is_not_lost():
    alive = Moments((gone(),), page=True)
    assert scene_of(told(UP1, DOWN2, silent=(1,), page="good"), alive) is None


def test_a_silence_of_a_host_that_is_no_hosted_engine_host_is_left_out():
    assert scene_of(told(UP1, DOWN2, page="good"), Moments((gone(7),), page=True)) is None


def test_a_host_that_was_asked_just_now_is_not_lost():
    assert scene_of(told(UP1, DOWN2, page="good"), Moments((gone(1),), page=True)) is None


# --- power loss, 6 (d)


def test_before_it_is_declared_dead():
    found = shown(told(UP1, DOWN2, silent=(1,), at=T0 + 20), Moments((gone(),), page=False, lost=T0 + 2))
    assert found.headline == "kvm01 does not answer, nor does the engine"
    assert states(found) == [
        ("HA declares kvm01 dead", State.RUNNING, 0, 98),
        ("waits for the VM lease", State.EXPECTED, 98, 163),
        ("guest boot and engine start", State.EXPECTED, 163, None),
    ]
    assert found.phases[0].least == 50
    assert found.since == T0
    assert found.since_words == "since the last answer of kvm01"
    assert found.acts[0].lead == "Wait until T+163."
    assert found.acts[2].lead == "No EngineUp by T+698:"


def test_declared_dead_and_nobody_starts_yet():
    found = shown(told(STALE1, DOWN2, silent=(1,), at=T0 + 76), DEAD)
    assert found.headline == "kvm01 lost, the engine is down"
    assert states(found)[:2] == [
        ("declared dead after 74 s", State.DONE, 0, 74),
        ("waits for the VM lease", State.RUNNING, 74, 163),
    ]


def test_it_waits_for_the_lease():
    found = shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 102), DEAD)
    assert found.headline == "kvm01 lost, engine failing over to kvm02"
    assert found.sentence == (
        "kvm01 stopped answering at T+0. kvm02 is starting the engine VM; whether oradb01 is stopped is not known."
    )
    assert states(found) == [
        ("declared dead after 74 s", State.DONE, 0, 74),
        ("EngineStarting, waits for the VM lease", State.RUNNING, 74, 163),
        ("guest boot and engine start", State.EXPECTED, 163, None),
    ]
    assert found.phases[1].words == "lease free by 2 min 43 s"
    assert found.acts[1].text == "Until it is known to be off, oradb01 must not be started elsewhere."
    assert found.acts[2] == Act(
        "No EngineUp by T+674:",
        "start the engine VM on kvm02, which must see its storage.",
        "kvm02",
        ("hosted-engine", "--vm-start"),
    )
    assert found.acts[2].command == "hosted-engine --vm-start"


def test_the_agents_own_word_dates_the_start():
    moments = Moments((gone(unseen=76),), page=False, lost=T0 + 2, tried={"kvm02": T0 + 72})
    found = shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 102), moments)
    assert states(found)[0] == ("declared dead after 72 s", State.DONE, 0, 72)
    assert found.acts[2].lead == "No EngineUp by T+672:"
    old = Moments((gone(unseen=76),), page=False, lost=T0 + 2, tried={"kvm02": T0 - 500})
    assert states(shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 102), old))[0][3] == 76


def test_dead_by_what_follows_when_nobody_saw_the_moment():
    moments = Moments((gone(),), page=False, lost=T0 + 2)
    found = shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 90), moments)
    assert states(found)[0] == ("declared dead", State.DONE, 0, 90)
    assert not found.phases[0].measured


@pytest.mark.parametrize("at", [150, 400])
def test_the_guest_boots_once_the_lease_is_got_or_free_by_all_bounds(at):
    booting = record(2, "EngineStarting", "up", detail="Powering up" if at == 150 else "WaitForLaunch")
    found = shown(told(STALE1, booting, silent=(1,), at=T0 + at), DEAD)
    assert states(found)[1:] == [
        ("waited for the VM lease", State.DONE, 74, min(at, 163)),
        ("guest boot and engine start", State.RUNNING, min(at, 163), None),
    ]
    assert found.acts[0].lead == "Wait for the guest and the engine."


def test_after_has_own_limit_a_person_starts_it():
    found = shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 700), DEAD)
    assert [act.lead for act in found.acts] == ["Call the data centre about kvm01.", "No EngineUp since T+674:"]


def test_without_anybody_to_start_it_there_is_still_whom_to_call():
    third = record(2, "LocalMaintenance", score=0, maintenance=True)
    found = shown(told(STALE1, third, silent=(1,), at=T0 + 200), DEAD)
    assert found.scene.best is None
    assert [act.lead for act in found.acts] == [
        "Wait for the guest and the engine.",
        "Call the data centre about kvm01.",
    ]


def test_the_engine_is_back_elsewhere():
    up2 = record(2, "EngineUp", "up")
    moments = Moments((gone(unseen=74),), page=True, lost=T0 + 2, back=T0 + 233)
    found = shown(told(STALE1, up2, silent=(1,), page="good", at=T0 + 300), moments)
    assert found.headline == "kvm01 lost, the engine runs on kvm02"
    assert states(found)[1] == ("EngineStart to EngineUp on kvm02", State.DONE, 74, 233)
    assert [act.lead for act in found.acts] == [
        "Call the data centre about kvm01.",
        "Keep the engine where it is.",
        "When kvm01 is back:",
    ]
    unseen = Moments((gone(unseen=74),), page=True)
    assert states(shown(told(STALE1, up2, silent=(1,), page="good", at=T0 + 300), unseen))[1][3] == 300


def test_a_page_that_is_not_good_outweighs_a_record_that_is():
    found = shown(told(STALE1, record(2, "EngineUp", "up"), silent=(1,), at=T0 + 240), DEAD)
    assert found.scene.serving is None
    assert found.headline == "kvm01 lost, the engine is down"


# --- another host lost


def test_a_lost_standby():
    stale2 = record(2, "EngineDown", live=False)
    moments = Moments((gone(2, vms=(), unseen=70),), page=True)
    found = shown(told(UP1, stale2, silent=(2,), page="good", at=T0 + 80), moments)
    assert found.scene.course is Course.STANDBY_LOST
    assert states(found) == [("declared dead after 70 s", State.DONE, 0, 70)]
    assert found.sentence == "kvm02 stopped answering at T+0. The engine answers on kvm01."
    assert found.acts[0].text == "Until it is known to be off, a VM that ran on it must not be started elsewhere."


def test_a_lost_standby_with_another_taker_keeps_no_host_from_its_restart():
    rows = (UP1, record(2, "EngineDown", live=False), record(3, "EngineDown"))
    found = shown(told(*rows, silent=(2,), page="good", at=T0 + 80), Moments((gone(2, unseen=70),), page=True))
    assert [act.lead for act in found.acts] == ["Call the data centre about kvm02.", "When kvm02 is back:"]


def test_a_lost_standby_while_the_engine_is_down_too():
    rows = (FALLEN1, record(2, "EngineDown", live=False))
    found = shown(told(*rows, silent=(2,), at=T0 + 80), Moments((gone(2, unseen=70),), page=False))
    assert found.headline == "kvm02 lost, the engine is down and no host may start it"
    assert found.acts[-1].argv == ("hosted-engine", "--vm-status")
    rows = (record(1, "LocalMaintenance", score=0, maintenance=True), record(2, "EngineDown", live=False))
    found = shown(told(*rows, silent=(2,), at=T0 + 80), Moments((gone(2, unseen=70),), page=False))
    assert [act.lead for act in found.acts] == ["Call the data centre about kvm02."]


def test_out_of_the_portals_reach_ha_still_sees_it():
    found = shown(told(UP1, DOWN2, silent=(1,), at=T0 + 120), Moments((gone(),), page=False, lost=T0 + 2))
    assert found.scene.course is Course.OUT_OF_REACH
    assert found.phases == ()
    assert [act.lead for act in found.acts] == ["Look at the network of kvm01.", "Start nothing.", "Compare on kvm02."]
    rows = (UP1, record(2, "LocalMaintenance", score=0, maintenance=True))
    other = shown(told(*rows, silent=(1,), at=T0 + 120), Moments((gone(),), page=False))
    assert len(other.acts) == 2


# --- the engine VM ended, 6 (b)


def test_an_ended_vm_is_to_be_started():
    found = shown(told(FALLEN1, DOWN2, at=T0 + 10), Moments(page=False, lost=T0))
    assert found.scene.course is Course.VM_ENDED
    assert states(found) == [
        ("HA sees the VM gone and starts it", State.RUNNING, 0, 38),
        ("guest boot and engine start", State.EXPECTED, 38, None),
    ]
    assert [act.lead for act in found.acts] == [
        "Wait until T+38.",
        "Stop or restart nothing else.",
        "No EngineUp by T+638:",
    ]
    assert "score 0 until T+570" in found.acts[1].text
    assert found.since_words == "since the engine ceased to answer"


def test_an_ended_vm_is_started_elsewhere():
    moments = Moments(page=False, lost=T0, tried={"kvm02": T0 + 21})
    found = shown(told(FALLEN1, STARTING2, at=T0 + 60), moments)
    assert states(found) == [
        ("kvm02 starts it", State.DONE, 0, 21),
        ("guest boot and engine start", State.RUNNING, 21, None),
    ]
    assert [act.lead for act in found.acts][0::2] == ["Wait for the guest and the engine.", "No EngineUp by T+621:"]
    unsaid = shown(told(FALLEN1, STARTING2, at=T0 + 60), Moments(page=False, lost=T0))
    assert states(unsaid)[0] == ("kvm02 starts it", State.DONE, 0, 38)


def test_without_a_beginning_there_is_no_bar():
    found = shown(told(FALLEN1, DOWN2, at=T0 + 10), Moments(page=False))
    assert found.phases == ()
    assert found.since is None
    assert found.scene.elapsed == 0


# --- bad health, 6 (e)


def test_the_countdown_is_the_agents_own():
    found = shown(told(SICK1, DOWN2, at=T0 + 130), Moments(page=False, lost=T0, bad_since={"kvm01": T0 + 12}))
    assert states(found) == [
        ("HA saw it", State.DONE, 0, 12),
        ("EngineUpBadHealth", State.RUNNING, 12, 330),
        ("EngineStop", State.EXPECTED, 330, 640),
        ("guest boot and engine start", State.EXPECTED, 680, None),
    ]
    assert [act.lead for act in found.acts] == [
        "Look at the engine service before T+330.",
        "If someone works on the service:",
        "No EngineUp by T+1280:",
    ]
    assert found.acts[1].argv == ("hosted-engine", "--set-maintenance", "--mode=global")


def test_the_countdown_by_its_bounds_when_the_agent_shows_none():
    sick = record(1, "EngineUpBadHealth", "up")
    found = shown(told(sick, DOWN2, at=T0 + 60), Moments(page=False, lost=T0))
    assert states(found)[:2] == [("HA saw it", State.DONE, 0, 40), ("EngineUpBadHealth", State.RUNNING, 40, 360)]


def test_what_ha_saw_at_once_is_no_phase_of_its_own():
    found = shown(told(SICK1, DOWN2, at=T0 + 20), Moments(page=False, lost=T0, bad_since={"kvm01": T0}))
    assert found.phases[0].title == "EngineUpBadHealth"


def test_the_vm_is_stopped():
    stopping = record(1, "EngineStop", "up", detail="Powering down")
    found = shown(told(stopping, DOWN2, at=T0 + 345), Moments(page=False, lost=T0, bad_since={"kvm01": T0 + 12}))
    assert states(found)[1:3] == [("EngineUpBadHealth", State.DONE, 12, 332), ("EngineStop", State.RUNNING, 332, 642)]
    assert found.acts[0].lead == "Wait."


@pytest.mark.parametrize(("tried", "ends"), [({}, 400), ({"kvm01": T0 + 386}, 386)])
def test_it_is_started_again_often_on_the_same_host(tried, ends):
    again = record(1, "EngineStarting", "up")
    moments = Moments(page=False, lost=T0, bad_since={"kvm01": T0 + 12}, tried=tried)
    found = shown(told(again, DOWN2, at=T0 + 400), moments)
    assert found.scene.course is Course.BAD_HEALTH
    assert states(found)[2:] == [
        ("VM stopped", State.DONE, 332, ends),
        ("guest boot and engine start", State.RUNNING, ends, None),
    ]


# --- no score, 6 (b)


def test_the_first_score_that_returns_is_foretold():
    other = record(2, "EngineUnexpectedlyDown", score=0, timeout_left=300)
    found = shown(told(FALLEN1, other, at=T0 + 100), Moments(page=False, lost=T0))
    assert found.scene.course is Course.NO_SCORE
    assert states(found) == [
        ("every score is 0", State.RUNNING, 0, 400),
        ("EngineDown to EngineStart", State.EXPECTED, 400, 440),
        ("guest boot and engine start", State.EXPECTED, 440, None),
    ]
    assert [act.lead for act in found.acts] == [
        "Wait until T+400.",
        "Or start it now on kvm01.",
        "Run no drill and no restart.",
    ]


def test_no_score_by_its_bound_when_no_timeout_is_shown():
    rows = (record(1, "EngineUnexpectedlyDown", score=0), record(2, "ReinitializeFSM", score=0))
    assert states(shown(told(*rows, at=T0 + 100), Moments(page=False, lost=T0)))[0][3] == 570


def test_no_score_and_no_beginning_leaves_the_rescue():
    rows = (FALLEN1, record(2, "LocalMaintenance", score=0, maintenance=True))
    assert leads(told(*rows), Moments(page=False)) == ["Or start it now on kvm01.", "Run no drill and no restart."]
    rows = tuple(record(host, "LocalMaintenance", score=0, maintenance=True) for host in (1, 2))
    assert leads(told(*rows), Moments(page=False)) == ["Run no drill and no restart."]


# --- the others


def test_a_page_that_ha_has_not_missed_yet():
    found = shown(told(UP1, DOWN2, at=T0 + 5), Moments(page=False, lost=T0))
    assert found.scene.course is Course.UNSEEN
    assert states(found) == [("HA looks at the engine", State.RUNNING, 0, 40)]
    assert found.acts[0].lead == "Wait until T+40."


def test_a_stopped_agent_is_no_failover():
    stopped = record(1, "AgentStopped", "up", detail="Up", health="good", score=0, stopped=True, live=False)
    refused = record(2, "EngineStart", reason="Storage of VM is locked. Is another host already starting the VM?")
    found = shown(told(stopped, refused, page="good", at=T0 + 120), Moments(page=True, stopped=T0))
    assert found.headline == "The HA agent of kvm01 is stopped, the engine runs"
    assert found.phases == ()
    assert found.acts[0].argv == ("systemctl", "start", "ovirt-ha-agent")


def test_the_subject_stands_first_then_who_answers():
    rows = (record(1, "EngineDown", live=False), record(2, "EngineDown", live=False), record(3, "EngineUp", "up"))
    scene = shown(told(*rows, silent=(1, 2), page="good"), Moments((gone(2, unseen=70),), True)).scene
    assert [row.host for row in scene.rows] == ["kvm02", "kvm03", "kvm01"]


def test_two_engines():
    both = (UP1, record(2, "EngineUp", "up"))
    moments = Moments(page=True, bad_since={"kvm02": T0})
    found = shown(told(*both, page="good", at=T0 + 9), moments)
    assert found.scene.course is Course.SPLIT
    assert found.since == T0
    assert [act.host for act in found.acts] == ["", "kvm01", "kvm02"]


def test_ha_stops_an_engine_that_answers():
    stopping = record(1, "EngineStop", "up", health="good", detail="Up", score=1800)
    found = shown(told(stopping, DOWN2, page="good"), Moments(page=True, bad_since={"kvm01": T0 - 4}))
    assert found.scene.course is Course.STOPPING
    assert found.since == T0 - 4
    assert found.phases == ()
    assert found.acts[0].argv[0] == "tail"


def test_global_maintenance_holds_ha():
    rows = (record(1, "GlobalMaintenance"), record(2, "GlobalMaintenance"))
    found = shown(told(*rows, held=True), Moments(page=False, lost=T0 - 30))
    assert found.scene.course is Course.HELD
    assert [act.argv for act in found.acts if act.argv] == [
        ("hosted-engine", "--set-maintenance", "--mode=none"),
        ("hosted-engine", "--vm-start"),
    ]


def test_many_names_are_counted():
    assert named(["a"]) == "a"
    assert named(["a", "b"]) == "a and b"
    assert named([*"abcdef"]) == "a, b, c, d and 2 more"


def test_several_vms_are():
    found = shown(told(STALE1, STARTING2, silent=(1,), at=T0 + 102), Moments((gone(vms=("a", "b"), unseen=74),), False))
    assert "whether a and b are stopped is not known" in found.sentence


def test_phases_of_a_course_without_any_are_none():
    scene = scene_of(told(UP1, record(2, "EngineUp", "up"), page="good"), Moments(page=True))
    assert scene is not None
    assert phases(scene) == ()
