"""The connectors against the lab's switches and arrays: both interfaces of a switch agree whatever is broken, sessions
are never used up, and replication is judged as the lab's state is."""

from __future__ import annotations

import json
from dataclasses import replace
from time import time

import paramiko
import pytest

from inventory.verdicts.replication import Declared, judge
from inventory.verdicts.replication_map import drift, mirrors, silence
from inventory.verdicts.replication_pairs import Asked
from lab import faults
from lab.san import replication
from portal.connectors.san.array_rest import ArrayRest
from portal.connectors.san.array_session import Kept
from portal.connectors.san.errors import Busy, Garbled, Refused, SanFailed
from portal.connectors.san.fabric_cli import FabricCli
from portal.connectors.san.fabric_rest import FabricRest
from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Account, Endpoint
from portal.connectors.san.reading.crosscheck import differences
from portal.connectors.ssh_address import Address, LoginRefused
from portal.kernel import facts
from portal.kernel.outcome import Outcome
from portal.kernel.secret import Secret
from tests.fixtures_lab import make_key, pass_time
from tests.fixtures_san import SanInProcess

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    path = make_key(tmp_path_factory.mktemp("keys"))
    keys = {paramiko.Ed25519Key.from_private_key_file(str(path)).asbytes()}
    running = SanInProcess(tmp_path_factory.mktemp("san"), keys, isl=True)
    running.private = Secret(path.read_text("utf-8"))
    yield running
    running.close()


@pytest.fixture
def san(estate):
    yield estate
    faults.clear(estate.world)
    for device in estate.world.san.devices.values():
        device.sessions.clear()
    estate.follow()


def inject(san, name, target="", **args):
    faults.inject(san.world, name, target, args)
    san.follow()


def told(san, kind, name):
    return next(one for one in san.estate[kind] if one["name"] == name)


def by_rest(san, name, gate=None, **changes):
    one = told(san, "switches", name)
    place = Endpoint(name, one["address"], one["https_port"], pin_pem=one["certificate_pem"])
    account = Account(one["username"], Secret(one["password"]))
    return FabricRest(place, account, gate=gate or Gate(), pause=lambda seconds: None, **changes)


def by_shell(san, name):
    one = told(san, "switches", name)
    place = Address(name, one["address"], one["ssh_port"], one["username"], one["host_key"])
    return FabricCli(place, san.private)


def of_array(san, name, cache=None):
    one = told(san, "arrays", name)
    places = [
        Endpoint(name, address, one["https_port"], pin_pem=one["certificate_pem"]) for address in one["addresses"]
    ]
    return ArrayRest(places, Account(one["username"], Secret(one["password"])), cache, gate=Gate())


WIRING = [
    ("", "", {}),
    ("cable-host", "kvm01", {"fabric": "A"}),
    ("cable-array", "DORADO-PROD", {}),
    ("disable-port", "SWA1", {"port": "1"}),
    ("disable-port", "SWA1", {"port": "1", "persistent": "yes"}),
    ("isl-lost", "A", {"port": "22"}),
    ("slow-link", "SWA1", {"port": "0"}),
    ("zone-typo", "kvm01", {"fabric": "A"}),
    ("zone-not-effective", "A", {}),
    ("alias-swap", "A", {}),
    ("dr-not-zoned", "A", {}),
    ("big-zone", "A", {}),
    ("open-transaction", "A", {}),
]


@pytest.mark.parametrize(("fault", "target", "args"), WIRING)
def test_both_interfaces_of_a_switch_tell_the_same(san, fault, target, args):
    if fault:
        inject(san, fault, target, **args)
    for name in ("SWA1", "SWA2"):
        rest, cli = by_rest(san, name).look(), by_shell(san, name).look()
        assert (rest.unread, cli.unread) == ({}, {})
        assert differences(rest, cli) == ()
        assert [port.wwn for port in rest.ports] == [port.wwn for port in cli.ports]
        assert {port.number: port.trunk for port in rest.ports} == {port.number: port.trunk for port in cli.ports}
        assert rest.zoning.transaction is (fault == "open-transaction")
        assert not san.world.san.device(name).sessions


