"""What the picture says of things: the states that switches, ports, links and copies can have, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from inventory.redundancy.cabling import Line
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Declared, HbaPort, Missing, Use
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from inventory.topology.compose import layer_of, picture
from inventory.topology.marks import Drawing, Group, Mark, drawn
from inventory.topology.png import png
from inventory.topology.scene import Around, Place, Scene
from inventory.topology.style import Style
from inventory.topology.svg import FOOT, MARGIN, svg
from portal.kernel.san import Pair
from tests.redundancy.planned_world import sound
from tests.redundancy.san_world import DR, PROD, A, B, changed, standard

STATIC = Path(__file__).resolve().parents[2] / "static" / "holdfast"


def style(theme="light"):
    return Style((STATIC / "tokens.css").read_text(), (STATIC / "topology.css").read_text(), theme)


def shown(estate, around=None, gone=(), layer="live"):
    proof = prove(estate)
    what = what_if(proof, gone) if gone else None
    return picture(Scene(proof, around or Around("PROD"), layer_of(layer), what))


def switch(found, name):
    return next(one for one in found.switches if one.name == name)


def box(found, name):
    return next(one for one in found.boxes if one.name == name)


@pytest.mark.parametrize(
    ("told", "state", "word"),
    [("online", "ok", "online"), ("offline", "fail", "offline"), ("faulty", "fail", "faulty"),
     ("testing", "unknown", "testing"), ("", "unknown", "not told")],
)  # fmt: skip
def test_a_switch_has_its_own_word_for_its_state(told, state, word):
    one = switch(shown(changed(standard().estate(), A, state=told)), "SWA1")
    assert (one.state, one.word) == (state, word)


def test_a_member_that_is_not_declared_is_drawn_and_not_known():
    estate = standard(isl=True).estate()
    found = shown(replace(estate, switches=tuple(one for one in estate.switches if one.name != "SWA2")))
    one = switch(found, "SWA2")
    assert (one.state, one.word) == ("unknown", "not read")
    assert "is not declared" in one.words


def test_a_silent_switch_and_a_silent_array_are_drawn_where_they_stood():
    estate = standard().estate()
    old = tuple(one for one in estate.switches if one.name == "SWB1") + tuple(
        one for one in estate.arrays if one.serial == PROD
    )
    told = replace(
        estate,
        switches=tuple(one for one in estate.switches if one.name != "SWB1"),
        arrays=tuple(one for one in estate.arrays if one.serial != PROD),
        missing=(Missing("switch", "SWB1", "It is silent."), Missing("array", "PROD", "It is dark.")),
    )
    around = Around("PROD", past=old, dark={B: "It is silent.", PROD: "It is dark."}, names={B: "SWB1", PROD: "PROD"})
    found = shown(told, around)
    assert switch(found, "SWB1").words == "It is silent."
    assert box(found, "PROD").about == "not known"
    assert {port.wire for port in box(found, "olvm-h1").ports if port.rail == 1} == {"unknown"}
    assert found.loose == ()
    rail = next(one for one in found.rails if "SWB1" in one.name)
    assert (rail.state, rail.about) == ("unknown", "not known: no switch of it says anything")


def test_what_never_said_anything_is_named_beside_the_picture():
    estate = replace(standard().estate(), missing=(Missing("switch", "SWC1", "It never answered."),))
    assert shown(estate).loose == ("Switch SWC1: It never answered.",)


def test_a_port_of_no_known_fabric_says_so():
    estate = standard().estate()
    host = replace(estate.hosts[0], hbas=(*estate.hosts[0].hbas, HbaPort("2100000000000001", "", "Online")))
    found = shown(replace(estate, hosts=(host, estate.hosts[1])))
    port = next(one for one in box(found, host.name).ports if one.key == "2100000000000001")
    assert (port.rail, port.wire) == (None, "unknown")
    assert "which fabric it is plugged into is not known" in port.words


@pytest.mark.parametrize(
    ("running", "health", "wire"), [("1", "1", "live"), ("23", "1", "live"), ("34", "1", "down"), ("1", "2", "down")]
)
def test_replication_is_an_arrow_with_its_state(running, health, wire):
    estate = standard().estate()
    pairs = tuple(Pair(f"p{n}", "replication", str(n), str(n), DR, True, True, health, running) for n in range(3))
    found = shown(changed(estate, PROD, pairs=pairs), Around("PROD", devices={DR: Place("", "DR")}))
    (copy,) = found.copies
    assert (copy.label, copy.wire) == ("sync, 3", wire)
    assert ("not normally" in copy.words) is (wire == "down")
    assert any(group.key == f"copy:{PROD}" for group in drawn(found).groups)
    gone = shown(changed(estate, PROD, pairs=pairs), gone=[Element(Kind.ARRAY, DR)])
    assert gone.copies[0].wire == "gone"


@pytest.mark.parametrize("layer", ["designed", "logged_in", "seen", "live", "no such layer"])
def test_every_layer_is_drawn(layer):
    found = shown(standard().estate(), layer=layer)
    assert {one.state for one in found.boxes} == {"ok"}
    assert all(port.wire == "live" for one in found.boxes for port in one.ports)


@pytest.mark.parametrize(
    ("element", "boxes"),
    [
        (Element(Kind.HOST, "olvm-h1"), {"olvm-h1"}),
        (Element(Kind.CARD, "olvm-h1/0000:3b:00"), set()),
        (Element(Kind.ARRAY, PROD), {PROD}),
        (Element(Kind.CONTROLLER, f"{PROD}/0A"), set()),
        (Element(Kind.MODULE, f"{PROD}/0A.0"), set()),
        (Element(Kind.FABRIC, A), set()),
        (Element(Kind.SWITCH_PORT, f"2004{A[4:]}"), set()),
    ],
)
def test_what_is_taken_away_is_struck_and_so_is_what_hangs_on_it(element, boxes):
    found = shown(standard().estate(), gone=[element])
    assert {one.key.removeprefix("host:") for one in found.boxes if one.gone} == boxes
    assert any(port.wire == "gone" for one in found.boxes for port in one.ports)
    assert shown(standard().estate()).boxes != found.boxes


def test_taking_all_paths_says_how_many_luns_lose_them():
    found = shown(standard().estate(), gone=[Element(Kind.SWITCH, A), Element(Kind.SWITCH, B)])
    one = box(found, "olvm-h1")
    assert (one.state, one.about) == ("fail", "0 of 4 paths per LUN")
    assert one.words == "7 of 7 LUNs lose all paths."


def test_luns_that_no_host_is_given_are_counted():
    world = standard()
    luns = next(one.luns for one in world.estate().arrays if one.serial == DR)
    world.given = {one for one in world.given if one[2] != DR}
    one = box(shown(changed(world.estate(), DR, luns=luns)), DR)
    assert (one.about, one.state) == ("not mapped to hosts", "")
    assert [(item.title, item.about) for item in one.items] == [("3 LUNs", "mapped to no watched host")]


def test_files_hold_every_shape():
    signs = [Mark("sign", state, 10, 20 * n, 14) for n, state in enumerate(("ok", "warn", "fail", "unknown"))]
    lines = [
        Mark("line", "wire down", d="M1 1L50 1", points=((1, 1), (50, 1))),
        Mark("line", "tip live", d="M1 1L9 9L1 9", points=((1, 1), (9, 9), (1, 9))),
        Mark("words", "small struck", 60, 40, text="gone × 2"),
        Mark("words", "small end", 90, 60, text="end"),
    ]
    drawing = Drawing(100, 100, (Group("a", "a", tuple(signs + lines)),))
    image = Image.open(BytesIO(png(drawing, style(), ["words"]))).convert("RGB")
    assert image.size == (2 * (100 + 2 * MARGIN), 2 * (100 + 2 * MARGIN + FOOT))
    colours = {colour for _, colour in image.getcolors(100_000)}
    for state in ("ok", "warn", "fail", "unknown"):
        ink = style().token(f"--{state}-fill")
        assert tuple(int(ink[i : i + 2], 16) for i in (1, 3, 5)) in colours, state
    text = svg(drawing, style("dark"), (STATIC / "shapes.svg").read_text(), ["<words>"])
    assert "&lt;words&gt;" in text
    assert style("dark").token("--fail-fill") in text
    assert text.count("<use ") == 4


def test_a_very_large_picture_is_drawn_at_half_the_scale():
    drawing = Drawing(9000, 2000, ())
    assert Image.open(BytesIO(png(drawing, style(), []))).size == (9000 + 2 * MARGIN, 2000 + 2 * MARGIN + FOOT)


def test_what_is_a_single_point_of_failure_has_a_thick_edge_and_says_which_part_it_is():
    world = standard()
    for hba in world.hbas:
        hba.card = "0000:3b:00" if hba.host == "olvm-h1" else hba.card
    found = shown(world.estate())
    assert {port.cuts for port in box(found, "olvm-h1").ports} == {"Its card is a single point of failure."}
    assert {port.cuts for port in box(found, "olvm-h2").ports} == {""}
    thick = [group for group in drawn(found).groups if any("cuts" in mark.classes.split() for mark in group.marks)]
    assert [group.title.split(". ")[0] for group in thick] == ["Its card is a single point of failure"] * 2
    world.zoned = {pair for pair in world.zoned if pair[0] != world.hbas[1].wwpn}
    found = shown(world.estate())
    assert box(found, "olvm-h1").ports[0].cuts == "Single point of failure."
    assert switch(found, "SWA1").cuts


# --- the engine's VM, sites of hosts, declared cables -----------------------------------------------------------------
def many(count):
    """More hosts than are drawn one by one, all alike."""
    world = standard()
    for hba in [one for one in world.hbas if one.host == "olvm-h1"]:
        for number in range(3, count + 1):
            wwpn = f"{hba.wwpn[:-4]}{number:02x}{hba.wwpn[-2:]}"
            world.hbas.append(replace(hba, wwpn=wwpn, host=f"olvm-h{number}", port=hba.port + 10 + number))
            world.zoned |= {(wwpn, target) for one, target in list(world.zoned) if one == hba.wwpn}
    for number in range(3, count + 1):
        world.given |= {(f"olvm-h{number}", lun, array) for host, lun, array in list(world.given) if host == "olvm-h1"}
    return world


def carrying(world, host):
    """The engine's VM runs there."""
    lun = f"3{next(iter(world.luns))}"
    hosts = tuple(sorted(world.hosts()))
    return replace(world.estate(), uses=(Use("HostedEngine", (lun,), hosts, host, hosted_engine=True),))


