"""Paths and what the multipath tools print of them (facts/luns-and-tuning.md 0 and 1)."""

from __future__ import annotations

import json
import re

import pytest

from lab import faults, multipath, multipath_cli, multipath_text
from lab.command import Reply
from lab.world import World
from tests.fixtures_lab import host, pass_time, quiet_estate
from tests.samples_dir import TOP


def run(world: World, *argv: str, name: str = "kvm01") -> Reply:
    reply = multipath_cli.PROGRAMS[argv[0]](world, host(world, name), list(argv))
    assert isinstance(reply, Reply)
    return reply


def maps(world: World, name: str = "kvm01") -> list[dict]:
    return json.loads(run(world, "multipathd", "show", "maps", "json", name=name).out)["maps"]


def path_words(world: World, name: str = "kvm01") -> set[str]:
    """dm state and checker state of every path, from JSON and from the text: both must agree."""
    from_json = [f"{p['dm_st']} {p['chk_st']}" for m in maps(world, name) for g in m["path_groups"] for p in g["paths"]]
    text = run(world, "multipath", "-ll", name=name).out
    from_text = [" ".join(line.split()[-3:-1]) for line in text.splitlines() if " sd" in line]
    assert sorted(from_json) == sorted(from_text)
    return set(from_json)


def shape(text: str) -> str:
    """A text with names and numbers taken out; padding follows their widths and goes too."""
    text = re.sub(r"3[0-9a-f]{32}|0x[0-9a-f]+|\b\d+(:\d+)*\b|sd[a-z]+|\d+:\d+", "#", text)
    return re.sub(r" +", " ", text)


def test_healthy_estate_has_four_paths_per_lun():
    world = quiet_estate()
    assert len(maps(world)) == 8
    assert {one["paths"] for one in maps(world)} == {4}
    assert path_words(world) == {"active ready"}
    pairs = {(p["host_wwpn"], p["target_wwpn"]) for p in maps(world)[0]["path_groups"][0]["paths"]}
    assert len(pairs) == 4
    assert all(re.fullmatch(r"3[0-9a-f]{32}", one["uuid"]) for one in maps(world))


def test_json_has_the_shape_of_the_capture():
    """Same keys, order, punctuation; the lab plays 0.8.4, which has no lun_hex."""
    captured = (TOP / "multipath" / "json_fc_vm_ok" / "stdout").read_text("utf-8")
    captured = re.sub(r' *"lun_hex" :.*\n', "", captured)
    world = quiet_estate()
    world.targets = world.targets[::2]  # two paths, as in the capture: 0A on A, 0B on A
    world.targets[1].fabric = "B"
    made = multipath_text.as_json(multipath.maps(world, host(world))[:1], host(world))
    rest = re.compile(r'"(rev|host_adapter)" : "[^"]*"')
    assert shape(rest.sub("", made)) == shape(rest.sub("", captured))


def test_text_has_the_shape_of_the_capture():
    captured = (TOP / "multipath" / "fc_vm_ok" / "stdout").read_text("utf-8")
    world = quiet_estate()
    world.targets = world.targets[::2]
    world.targets[1].fabric = "B"
    made = multipath_text.listing(multipath.maps(world, host(world))[:1], daemon=True)
    size = re.compile(r"size=\S+")
    assert shape(size.sub("", made)) == shape(size.sub("", captured))


def test_a_pulled_fabric_fails_then_vanishes():
    world = quiet_estate()
    faults.inject(world, "pull-fabric", "A", {})
    assert path_words(world) == {"active ready", "active faulty"}  # the first seconds
    pass_time(world, 15)
    assert path_words(world) == {"active ready", "failed faulty"}
    assert {one["paths"] for one in maps(world)} == {2}
    assert " F 1 " in run(world, "dmsetup", "status", "--target", "multipath").out
    pass_time(world, 70)
    assert path_words(world) == {"active ready"}  # every tool now shows a healthy map with fewer paths
    assert {len(one["path_groups"][0]["paths"]) for one in maps(world)} == {2}
    assert {one["path_faults"] for one in maps(world)} == {0}
    assert " F " not in run(world, "dmsetup", "status", "--target", "multipath").out
    faults.inject(world, "plug-fabric", "A", {})
    assert {one["paths"] for one in maps(world)} == {4}
    assert world.faults == []


