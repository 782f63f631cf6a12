"""What looks like a breach and is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.redundancy.estate import Declared, Missing, Use
from inventory.redundancy.lint import lint
from inventory.redundancy.lint.ports import rises
from inventory.redundancy.lint.typo import distance
from portal.kernel.outcome import Outcome
from portal.kernel.san import Controller, HostLink, Initiator, Pair, RemoteArray, SwitchSeen, Zone
from tests.redundancy.san_world import DR, PROD, A, B, changed, lun, standard
from tests.redundancy.test_lint_rules import (
    H1,
    H2,
    HBA1A,
    HBA1B,
    HBA2A,
    PORT0,
    agreed,
    array,
    counted,
    effective,
    found,
    hba_down,
    initiators,
    light,
    ports,
    ranked,
    replicated,
    sound,
    target_down,
    typing_mistake,
    world,
    zoning,
)


def rules(estate, before=None):
    return {one.rule for one in lint(estate, before)}


# --- zones --------------------------------------------------------------------------------------------------------
def test_a_peer_zone_with_initiators_on_one_side_is_fine():
    peer = Zone("Z_PEER", (HBA1A, HBA2A), "peer", (PORT0,))
    assert found(effective(sound(), peer), "MULTI_INITIATOR_ZONE") == []
    both = Zone("Z_PEER", (HBA1A, PORT0), "peer", (HBA2A,))
    assert len(found(effective(sound(), both), "MULTI_INITIATOR_ZONE")) == 1


def test_replication_ports_may_be_zoned_together():
    zone = Zone("Z_REP", (PORT0, "20083400a30d0002"))
    remote = RemoteArray(DR, "DR", "", "1", "10")
    estate = changed(effective(sound(), zone), PROD, remotes=(remote,))
    assert found(estate, "TARGET_TARGET_ONLY") == []
    assert found(estate, "MIXED_ARRAY_ZONE") == []


def test_an_initiator_that_only_the_name_server_knows_is_one():
    estate = sound()
    logins = tuple(
        replace(one, wwpn="10000000c9000009") if one.wwpn == HBA2A else one for one in estate.switches[0].logins
    )
    zone = Zone("Z_TAPE", ("10000000c9000009", HBA1A, PORT0))
    assert len(found(changed(effective(estate, zone), A, logins=logins), "MULTI_INITIATOR_ZONE")) == 1


def test_a_typing_mistake_needs_a_near_port_in_no_zone():
    far = effective(typing_mistake(), Zone("Z_FAR", ("50000000aaaaaaaa", PORT0)))
    assert {one.objects[-1] for one in found(far, "ALIAS_TYPO")} == {"100000109ba1f100"}
    near = effective(sound(), Zone("Z_NEAR", ("100000109ba1f100", PORT0)))
    assert found(near, "ALIAS_TYPO") == [], "its neighbour is zoned already"


def test_an_alias_that_names_no_host_or_two_is_not_judged():
    for alias in ("spare_port", "olvm-h1_olvm-h2"):
        assert found(zoning(sound(), A, aliases={alias: (HBA2A,)}), "ALIAS_WRONG_HOST") == []
    assert found(zoning(sound(), A, aliases={"olvm-h1_x": ("10000000c9000009",)}), "ALIAS_WRONG_HOST") == []


def test_a_host_whose_name_holds_anothers_is_told_apart():
    made = standard()
    for hba in made.hbas:
        hba.host = "olvm-h10" if hba.host == H2 else hba.host
    made.given = {(("olvm-h10" if host == H2 else host), one, where) for host, one, where in made.given}
    assert found(made.estate(), "ALIAS_WRONG_HOST") == []


def test_members_by_port_and_by_wwpn_resolve():
    assert found(effective(sound(), Zone("Z_PORT", ("1,0", PORT0))), "ALIAS_UNRESOLVED") == []
    bad = effective(sound(), Zone("Z_PORT", ("1,x", PORT0)))
    assert len(found(bad, "ALIAS_UNRESOLVED")) == 1


def test_the_default_zone_is_worse_without_a_configuration():
    assert found(zoning(sound(), A, all_access=True), "DEFAULT_ZONE_ALL_ACCESS")[0].severity is Outcome.WARN
    bare = zoning(sound(), A, all_access=True, cfg_effective="", effective=())
    assert found(bare, "DEFAULT_ZONE_ALL_ACCESS")[0].severity is Outcome.FAIL
    for rule in ("LOGGED_IN_NOT_ZONED", "ARRAY_NOT_ZONED_ON_FABRIC", "CONTROLLER_NOT_ZONED"):
        assert found(bare, rule) == [], rule
    assert found(bare, "DEFINED_CFG_NAME")[0].severity is Outcome.FAIL


def test_a_transaction_without_a_holder():
    assert found(zoning(sound(), A, transaction=True), "OPEN_TRANSACTION")[0].sentence.startswith(
        "Changes to the zoning of SWA1 are open:"
    )


def test_a_zone_that_only_changes_its_principal_differs():
    now = Zone("Z_P", (HBA1A,), "peer", (PORT0,))
    estate = effective(sound(), now)
    zones = estate.switches[0].zoning
    other = Zone("Z_P", (PORT0,), "peer", (HBA1A,))
    estate = zoning(estate, A, defined=(*zones.defined[:-1], other))
    (one,) = found(estate, "DEFINED_DIFFERS")
    assert "changes who is principal" in one.sentence


def test_effective_zones_of_an_undefined_configuration_are_told_once():
    estate = zoning(sound(), A, cfgs={})
    assert found(estate, "EFFECTIVE_NOT_DEFINED") == []
    assert len(found(estate, "DEFINED_CFG_NAME")) == 1


def test_a_port_that_is_gone_for_a_day_is_not_stale():
    zone = Zone("Z_OLD", ("10000000c9000001", PORT0))
    estate = replace(effective(sound(), zone), last_seen={"10000000c9000001": sound().at - 86400})
    assert found(estate, "STALE_WWPN") == []
    assert len(found(estate, "ZONED_NOT_LOGGED_IN")) == 1


def test_a_zone_on_a_fabric_whose_name_server_is_dark_lacks_nobody():
    estate = changed(
        effective(sound(), Zone("Z_X", ("10000000c9000001", PORT0))), A, logins=(), unread={"logins": "503."}
    )
    for rule in ("UNKNOWN_WWPN", "ZONED_NOT_LOGGED_IN", "LOGGED_IN_NOT_ZONED", "INITIATOR_SINGLE_FABRIC"):
        assert found(estate, rule) == [], rule
    assert found(estate, "UNREAD")[0].sentence == "503. What needs it is not judged."


def test_zoning_that_was_not_read_breaks_nothing():
    estate = changed(sound(), A, zoning=None, unread={"zoning": "403."})
    assert rules(estate) == {"UNREAD"}
    estate = changed(sound(), A, unread={"defined": "403."})
    assert rules(estate) == {"UNREAD"}


# --- fabrics ------------------------------------------------------------------------------------------------------
def test_one_fabric_is_not_told_while_a_switch_is_missing():
    missing = replace(world(hba_down), missing=(Missing("switch", "SWB2", "no route to host."),))
    assert found(missing, "INITIATOR_SINGLE_FABRIC") == []
    assert found(missing, "UNREAD")[0].sentence == "Switch SWB2 gave no answer: no route to host."


def test_two_principals_in_one_fabric_are_two_fabrics_that_met():
    estate = sound()
    joined = changed(estate, A, principal=True, members=(*estate.switches[0].members, *estate.switches[1].members))
    joined = changed(joined, B, principal=True)
    (one,) = found(joined, "FABRICS_MERGED")
    assert one.objects == ("SWA1", "SWB1")


def test_controllers_of_an_array_run_one_release():
    told = (Controller("0A", firmware="6.1.6"), Controller("0B", firmware="6.1.5"))
    (one,) = found(changed(sound(), PROD, controllers=told), "FIRMWARE_DIFFERS")
    assert "Controllers run different firmware (PROD 0A 6.1.6, PROD 0B 6.1.5)" in one.sentence


def test_unread_parts_of_hosts_and_arrays_are_told():
    estate = changed(sound(), PROD, unread={"links": "code 1077949001."})
    host = replace(estate.hosts[0], unread={"paths": "multipathd did not answer."})
    estate = replace(estate, hosts=(host, *estate.hosts[1:]))
    assert {one.objects for one in found(estate, "UNREAD")} == {("PROD", "links"), (H1, "paths")}


# --- ports --------------------------------------------------------------------------------------------------------
def test_a_dark_port_has_no_speed():
    assert found(ports(sound(), A, 0, gbit=16.0, state="no_light"), "SPEED_MISMATCH") == []
    assert found(ports(sound(), A, 0, most_gbit=None), "SPEED_MISMATCH") == []
    bare = ports(sound(), A, 0, gbit=16.0, neighbors=())
    assert "Port 0 of SWA1 runs at 16G" in found(bare, "SPEED_MISMATCH")[0].sentence
    slow = tuple(replace(port, gbit=16.0) if port.wwpn == PORT0 else port for port in array(sound(), PROD).ports)
    assert len(found(changed(sound(), PROD, ports=slow), "SPEED_MISMATCH")) == 1


@pytest.mark.parametrize(
    ("new", "old", "name", "count"),
    [
        (7, 5, "crc-errors", 1),
        (5, 5, "crc-errors", 0),
        (4, 5, "crc-errors", 0),  # cleared
        (105, 6, "encoding-errors-outside-frame", 0),
        (106, 6, "encoding-errors-outside-frame", 1),
        (5_999_999, 0, "bb-credit-zero", 0),  # 300 s hold 120 million ticks
        (6_000_000, 0, "bb-credit-zero", 1),
        (10**9, 0, "in-frames", 0),
    ],
)
def test_counters(new, old, name, count):
    now, before = counted(new, old, name)
    assert len(found(now, "ERRORS_RISING", before)) == count
    assert found(now, "ERRORS_RISING") == [], "one look tells nothing"


def test_credit_alone_points_to_the_other_end():
    now, before = counted(10**8, 0, "bb-credit-zero")
    assert "the other end takes frames too slowly" in found(now, "ERRORS_RISING", before)[0].sentence


def test_a_clearing_between_two_looks_says_nothing():
    now, before = (SwitchSeen(A, "A", "rest", counters={0: {"crc-errors": n}}, cleared={0: n}) for n in (9, 5))
    assert rises(now, before, 0, 300) == {}
    assert rises(now, before, 1, 300) == {}


def test_a_switch_that_is_new_has_no_earlier_counters():
    now, before = counted(7, 5)
    before = replace(before, switches=before.switches[1:], arrays=())
    assert found(now, "ERRORS_RISING", before) == []
    bare = ports(now, A, 0, neighbors=())
    assert "Port 0 of SWA1 counts" in found(bare, "ERRORS_RISING", counted(7, 5)[1])[0].sentence


@pytest.mark.parametrize(("new", "count"), [(8, 1), (7, 0), (6, 0)])
def test_errors_of_array_ports(new, count):
    def told(bad: int):
        mine = array(sound(), PROD).ports
        return changed(sound(), PROD, ports=(replace(mine[0], errors={"BADCRCNUM": bad}), *mine[1:]))

    assert len(found(told(new), "ERRORS_RISING", replace(told(7), at=sound().at - 300))) == count


def test_light():
    assert found(light(), "SFP_WEAK")[0].severity is Outcome.FAIL
    assert found(light(rx_low_alarm=None, rx_low_warning=-11.0), "SFP_WEAK")[0].severity is Outcome.WARN
    for fine in ({"rx_dbm": None}, {"rx_dbm": -3.0}, {"rx_low_alarm": None}):
        assert found(light(**fine), "SFP_WEAK") == []
    assert found(ports(light(), A, 0, state="no_light"), "SFP_WEAK") == []


def test_a_disabled_port_matters_when_something_belongs_on_it():
    off = replace(ports(sound(), A, 0, persistent_disable=True), declared=Declared())
    assert found(off, "PERSISTENT_DISABLE") == []
    assert len(found(off, "PERSISTENT_DISABLE", sound())) == 1, "something was on it before"
    assert "(olvm-h1_hba0)" in found(ports(off, A, 0, name="olvm-h1_hba0"), "PERSISTENT_DISABLE")[0].sentence


# --- arrays -------------------------------------------------------------------------------------------------------
def test_an_initiator_that_the_array_does_not_know_at_all():
    estate = initiators(lambda one: None if one.wwpn == HBA1A else one)
    assert "it does not know it" in found(estate, "LOGGED_IN_NOT_ON_ARRAY")[0].sentence
    free = initiators(lambda one: replace(one, free=True) if one.wwpn == HBA1A else one)
    assert len(found(free, "LOGGED_IN_NOT_ON_ARRAY")) == 1


def test_an_initiator_that_is_zoned_elsewhere_need_not_be_known():
    made = standard()
    made.zoned = {pair for pair in made.zoned if not (pair[0] == HBA1A and pair[1].endswith("0001"))}
    estate = made.estate()
    told = tuple(one for one in array(estate, PROD).initiators if one.wwpn != HBA1A)
    assert found(changed(estate, PROD, initiators=told), "LOGGED_IN_NOT_ON_ARRAY") == []
    dark = changed(estate, PROD, initiators=(), unread={"initiators": "code 1077949001."})
    assert found(dark, "LOGGED_IN_NOT_ON_ARRAY") == []
    blind = changed(changed(dark, A, zoning=None, unread={"zoning": "403."}), B, zoning=None, unread={"zoning": "403."})
    assert "LOGGED_IN_NOT_ON_ARRAY" not in rules(changed(blind, PROD, initiators=told, unread={}))


def test_one_host_object_for_a_cluster_is_a_warning():
    estate = changed(initiators(lambda one: replace(one, host="9")), PROD, hosts={"9": "cluster"})
    (one,) = found(estate, "INITIATOR_ON_WRONG_HOST")
    assert one.severity is Outcome.WARN
    assert "holds the ports of olvm-h1 and olvm-h2" in one.sentence
    longer = changed(sound(), PROD, hosts={"0": "OLVM-H1.bank.example", "1": "olvm-h2.bank.example"})
    assert found(longer, "INITIATOR_ON_WRONG_HOST") == []


def test_a_lun_on_one_host_matters_when_its_vm_may_move():
    def told(*uses: Use):
        made = standard()
        made.given = {given for given in made.given if given[1] != lun(1) or given[0] == H1}
        made.uses = uses
        return found(made.estate(), "LUN_MAPPED_TO_ONE_HOST")

    wwid = f"3{lun(1)}"
    assert told() == []
    assert told(Use("pinned", (wwid,), (H1,))) == []
    assert len(told(Use("anywhere", (wwid,)))) == 1
    dark = changed(sound(), PROD, unread={"mapped": "code 50331651."})
    assert found(dark, "LUN_MAPPED_TO_ONE_HOST") == []


def test_replicas():
    assert found(replicated(primary=True), "SECONDARY_MAPPED_TO_PROD_HOSTS") == []
    assert found(replicated(kind="metro"), "SECONDARY_MAPPED_TO_PROD_HOSTS") == []
    (one,) = found(replicated(), "SECONDARY_MAPPED_TO_PROD_HOSTS")
    assert one.objects == ("DR", "ora_data01_dr", H1, H2)
    pair = array(replicated(), DR).pairs[0]
    elsewhere = changed(sound(), DR, pairs=(replace(pair, remote_serial="gone"),))
    assert found(elsewhere, "SECONDARY_MAPPED_TO_PROD_HOSTS") == []
    declared = replace(elsewhere, production_hosts=frozenset({H2}))
    assert found(declared, "SECONDARY_MAPPED_TO_PROD_HOSTS")[0].objects[2:] == (H2,)


def test_links_that_nobody_zoned_and_initiators_of_others():
    estate = sound()
    extra = HostLink("0", HBA1A, "20093400a30d0001", "27")  # a target of the other fabric
    told = array(estate, PROD)
    estate = changed(
        estate, PROD, links=(*told.links, extra), initiators=(*told.initiators, Initiator("10000000c9000009", "", True))
    )
    assert rules(estate) == set()


# --- layers -------------------------------------------------------------------------------------------------------
def test_paths_that_lack_the_same_are_told_once_for_a_host():
    (one, other) = found(world(target_down), "PATHS_SEEN_BELOW_DESIGNED")
    assert one.sentence == (
        f"1 path of he_sd and 3 more LUNs on {H1} is designed and not seen by multipath ({HBA1A} to port "
        f"CTE0.A.IOM0.P0 of PROD ({PORT0})): look at these ports and cables, then rescan."
    )
    assert other.objects[0] == H2


def test_a_layer_that_was_not_read_lacks_nothing():
    estate = world(target_down)
    host = replace(estate.hosts[0], paths=(), unread={"paths": "multipathd did not answer."})
    estate = replace(estate, hosts=(host, *estate.hosts[1:]))
    assert [one.objects[0] for one in found(estate, "PATHS_SEEN_BELOW_DESIGNED")] == [H2]
    assert found(estate, "HOSTS_UNLIKE") == []


@pytest.mark.parametrize(
    ("one", "other", "most"),
    [
        ("abc", "abc", 0),
        ("abc", "abd", 1),
        ("abcd", "abdc", 1),
        ("abc", "ab", 1),
        ("abcdef", "abc", 3),
        ("abcd", "wxyz", 3),
    ],
)
def test_distance(one, other, most):
    assert distance(one, other) == distance(other, one) == most


def test_a_second_hba_is_named_by_its_host():
    assert (
        f"{HBA1B} of {H1}"
        in found(
            world(lambda made: made.zoned.difference_update({p for p in made.zoned if p[0] == HBA1B})),
            "LOGGED_IN_NOT_ZONED",
        )[0].sentence
    )


def test_declared_paths_are_held_to_a_design_that_is_known():
    assert found(agreed((HBA1A, PORT0)), "DECLARED_NOT_DESIGNED") == []
    wrong = agreed((HBA1A, "20093400a30d0001"))
    dark = changed(wrong, PROD, unread={"mapped": "code 50331651."})
    assert found(dark, "DECLARED_NOT_DESIGNED") == []
    assert found(replace(wrong, hosts=()), "DECLARED_NOT_DESIGNED") == []


def test_priorities_that_are_alike_not_told_or_of_a_dead_path_say_nothing():
    for estate in (ranked(1), ranked(50), ranked(None, 10), ranked(50, 10, state="down")):
        assert found(estate, "PRIORITIES_DIFFER") == []
    (one,) = found(ranked(50, 10), "PRIORITIES_DIFFER")
    assert one.sentence.startswith("Paths of he_sd on olvm-h1 have priorities 50, 10, so only the first carry I/O")


def test_two_arrays_that_serve_one_lun_may_rank_their_paths():
    """HyperMetro's local preferred mode."""
    estate = ranked(50, 10)
    number = next(one.ident for one in array(estate, PROD).luns if one.wwn == lun(1))
    metro = Pair("m1", "metro", number, number, DR, True, True, "1", "1")
    assert found(changed(estate, PROD, pairs=(metro,)), "PRIORITIES_DIFFER") == []
    dark = changed(estate, PROD, unread={"metro": "503 Service Unavailable."})
    assert found(dark, "PRIORITIES_DIFFER") == [], "whether it is one LUN of two arrays was not read"
