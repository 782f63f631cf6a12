"""Paths and maps as the kernel keeps them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes import lun_devices
from inventory.probes.lun_devices import FLAPS, MOST_FAILURES, judge, numbers, parse
from inventory.probes.reading.devices import naa
from portal.kernel import facts as stored
from portal.kernel.output import Output
from portal.kernel.probe import Declared
from tests.samples_dir import cases

LUN1, LUN2 = "36a353241000000000000000000000001", "36a353241000000000000000000000002"
TEXT = cases("lun_devices")["healthy"].output("sysfs").text()


KERNEL = cases("lun_devices")["healthy"].output("kernel").text()
DENIED = Output(b"", b"sudo: a password is required\n", 1)


def facts(text: str = TEXT, kernel: str = KERNEL):
    return parse({"sysfs": Output(text.encode(), b"", 0), "kernel": Output(kernel.encode(), b"", 0)})


def carry(now, before, at):
    return lun_devices.carry(now, stored.dump(before), at)


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


# --- paths that fail again and again


def fails(count: int, dev_t: str = "8:16") -> str:
    return KERNEL.replace(f"{dev_t} A 0 ", f"{dev_t} A {count} ")


def flapping(seen, key="kvm01"):
    found = [one for one in judge(seen, Declared("kvm01")) if one.check == "flapping"]
    return [(str(one.outcome), one.sentence) for one in found]


def test_a_path_that_fails_again_and_again_flaps_though_it_is_up_in_every_look():
    seen = facts()
    assert flapping(seen) == [], "one look cannot tell"
    for count in range(FLAPS + 1):
        seen = carry(facts(kernel=fails(count)), seen, 1000.0 + 60 * count)
    assert flapping(seen) == [
        (
            "warn",
            f"Path sdb (host1, rport-1:0-0) of LUN {LUN1} on kvm01 flaps: it failed 3 times in the last hour. See "
            "cable, SFP and switch port, and take it out until it held for an hour.",
        )
    ]
    assert said(seen)[LUN1] == ("warn", f"Path sdb of LUN {LUN1} on kvm01 flaps: it failed 3 times in the last hour.")
    assert said(seen)[LUN2][0] == "ok"
    later = carry(facts(kernel=fails(FLAPS)), seen, 1000.0 + 3600 + 60 * 4)
    assert flapping(later) == [("ok", "No path of kvm01 failed 3 times in the last hour.")]
    two = carry(facts(kernel=fails(9).replace("8:32 A 0 ", "8:32 A 4 ")), seen, 1300.0)
    assert "and 1 more paths flap" in flapping(two)[0][1]


def test_a_path_goes_on_to_flap_until_it_held_for_an_hour():
    """Three failures begin it; it does not end and begin again with each of them that is an hour old."""
    seen = carry(facts(), facts(), 0.0)
    for minute, count in ((1, 1), (2, 2), (3, 3), (40, 4), (70, 4)):
        seen = carry(facts(kernel=fails(count)), seen, 60.0 * minute)
    assert [(one.dev, one.since) for one in seen.flaps] == [("sdb", 180.0)]
    assert "failed 1 time in the last hour" in flapping(seen)[0][1]
    held = carry(facts(kernel=fails(4)), seen, 60.0 * 101)
    assert held.flaps == ()
    assert flapping(held)[0][0] == "ok"
    once = carry(facts(kernel=fails(5)), held, 60.0 * 102)
    assert once.flaps == (), "one failure does not begin it again"


def test_failures_are_counted_once_and_zero_is_a_count():
    first = facts()
    assert numbers(first) == {}
    quiet = carry(facts(), first, 60.0)
    assert numbers(quiet) == {"path_failures": 0.0}
    both = fails(2).replace("8:32 A 0 ", "8:32 A 1 ")
    failed = carry(facts(kernel=both), quiet, 120.0)
    assert numbers(failed) == {"path_failures": 3.0, f"failed:{LUN1}": 3.0}
    assert numbers(carry(facts(kernel=both), failed, 180.0)) == {"path_failures": 0.0}
    blind = parse({"sysfs": Output(TEXT.encode(), b"", 0), "kernel": DENIED})
    assert numbers(carry(blind, failed, 240.0)) == {}, "not known is not zero"
    long = carry(facts(TEXT.replace(LUN1, "3" * 60), kernel=both.replace(LUN1, "3" * 60)), quiet, 120.0)
    assert numbers(long) == {"path_failures": 3.0}, "a name that no series can hold"


def test_a_count_that_began_anew_and_a_boot_are_no_failure():
    much = facts(kernel=fails(50))
    assert carry(facts(), much, 60.0).failed == ()
    assert carry(facts(kernel=fails(2)), much, 60.0).failed == ()
    assert carry(much, replace(facts(), boot_id="other"), 60.0).failed == ()


def test_failures_of_a_device_that_is_not_listed_have_its_number():
    gone = "\n".join(line for line in TEXT.splitlines() if not line.startswith("/sys/block/sdb/"))
    seen = carry(facts(gone, kernel=fails(5)), facts(), 60.0)
    assert flapping(seen)[0][1].startswith(f"Path 8:16 of LUN {LUN1}")


def test_without_the_kernels_table_flapping_is_unknown_and_the_rest_stands():
    texts = {"sysfs": Output(TEXT.encode(), b"", 0)}
    for answer in (DENIED, Output(b"rubbish\n", b"", 0)):
        blind = parse(texts | {"kernel": answer})
        assert said(blind)[LUN1][0] == "ok"
        assert flapping(carry(blind, facts(), 60.0))[0][0] == "unknown"
        assert carry(facts(kernel=fails(50)), blind, 60.0).failed == ()


def test_failures_are_bounded():
    seen = facts()
    for count in range(1, MOST_FAILURES + 10):
        seen = carry(facts(kernel=fails(count)), seen, float(count))
    assert len(seen.failed) == MOST_FAILURES
