"""Paths and maps as the kernel keeps them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes.lun_devices import carry, judge, parse
from inventory.probes.reading.devices import naa
from portal.kernel.output import Output
from portal.kernel.probe import Declared
from tests.samples_dir import cases

LUN1, LUN2 = "36a353241000000000000000000000001", "36a353241000000000000000000000002"
TEXT = cases("lun_devices")["healthy"].output("sysfs").text()


def facts(text: str = TEXT):
    return parse({"sysfs": Output(text.encode(), b"", 0)})


def said(seen):
    return {one.subject.key: (str(one.outcome), one.sentence) for one in judge(seen, Declared("kvm01"))}


def test_every_path_is_joined_to_its_hba_and_remote_port():
    by_dev = {one.dev: one for one in facts().devices}
    assert list(by_dev) == ["sda", *(f"sd{letter}" for letter in "bcdefghi")]
    path = by_dev["sdd"]
    assert (path.host, path.rport, path.hctl, path.map) == ("host2", "rport-2:0-0", "2:0:0:1", "dm-2")
    assert (path.size, path.dev_t, path.state) == (1048576000 * 512, "8:48", "running")
    local = by_dev["sda"]
    assert (local.host, local.rport, local.map) == ("host0", "", "")


def test_only_multipath_maps_are_maps():
    assert [(one.dm, one.wwid, one.devices) for one in facts().maps] == [
        ("dm-2", LUN1, ("sdb", "sdc", "sdd", "sde")),
        ("dm-3", LUN2, ("sdf", "sdg", "sdh", "sdi")),
    ]


def test_one_sector_less_on_one_path_is_a_failure_that_names_both_sizes():
    small = facts(TEXT.replace("/sys/block/sdb/size:1048576000", "/sys/block/sdb/size:1048575999"))
    outcome, words = said(small)[LUN1]
    assert outcome == "fail"
    assert "(sdb 536870911488 bytes; the map has 500 GiB)" in words
    assert said(small)[LUN2][0] == "ok"


def test_paths_that_differ_under_a_map_without_size_are_a_failure():
    text = TEXT.replace("/sys/block/sdb/size:1048576000", "/sys/block/sdb/size:2097152").replace(
        "/sys/block/dm-2/size:1048576000\n", ""
    )
    outcome, words = said(facts(text))[LUN1]
    assert (outcome, "they differ" in words) == ("fail", True)


def test_what_was_not_told_is_unknown():
    text = TEXT.replace("/sys/block/dm-2/size:1048576000\n", "")
    assert said(facts(text))[LUN1] == (
        "unknown",
        f"The sizes of LUN {LUN1} and its paths on kvm01 are not known.",
    )
    assert said(facts(TEXT.replace("/sys/block/sdb/size:1048576000\n", "")))[LUN1][0] == "unknown"
    assert facts(TEXT.replace("/sys/block/sdb/ro:0", "/sys/block/sdb/ro:x")).devices[1].read_only is None


def test_a_map_without_devices_is_a_failure():
    text = "\n".join(line for line in TEXT.splitlines() if "dm-2/slaves" not in line)
    outcome, words = said(facts(text))[LUN1]
    assert (outcome, "holds no device" in words) == ("fail", True)


def test_a_device_of_a_map_that_is_not_listed_is_passed_over():
    text = "\n".join(line for line in TEXT.splitlines() if not line.startswith("/sys/block/sdb/"))
    assert said(facts(text))[LUN1] == ("ok", f"LUN {LUN1} has 500 GiB on kvm01, on every one of its 3 paths.")


def test_suspended_twice_is_a_failure_and_once_is_not():
    held = facts(TEXT.replace("dm-2/dm/suspended:0", "dm-2/dm/suspended:1"))
    assert said(held)[LUN1][0] == "ok"
    assert said(carry(held, facts(), 1.0))[LUN1][0] == "ok"
    outcome, words = said(carry(held, held, 1.0))[LUN1]
    assert (outcome, "stays suspended" in words) == ("fail", True)
    assert said(carry(held, replace(held, boot_id="other"), 1.0))[LUN1][0] == "ok"


def test_a_map_whose_name_was_not_told_is_no_alias():
    assert said(facts(TEXT.replace(f"dm-2/dm/name:{LUN1}", "dm-2/dm/name:")))[LUN1][0] == "ok"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("naa.6A35324100000000000000000000000F", "6a35324100000000000000000000000f"),
        ("36a353241000000000000000000000001", "6a353241000000000000000000000001"),
        ("35002538e40a1b2c3", "5002538e40a1b2c3"),
        ("t10.ATA     QEMU", ""),
        ("1ATA_QEMU", ""),
        ("naa.6a", ""),
    ],
)
def test_names_are_compared_as_naa(text, bare):
    assert naa(text) == bare


def test_a_name_that_is_no_naa_cannot_be_compared():
    text = TEXT.replace(f"mpath-{LUN1}", "mpath-1ATA_disk").replace(f"name:{LUN1}", "name:1ATA_disk")
    assert said(facts(text))["1ATA_disk"][0] == "ok"
    assert said(facts(TEXT.replace("sdb/device/wwid:naa.6a35", "sdb/device/wwid:t10.6a35")))[LUN1][0] == "ok"
