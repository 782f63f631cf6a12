"""The maintenance modes with every trap of facts/hosted-engine.md 4."""

from __future__ import annotations

import pytest

from lab import life, life_vm, programs_system
from lab.world import World
from tests.fixtures_lab import he, host, pass_time, quiet_estate, status, until, word


def mode(world: World, name: str, which: str):
    return he(world, name, "--set-maintenance", f"--mode={which}")


def flags(world: World, name: str) -> tuple[bool, bool]:
    return host(world, name).local_maintenance, host(world, name).local_maintenance_manual


def test_global_is_seen_at_once_here_and_later_there():
    world = quiet_estate()
    reply = mode(world, "kvm01", "global")
    assert (reply.rc, reply.out, reply.err) == (0, "", "")
    assert status(world, "kvm01")["global_maintenance"]
    assert not status(world, "kvm02")["global_maintenance"]
    until(world, lambda: status(world, "kvm02")["global_maintenance"], 11)
    until(world, lambda: {host(world, n).state for n in world.hosts} == {"GlobalMaintenance"}, 21)
    pass_time(world, 11)
    assert word(status(world)["1"]) == "GlobalMaintenance 3400 up/good/Up live"


def test_global_off_goes_through_score_zero():
    world = quiet_estate()
    mode(world, "kvm01", "global")
    pass_time(world, 40)
    mode(world, "kvm01", "none")
    until(world, lambda: host(world).state == "ReinitializeFSM", 21)
    assert host(world).score == 0
    until(world, lambda: host(world).state == "EngineUp", 25)


def test_global_maintenance_leaves_a_dead_engine_vm_dead():
    world = quiet_estate()
    mode(world, "kvm02", "global")
    pass_time(world, 40)
    he(world, "kvm01", "--vm-poweroff")
    pass_time(world, 1800)
    assert not life_vm.running_on(world)
    mode(world, "kvm02", "none")
    until(world, lambda: bool(life_vm.running_on(world)), 120)


def test_local_during_global_ends_global_for_everybody():
    world = quiet_estate()
    mode(world, "kvm01", "global")
    pass_time(world, 40)
    assert mode(world, "kvm02", "local").rc == 0
    assert flags(world, "kvm02") == (True, True)
    assert not world.global_maintenance
    until(world, lambda: host(world).state == "ReinitializeFSM", 21)


def test_global_on_a_host_in_local_maintenance_ends_its_local_maintenance():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    pass_time(world, 20)
    mode(world, "kvm02", "global")
    assert flags(world, "kvm02") == (False, False)
    assert world.global_maintenance


def test_local_on_the_standby():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    pass_time(world, 22)
    seen = status(world, "kvm01")["2"]
    assert word(seen) == "LocalMaintenance 0 down/bad/unknown live"
    assert seen["maintenance"]
    mode(world, "kvm02", "none")
    until(world, lambda: host(world, "kvm02").score == 3400, 22)


def test_local_on_the_active_host_is_refused():
    world = quiet_estate()
    reply = mode(world, "kvm01", "local")
    assert (reply.rc, reply.out) == (1, "")
    assert reply.err.startswith("Unable to enter local maintenance mode: the engine VM is running on the current host")
    assert flags(world, "kvm01") == (False, False)


@pytest.mark.parametrize(("which", "left"), [("local", (True, False)), ("global", (False, False))])
def test_broker_down_fails_but_has_written_the_first_flag(which: str, left: tuple[bool, bool]):
    world = quiet_estate()
    host(world, "kvm02").units["ovirt-ha-broker"] = "inactive"
    reply = mode(world, "kvm02", which)
    assert (reply.rc, reply.err) == (1, "Cannot connect to the HA daemon, please check the logs.\n")
    assert flags(world, "kvm02") == left


def test_global_from_a_host_without_agent_is_lost_and_kills_the_broker():
    world = quiet_estate()
    programs_system.stop_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    pass_time(world, 10)
    assert mode(world, "kvm02", "global").rc == 0
    assert he(world, "kvm02", "--vm-status", "--json").rc == 1
    pass_time(world, 28)
    assert not status(world, "kvm01")["global_maintenance"]
    programs_system.start_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    pass_time(world, 90)
    assert status(world, "kvm02")["2"]["live-data"]


def test_local_maintenance_hides_behind_a_restarted_agent():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    pass_time(world, 20)
    programs_system.stop_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    programs_system.start_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    pass_time(world, 110)
    seen = status(world, "kvm01")["2"]
    assert word(seen) == "AgentStopped 0 down/bad/unknown stale"
    assert (seen["maintenance"], seen["stopped"]) == (False, True)
    assert flags(world, "kvm02") == (True, True)
    assert not status(world, "kvm02")["1"]["live-data"]
    assert sum("Local maintenance set" in line for line in host(world, "kvm02").log) >= 3


def test_none_on_the_waiting_host_kills_its_broker_and_then_heals():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    pass_time(world, 20)
    programs_system.stop_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    programs_system.start_unit(world, host(world, "kvm02"), "ovirt-ha-agent")
    pass_time(world, 60)
    assert mode(world, "kvm02", "none").rc == 0
    assert he(world, "kvm02", "--vm-status", "--json").rc == 1
    until(world, lambda: host(world, "kvm02").state == "EngineDown", 75)
    pass_time(world, 75)
    assert word(status(world, "kvm02")["1"]).endswith(" live")


def test_activate_clears_only_the_engines_flag():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    pass_time(world, 20)
    life.vdsm_local_maintenance(world, "kvm02", on=False)
    pass_time(world, 30)
    assert flags(world, "kvm02") == (False, True)
    assert host(world, "kvm02").state == "LocalMaintenance"


def test_engine_side_global_leaves_local_flags_alone():
    world = quiet_estate()
    mode(world, "kvm02", "local")
    life.global_maintenance(world, on=True)
    assert flags(world, "kvm02") == (True, True)
    assert world.global_maintenance


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--set-maintenance",), "You must specify a maintenance mode with --mode\n"),
        (("--set-maintenance", "--mode=x"), "Invalid value 'x' for --mode\n"),
    ],
)
def test_bad_modes(words: tuple[str, ...], text: str):
    reply = he(quiet_estate(), "kvm01", *words)
    assert (reply.rc, reply.out) == (1, text)


def test_nothing_expires():
    world = quiet_estate()
    mode(world, "kvm01", "global")
    pass_time(world, 7200, step=60)
    assert status(world, "kvm02")["global_maintenance"]


def test_rest_stats_of_a_blind_host():
    world = quiet_estate()
    assert life.ha_stats(world, "kvm01") == {
        "active": True,
        "configured": True,
        "global_maintenance": False,
        "local_maintenance": False,
        "score": 3400,
    }
    host(world).units["ovirt-ha-broker"] = "inactive"
    assert life.ha_stats(world, "kvm01") == {
        "active": False,
        "configured": True,
        "global_maintenance": False,
        "local_maintenance": False,
        "score": 0,
    }
