"""What dies with what: against a check of its own, and in the proof and the what-if."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from inventory.redundancy.cabling import Line
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.lint import lint
from inventory.redundancy.power import Power
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from tests.redundancy.planned_world import declared, lines_of, names_of, sound
from tests.redundancy.san_world import PROD, A, B, standard

H1, H2 = "olvm-h1", "olvm-h2"


def pdu(name):
    return Element(Kind.PDU, name)


def by_search(power: Power, gone: set[Element]) -> set[Element]:
    """Round after round over everything, until nothing more dies."""
    dead = set(gone)
    while True:
        more = {
            thing
            for thing in {*power.within, *power.inputs} - dead
            if any(one in dead for one in power.within.get(thing, ()))
            or (power.inputs.get(thing) and all(one in dead for one in power.inputs[thing]))
        }
        if not more:
            return dead
        dead |= more


def test_generated_relations_die_as_a_search_says():
    dice = random.Random(20261126)
    for _ in range(400):
        things = [Element(dice.choice(list(Kind)), str(n)) for n in range(dice.randrange(2, 14))]
        within: dict[Element, frozenset[Element]] = {}
        inputs: dict[Element, frozenset[Element]] = {}
        for number, thing in enumerate(things[1:], 1):
            above = things[:number]
            if dice.random() < 0.4:
                within[thing] = frozenset(dice.sample(above, dice.randrange(1, min(3, number) + 1)))
            if dice.random() < 0.6:
                inputs[thing] = frozenset(dice.sample(above, dice.randrange(1, min(3, number) + 1)))
        power = Power(within, inputs)
        for _ in range(4):
            gone = set(dice.sample(things, dice.randrange(1, min(4, len(things)) + 1)))
            assert power.dies_with(gone) == by_search(power, gone)
        for domain in power.domains():
            assert domain.members | {domain.element} == by_search(power, {domain.element})


def test_a_thing_with_two_supplies_lives_on_one():
    host = Element(Kind.HOST, "kvm01")
    feed = Element(Kind.FEED, "Feed A")
    power = Power({}, {host: frozenset({pdu("1"), pdu("2")}), pdu("1"): frozenset({feed}), pdu("2"): frozenset({feed})})
    assert host not in power.dies_with([pdu("1")])
    assert host in power.dies_with([pdu("1"), pdu("2")])
    assert host in power.dies_with([feed]), "both PDUs hang on one feed"
    assert {one.element: host in one.members for one in power.domains()} == {
        pdu("1"): False, pdu("2"): False, feed: True,
    }  # fmt: skip


def test_what_has_a_supply():
    host, chassis = Element(Kind.HOST, "kvm01"), Element(Kind.CHASSIS, "C7000")
    assert not Power().fed(host)
    assert Power({}, {host: frozenset({pdu("1")})}).fed(host)
    assert Power({host: frozenset({chassis})}, {chassis: frozenset({pdu("1")})}).fed(host)
    assert not Power({host: frozenset({chassis})}, {}).fed(host)
    rack, loop = Element(Kind.RACK, "R1"), Element(Kind.ROOM, "R2")
    assert not Power({host: frozenset({rack, loop}), rack: frozenset({loop})}, {}).fed(host)


# --- in the proof -----------------------------------------------------------------------------------------------------
def points(proof):
    return {proof.label(point) for cell in proof.cells.values() for point in cell.live.points}


def test_both_fabrics_on_one_pdu_are_a_single_point_of_failure():
    lines = [Line("pdu", "SWA1", "", "PDU-1"), Line("pdu", "SWB1", "", "PDU-1")]
    proof = prove(sound(standard(), *lines))
    assert points(proof) == {"PDU-1"}
    first = proof.elements[0]
    assert (first.element, bool(first.cuts)) == (pdu("PDU-1"), True)
    assert first.sentence.startswith("If PDU-1 dies, ")


def test_switches_with_two_supplies_each_are_none_unless_both_hang_on_one_feed():
    lines = [Line("pdu", switch, "", name) for switch in ("SWA1", "SWB1") for name in ("PDU-1", "PDU-2")]
    assert points(prove(sound(standard(), *lines))) == set()
    feeds = [Line("feed", name, "", "Feed A") for name in ("PDU-1", "PDU-2")]
    assert points(prove(sound(standard(), *lines, *feeds))) == {"Feed A"}


def test_a_feed_of_both_controllers_is_one_and_of_the_whole_array_is_not_counted():
    both = [Line("pdu", f"{PROD}/{one}", "", "PDU-1") for one in ("0A", "0B")]
    assert "PDU-1" in points(prove(sound(standard(), *both)))
    whole = prove(sound(standard(), Line("pdu", PROD, "", "PDU-1")))
    assert points(whole) == set(), "with its array dies what it alone serves: no number of paths helps"
    said = next(one.sentence for one in whole.elements if one.element == pdu("PDU-1"))
    assert said == "If PDU-1 dies, 1 array dies with it; no other LUN loses its last path."


def test_taking_away_both_supplies_of_a_host_takes_the_host():
    lines = [Line("pdu", H1, "", "PDU-1"), Line("pdu", H1, "", "PDU-2")]
    proof = prove(sound(standard(), *lines))
    one = what_if(proof, [pdu("PDU-1")])
    assert (one.lost, one.strange) == ((), ())
    two = what_if(proof, [pdu("PDU-1"), pdu("PDU-2")])
    assert {left.cell.host for left in two.lost} == {H1}
    assert (two.hosts_gone, one.hosts_gone) == ((H1,), ())
    assert Element(Kind.HOST, H1) in two.dead
    assert what_if(proof, [pdu("PDU-9")]).strange == (pdu("PDU-9"),)


def test_a_rack_takes_its_hosts_and_says_so():
    proof = prove(sound(standard(), Line("rack", H1, "", "R1"), Line("rack", "SWA1", "", "R1")))
    rack = Element(Kind.RACK, "R1")
    assert points(proof) == set()
    found = what_if(proof, [rack])
    assert {left.cell.host for left in found.lost} == {H1}
    assert (found.hosts_gone, found.cut_off) == ((H1,), ())
    assert found.sentence.startswith(f"Without rack R1 {H1} is gone and ")
    assert "lose all paths" not in found.sentence, "what a dead host cannot use says nothing of a LUN"
    said = next(one.sentence for one in proof.elements if one.element == rack)
    assert said == "If rack R1 dies, 1 host dies with it, and VMs need another host; no other LUN loses its last path."


def test_a_rack_that_takes_a_host_and_cuts_the_other():
    lines = [Line("rack", name, "", "R1") for name in (H1, "SWA1", "SWB1")]
    proof = prove(sound(standard(), *lines))
    said = proof.elements[0].sentence
    assert said.startswith("If rack R1 dies, 1 host dies with it, and VMs need another host. If rack R1 dies, ")
    assert said.endswith(f" all paths on {H2}.")


def test_a_site_is_taken_away_as_a_whole():
    estate = standard().estate()
    names = names_of(estate, {H1: "DC1", H2: "DC2"})
    proof = prove(declared(estate, [], names))
    found = what_if(proof, [Element(Kind.SITE, "DC1")])
    assert {left.cell.host for left in found.lost} == {H1}
    assert proof.label(Element(Kind.SITE, "DC1")) == "site DC1"


def test_sound_cabling_breaks_no_rule_and_changes_no_verdict():
    for world in (standard(), standard(isl=True)):
        with_plan, without = sound(world), world.estate()
        assert lint(with_plan) == []
        assert prove(with_plan).whole.outcome is prove(without).whole.outcome


@pytest.mark.parametrize("switch", [A, B])
def test_a_cable_of_a_silent_switch_keeps_its_place(switch):
    """The plan knows the switch's port from what it told last; the estate of now does not have it."""
    world = standard()
    estate = world.estate()
    names = names_of(estate)
    dark = replace(estate, switches=tuple(one for one in estate.switches if one.wwn != switch))
    plan = declared(dark, lines_of(world), names).declared.plan
    assert all(cable.port_wwn for cable in plan.cables)
    assert plan.strange == {}
