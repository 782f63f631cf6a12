"""The picture's geometry, over estates of every size and state: nothing overlaps, everything is in view, every link
ends at its boxes."""

from __future__ import annotations

import random
from functools import cache
from itertools import combinations

import pytest

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Use
from inventory.redundancy.evidence import Layer
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from inventory.topology.compose import picture
from inventory.topology.marks import BOLD, FIXED, WIDE, drawn, fit
from inventory.topology.place import Rect, placed
from inventory.topology.routes import links, runs
from inventory.topology.scene import Around, Place, Scene
from tests.redundancy.san_world import Hba, Isl, Target, World, lun, standard

DR, PROD = "DR", "PROD"


def grown(seed: int, hosts: int, arrays: int, fabrics: int, switches: int) -> World:
    """An estate of that size. Some cables are out."""
    chance = random.Random(seed)
    world = World(arrays=[f"ARRAY{n}" for n in range(arrays)])
    for fabric in range(fabrics):
        row = [f"1000c4f57c{fabric:02x}{n:02x}00" for n in range(switches)]
        world.fabrics.append(row)
        for n, wwn in enumerate(row):
            world.names[wwn], world.domains[wwn] = f"SW{'ABCDEF'[fabric]}{n + 1}", 1 + fabric * 16 + n
        for n, (one, other) in enumerate(combinations(row, 2)):
            world.isls += [Isl(one, 200 + 2 * n + k, other, 200 + 2 * n + k) for k in range(2)]
    for number in range(hosts):
        for fabric, row in enumerate(world.fabrics):
            wwpn = f"21{fabric:02x}000e1e{number:04x}00"
            up = chance.random() > 0.1
            world.hbas.append(Hba(wwpn, f"kvm{number:03d}", f"0000:{fabric:02x}:00", chance.choice(row), number, up))
    for n, array in enumerate(world.arrays):
        for fabric, row in enumerate(world.fabrics):
            for k in range(chance.choice((2, 4, 8))):
                wwpn = f"20{fabric:02x}3400a3{n:02x}{k:04x}"
                owner = f"0{'AB'[k % 2]}"
                where = f"CTE0.{'AB'[k % 2]}.IOM{k // 2}.P{fabric}"
                world.targets.append(
                    Target(wwpn, array, owner, f"{owner}.{k // 2}", chance.choice(row), 100 + n * 8 + k, where)
                )
    for number in range(12):
        world.luns[lun(number + 1)] = f"ora_data{number:02d}"
        world.given |= {(host, lun(number + 1), world.arrays[0]) for host in world.hosts()}
    world.zoned = {
        (hba.wwpn, target.wwpn)
        for hba in world.hbas
        for target in world.targets
        if world.fabric_of(hba.switch) == world.fabric_of(target.switch)
    }
    names = world.hosts()
    world.uses = tuple(
        Use(f"oradb{number:02d}", (f"3{lun(number + 1)}",), tuple(names), names[number % len(names)] if names else "")
        for number in range(10)
    )
    return world


def around(world: World, sites: int) -> Around:
    places = [f"SITE{n}" for n in range(sites)]
    devices = {
        name: Place(f"/devices/{name}/", places[n % sites])
        for n, name in enumerate([*world.arrays, *world.names.values()])
    }
    hosts = {name: Place(f"/hosts/{name}/", places[n % sites]) for n, name in enumerate(world.hosts())}
    return Around(places[0], devices, hosts)


SIZES = [
    (2, 2, 2, 1, 2), (2, 2, 2, 2, 2), (2, 2, 1, 1, 1), (1, 1, 2, 1, 1), (5, 2, 2, 3, 2), (12, 3, 2, 2, 2),
    (50, 2, 2, 2, 2),
    (50, 2, 2, 1, 1), (50, 4, 2, 4, 3), (8, 2, 3, 2, 2), (20, 2, 4, 2, 2), (0, 1, 2, 1, 1), (3, 0, 2, 1, 1),
]  # fmt: skip
CASES = [(seed, *size) for seed in range(3) for size in SIZES]


@cache
def made(seed, hosts, arrays, fabrics, switches, sites):
    world = grown(seed, hosts, max(arrays, 1), fabrics, switches)
    if not arrays:
        world.arrays, world.targets, world.given = [], [], set()
    proof = prove(world.estate())
    gone = [Element(Kind.SWITCH, world.fabrics[0][0])] if seed % 2 else []
    what = what_if(proof, gone) if gone else None
    return picture(Scene(proof, around(world, sites), Layer.LIVE, what, lambda one: f"?without={one.key}"))


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def shown(request):
    return made(*request.param)


