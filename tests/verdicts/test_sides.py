"""What each side says of one thing: shown beside each other, and nobody's silence is agreement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes.lun_identity import Identity
from inventory.verdicts.sides import (
    ArrayLun,
    HostLun,
    HostSides,
    LunSides,
    VmSides,
    bytes_words,
    finding,
    host_lines,
    lun_lines,
    memory_line,
)
from portal.kernel.finding import Subject

GIB = 2**30
LIVE = tuple(Identity(dev, "36a", "36a") for dev in ("sda", "sdb"))
HOST = HostLun("kvm01", True, 100 * GIB, 8, 8, "", True, 8, 8, LIVE)
ARRAY = ArrayLun("DORADO", "ora_data01", 100 * GIB)
LUN = LunSides("36a", "ora_data01", 100 * GIB, (HOST, replace(HOST, name="kvm02")), (ARRAY,))
SUBJECT = Subject("lun", "36a")


def line(lun, fact):
    return next(one for one in lun_lines(lun) if one.fact == fact)


def test_all_agree():
    lines = lun_lines(LUN)
    assert [one.fact for one in lines] == [
        "Size", "On kvm01", "On kvm02", "INQUIRY on kvm01", "INQUIRY on kvm02", "Paths up on kvm01",
        "Paths up on kvm02", "Name",
    ]  # fmt: skip
    assert [one.agree for one in lines] == [True, True, True, True, True, True, True, None]
    assert lines[3].values == {"engine": "36a", "kvm01 sda, sdb": "36a"}
    assert lines[0].values == {"engine": "100 GiB", "kvm01": "100 GiB", "kvm02": "100 GiB", "DORADO": "100 GiB"}
    told = finding(lines, SUBJECT)
    assert (told.outcome.value, told.sentence) == ("ok", "All sides tell the same of 36a: 7 facts.")


def test_a_host_and_an_array_that_differ_by_a_block_are_a_failure():
    """The engine would not see it: it keeps whole GiB."""
    one = line(replace(LUN, arrays=(replace(ARRAY, size=100 * GIB + 512),)), "Size")
    assert (one.agree, one.outcome.value) == (False, "fail")
    assert "100 GiB by kvm01 and 107,374,182,912 bytes by DORADO" in one.sentence


def test_the_engine_truncates_to_whole_gib_and_that_is_no_difference():
    odd = 100 * GIB + 5 * 2**20
    lun = replace(LUN, hosts=(replace(HOST, size=odd),), arrays=(replace(ARRAY, size=odd),))
    assert line(lun, "Size").agree is True


def test_an_engine_that_did_not_refresh_is_a_warning():
    one = line(replace(LUN, engine_size=80 * GIB), "Size")
    assert (one.agree, one.outcome.value) == (False, "warn")
    assert one.sentence == "ora_data01 has 80 GiB by the engine and 100 GiB by kvm01: refresh the LUN in the engine."


@pytest.mark.parametrize(
    ("lun", "agree"),
    [
        (replace(LUN, engine_size=None), True),
        (replace(LUN, engine_size=None, hosts=(), arrays=(ARRAY,)), None),
        (replace(LUN, hosts=(replace(HOST, size=None, there=None, why="It is silent."),), arrays=()), None),
    ],
)
def test_silence_is_no_agreement(lun, agree):
    one = line(lun, "Size")
    assert (one.agree, one.outcome.value) == (agree, "ok")


@pytest.mark.parametrize(
    ("there", "listed", "used", "agree", "outcome", "words"),
    [
        (True, True, True, True, "ok", ""),
        (False, False, True, True, "ok", ""),
        (False, True, True, False, "warn", "The engine lists ora_data01 on kvm01, which has no map of it"),
        (True, False, True, False, "warn", "kvm01 has a map of ora_data01 that the engine does not list there"),
        (True, False, False, False, "ok", "that the engine does not list"),
        (None, True, True, None, "ok", ""),
        (True, None, True, None, "ok", ""),
    ],
)
def test_presence(there, listed, used, agree, outcome, words):
    lun = replace(LUN, used=used, hosts=(replace(HOST, there=there, listed=listed),))
    one = line(lun, "On kvm01")
    assert (one.agree, one.outcome.value, words in one.sentence) == (agree, outcome, True)


def test_counts_that_differ_are_shown_and_no_fault():
    one = line(replace(LUN, hosts=(replace(HOST, up=6),)), "Paths up on kvm01")
    assert (one.agree, one.outcome.value, one.values) == (False, "ok", {"engine": "8 of 8", "kvm01": "6 of 8"})
    assert finding([one], SUBJECT) is None
    none = line(replace(LUN, hosts=(replace(HOST, engine_up=None),)), "Paths up on kvm01")
    assert (none.agree, none.told[0].why) == (None, "It tells no number of paths.")


def test_the_gravest_difference_is_the_finding():
    hosts = (replace(HOST, there=False), replace(HOST, name="kvm02", size=50 * GIB))
    told = finding(lun_lines(replace(LUN, hosts=hosts)), SUBJECT)
    assert told.outcome.value == "fail"
    assert told.sentence.endswith("Find out which is right before anybody writes. 1 more of its facts differ.")
    assert told.check == "sides"


def test_words_for_sizes():
    assert [bytes_words(one) for one in (None, 0, 3 * 2**40, 5)] == ["", "0 GiB", "3,072 GiB", "5 bytes"]


def test_a_path_that_reaches_another_volume_is_named_with_what_it_answers():
    """multipath, udev and /sys go on telling the old name (0.10)."""
    wwid, other = "36a353241000000000000000000000001", "36a353241000000000000000000000009"
    live = (Identity("sda", wwid, wwid), Identity("sdb", wwid, other), Identity("sdc", wwid, ""))
    one = line(LunSides(wwid, "ora_data01", None, (HostLun("kvm01", live=live),)), "INQUIRY on kvm01")
    assert (one.agree, one.outcome.value) == (False, "fail")
    assert one.values == {"engine": wwid, "kvm01 sda": wwid, "kvm01 sdb": other, "kvm01 sdc": ""}
    assert one.sentence.startswith(f"sdb on kvm01 reaches {other} under the name {wwid}: the array maps another volume")


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (HostLun("kvm01", mute="kvm01 is silent."), "kvm01 is silent."),
        (HostLun("kvm01", live=(*LIVE, Identity("sdc", "36a", ""))), "It does not answer."),
        (HostLun("kvm01", live=(Identity("sda", "INTEL_SSD_7", "35002538e40a1b2c3"),)), ""),
    ],
)
def test_a_path_that_does_not_tell_what_it_reaches_agrees_with_nobody(host, why):
    one = line(replace(LUN, hosts=(host,)), "INQUIRY on kvm01")
    assert (one.agree, one.outcome.value) == (None, "ok")
    assert why in {said.why for said in one.told}


def test_a_host_of_which_nothing_is_told_of_inquiry_has_no_line():
    lines = lun_lines(replace(LUN, hosts=(HostLun("kvm01"),)))
    assert not [one for one in lines if one.fact.startswith("INQUIRY")]


# --- VMs --------------------------------------------------------------------------------------------------------------
KVM = HostSides("kvm01", 112, 112, 512 * GIB, 511 * GIB, 1048576, 130, 130)


def test_a_vm_whose_sides_agree():
    lines = [memory_line(VmSides("oradb01", 128 * GIB, 125 * GIB)), *host_lines(KVM)]
    assert [(one.fact, one.agree) for one in lines] == [
        ("Memory", True),
        ("CPUs of kvm01", True),
        ("Memory of kvm01", True),
        ("Huge pages of 1048576 KiB of kvm01", True),
    ]


@pytest.mark.parametrize(("guest", "agree"), [(64, False), (115, False), (116, True), (128, True), (129, False)])
def test_a_guest_has_a_little_less_than_it_is_given(guest, agree):
    one = memory_line(VmSides("oradb01", 128 * GIB, guest * GIB))
    assert (one.agree, one.outcome.value) == (agree, "ok" if agree else "warn")


def test_memory_of_a_vm_that_is_down_or_not_looked_into_is_not_compared():
    down = memory_line(VmSides("oradb01", 128 * GIB, 64 * GIB, running=False))
    mute = memory_line(VmSides("oradb01", 128 * GIB, None, "Nobody looks into it."))
    assert (down.agree, mute.agree, mute.told[1].why) == (None, None, "Nobody looks into it.")
    assert finding([mute], SUBJECT) is None


@pytest.mark.parametrize(
    ("change", "fact", "words"),
    [
        ({"own_cpus": 56}, "CPUs of kvm01", "kvm01 has 56 CPUs by itself and 112 by the engine"),
        ({"own_memory": 256 * GIB}, "Memory of kvm01", "kvm01 has 256.0 GiB of memory by itself and 512.0 GiB"),
        ({"own_pages": 3}, "Huge pages of 1048576 KiB of kvm01", "kvm01 has 3 huge pages of 1048576 KiB by itself"),
    ],
)
def test_a_host_that_differs_from_what_the_engine_places_by(change, fact, words):
    one = next(each for each in host_lines(replace(KVM, **change)) if each.fact == fact)
    assert (one.agree, one.outcome.value, words in one.sentence) == (False, "warn", True), one.sentence


def test_what_is_not_told_of_a_host():
    dark = HostSides("kvm01", why="It is silent.")
    lines = host_lines(dark)
    assert [(one.agree, one.told[0].why, one.told[1].why) for one in lines] == [
        (None, "It does not tell it.", "It is silent.")
    ] * 2
