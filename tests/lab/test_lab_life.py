"""The drill timelines of facts/hosted-engine.md 6, lived with a clock that the test turns."""

from __future__ import annotations

import itertools

import pytest

from lab import faults, life, life_vm, programs_system
from lab.world import World
from tests.fixtures_lab import he, host, pass_time, quiet_estate, status, until, word


def states(world: World, name: str, since: float = 0.0) -> list[str]:
    return [row["to"] for row in world.truth.get("transitions", []) if row["host"] == name and row["at"] > since]


def outages(world: World) -> list[float]:
    return [row["until"] - row["from"] for row in world.truth.get("engine_outages", [])]


def test_nothing_happens_by_itself():
    world = quiet_estate()
    before = status(world)
    pass_time(world, 3600)
    assert states(world, "kvm01") == states(world, "kvm02") == []
    assert status(world)["1"]["host-ts"] - before["1"]["host-ts"] == pytest.approx(3600, abs=11)
    assert outages(world) == []


def test_how_often_time_is_asked_changes_nothing():
    slow, fast = quiet_estate(), quiet_estate()
    for world, step in ((slow, 120.0), (fast, 0.5)):
        faults.inject(world, "power-off", "kvm01", {})
        pass_time(world, 600, step)
    assert slow.truth["transitions"] == fast.truth["transitions"]
    assert slow.truth["engine_outages"] == fast.truth["engine_outages"]


def test_shutdown_of_the_engine_vm():
    world = quiet_estate()
    start = world.at
    assert he(world, "kvm01", "--vm-shutdown").rc == 0
    assert word(status(world)["1"]).startswith("EngineUp 3400 up/good")  # published before the command
    until(world, lambda: "Powering down" in word(status(world)["1"]), 11)
    assert word(status(world)["1"]) == "EngineUpBadHealth 3400 up/bad/Powering down live"
    took = until(world, lambda: not life_vm.running_on(world), 30)
    assert took <= 26
    until(world, lambda: life_vm.running_on(world) == "kvm02", 38)
    until(world, lambda: status(world, "kvm02")["1"]["state"] == "EngineUnexpectedlyDown", 11)
    assert word(status(world, "kvm02")["1"]) == "EngineUnexpectedlyDown 0 down_unexpected/bad/Down live"
    until(world, lambda: life.engine_phase(world) == "up", 120)
    assert 110 <= world.at - start <= 160
    until(world, lambda: status(world)["2"]["state"] == "EngineUp", 25)
    assert states(world, "kvm01") == ["EngineUpBadHealth", "EngineUnexpectedlyDown"]
    assert states(world, "kvm02") == ["EngineStart", "EngineStarting", "EngineUp"]


def test_the_penalty_lasts_560_seconds():
    world = quiet_estate()
    he(world, "kvm01", "--vm-shutdown")
    until(world, lambda: host(world).state == "EngineUnexpectedlyDown", 60)
    entered = world.at
    pass_time(world, 540)
    assert host(world).score == 0
    until(world, lambda: host(world).score == 3400, 40)
    assert 560 <= world.at - entered <= 575
    assert status(world)["1"]["engine-status"]["vm"] == "down_unexpected"  # sticky until the VM runs here again


def test_a_second_drill_within_the_penalty_leaves_nobody_to_start_it():
    world = quiet_estate()
    he(world, "kvm01", "--vm-shutdown")
    until(world, lambda: host(world, "kvm02").state == "EngineUp", 200)
    pass_time(world, 60)
    assert he(world, "kvm02", "--vm-poweroff").rc == 0
    pass_time(world, 60)
    seen = status(world)
    assert {seen["1"]["state"], seen["2"]["state"]} == {"EngineUnexpectedlyDown"}
    assert (seen["1"]["score"], seen["2"]["score"]) == (0, 0)
    took = until(world, lambda: bool(life_vm.running_on(world)), 600)
    assert took > 150
    assert life_vm.running_on(world) == "kvm01"  # the first to have served its time


def test_power_loss_of_the_active_host():
    world = quiet_estate()
    life.power(world, "kvm01", on=False)
    pass_time(world, 30)
    assert word(status(world, "kvm02")["1"]) == "EngineUp 3400 up/good/Up live"
    took = 30 + until(world, lambda: host(world, "kvm02").state == "EngineStart", 70)
    assert 50 <= took <= 95
    pass_time(world, 15)
    assert word(status(world, "kvm02")["2"]) == "EngineStarting 3400 up/bad/WaitForLaunch live"
    until(world, lambda: life.engine_phase(world) == "up", 260)
    assert 210 <= outages(world)[0] <= 260
    pass_time(world, 400)
    seen = status(world, "kvm02")
    assert word(seen["1"]) == "EngineUp 3400 up/good/Up stale"  # the dead host's record is kept for ever
    assert word(seen["2"]) == "EngineUp 3400 up/good/Up live"