def test_the_engines_vm_stands_on_its_host():
    found = shown(carrying(standard(), "olvm-h2"))
    (item,) = box(found, "olvm-h2").items
    assert (item.title, item.state) == ("HostedEngine", "ok")
    assert item.about.startswith("1 LUN, ")
    assert box(found, "olvm-h1").items == ()


def test_the_host_of_the_engines_vm_stands_apart_from_fifty_others():
    found = shown(carrying(many(50), "olvm-h7"))
    hosts = [one for one in found.boxes if one.kind in ("host", "hosts")]
    assert {(one.kind, one.name) for one in hosts} == {("host", "olvm-h7"), ("hosts", "49 hosts")}
    assert [item.title for item in box(found, "olvm-h7").items] == ["HostedEngine"]
    assert "olvm-h7" not in [item.title for item in box(found, "49 hosts").items]


def test_hosts_stand_at_sites_of_their_own():
    around = Around("PROD", hosts={"olvm-h1": Place("", "PROD"), "olvm-h2": Place("", "DC2")})
    found = shown(standard().estate(), around)
    assert {one.name: one.site for one in found.boxes if one.kind == "host"} == {"olvm-h1": "PROD", "olvm-h2": "DC2"}
    assert "DC2" in found.sites


def test_ports_of_a_switch_that_forgot_its_logins_stand_where_their_cables_are_declared():
    estate = sound(standard())
    forgot = changed(estate, A, logins=(), ports=tuple(replace(one, neighbors=()) for one in
                     next(one for one in estate.switches if one.wwn == A).ports))  # fmt: skip
    ports = {port.key: port.plug for one in shown(forgot).boxes if one.kind == "host" for port in one.ports}
    assert ports["100000109ba10100"] == "0"
    without = changed(standard().estate(), A, logins=(), ports=next(
        one for one in forgot.switches if one.wwn == A).ports)  # fmt: skip
    bare = replace(without, declared=Declared())
    ports = {port.key: port.plug for one in shown(bare).boxes if one.kind == "host" for port in one.ports}
    assert ports["100000109ba10100"] in ("?", "")


def test_what_a_feed_takes_along_is_struck_through():
    lines = [Line("pdu", "olvm-h1", "", "PDU-1"), Line("pdu", "SWA1", "", "PDU-1"), Line("feed", "PDU-1", "", "Feed A")]
    found = shown(sound(standard(), *lines), gone=[Element(Kind.FEED, "Feed A")])
    assert box(found, "olvm-h1").gone
    assert switch(found, "SWA1").gone
    assert not box(found, "olvm-h2").gone