def test_nothing_overlaps_and_everything_is_in_view(shown):
    layout = placed(shown)
    paper = Rect(0, 0, layout.width, layout.height)
    assert set(layout.boxes) == {one.key for one in shown.boxes}
    assert set(layout.switches) == {one.key for one in shown.switches}
    solid = [*layout.boxes.values(), *layout.switches.values()]
    for one, other in combinations(solid, 2):
        assert not one.overlaps(other)
    for frame, other in combinations(layout.sites.values(), 2):
        assert not frame.overlaps(other)
    for one in (*solid, *layout.sites.values()):
        assert paper.holds(one)
    for box in shown.boxes:
        assert layout.sites[box.site].holds(layout.boxes[box.key])
        inner = [
            *(layout.chips[box.key, port.key] for port in box.ports),
            *(layout.items[box.key, item.key] for item in box.items),
            *(rect for (key, _), rect in layout.parts.items() if key == box.key),
        ]
        for one in inner:
            assert layout.boxes[box.key].holds(one)
        for one, other in combinations(inner, 2):
            assert not one.overlaps(other), box.key
    for switch in shown.switches:
        assert layout.sites[switch.site].holds(layout.switches[switch.key])


def test_every_link_ends_at_its_port_and_at_its_switch(shown):
    layout = placed(shown)
    found = links(shown, layout)
    wanted = {(box.key, port.key) for box in shown.boxes for port in box.ports if port.switch}
    assert {(link.box, link.port.key) for link in found} == wanted
    for link in found:
        chip, switch = layout.chips[link.box, link.port.key], layout.switches[link.port.switch]
        (x, y), (end_x, end_y) = link.points[0], link.points[-1]
        assert x == pytest.approx(chip.middle)
        assert y in (chip.y, chip.bottom)
        assert switch.x - 0.01 <= end_x <= switch.right + 0.01
        assert switch.y - 0.01 <= end_y <= switch.bottom + 0.01
        assert end_x in (switch.x, switch.right) or end_y in (switch.y, switch.bottom), "it ends at an edge"
        for (ax, ay), (bx, by) in zip(link.points, link.points[1:], strict=False):
            assert ax == bx or ay == by, "only straight and square"
    plugs = {}
    for link in found:
        for other in plugs.setdefault(link.port.switch, []):
            assert (link.plug.x, link.plug.y) != (other.x, other.y), "two links share a plug"
        plugs[link.port.switch].append(link.plug)


def test_every_pair_of_joined_switches_is_joined_in_the_picture(shown):
    layout = placed(shown)
    found = runs(shown, layout)
    assert len(found) == len(shown.trunks)
    for run in found:
        ends = [layout.switches[run.trunk.one], layout.switches[run.trunk.other]]
        for line in run.lines:
            for x, y in (line[0], line[-1]):
                assert any(
                    one.x - 0.01 <= x <= one.right + 0.01 and one.y - 0.01 <= y <= one.bottom + 0.01 for one in ends
                )


def test_words_stay_within_the_picture(shown):
    drawing = drawn(shown)
    sizes = {"name": (14.5, BOLD), "strong": (13, BOLD), "fixed": (10.5, FIXED), "tag": (11, WIDE), "tiny": (10, BOLD)}
    for group in drawing.groups:
        for mark in group.marks:
            if mark.kind != "words":
                continue
            size, factor = next((sizes[one] for one in sizes if one in mark.classes.split()), (12, WIDE))
            width = len(mark.text) * size * factor
            left = mark.x - (
                width if "end" in mark.classes.split() else width / 2 if "middle" in mark.classes.split() else 0
            )
            assert left >= -8, mark.text
            assert left + width <= drawing.width + 40, (mark.text, drawing.width)
            assert 0 <= mark.y <= drawing.height


def test_every_thing_has_words(shown):
    drawing = drawn(shown)
    assert all(group.title and group.marks for group in drawing.groups)
    keys = [group.key for group in drawing.groups]
    assert len(keys) == len(set(keys)), [one for one in keys if keys.count(one) > 1]


def test_fifty_hosts_are_few_boxes_and_each_host_is_still_there():
    world = grown(3, 50, 2, 2, 2)
    shown = picture(Scene(prove(world.estate()), around(world, 1)))
    hosts = [box for box in shown.boxes if box.kind != "array"]
    assert len(hosts) <= 12
    names = [item.title for box in hosts if box.kind == "hosts" for item in box.items]
    names += [box.name for box in hosts if box.kind == "host"]
    assert sorted(names) == world.hosts()
    assert placed(shown).width < 4000


def test_a_short_text_stays_and_a_long_one_is_cut():
    assert fit("SWA1", 100, 12) == "SWA1"
    assert fit("a long name of a switch", 60, 12) == "a long…"
    assert fit("x" * 40, 0, 12) == "…"


def test_the_standard_estate_is_as_wide_as_a_page():
    assert placed(picture(Scene(prove(standard().estate()), Around(PROD, {DR: Place("", "DR")})))).width <= 1100
