"""Declared cables beside what the fabrics tell, and the rules on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.redundancy.cabling import Line
from inventory.redundancy.lint import lint
from inventory.redundancy.plan import Names, joined
from inventory.redundancy.planned import cables
from inventory.redundancy.proof import prove
from portal.kernel.outcome import Outcome
from portal.kernel.san import SwitchSeen
from tests.redundancy.cabling_breaks import HBA1A, dead, moved, one_undeclared, relabelled, spare, swapped, without
from tests.redundancy.planned_world import declared, lines_of, names_of, sound
from tests.redundancy.san_world import A, changed, standard

H1 = "olvm-h1"


def of(estate, wwpn=HBA1A):
    return next(one for one in cables(prove(estate)) if one.cable.wwpn == wwpn)


def said(estate, rule):
    return [one for one in lint(estate) if one.rule == rule]


def test_without_a_plan_there_is_nothing_to_compare():
    assert cables(prove(standard().estate())) == ()


def test_a_cable_where_it_belongs():
    one = of(sound(standard()))
    assert (one.standing, one.where, one.sentence) == ("as planned", "port 0 of SWA1", "")


def test_a_cable_at_another_port():
    one = of(moved())
    assert (one.standing, one.where) == ("elsewhere", "port 0 of SWA1")
    assert one.sentence == (
        f"{HBA1A} of {H1} belongs to port 7 of SWA1 by the plan and is logged in at port 0 of SWA1: move the cable, or "
        "change the plan."
    )
    (breach,) = said(moved(), "CABLED_ELSEWHERE")
    assert breach.severity is Outcome.WARN


def test_a_cable_in_the_other_fabric_is_a_failure():
    estate = moved(switch="SWB1")
    assert of(estate).standing == "other fabric"
    (breach,) = said(estate, "CABLED_ELSEWHERE")
    assert breach.severity is Outcome.FAIL


def test_a_pulled_cable_names_the_state_of_its_port():
    one = of(dead())
    assert one.standing == "not logged in"
    assert "port 0 of SWA1, where it belongs, is no_light" in one.sentence


def test_a_stranger_on_its_port_is_named():
    (breach,) = said(swapped(), "PORT_TAKEN")
    assert breach.sentence.startswith("Port 1 of SWA1 is for")
    one = of(swapped())
    assert one.standing == "elsewhere"
    assert one.taken == ("100000109ba10200",)


def test_a_dead_port_with_a_stranger_on_it():
    estate = dead()
    port = next(one for one in estate.switches if one.wwn == A).ports[0]
    logins = next(one for one in estate.switches if one.wwn == A).logins
    strange = replace(logins[0], wwpn="2100000000000009", fabric_port=port.wwn)
    one = of(changed(estate, A, logins=(*logins, strange)))
    assert "is no_light; 2100000000000009 is there instead" in one.sentence


def test_what_a_switch_does_not_tell_is_not_known():
    estate = sound(standard())
    dark = changed(estate, A, unread={"logins": "503 Service Unavailable."}, logins=())
    one = of(dark)
    assert (one.standing, one.sentence.endswith("is not known: 503 Service Unavailable.")) == ("not known", True)
    gone = replace(estate, switches=tuple(each for each in estate.switches if each.wwn != A))
    assert (of(gone).standing, "SWA1 was not read." in of(gone).sentence) == ("not known", True)


def test_a_port_that_is_logged_in_where_no_port_was_read():
    estate = changed(sound(standard()), A, ports=())
    one = of(estate)
    assert (one.standing, one.where) == ("not known", "fabric SWA1")


def test_a_host_port_that_nobody_declared():
    (breach,) = said(one_undeclared(), "CABLE_NOT_DECLARED")
    assert breach.sentence.startswith(f"{HBA1A} of {H1} is plugged into port 0 of SWA1 and is not declared")
    blind = changed(one_undeclared(), A, ports=())
    assert any("is plugged into fabric SWA1 and" in one.sentence for one in said(blind, "CABLE_NOT_DECLARED"))


def test_links_are_compared_at_both_ends():
    world = standard(isl=True)
    assert said(sound(world), "LINK_MISSING") == said(sound(world), "LINK_NOT_DECLARED") == []
    assert {one.severity for one in said(without("link"), "LINK_NOT_DECLARED")} == {Outcome.WARN}
    lines = [replace(line, at_port="29") if line.kind == "link" else line for line in lines_of(world)][:-1]
    assert said(declared(world.estate(), lines), "LINK_MISSING")
    only_power = declared(world.estate(), [Line("pdu", H1, "", "P")])
    assert said(only_power, "LINK_NOT_DECLARED") == []


def test_a_link_of_which_not_all_was_read_is_not_missing():
    world = standard(isl=True)
    estate = sound(world, Line("link", "SWA1", "30", "SWA2", "30"))
    assert said(estate, "LINK_MISSING")
    for dark in (
        changed(estate, A, unread={"ports": "503."}),
        replace(estate, switches=tuple(one for one in estate.switches if not one.name.startswith("SWA"))),
    ):
        assert said(dark, "LINK_MISSING") == []


def test_an_end_that_was_not_read_may_be_the_declared_one():
    world = standard(isl=True)
    estate = sound(world)
    far = next(one for one in estate.switches if one.name == "SWA2")
    gone = replace(estate, switches=tuple(one for one in estate.switches if one is not far))
    assert said(gone, "LINK_NOT_DECLARED") == []


def test_fabrics_declared_apart_and_together():
    (breach,) = said(relabelled(), "FABRIC_NOT_AS_DECLARED")
    assert breach.severity is Outcome.FAIL
    world = standard()
    lines = [replace(line, at="A") if line.kind == "fabric" else line for line in lines_of(world)]
    (split,) = said(declared(world.estate(), lines), "FABRIC_NOT_AS_DECLARED")
    assert (split.severity, "SWA1 and SWB1 are not joined" in split.sentence) == (Outcome.WARN, True)


def test_power_of_many():
    (breach,) = said(sound(standard(), Line("pdu", H1, "", "PDU-1")), "POWER_NOT_DECLARED")
    assert "olvm-h2" in breach.sentence
    fed = [Line("pdu", name, "", "P1") for name in ("olvm-h1", "olvm-h2", "SWA1", "SWB1", "PROD", "DR")]
    assert said(sound(standard(), *fed), "POWER_NOT_DECLARED") == []


# --- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "strange"),
    [
        (Line("hba", "olvm-h9", "1" * 16, "SWA1", "0"), "olvm-h9"),
        (Line("hba", H1, "1" * 16, "SWX", "0"), "SWX"),
        (Line("hba", H1, "1" * 16, "SWA1", "99"), "port 99 of SWA1"),
        (Line("array", "NOBODY", "1" * 16, "SWA1", "0"), "NOBODY"),
        (Line("link", "SWA1", "1", "SWX", "2"), "SWX"),
        (Line("fabric", "SWX", "", "A"), "SWX"),
        (Line("rack", "NOBODY", "", "R1"), "NOBODY"),
        (Line("pdu", "PROD/0Z", "", "P1"), "PROD/0Z"),
        (Line("pdu", "NOBODY/0A", "", "P1"), "NOBODY/0A"),
    ],
)
def test_names_that_nobody_has(line, strange):
    plan, _ = joined([line], names_of(standard().estate()))
    assert list(plan.strange) == [strange]


def test_names_are_found_in_any_case_and_things_that_never_told_anything_are_no_strangers():
    estate = standard().estate()
    lines = [
        Line("hba", "OLVM-H1", HBA1A, "swa1", "0"),
        Line("pdu", "prod/0a", "", "P1"),
        Line("pdu", "DARK", "", "P1"),
        Line("pdu", "GHOST", "", "P1"),
        Line("link", "DARK", "1", "SWA1", "2"),
        Line("fabric", "DARK", "", "A"),
        Line("hba", H1, "2" * 16, "DARK", "3"),
    ]
    known = names_of(estate)
    names = Names(known.hosts, {**known.switches, "dark": None}, {**known.arrays, "ghost": None})
    plan, power = joined(lines, names)
    assert plan.strange == {}
    assert plan.cabling == {HBA1A: next(one for one in estate.switches if one.wwn == A).ports[0].wwn}
    assert plan.links[0].ends == (("", 1), (A, 2))
    assert plan.fabrics == {}
    assert {one.key for one in power.inputs} == {"PROD/0A"}


def test_a_switch_that_is_only_a_member_has_a_number_and_no_ports():
    names = Names(frozenset(), {"swx": SwitchSeen("1000000000000009", "SWX", "member")}, {})
    plan, _ = joined([Line("fabric", "SWX", "", "A"), Line("hba", "h", "1" * 16, "SWX", "3")], names)
    assert plan.fabrics == {"1000000000000009": "A"}
    assert "port 3 of SWX" not in plan.strange


def test_a_spare_port_is_a_port():
    assert any(port.number == 7 for port in spare(standard().estate(), "7").switches[0].ports)
