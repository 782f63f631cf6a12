"""The steps of maintenance on what the lab's hosts say: facts in, one sentence and the exact command out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from failover.catalog import asking, modes, release
from failover.catalog.sight import read
from failover.plans_maintenance import ENTER, EXTEND, LEAVE
from failover.steps import (
    host_activate,
    host_deactivate,
    mode_again,
    mode_clear,
    mode_clear_again,
    mode_confirm,
    mode_left,
    mode_ready,
    mode_set,
    release_arm,
    release_disarm,
)
from inventory.probes.ha_state import UNITS
from lab import life_agent, programs_system
from portal.kernel.output import Output
from portal.kernel.plan import ParametersRefused
from portal.kernel.step import On
from tests.fixtures_lab import he, pass_time, quiet_estate
from tests.samples_dir import cases

RUN = "6f1d6b1e-0000-4000-8000-00000000f457"
UNIT = f"holdfast-release-{RUN}"
SILENT = Output(b"", b"kvm02 does not answer.", None)
KEYS = {"kvm01": 7, "kvm02": 8}


def out(text: str = "", code: int = 0, err: str = "") -> Output:
    return Output(text.encode(), err.encode(), code)


def given(scope: str = "global", on: str = "kvm02", **more):
    return {
        "hosts": "7:kvm01:1,8:kvm02:2",
        "on": KEYS[on],
        "scope": scope,
        "lag": 20,
        "release_after": 4200,
        "deadline": "2026-11-25T21:00:00+00:00",
        "release": UNIT,
        "armed_on": KEYS[on],
        "run": RUN,
        "target": "she:1",
        **more,
    }


def seen(world, *, silent: str = "", acted: float | None = 60, statuses=None, **more):
    """What the looks of a step bring from this world."""
    found = {}
    for name, pk in KEYS.items():
        host = world.hosts[name]
        asked = {
            "status": out(he(world, name, "--vm-status", "--json").out),
            "state.ha_conf": out(
                f"local_maintenance={host.local_maintenance}\nlocal_maintenance_manual={host.local_maintenance_manual}\n"
            ),
            "state.units": out("active\n" * len(UNITS)),
            "state.uptime": out("9000.0 1.0\n"),
            "state.boot_id": out("b\n"),
            "state.agent_start": out("ActiveEnterTimestampMonotonic=20000000\n"),
            "state.he_conf": out(f"host_id={host.he_host_id}\n"),
            "state.agent_log": out(""),
        }
        found |= {f"{part}@{pk}": SILENT if name == silent else output for part, output in asked.items()}
    health = {"health": None, "why": "It was not asked."}
    told = {"seconds": acted, "left": 0 if acted is None else 20 - acted}
    standing = {
        "statuses": {"kvm01": "up", "kvm02": "up"},
        "runs": [],
        "window": "",
        "restarted": None,
        "room": "",
        "left": 60.0,
    }
    words = {"statuses": statuses or {}, "why": "The engine does not answer."}
    asked = {"witness": health, "acted": told, "standing": standing, "statuses": words}
    return {**found, **{name: out(json.dumps(answer)) for name, answer in asked.items()}, **more}


def settle(step, world, parameters=None, **more):
    verdict = step.settled(seen(world, **more), parameters or given())
    return verdict.word.value, verdict.sentence


@pytest.fixture
def world():
    return quiet_estate()


def everywhere(world, mode, on="kvm02", wait=60):
    he(world, on, "--set-maintenance", f"--mode={mode}")
    pass_time(world, wait)
    return world


def test_the_guard_rails_are_asked_of_the_hosts(world):
    assert settle(mode_ready.STEP, world) == (
        "done",
        "The guard rails allow it. The engine runs on kvm01, kvm02 can take over.",
    )
    word, words = settle(mode_ready.STEP, world, given("local", "kvm01"))
    assert (word, words.startswith("The engine VM runs on kvm01.")) == ("failed", True)
    assert settle(mode_ready.STEP, world, silent="kvm02")[0] == "wait"
    standing = {"statuses": {}, "runs": [], "window": "", "restarted": None, "room": "", "left": 0}
    assert "deadline" in settle(mode_ready.STEP, world, standing=out(json.dumps(standing)))[1]
    asked = mode_ready.STEP.looks(given())
    assert isinstance(asked["status@7"], On)
    assert asked["standing"].question == "failover.standing"


def test_a_release_is_armed_and_disarmed_by_its_name(world):
    arm, where = release_arm.STEP, given()
    assert (arm.where(where), release_disarm.STEP.where(where)) == ("host:8", "host:8")
    assert arm.settled({"release": out("none\n")}, where).word == "wait"
    assert arm.settled({"release": SILENT}, where).sentence == "kvm02 does not say whether the release is armed."
    for word in ("timer", "detached", "releasing"):
        assert arm.settled({"release": out(f"{word}\n")}, where).sentence.startswith("kvm02 ends this maintenance by")
    failed = arm.settled({"release": out("none\n"), "act": out(code=77, err="no")}, where)
    assert failed.sentence == "The release is not armed on kvm02: no. Nothing was set."
    assert "exit code 77" in arm.settled({"release": out("none\n"), "act": out(code=77)}, where).sentence
    assert arm.settled({"release": out("none\n"), "act": out()}, where).word == "wait"
    assert "cannot activate itself" in arm.settled({"release": out("none\n")}, given("host")).sentence
    (command,) = arm.act(where)
    assert command.argv[4:6] == (UNIT, "4200")
    assert command.argv[9:] == (UNIT, "global", "20", "20", "look")
    (undo,) = arm.undo(where)
    assert (undo.argv[4], undo.root) == (UNIT, True)
    assert arm.looks(where)["release"] == release.state(UNIT)


def test_a_release_that_is_there_no_more_needs_no_disarming():
    step, where = release_disarm.STEP, given()
    assert step.settled({}, given(release="")).sentence == "No release is armed."
    assert (step.where(given(release="")), step.looks(given(release=""))) == ("", {})
    assert step.looks(where)["release"] == On("host:8", release.state(UNIT))
    assert step.settled({"release": SILENT}, where).word == "wait"
    assert step.settled({"release": out("none\n")}, where).word == "done"
    assert step.settled({"release": out("timer\n")}, where).word == "wait"
    assert step.settled({"release": out("timer\n"), "act": out()}, where).word == "wait"
    assert step.settled({"release": out("timer\n"), "act": out(code=1, err="no")}, where).word == "failed"
    assert step.act(where) == (release.disarm(UNIT),)


def test_the_mode_is_set_by_hosted_engines_own_command():
    step = mode_set.STEP
    (command,) = step.act(given("local"))
    assert (command.argv, command.root) == (("hosted-engine", "--set-maintenance", "--mode=local"), True)
    assert step.settled({}, given()).word == "wait"
    assert step.settled({"act": out()}, given()).sentence == "hosted-engine on kvm02 ended with exit code 0."
    refused = "Unable to enter local maintenance mode: the engine VM is running on the current host"
    assert refused in step.settled({"act": out(code=1, err=refused)}, given("local")).sentence
    assert step.settled({}, given("host")).word == "done"
    (undo,) = step.undo(given())
    assert undo.argv[3:] == ("holdfast-end", "global", "20", "4", "act")
    assert step.where(given(on="kvm01")) == "host:7"


def test_a_write_is_believed_when_another_host_has_read_it(world):
    step = mode_again.STEP
    assert settle(step, world, given("host"))[0] == "done"
    assert settle(step, world) == ("wait", "The other host does not see it.")
    assert "written twice" in settle(step, world, act=out())[1]
    assert step.ready(seen(world), given()).word == "go"
    assert step.ready(seen(world, acted=5), given()).word == "wait"
    assert step.ready(seen(world, silent="kvm01"), given()).word == "wait"
    assert settle(step, world, silent="kvm01") == ("wait", "No other host says what it sees.")
    he(world, "kvm02", "--set-maintenance", "--mode=global")
    assert settle(step, world)[0] == "wait"  # kvm02 alone knows: its broker's memory
    pass_time(world, 30)
    assert settle(step, world) == ("done", "Another host sees it.")
    assert settle(step, world, acted=5)[0] == "wait"
    assert settle(step, world, act=out())[1] == "Another host sees it: the second write came through."
    assert step.act(given()) == mode_set.STEP.act(given())
    assert (step.where(given()), step.undo(given())) == ("host:8", mode_set.STEP.undo(given()))


def test_global_maintenance_is_confirmed_by_every_flag_and_state(world):
    step = mode_confirm.STEP
    assert settle(step, world) == ("wait", "kvm01 does not see global maintenance.")
    assert "kvm02 cannot be asked" in settle(step, everywhere(world, "global"), silent="kvm02")[1]
    word, words = settle(step, world)
    assert (word, words.startswith("Global maintenance is on, seen by every host")) == ("done", True)
    assert settle(step, world, acted=3)[1] == "It looks so; what was written is believed after 20 s."
    assert "state EngineUp, not GlobalMaintenance" in settle(step, fresh_global())[1]
    world.hosts["kvm01"].local_maintenance_manual = True
    assert settle(step, world)[1] == "ha.conf of kvm01 holds a local maintenance flag."
    assert "not known" in settle(step, world, **{"state.ha_conf@7": SILENT})[1]
    assert step.looks(given())["statuses"].question == "failover.statuses"


def fresh_global():
    """Written and read everywhere; the agent of kvm01 has not come round yet."""
    world = quiet_estate()
    he(world, "kvm01", "--set-maintenance", "--mode=global")
    for host in world.hosts.values():
        host.broker.global_maintenance = True
    return world


def test_local_maintenance_is_confirmed_from_the_other_host(world):
    step, where = mode_confirm.STEP, given("local")
    assert settle(step, world, where)[1] == "ha.conf of kvm02 does not hold local_maintenance=True."
    he(world, "kvm02", "--set-maintenance", "--mode=local")
    assert settle(step, world, where)[1] == "kvm01 does not see that kvm02 is in local maintenance."
    assert "kvm01 does not say" in settle(step, world, where, silent="kvm01")[1]
    assert settle(step, world, where, silent="kvm02")[1] == "The flags in ha.conf of kvm02 are not known."
    pass_time(world, 60)
    word, words = settle(step, world, where)
    assert (word, "seen from the other host: state LocalMaintenance, score 0" in words) == ("done", True)
    host = given("host")
    assert settle(step, world, host)[1] == "The engine's status of kvm02 is not known, not maintenance."
    assert settle(step, world, host, statuses={"kvm02": "maintenance"})[0] == "done"
    world.hosts["kvm01"].local_maintenance = True
    assert settle(step, world, where)[1] == "The other host is not seen as able to carry the engine."


def test_an_agent_that_was_started_in_maintenance_confirms_it_by_waiting(world):
    """What an agent comes to that loses its storage when the engine holds the host: nobody sees the mode from outside
    (facts/hosted-engine.md 4, trap 5)."""
    step, where = mode_confirm.STEP, given("host")
    host = world.hosts["kvm02"]
    everywhere(world, "local")
    programs_system.stop_unit(world, host, "ovirt-ha-agent")
    programs_system.start_unit(world, host, "ovirt-ha-agent")
    pass_time(world, 90)

    def confirm(**more):
        log = {"state.agent_log@8": out("\n".join(host.log) + "\n")}
        return settle(step, world, where, statuses={"kvm02": "maintenance"}, **(log | more))

    told = "kvm02 is in local maintenance: its flag is set, and its agent waits until it is gone."
    assert confirm() == ("done", told)
    unseen = "kvm01 does not see that kvm02 is in local maintenance."
    assert confirm(**{"state.agent_log@8": out("")}) == ("wait", unseen)
    units = "".join("inactive\n" if unit == "ovirt-ha-agent" else "active\n" for unit in UNITS)
    assert confirm(**{"state.units@8": out(units)}) == ("wait", unseen)
    assert settle(step, world, where, **{"state.agent_log@8": out("\n".join(host.log) + "\n")})[0] == "wait"
    assert confirm(silent="kvm01") == ("wait", "The other host is not seen as able to carry the engine.")
    world.hosts["kvm01"].local_maintenance = True
    assert confirm() == ("wait", "The other host is not seen as able to carry the engine.")


def test_the_end_is_written_and_seen(world):
    clear, again = mode_clear.STEP, mode_clear_again.STEP
    assert settle(clear, world)[1] == "Global maintenance is not ended yet."
    assert settle(clear, world, act=out())[0] == "done"
    local = given("local")
    assert settle(clear, world, local)[1] == "ha.conf of kvm02 holds no flag any more."
    assert settle(clear, world, local, silent="kvm02")[0] == "wait"
    assert settle(clear, everywhere(world, "local"), local)[1] == "ha.conf of kvm02 still holds a flag."
    assert clear.act(local)[0].argv[2] == "--mode=none"
    assert (clear.where(local), again.where(local), again.act(local)) == ("host:8", "host:8", clear.act(local))
    assert settle(again, world, local)[1] == "It is still seen."
    assert "ended twice" in settle(again, world, local, act=out())[1]
    assert again.ready(seen(world), local).word == "go"
    assert again.ready(seen(world, acted=1), local).word == "wait"
    assert again.ready(seen(world, silent="kvm01"), local).word == "wait"
    assert settle(again, world, local, silent="kvm02")[1] == "No other host says what it sees."
    assert settle(again, everywhere(world, "none"), local)[0] == "done"
    assert settle(again, world)[0] == "done"
    assert settle(again, world, silent="kvm01")[0] == "wait"
    assert settle(again, world, acted=2)[0] == "wait"


def test_it_is_left_when_every_agent_is_back_with_a_score(world):
    step = mode_left.STEP
    word, words = settle(step, world)
    assert (word, words.startswith("No maintenance is left: kvm01 and kvm02 guards")) == ("done", True)
    assert "kvm01 still sees global maintenance" in settle(step, everywhere(world, "global"))[1]
    assert "cannot be asked" in settle(step, world, silent="kvm01")[1]
    he(world, "kvm02", "--set-maintenance", "--mode=none")
    pass_time(world, 14)
    assert settle(step, world)[0] == "wait"
    pass_time(world, 60)
    assert settle(step, world)[0] == "done"
    local = given("local")
    assert settle(step, world, local)[1].startswith("No maintenance is left: kvm02 guards")
    host = given("host")
    assert settle(step, world, host)[1] == "The engine's status of kvm02 is not known, not up."
    assert settle(step, world, host, statuses={"kvm02": "up"})[0] == "done"
    assert "holds a local maintenance flag" in settle(step, everywhere(world, "local"), local)[1]
    world.hosts["kvm02"].local_maintenance = world.hosts["kvm02"].local_maintenance_manual = False
    assert "state LocalMaintenance" in settle(step, world, local)[1]


def test_a_host_with_a_penalty_or_a_stopped_agent_is_not_back(world):
    step = mode_left.STEP
    he(world, "kvm01", "--vm-poweroff")
    pass_time(world, 30)
    assert settle(step, world)[0] == "wait"
    stopped = quiet_estate()
    life_agent.stop(stopped, stopped.hosts["kvm02"])
    pass_time(stopped, 70)
    assert settle(step, stopped, given("local"))[1] == "The record of kvm02 is not seen as live by two hosts yet."


def test_a_host_whose_vdsm_fails_is_not_back(world):
    said = cases("she_status")["hand-vdsm-fails"].output()
    fails = {"status@7": said, "status@8": said}
    state = "The agent of kvm02 is in state UnknownLocalVmState."
    assert settle(mode_left.STEP, world, given("local"), **fails) == ("wait", state)
    word, words = settle(mode_ready.STEP, world, given("local", "kvm02"), **fails)
    assert (word, words.startswith("The guard rails allow it.")) == ("done", True)  # kvm01 keeps the engine
    assert "cannot take over: its agent does nothing while vdsm fails there" in words


def test_the_engine_is_asked_only_for_its_own_scope():
    for step, goal, work in (
        (host_deactivate.STEP, "maintenance", "failover.deactivate"),
        (host_activate.STEP, "up", "failover.activate"),
    ):
        assert (step.looks(given()), step.settled({}, given()).word) == ({}, "done")
        host = given("host")
        assert step.looks(host)["statuses"].question == "failover.statuses"
        told = {"statuses": out(json.dumps({"statuses": {"kvm02": goal}, "why": ""}))}
        assert step.settled(told, host).word == "done"
        told = {"statuses": out(json.dumps({"statuses": {"kvm02": "preparing_for_maintenance"}, "why": ""}))}
        assert step.settled(told, host).sentence == "The engine's status of kvm02 is preparing_for_maintenance."
        told = {"statuses": out(json.dumps({"statuses": {}, "why": "It is away."}))}
        assert step.settled(told, host).sentence == "Its status is not known. It is away."
        assert [act.name for act in step.act(host)] == [work]


def test_parameters_that_make_no_sense_are_refused():
    good = {name: given()[name] for name in ("hosts", "on", "scope", "lag", "release_after", "deadline")}
    assert ENTER.checked(good)["lag"] == 20
    for name, value in (
        ("scope", "all"), ("lag", 0), ("release_after", 0), ("deadline", "soon"), ("deadline", "2026-11-25T21:00:00"),
        ("hosts", "kvm01"),
    ):  # fmt: skip
        with pytest.raises(ParametersRefused):
            ENTER.checked(good | {name: value})
    left = {name: given()[name] for name in ("hosts", "on", "scope", "release", "armed_on")}
    assert LEAVE.checked(left)["release"] == UNIT
    with pytest.raises(ParametersRefused, match="does not name a release"):
        LEAVE.checked(left | {"release": "x; reboot"})
    assert {step.name for step in EXTEND.steps} == {"release_arm", "release_disarm"}


def test_who_is_not_seen_is_not_guessed(world):
    """A host that no observer lists, one whose agent moves on while the other host still sees it, one that is mute."""
    parameters = given("local")
    assert asking.pair(parameters).keys() == mode_clear.STEP.looks(parameters).keys()
    assert mode_again.STEP.looks(parameters)["acted"].question == "failover.acted"
    sight = read(seen(everywhere(world, "local")), parameters)
    rows = [replace(row, record=replace(row.record, state="ReinitializeFSM")) for row in sight.verdict.hosts]
    moving = replace(sight, verdict=replace(sight.verdict, hosts=tuple(rows)))
    assert "state ReinitializeFSM, not LocalMaintenance" in modes.entered(moving, parameters, {}).sentence
    bare = replace(sight, verdict=replace(sight.verdict, hosts=()))
    assert "state not known, not LocalMaintenance" in modes.entered(bare, parameters, {}).sentence
    mute = replace(sight, snapshots=dict.fromkeys(sight.snapshots))
    assert (modes.seen_set(mute, parameters), modes.cleared(mute, parameters)) == (None, None)
    assert modes.cleared(replace(sight, states=dict.fromkeys(sight.states)), parameters) is None