@pytest.mark.parametrize("version", ["8.2.1", "9.1"])
def test_other_releases_tell_the_same(san, version):
    before = by_rest(san, "SWA1").look()
    inject(san, "fos-version", "SWA1", version=version)
    rest, cli = by_rest(san, "SWA1").look(), by_shell(san, "SWA1").look()
    assert differences(rest, cli) == ()
    assert [replace(port, health="") for port in rest.ports] == [replace(port, health="") for port in before.ports]
    assert rest.logins == before.logins
    assert set(rest.zoning.effective) == set(before.zoning.effective)
    assert rest.firmware.startswith(f"v{version}")
    assert rest.password_days == (71 if version == "9.1" else None)
    assert set(rest.unread) <= ({"log"} if version == "8.2.1" else set())


def test_sessions_of_a_switch_are_never_used_up(san):
    gate = Gate()
    for _ in range(6):
        by_rest(san, "SWA1", gate).look()
        assert not san.world.san.device("SWA1").sessions
    inject(san, "session-cap", "SWA1")
    with pytest.raises(Busy, match="no REST session left"):
        by_rest(san, "SWA1", gate).look()
    faults.clear(san.world)
    assert by_rest(san, "SWA1", gate, sessionless=True).look().unread == {}
    assert not san.world.san.device("SWA1").sessions


def test_a_switch_that_is_busy_refuses_or_has_no_rest(san):
    inject(san, "rest-503-once", "SWA1", times="3")
    assert by_rest(san, "SWA1").look().unread == {}
    for fault, kind in (
        ("rest-not-ready", Busy),
        ("rest-busy", Busy),
        ("rest-off", Garbled),
        ("login-refused", Refused),
    ):
        inject(san, fault, "SWA1")
        with pytest.raises(kind):
            by_rest(san, "SWA1").look()
        faults.clear(san.world)
    inject(san, "rest-off", "SWA1")
    assert by_shell(san, "SWA1").look().unread == {}
    faults.clear(san.world)
    inject(san, "fail-switch", "SWA1", how="power")
    with pytest.raises(SanFailed):
        by_rest(san, "SWA1").look()


def test_a_shell_by_password_and_never_twice_with_a_refused_one(san):
    one, gate = told(san, "switches", "SWA1"), Gate()
    place = Address("SWA1", one["address"], one["ssh_port"], one["username"], one["host_key"])

    def look(password):
        return FabricCli(place, Secret(""), password=Secret(password), gate=gate, port_counters=False).look()

    assert look(one["password"]).wwn == by_rest(san, "SWA1").look().wwn
    with pytest.raises(LoginRefused, match="refuses the password of portal"):
        look("wrong")
    with pytest.raises(Refused, match="is not sent again"):
        look("wrong")
    assert look(one["password"]).unread == {}


def test_an_array_on_either_address_and_after_its_sessions_ended(san):
    kept = Kept()
    reader = of_array(san, "DORADO-PROD", kept)
    first = reader.look()
    assert first.unread == {}
    inject(san, "array-sessions-expired", "DORADO-PROD")
    assert reader.look().luns == first.luns
    inject(san, "array-sessions-401", "DORADO-PROD")
    inject(san, "array-sessions-expired", "DORADO-PROD")
    assert reader.look().luns == first.luns
    assert reader.close() == ""
    assert not san.world.san.device("DORADO-PROD").sessions
    inject(san, "array-address-dead", "DORADO-PROD", controller="0A")
    seen = reader.look()
    assert seen.luns == first.luns
    assert [part.partition(" ")[0] for part in seen.unread] == ["management"]
    reader.close()


