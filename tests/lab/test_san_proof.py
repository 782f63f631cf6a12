"""The portal's proof of redundancy over what it really reads from the lab's switches, arrays and hosts, against the
lab's own truth, which thinks each element away in turn. The two share no code."""

from __future__ import annotations

import random
from itertools import combinations

import paramiko
import pytest

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import DmPath, Estate, HbaPort, HostSeen, Missing
from inventory.redundancy.proof import Proof, prove
from lab import faults, life, multipath, sysfs
from lab.san import truth
from lab.san.faults import FAULTS
from lab.world import Host, World
from portal.connectors.san.array_rest import ArrayRest
from portal.connectors.san.fabric_cli import FabricCli
from portal.connectors.san.fabric_rest import FabricRest
from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Account, Endpoint
from portal.connectors.ssh_address import Address
from portal.kernel.output import LookFailed
from portal.kernel.san import ArraySeen, SwitchSeen
from portal.kernel.secret import Secret
from tests.fixtures_lab import make_key, pass_time
from tests.fixtures_san import SanInProcess

pytestmark = pytest.mark.wire


def _san(folder, **size):
    path = make_key(folder)
    running = SanInProcess(folder, {paramiko.Ed25519Key.from_private_key_file(str(path)).asbytes()}, **size)
    running.private = Secret(path.read_text("utf-8"))
    return running


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory):
    running = _san(tmp_path_factory.mktemp("plain"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory):
    running = _san(tmp_path_factory.mktemp("joined"), isl=True)
    yield running
    running.close()


# --- reading, as the portal does


def account(told: dict) -> Account:
    return Account(told["username"], Secret(told["password"]))


def by_rest(told: dict) -> SwitchSeen:
    place = Endpoint(told["name"], told["address"], told["https_port"], pin_pem=told["certificate_pem"])
    return FabricRest(place, account(told), gate=Gate(), pause=lambda seconds: None).look()


def by_shell(san: SanInProcess, told: dict) -> SwitchSeen:
    place = Address(told["name"], told["address"], told["ssh_port"], told["username"], told["host_key"])
    return FabricCli(place, san.private).look()


def of_array(told: dict) -> ArraySeen:
    places = [
        Endpoint(told["name"], address, told["https_port"], pin_pem=told["certificate_pem"])
        for address in told["addresses"]
    ]
    return ArrayRest(places, account(told), gate=Gate()).look()


def of_host(world: World, host: Host) -> HostSeen:
    tree = {path: raw.decode().strip() for path, raw in sysfs.tree(world, host).items()}
    ports = tuple(
        HbaPort(hba.wwpn, hba.pci.rpartition(".")[0], tree[f"/sys/class/fc_host/host{hba.scsi_host}/port_state"])
        for hba in host.hbas
    )
    paths = tuple(
        DmPath(one.lun.wwid, path.hba.wwpn, path.target.wwpn, "up" if path.up else "down")
        for one in multipath.maps(world, host)
        for path in one.paths
    )
    return HostSeen(host.name, ports, paths)


def estate(san: SanInProcess, shells: bool = False) -> Estate:
    switches, missing = [], []
    for told in san.estate["switches"]:
        try:
            switches.append(by_shell(san, told) if shells else by_rest(told))
        except LookFailed as why:
            missing.append(Missing("switch", str(told["name"]), str(why)))
    hosts = tuple(of_host(san.world, host) for host in san.world.hosts.values())
    arrays = tuple(of_array(told) for told in san.estate["arrays"])
    return Estate(0.0, hosts, tuple(switches), arrays, missing=tuple(missing))


# --- one name for one thing

_WORDS = {
    Kind.CARD: "card",
    Kind.HBA: "hba",
    Kind.SWITCH_PORT: "port",
    Kind.SWITCH: "switch",
    Kind.ARRAY_PORT: "target",
}


def named(san: SanInProcess, proof: Proof, one: Element) -> str:
    """The lab's name of an element of the proof; a trunk has none there."""
    if one.kind in _WORDS:
        return f"{_WORDS[one.kind]}:{one.key}"
    if one.kind in (Kind.MODULE, Kind.CONTROLLER):
        serial, _, ident = one.key.partition("/")
        array = next(told["name"] for told in san.estate["arrays"] if told["serial"] == serial)
        return f"{'module' if one.kind is Kind.MODULE else 'controller'}:{array}/{ident}"
    if one.kind is Kind.FABRIC:
        members = [s for s in san.world.san.design.switches.values() if s.wwn in one.key]
        return f"fabric:{members[0].fabric}"
    if one.kind is Kind.LINK:
        ends = one.key.split("-")  # <switch WWN>:<number of the port>
        ports = [port.wwn for switch, port in san.world.san.design.ports() if f"{switch.wwn}:{port.number}" in ends]
        return "isl:" + "-".join(sorted(ports))
    return ""


def differences(san: SanInProcess, *, shells: bool = False) -> list[str]:
    """Where the proof and the truth do not say the same."""
    life.tick(san.world)
    proof = prove(estate(san, shells))
    found = []
    for row in truth.truth(san.world)["luns"]:
        live = proof.cells[row["host"], row["wwid"]].live
        points = sorted({named(san, proof, one) for one in live.points} - {""})
        if (live.pairs, points, live.residual) != (len(row["paths"]), row["spof"], row["residual"]):
            found.append(f"{row['host']} {row['lun']}: {live.pairs} {points} {live.residual}, in truth {row}")
    return found


def inject(san: SanInProcess, name: str, target: str, **args: str) -> None:
    faults.inject(san.world, name, target, args)
    san.follow()


def heal(san: SanInProcess) -> None:
    faults.clear(san.world)
    san.follow()


PLANTED = [
    ("secondary-mapped", "", {}),
    ("cable-host", "kvm01", {"fabric": "A"}),
    ("cable-array", "DORADO-DR", {"port": "CTE0.A.IOM0.P0"}),
    ("fail-controller", "DORADO-PROD", {"controller": "0B"}),
    ("fail-switch", "SWB1", {"how": "disable"}),
    ("pull-fabric", "A", {}),
    ("disable-port", "SWB1", {"port": "4"}),
    ("one-card", "kvm02", {}),
    ("zone-typo", "kvm02", {"fabric": "B"}),
    ("zone-not-effective", "B", {"array": "DR"}),
    ("alias-swap", "A", {}),
    ("dr-not-zoned", "B", {}),
    ("one-controller-zoned", "DORADO-PROD", {"controller": "0A"}),
    ("big-zone", "A", {}),
    ("peer-zones", "B", {}),
    ("port-group", "DORADO-PROD", {"controller": "0A"}),
]
KEY = [name for name, _, _ in PLANTED]


@pytest.mark.parametrize("planted", PLANTED, ids=KEY)
def test_each_fault(plain: SanInProcess, planted):
    name, target, args = planted
    try:
        inject(plain, "secondary-mapped", "")
        inject(plain, name, target, **args)
        pass_time(plain.world, 100)
        assert differences(plain) == []
    finally:
        heal(plain)


def test_lost_paths_that_are_still_there_count_as_lost_and_healing_heals(plain: SanInProcess):
    try:
        inject(plain, "zone-typo", "kvm01", fabric="A")
        assert differences(plain) == []
    finally:
        heal(plain)
    assert differences(plain) == []


def test_the_shells_of_the_switches_prove_the_same(plain: SanInProcess):
    try:
        inject(plain, "secondary-mapped", "")
        assert differences(plain, shells=True) == []
        inject(plain, "rest-off", "SWA1")
        inject(plain, "one-controller-zoned", "DORADO-DR", controller="0B")
        inject(plain, "zone-typo", "kvm01", fabric="A")
        pass_time(plain.world, 100)
        assert differences(plain, shells=True) == []
    finally:
        heal(plain)


@pytest.mark.parametrize("version", ["8.2.1", "9.1"])
def test_other_releases(plain: SanInProcess, version: str):
    try:
        for name in ("SWA1", "SWB1"):
            inject(plain, "fos-version", name, version=version)
        inject(plain, "zone-not-effective", "A", array="PROD", host="kvm01")
        pass_time(plain.world, 100)
        assert differences(plain) == []
    finally:
        heal(plain)


ISL = [("isl-lost", "A", {"port": "22"}), ("isl-lost", "A", {"port": "23"}), ("isl-lost", "B", {"port": "23"}),
       ("fail-switch", "SWB2", {"how": "disable"})]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_two_switches_per_fabric(joined: SanInProcess, count: int):
    try:
        inject(joined, "secondary-mapped", "")
        for name, target, args in ISL[:count]:
            inject(joined, name, target, **args)
        pass_time(joined.world, 100)
        assert differences(joined) == []
    finally:
        heal(joined)


def _pairs(number: int) -> list[tuple]:
    every = list(combinations(PLANTED[1:], 2))
    return random.Random(number).sample(every, 6)


@pytest.mark.parametrize("planted", _pairs(1), ids=lambda two: "+".join(name for name, _, _ in two))
def test_two_faults_at_a_time(plain: SanInProcess, planted):
    try:
        inject(plain, "secondary-mapped", "")
        for name, target, args in planted:
            inject(plain, name, target, **args)
        pass_time(plain.world, 100)
        assert differences(plain) == []
    finally:
        heal(plain)


@pytest.mark.matrix
@pytest.mark.timeout(900)
def test_every_two_faults(joined: SanInProcess):
    for two in combinations([*PLANTED[1:], *ISL], 2):
        inject(joined, "secondary-mapped", "")
        for name, target, args in two:
            inject(joined, name, target, **args)
        pass_time(joined.world, 100)
        assert differences(joined) == [], two
        heal(joined)


def test_every_wiring_fault_is_planted_here():
    """What changes who reaches whom stands in PLANTED or ISL; the rest changes nothing of that."""
    moved = {name for name, _, _ in (*PLANTED, *ISL)}
    wiring = {"cable-host", "cable-array", "fail-controller", "fail-switch", "disable-port", "one-card", "zone-typo",
              "zone-not-effective", "alias-swap", "dr-not-zoned", "one-controller-zoned", "big-zone", "peer-zones",
              "port-group", "isl-lost", "secondary-mapped"}  # fmt: skip
    assert wiring <= moved & (set(FAULTS) | {"pull-fabric"})
