"""The small system tools of a lab host, and its faults on the world alone."""

from __future__ import annotations

import pytest

from lab import corrupt, faults, life, programs_system, transient
from lab.command import Real, Reply
from lab.programs import PROGRAMS
from lab.runtime import claim
from lab.world import World
from tests.fixtures_lab import he, host, pass_time, quiet_estate


def run(world: World, *argv: str, name: str = "kvm01") -> Reply:
    life.tick(world)
    reply = PROGRAMS[argv[0]](world, host(world, name), list(argv))
    life.act(world)
    assert isinstance(reply, Reply)
    return reply


def test_units():
    world = quiet_estate()
    assert run(world, "systemctl", "is-active", "vdsmd", "nosuch") == Reply(out="active\ninactive\n")
    assert run(world, "systemctl", "is-active", "nosuch").rc == 3
    assert run(world, "systemctl", "stop", "nosuch.timer").rc == 5
    assert run(world, "systemctl", "stop", "multipathd").rc == 0
    shown = run(world, "systemctl", "show", "-p", "ActiveState,SubState", "multipathd", "sanlock.service").out
    assert shown == "ActiveState=inactive\nSubState=dead\n\nActiveState=active\nSubState=running\n"


def test_a_restarted_agent_says_when():
    world = quiet_estate()
    word = "--property=ActiveEnterTimestampMonotonic"
    before = int(run(world, "systemctl", "show", word, "--value", "ovirt-ha-agent").out)
    run(world, "systemctl", "restart", "ovirt-ha-agent")
    after = int(run(world, "systemctl", "show", word, "--value", "ovirt-ha-agent").out)
    uptime = float(run(world, "cat", "/proc/uptime").out.split()[0])
    assert before < after
    assert after / 1e6 == pytest.approx(uptime, abs=1)


def test_a_broker_stopped_by_hand_comes_back_with_the_agent_but_a_fault_holds_it_down():
    world = quiet_estate()
    run(world, "systemctl", "stop", "ovirt-ha-broker")
    assert he(world, "kvm01", "--vm-status", "--json").rc == 1
    pass_time(world, 25)
    assert he(world, "kvm01", "--vm-status", "--json").rc == 0
    faults.inject(world, "stop-broker", "kvm01", {})
    pass_time(world, 120)
    assert he(world, "kvm01", "--vm-status", "--json").rc == 1
    faults.clear(world, "stop-broker", "kvm01")
    pass_time(world, 120)
    assert host(world).state == "EngineUp"


def test_files_follow_the_world():
    world = quiet_estate(hosts=3)
    he(world, "kvm02", "--set-maintenance", "--mode=local")
    conf = run(world, "cat", "/var/lib/ovirt-hosted-engine-ha/ha.conf", name="kvm02").out
    assert conf == "local_maintenance=True\nlocal_maintenance_manual=True\n"
    assert "host_id=2\n" in run(world, "cat", "/etc/ovirt-hosted-engine/hosted-engine.conf", name="kvm02").out
    missing = run(world, "cat", "/var/lib/ovirt-hosted-engine-ha/ha.conf", name="kvm03")
    assert (missing.rc, missing.out) == (1, "")
    boots = {run(world, "cat", "/proc/sys/kernel/random/boot_id", name=name).out for name in world.hosts}
    assert len(boots) == 3


def test_the_machines_own_files_are_left_to_the_real_tools():
    world = quiet_estate()
    reply = PROGRAMS["cat"](world, host(world), ["cat", "/dev/null"])
    assert reply == Real(["cat", "/dev/null"])


def test_a_boot_changes_the_boot_id_and_the_uptime():
    world = quiet_estate()
    before = run(world, "cat", "/proc/sys/kernel/random/boot_id").out
    life.power(world, "kvm01", on=False)
    pass_time(world, 100)
    life.power(world, "kvm01", on=True)
    pass_time(world, 60)
    assert run(world, "cat", "/proc/sys/kernel/random/boot_id").out != before
    assert 59 <= float(run(world, "cat", "/proc/uptime").out.split()[0]) <= 61