def test_one_hosts_cable():
    world = quiet_estate()
    faults.inject(world, "pull-fabric", "B", {"host": "kvm02"})
    pass_time(world, 90)
    assert {one["paths"] for one in maps(world, "kvm02")} == {2}
    assert {one["paths"] for one in maps(world, "kvm01")} == {4}
    faults.clear(world)
    assert {one["paths"] for one in maps(world, "kvm02")} == {4}


def test_both_fabrics_gone_leaves_maps_without_paths():
    world = quiet_estate()
    for fabric in ("A", "B"):
        faults.inject(world, "pull-fabric", fabric, {})
    pass_time(world, 20)
    assert re.fullmatch(r"\d\d sec", maps(world)[0]["queueing"])
    pass_time(world, 70)
    assert maps(world)[0]["queueing"] == "off"
    assert maps(world)[0]["path_groups"] == []
    assert (
        run(world, "dmsetup", "status", "--target", "multipath").out.splitlines()[0].endswith(" multipath 2 1 0 0 0 0")
    )
    assert run(world, "multipath", "-ll").out.splitlines()[0].endswith("dm-0 ##,##")


def test_one_path():
    world = quiet_estate()
    wwid = maps(world)[3]["uuid"]
    hba = host(world).hbas[0].wwpn
    faults.inject(world, "fail-path", "kvm01", {"wwid": wwid, "hba": hba})
    assert {one["uuid"]: one["paths"] for one in maps(world)}[wwid] == 2
    assert sorted(one["paths"] for one in maps(world)) == [2, 4, 4, 4, 4, 4, 4, 4]


def test_a_stopped_multipathd():
    world = quiet_estate()
    faults.inject(world, "stop-unit", "kvm01", {"unit": "multipathd"})
    listed = run(world, "multipath", "-ll")
    assert listed.rc == 0
    assert "features='0'" in listed.out
    assert listed.err == "Warning: multipath devices exist, but multipathd service is not running\n"
    assert run(world, "multipathd", "show", "maps", "json").rc == 1


def test_no_maps():
    world = quiet_estate()
    world.luns.clear()
    captured = (TOP / "multipath" / "json_vm_empty" / "stdout").read_text("utf-8")
    assert run(world, "multipathd", "show", "maps", "json").out == captured
    assert run(world, "multipath", "-ll") == Reply()
    assert run(world, "multipathd", "show", "maps").out == "ok\n"


def test_raw_paths_drop_unknown_wildcards():
    world = quiet_estate()
    template = "%d|%i|%D|%t|%T|%o|%p|%S|%m|%w|%R|%r|%A|"
    line = run(world, "multipathd", "show", "paths", "raw", "format", template).out.splitlines()[0]
    cells = line.split("|")
    assert len(cells) == 14
    assert cells[3:6] == ["active", "ready", "running"]
    assert cells[12] == ""
    assert cells[8] == cells[9] == maps(world)[0]["uuid"]


@pytest.mark.parametrize(
    ("size", "text"), [(64 << 20, "64M"), (int(9.8 * (1 << 30)), "9.8G"), (1000 << 30, "1000G"), (1 << 40, "1.0T")]
)
def test_sizes(size: int, text: str):
    assert multipath_text.size_text(size) == text


def test_device_names_and_numbers_are_unique_on_a_large_host():
    world = quiet_estate(hosts=2, luns=200)
    paths = [path for one in multipath.maps(world, host(world)) for path in one.paths]
    assert len(paths) == 800
    assert (
        len({path.dev for path in paths}) == len({path.dev_t for path in paths}) == len({p.hctl for p in paths}) == 800
    )
    assert multipath.device_name(25) == "sdz"
    assert multipath.device_name(702) == "sdaaa"


def test_hosts_of_a_group_see_their_luns_only():
    world = quiet_estate(hosts=20, luns=500)
    first, second, other = (
        {lun.wwid for lun in multipath.visible(world, host(world, name))} for name in ("kvm01", "kvm02", "kvm05")
    )
    assert first == second
    assert len(first & other) == 2  # the two storage domains
    assert len(first) < 80