def test_power_comes_back():
    world = quiet_estate()
    life.power(world, "kvm01", on=False)
    pass_time(world, 400)
    life.power(world, "kvm01", on=True)
    pass_time(world, 50)
    assert he(world, "kvm01", "--vm-status", "--json").rc == 1  # vm.conf is not fetched yet
    pass_time(world, 80)
    seen = status(world, "kvm02")
    assert word(seen["1"]) == "EngineDown 3400 down/bad/unknown live"
    assert seen["1"]["host-ts"] < 200
    assert life_vm.running_on(world) == "kvm02"


def test_agent_stopped_on_the_active_host_makes_the_standby_loop():
    world = quiet_estate()
    programs_system.stop_unit(world, host(world), "ovirt-ha-agent")
    life.act(world)
    pass_time(world, 20)
    assert word(status(world, "kvm02")["1"]) == "AgentStopped 0 up/good/Up live"
    assert status(world, "kvm02")["1"]["stopped"]
    first = world.at
    pass_time(world, 300)
    starts = [row["at"] for row in world.truth["transitions"] if row["to"] == "EngineStart"]
    assert starts[0] - first + 20 <= 95
    assert all(30 <= later - earlier <= 45 for earlier, later in itertools.pairwise(starts))
    assert len(starts) >= 5
    assert {one["live-data"] for key, one in status(world, "kvm01").items() if key.isdigit()} == {False}
    assert outages(world) == []
    until(world, lambda: host(world, "kvm02").state == "EngineDown", 40)
    assert status(world, "kvm02")["2"]["engine-status"]["reason"].startswith("Storage of VM is locked.")


def test_agent_back():
    world = quiet_estate()
    programs_system.stop_unit(world, host(world), "ovirt-ha-agent")
    pass_time(world, 30)
    programs_system.start_unit(world, host(world), "ovirt-ha-agent")
    until(world, lambda: host(world).state == "EngineUp", 40)
    assert not status(world)["2"]["live-data"]  # it has not watched the other for 60 s yet
    pass_time(world, 60)
    assert status(world)["2"]["live-data"]


def test_engine_service_dies():
    world = quiet_estate()
    faults.inject(world, "kill-engine-service", "engine", {})
    start = world.at
    assert life.engine_phase(world) == "503"
    until(world, lambda: host(world).state == "EngineUpBadHealth", 41)
    until(world, lambda: host(world).state == "EngineStop", 325)
    assert 300 <= world.at - start <= 345
    assert life_vm.running_on(world) == "kvm01"
    until(world, lambda: not life_vm.running_on(world), 40)
    until(world, lambda: life.engine_phase(world) == "up", 160)
    assert 420 <= world.at - start <= 520
    assert states(world, "kvm01")[:3] == ["EngineUpBadHealth", "EngineStop", "EngineDown"]
    assert host(world).score == 3400  # a stop by the agent brings no penalty


def test_gateway_lost_for_a_minute_moves_the_engine():
    world = quiet_estate()
    faults.inject(world, "gateway-loss", "kvm01", {})
    until(world, lambda: host(world).score == 1800, 21)
    until(world, lambda: host(world).state == "EngineStop", 11)
    assert any("score is significantly better than local score" in line for line in host(world).log)
    pass_time(world, 60)
    faults.clear(world, "gateway-loss", "kvm01")
    until(world, lambda: life.engine_phase(world) == "up", 160)
    assert 100 <= outages(world)[0] <= 180


def test_three_of_five_pings_are_enough():
    world = quiet_estate()
    faults.inject(world, "gateway-loss", "kvm01", {"lost": "3"})
    until(world, lambda: host(world).score == 2440, 21)
    until(world, lambda: host(world).state == "EngineStop", 11)


def test_both_lose_the_gateway_and_nothing_moves():
    world = quiet_estate()
    for name in ("kvm01", "kvm02"):
        faults.inject(world, "gateway-loss", name, {"lost": "2"})
    pass_time(world, 120)
    assert life_vm.running_on(world) == "kvm01"
    assert (host(world).score, host(world, "kvm02").score) == (2760, 2760)


