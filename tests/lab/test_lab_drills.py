"""What drills need of the lab: a SCSI device's state that tee writes, and systemctl inside the engine VM."""

from __future__ import annotations

from lab import engine_vm, engine_vm_programs, life_vm, multipath, multipath_text, scsi_state
from lab.world import ENGINE
from tests.fixtures_lab import host, pass_time, quiet_estate


def tee(world, hctl, word):
    return scsi_state.tee(world, host(world), ["tee", f"/sys/class/scsi_device/{hctl}/device/state", f"{word}\n"])


def test_a_device_that_is_set_offline_stays_in_its_map_until_it_runs_again():
    world = quiet_estate(luns=2)
    key, hctl = next(iter(multipath.addresses(world, host(world)).items()))
    assert tee(world, hctl, "offline").rc == 0
    pass_time(world, 200)
    paths = {path.hctl: path for one in multipath.maps(world, host(world)) for path in one.paths}
    assert (paths[hctl].device, paths[hctl].dm, paths[hctl].checker) == ("offline", "failed", "faulty")
    assert "offline" in multipath_text.as_json(multipath.maps(world, host(world)), host(world))
    multipath.mend(world, host(world))
    assert key in host(world).failed_paths, "what was set offline is not mended by a cable"
    assert tee(world, hctl, "running").rc == 0
    assert host(world).failed_paths == {}
    assert scsi_state.read(world, host(world), f"/sys/class/scsi_device/{hctl}/device/state") == "running\n"


def test_a_state_that_is_none_and_a_device_that_is_not_there():
    world = quiet_estate(luns=2)
    hctl = next(iter(multipath.addresses(world, host(world)).values()))
    assert "Invalid argument" in tee(world, hctl, "gone").err
    assert tee(world, "9:9:9:9", "offline").rc == 1


def test_the_engine_service_is_stopped_and_started():
    world = quiet_estate()
    world.engine_machine = engine_vm.build(world)
    machine = world.machine(ENGINE)

    def systemctl(*words):
        return engine_vm_programs.systemctl(world, machine, ["systemctl", *words])

    assert systemctl("stop", "ovirt-engine").rc == 0
    assert systemctl("is-active", "ovirt-engine").out == "inactive\n"
    assert life_vm.phase(world) == "503"
    assert systemctl("start", "ovirt-engine").rc == 0
    pass_time(world, 80)
    assert (life_vm.phase(world), systemctl("is-active", "ovirt-engine").out) == ("up", "active\n")