def test_packages_and_disks():
    world = quiet_estate(hosts=3)
    words = ("rpm", "-q", "vdsm", "ovirt-hosted-engine-ha")
    assert run(world, *words).rc == 0
    assert run(world, *words, name="kvm03").rc == 1
    faults.inject(world, "fill-disk", "kvm01", {})
    rows = run(world, "df", "-P", "-k", "/", "/var").out.splitlines()
    assert [row.split()[-2:] for row in rows[1:]] == [["100%", "/"], ["100%", "/var"]]


def test_sudo_finds_virtual_commands():
    world = quiet_estate()
    asked = PROGRAMS["sudo"](world, host(world), ["sudo", "-n", "timeout", "-k", "2", "5", "hosted-engine"])
    assert asked == Real(["timeout", "-k", "2", "5", "hosted-engine"], on_path=True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("2min", 120.0), ("1h 30min", 5400.0), ("x", None), ("5y", None)]
)
def test_time_spans(text: str, seconds: float | None):
    assert transient.seconds(text) == seconds


@pytest.mark.parametrize("kind", corrupt.KINDS)
def test_spoilt_output_differs(kind: str):
    assert corrupt.spoil(b'{"a": 1}\n{"b": 2}\n', kind) != b'{"a": 1}\n{"b": 2}\n'


def test_a_fault_twice_is_one_fault_and_clear_undoes_it():
    world = quiet_estate()
    for percent in ("60", "90"):
        faults.inject(world, "cpu-load", "kvm02", {"percent": percent})
    assert len(world.faults) == 1
    pass_time(world, 15)
    assert host(world, "kvm02").score == 2400
    faults.clear(world)
    pass_time(world, 15)
    assert host(world, "kvm02").score == 3400


def test_engine_faults_are_flags():
    world = quiet_estate()
    for collection in ("hosts", "vms"):
        faults.inject(world, "engine-html-500", "engine", {"collection": collection})
    faults.inject(world, "engine-hang", "engine", {})
    assert world.engine_faults == {"html_500": {"hosts", "vms"}, "hang": True}
    faults.clear(world)
    assert world.engine_faults == {}


@pytest.mark.parametrize(
    ("name", "target", "args"),
    [
        ("nope", "kvm01", {}),
        ("power-off", "", {}),
        ("pull-fabric", "C", {}),
        ("pull-fabric", "A", {"host": "kvm99"}),
        ("corrupt-output", "kvm01", {"command": "cat", "kind": "sour"}),
        ("stop-unit", "kvm01", {}),
    ],
)
def test_faults_that_make_no_sense_change_nothing(name: str, target: str, args: dict[str, str]):
    world = quiet_estate()
    with pytest.raises(faults.Unknown):
        faults.inject(world, name, target, args)
    assert world.faults == []


FAULT_TARGETS = {"host": "kvm02", "host or engine": "kvm02", "fabric": "A", "switch": "SWA1", "array": "DORADO-PROD",
                 "switch or array": "SWB1", "oracle VM": "oradb01"}  # fmt: skip


def test_every_fault_with_an_undo_leaves_no_trace():
    for name, spec in faults.SPECS.items():
        world = quiet_estate(isl=name == "isl-lost")
        target = FAULT_TARGETS.get(spec.target, "engine")
        args = {"command": "cat", "kind": "empty", "unit": "vdsmd", "seconds": "60", "collection": "hosts"}
        faults.inject(world, name, target, {word: args[word] for word in spec.needs})
        faults.clear(world)
        pass_time(world, 900, step=10)
        assert (world.faults, world.engine_faults.keys() - {"expire"}) == ([], set()), name
        assert {h.state for h in world.hosts.values()} == {"EngineUp", "EngineDown"}, name
        assert not any(h.failed_paths or h.hang or h.corrupt or h.penalties or h.hanging for h in world.hosts.values())


def test_two_labs_do_not_share_a_state_folder(tmp_path):
    with claim(tmp_path), pytest.raises(RuntimeError, match="another lab uses"):
        claim(tmp_path)
    claim(tmp_path).close()


def test_stop_unit_of_a_stopped_agent_is_nothing():
    world = quiet_estate()
    for _ in range(2):
        programs_system.stop_unit(world, host(world), "ovirt-ha-agent")
    assert host(world).state == "AgentStopped"