def test_both_mapping_models_of_an_array(san):
    before = of_array(san, "DORADO-PROD").look()
    inject(san, "mapping-direct", "DORADO-PROD")
    direct = of_array(san, "DORADO-PROD").look()
    assert {(one.host, one.lun) for one in direct.mapped} == {(one.host, one.lun) for one in before.mapped}
    faults.clear(san.world)
    inject(san, "port-group", "DORADO-PROD", controller="0A")
    limited = of_array(san, "DORADO-PROD").look()
    left = {port.wwpn for port in limited.ports if port.controller == "0A"}
    assert {one.ports for one in limited.mapped} == {frozenset(left)}
    for seen in (limited, by_rest(san, "SWA1").look()):
        assert facts.load(type(seen), json.loads(json.dumps(facts.dump(seen)))) == seen


def judged(san, **declared):
    asked = []
    for one in san.estate["arrays"]:
        seen = of_array(san, one["name"]).look()
        assert seen.unread == {}
        asked.append(Asked(seen.serial, seen.name, seen))
    production = told(san, "arrays", "DORADO-PROD")["serial"]
    now = san.world.clock.wall_at(san.world.at)
    # the lab's day is not ours: the offsets that were measured are against ours
    shifted = [Asked(one.serial, one.name, _moved(san, one)) for one in asked]
    return shifted, judge(shifted, now, Declared(production, **declared))


def _moved(san, one):
    return replace(one.seen, offset=one.seen.offset + time() - san.world.clock.wall_at(san.world.at))


def test_replication_is_judged_as_it_is(san):
    asked, pairs = judged(san, objective=0)
    assert pairs
    assert [one.outcome for one in pairs] == [Outcome.OK] * len(pairs)
    assert {one.loss.seconds for one in pairs} == {0.0}
    production = told(san, "arrays", "DORADO-PROD")["serial"]
    now = mirrors(pairs, production)
    assert silence(asked) == ""
    assert {one.outcome for one in drift({one.production: one.copy for one in now}, now)} == {Outcome.OK}
    inject(san, "pair-split")
    pass_time(san.world, 120)
    _, split = judged(san, objective=60)
    assert {one.state for one in split} == {"split"}
    assert {one.outcome for one in split} == {Outcome.FAIL}
    inject(san, "secondary-access", access="3")
    _, writable = judged(san)
    assert all("replication_access" in {f.check for f in one.findings if f.outcome is Outcome.FAIL} for one in writable)


def test_a_lost_link_and_a_switched_direction(san):
    inject(san, "replication-link-lost")
    pass_time(san.world, 60)
    _, pairs = judged(san)
    assert {one.state for one in pairs} == {"interrupted"}
    faults.clear(san.world)
    pass_time(san.world, 600)
    inject(san, "replication-switched")
    _, turned = judged(san)
    assert {one.primary.array for one in turned} == {"DORADO-DR"}
    assert {"replication_direction"} <= {f.check for one in turned for f in one.findings if f.outcome is Outcome.WARN}


def test_the_age_of_an_asynchronous_copy_is_the_labs(san):
    """The portal's number from what the arrays tell, against what the lab knows, over two cycles; never better."""
    inject(san, "replication-async", interval="60")
    pass_time(san.world, 200)
    states, ages = set(), []
    for _ in range(14):
        pass_time(san.world, 9)
        _, pairs = judged(san)
        states |= {one.state for one in pairs}
        truly = san.world.at - replication.moment(san.world).started
        ages.append(truly)
        for one in pairs:
            assert truly - 1 <= one.loss.seconds <= truly + 3
    assert states == {"normal", "synchronising"}
    assert max(ages) > 50


def test_a_wrong_clock_of_an_array_changes_nothing(san):
    inject(san, "replication-async", interval="60")
    pass_time(san.world, 150)
    before = judged(san)[1][0].loss.seconds
    inject(san, "array-clock-skew", "DORADO-DR", seconds="300")
    asked, pairs = judged(san)
    offsets = {one.name: one.seen.offset for one in asked}
    assert abs(offsets["DORADO-DR"] - offsets["DORADO-PROD"] - 300) < 3
    assert abs(pairs[0].loss.seconds - before) < 3
