"""The incident page through whole drills of the lab's estate: which course it tells, how far, and that what it
foretells comes true."""

from __future__ import annotations

from inventory.verdicts.incident import Course, Scene
from inventory.verdicts.incident_acts import Incident, incident
from inventory.verdicts.incident_phases import STARTING, State, phases
from lab import faults
from tests.fixtures_lab import he, quiet_estate
from tests.verdicts.incident_scenes import Watch, say


def courses(told: list[tuple[float, Scene | None]]) -> list[Course | None]:
    """In the order in which they came, each once per stretch."""
    found: list[Course | None] = []
    for _, scene in told:
        course = scene.course if scene else None
        if not found or found[-1] is not course:
            found.append(course)
    return found


def check(told: list[tuple[float, Scene | None]]) -> list[Incident]:
    """What holds at every moment of every drill."""
    found = [incident(scene, say) for _, scene in told if scene is not None]
    for one in found:
        running = [phase for phase in one.phases if phase.state is State.RUNNING]
        assert len(running) <= 1
        assert 1 <= len(one.acts) <= 4
        assert len(one.headline.split()) <= 12
        assert not any("--force" in act.argv for act in one.acts)
        begins = [phase.begin for phase in one.phases]
        assert begins == sorted(begins)
        assert all(phase.end is None or phase.end >= phase.begin for phase in one.phases)
    return found


def test_power_loss_of_the_active_host_is_told_to_its_end():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "power-off", "kvm01", {})
    told = watch.course(420)
    assert courses(told) == [Course.HOST_LOST]
    found = check(told)
    first = found[0].phases
    assert [phase.state for phase in first] == [State.RUNNING, State.EXPECTED, State.EXPECTED]
    dead = next(one for one in found if one.phases[0].measured)
    assert 50 <= (dead.phases[0].end or 0) <= 98
    free = first[1].end or 0.0
    last = found[-1]
    assert last.scene.serving is not None
    assert last.scene.serving.host == "kvm02"
    assert [phase.state for phase in last.phases] == [State.DONE, State.DONE]
    up = last.phases[1].end or 0.0
    assert free < up < (dead.phases[0].end or 0) + STARTING
    lease = next(
        s for _, s in told if s and s.starter and s.starter.record and s.starter.record.detail == "Powering up"
    )
    assert lease.elapsed <= free
    assert any(act.lead.startswith("Call the data centre about kvm01") for act in last.acts)


def test_power_loss_of_the_standby_needs_no_start():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "power-off", "kvm02", {})
    told = watch.course(120)
    assert courses(told) == [None, Course.STANDBY_LOST]
    last = check(told)[-1]
    assert last.headline == "kvm02 lost, the engine runs on kvm01"
    assert "--vm-start" not in [word for act in last.acts for word in act.argv]


def test_an_engine_vm_that_is_powered_off_is_started_elsewhere():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "poweroff-engine-vm", "engine", {})
    told = watch.course(300)
    assert courses(told) in ([Course.VM_ENDED, None], [Course.UNSEEN, Course.VM_ENDED, None])
    found = check(told)
    started = next(one for one in found if one.scene.starter is not None)
    assert started.scene.elapsed <= 40
    assert started.scene.subject.host == "kvm01"
    assert any(act.lead == "Stop or restart nothing else." for act in found[0].acts + found[-1].acts)


def test_a_dead_engine_service_is_counted_down():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "kill-engine-service", "engine", {})
    told = watch.course(600)
    assert [one for one in courses(told) if one is not Course.UNSEEN] == [Course.BAD_HEALTH, None]
    found = [one for one in check(told) if one.scene.course is Course.BAD_HEALTH]
    early = next(one for one in found if one.scene.subject.state == "EngineUpBadHealth" and one.scene.elapsed > 60)
    count = next(phase for phase in early.phases if phase.title == "EngineUpBadHealth")
    stopped = next(one for one in found if one.scene.elapsed > 60 and one.scene.subject.state != "EngineUpBadHealth")
    assert abs(stopped.scene.elapsed - (count.end or 0)) <= 25
    assert any(act.argv == ("systemctl", "status", "ovirt-engine") for act in early.acts)


def test_a_second_loss_leaves_no_score_and_says_when_the_first_returns():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "poweroff-engine-vm", "engine", {})
    watch.course(240)
    faults.inject(world, "poweroff-engine-vm", "engine", {})
    told = watch.course(420)
    assert Course.NO_SCORE in courses(told)
    found = [one for one in check(told) if one.scene.course is Course.NO_SCORE]
    one = found[len(found) // 2]
    foretold = one.phases[0].end or 0.0
    over = next(at for at, scene in told if scene is not None and scene.starter is not None and at > 240 + 60)
    began = (one.since or 0) - (found[0].since or 0)
    assert began == 0
    last = found[-1].scene.elapsed
    assert abs(last - foretold) <= 25
    assert over > 0
    assert [act.argv for act in one.acts if act.argv] == [("hosted-engine", "--vm-start")]


def test_a_stopped_agent_is_no_failover():
    world = quiet_estate()
    watch = Watch(world)
    faults.inject(world, "stop-agent", "kvm01", {})
    told = watch.course(240)
    assert [one for one in courses(told) if one is not None] == [Course.AGENT_STOPPED]
    last = check(told)[-1]
    assert last.phases == ()
    assert "no failover" in last.sentence
    assert last.acts[0].argv == ("systemctl", "start", "ovirt-ha-agent")


def test_a_quiet_estate_has_no_incident():
    world = quiet_estate()
    watch = Watch(world)
    assert courses(watch.course(60)) == [None]
    assert he(world, "kvm01", "--set-maintenance", "--mode=global").rc == 0
    assert courses(watch.course(60)) == [None]


def test_global_maintenance_holds_a_dead_engine():
    world = quiet_estate()
    watch = Watch(world)
    assert he(world, "kvm01", "--set-maintenance", "--mode=global").rc == 0
    watch.course(60)
    faults.inject(world, "poweroff-engine-vm", "engine", {})
    told = watch.course(60)
    assert courses(told)[-1] is Course.HELD
    assert phases(told[-1][1]) == ()
    check(told)