def test_migration_by_host_maintenance():
    world = quiet_estate()
    life.vdsm_local_maintenance(world, "kvm01", on=True)
    pass_time(world, 12)
    assert word(status(world)["1"]) == "EngineUp 3400 up/good/Up live"  # EngineUp ignores the flag
    assert life.migrate(world, life.engine_vm(world).id, None) == "kvm02"
    pass_time(world, 12)
    seen = status(world)
    assert seen["1"]["engine-status"] == {"vm": "up", "health": "good", "detail": "Migration Source"}
    assert seen["2"]["engine-status"]["detail"] == "Migration Destination"
    pass_time(world, 45)
    seen = status(world)
    assert word(seen["1"]) == "LocalMaintenance 0 down/bad/Down live"
    assert seen["1"]["engine-status"]["reason"] == "VM migrated away successfully"
    assert word(seen["2"]) == "EngineUp 3400 up/good/Up live"
    assert states(world, "kvm01") == ["EngineMaybeAway", "LocalMaintenance"]
    assert outages(world) == []


def test_rest_words_of_the_engine_vm():
    world = quiet_estate()
    he(world, "kvm01", "--vm-poweroff")
    assert (life.engine_vm(world).status, life.engine_vm(world).host) == ("down", "")
    generation = life.engine_generation(world)
    until(world, lambda: life.engine_phase(world) == "up", 200)
    assert (life.engine_vm(world).status, life.engine_vm(world).host) == ("up", "kvm02")
    assert life.engine_generation(world) == generation + 1


def test_poweroff_on_the_wrong_host_with_a_leftover_record():
    world = quiet_estate()
    life.migrate(world, life.engine_vm(world).id, "kvm02")
    pass_time(world, 30)
    assert he(world, "kvm01", "--vm-poweroff").rc == 0
    assert life_vm.running_on(world) == "kvm02"
    assert he(world, "kvm01", "--vm-poweroff").rc == 1


def test_ordinary_vms_die_with_their_host():
    world = quiet_estate()
    names = {vm.name for vm in world.vms.values() if vm.host == "kvm02"}
    life.power(world, "kvm02", on=False)
    assert {row["vm"] for row in world.truth["vms_lost"]} == names
    assert {vm.host for vm in world.vms.values() if vm.name in names} == {""}


def test_large_estate_lives():
    world = quiet_estate(hosts=200, vms=1000, luns=5000)
    assert (len(world.hosts), len(world.vms), len(world.luns)) == (200, 1000, 5000)
    assert len({host.address for host in world.hosts.values()}) == 200
    assert sum(host.he_host_id is not None for host in world.hosts.values()) == 2
    assert life.engine_phase(world) == "up"


def test_both_fabrics_lost_on_the_active_host():
    world = quiet_estate()
    for fabric in ("A", "B"):
        faults.inject(world, "pull-fabric", fabric, {"host": "kvm01"})
    start = world.at
    assert he(world, "kvm01", "--vm-status", "--json").rc == 0  # the last good data
    until(world, lambda: he(world, "kvm01", "--vm-status", "--json").rc == 1, 11)
    until(world, lambda: not life_vm.running_on(world) or life_vm.running_on(world) == "kvm02", 85)
    until(world, lambda: life.engine_phase(world) == "up", 200)
    assert life_vm.running_on(world) == "kvm02"
    assert 180 <= world.at - start <= 280
    faults.clear(world)
    pass_time(world, 130)
    assert word(status(world, "kvm02")["1"]).endswith(" live")
    assert host(world).state == "EngineDown"


def test_an_agent_without_vdsm_says_so_and_publishes_nothing():
    world = quiet_estate()
    programs_system.stop_unit(world, host(world, "kvm02"), "vdsmd")
    before = status(world)["2"]["host-ts"]
    pass_time(world, 100)
    assert status(world)["2"]["host-ts"] - before <= 20
    assert not status(world)["2"]["live-data"]
    assert {one["live-data"] for key, one in status(world, "kvm02").items() if key.isdigit()} == {False}
    assert host(world, "kvm02").log[-1].endswith("(_monitoring_loop) Required service vdsmd is not up.")
    programs_system.start_unit(world, host(world, "kvm02"), "vdsmd")
    until(world, lambda: status(world)["2"]["live-data"], 60)
    assert word(status(world)["2"]) == "EngineDown 3400 down/bad/unknown live"
