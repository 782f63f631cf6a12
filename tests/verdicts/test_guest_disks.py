"""A guest's disks tied to the Direct LUNs of its VM by WWID, down to the devices of ASM: who holds what, what is
missing, and what nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.tuning.facts import AsmDisk, GuestDisk
from inventory.tuning.guest_disks import holder, read_disks
from inventory.tuning.reading import asm_disks
from inventory.verdicts.guest_disks import NAMELESS, PLAIN, Attached, Guest, disk_lines

WWID, OTHER = "36a353241000000000000000000000001", "36a353241000000000000000000000002"
DISK = "0b0b5c1e-8a5a-4f4e-9c4b-1d2c3b4a5f60"
LUN = Attached("ora_data01", WWID, DISK, active=True, passthrough=True)
ROOT = GuestDisk("sda", ("8:0", "8:1"), "", ("scsi-0QEMU_QEMU_HARDDISK_0cb2",))
DATA = GuestDisk("sdb", ("8:16", "8:17"), WWID)
ASM = AsmDisk("/dev/asm-data01", "grid", "asmadmin", "660", "8:17")


GUEST = Guest((ROOT, DATA), (ASM,))


def lines(*attached, guest=GUEST, running=True, known=None):
    return {one.fact: one for one in disk_lines("oradb01", attached, guest, running=running, known=known or {})}


def only(*attached, **given_):
    (one,) = lines(*attached, **given_).values()
    return one


def test_a_lun_is_found_in_the_guest_down_to_its_asm_device():
    one = only(LUN)
    assert (one.fact, one.agree) == ("Disk ora_data01", True)
    assert one.values == {"engine": WWID, "guest": "sdb, ASM /dev/asm-data01"}


def test_a_guest_with_paths_of_its_own_shows_a_lun_several_times():
    twice = Guest((ROOT, DATA, replace(DATA, dev="sdc", numbers=("8:32",)), GuestDisk("dm-3", ("253:3",), WWID)))
    assert only(LUN, guest=twice).values["guest"] == "sdb, sdc, dm-3"


def test_an_active_lun_that_the_guest_does_not_show_is_a_failure():
    one = lines(LUN, guest=Guest((ROOT, replace(DATA, wwid=OTHER)), (ASM,)))["Disk ora_data01"]
    assert (one.agree, one.outcome.value, one.values["guest"]) == (False, "fail", "not there")
    assert one.sentence.startswith(f"ora_data01 is attached to oradb01 and active, and its guest has no disk {WWID}")


def test_a_lun_that_the_engine_does_not_attach_is_named_with_what_lies_on_it():
    guest = Guest((ROOT, replace(DATA, wwid=OTHER), replace(DATA, dev="sdc", numbers=("8:32",), wwid=OTHER)), (ASM,))
    found = lines(guest=guest, known={OTHER: "ora_old"})
    assert list(found) == ["Disk sdb of the guest"], "two paths of one LUN are told once"
    one = found["Disk sdb of the guest"]
    assert (one.agree, one.outcome.value) == (False, "warn")
    assert one.values == {"engine": "not attached", "guest": f"sdb, ASM /dev/asm-data01: {OTHER}"}
    assert f"LUN ora_old ({OTHER}) as sdb" in one.sentence
    assert lines(guest=guest, running=False) == {}, "of a VM that is down nothing is known"


@pytest.mark.parametrize(
    ("lun", "guest", "why"),
    [
        (LUN, Guest(why="oradb01 is silent."), "oradb01 is silent."),
        (LUN, Guest((GuestDisk("vda", ("252:0",)),)), NAMELESS),
        (LUN, Guest(()), NAMELESS),
        (replace(LUN, passthrough=False), Guest((ROOT,)), PLAIN),
    ],
)
def test_what_the_guest_cannot_tell_is_not_known(lun, guest, why):
    one = only(lun, guest=guest)
    assert (one.agree, one.outcome.value, one.told[1].value, one.told[1].why) == (None, "ok", "", why)


def test_a_vm_that_is_down_is_not_compared():
    assert only(LUN, guest=Guest((ROOT,)), running=False).told[1].why == "It does not run."
    assert only(LUN, running=False).agree is None


def test_without_passthrough_the_engines_id_of_the_disk_is_the_name():
    told = GuestDisk("sdc", ("8:32",), "", (f"t10.QEMU    QEMU HARDDISK   drive-ua-{DISK.upper()}",))
    assert only(replace(LUN, passthrough=False), guest=Guest((ROOT, told))).values["guest"] == "sdc"
    assert only(replace(LUN, passthrough=False, disk=""), guest=Guest((ROOT, told))).agree is None


def test_a_lun_that_is_not_active():
    idle = replace(LUN, active=False)
    gone = only(idle, guest=Guest((ROOT,)))
    assert (gone.agree, gone.values) == (True, {"engine": f"{WWID}, not active", "guest": "not there"})
    held = only(idle)
    assert (held.agree, held.outcome.value) == (False, "warn")
    assert held.sentence.startswith("oradb01 still holds ora_data01 as sdb, which is not active")
    assert only(idle, running=False).agree is None
    assert only(replace(LUN, active=None), guest=Guest((ROOT,))).agree is None, "whether it is active was not told"


def test_an_asm_device_on_no_direct_lun():
    guest = Guest((ROOT, DATA), (ASM, replace(ASM, path="/dev/asm-x", number="8:1")))
    one = lines(LUN, guest=guest)["ASM /dev/asm-x"]
    assert (one.agree, one.outcome.value, one.values["guest"]) == (False, "warn", "sda")
    assert "lies on sda, which can be tied to no Direct LUN" in one.sentence


def test_an_asm_device_may_lie_on_a_lun_that_the_guest_cannot_name():
    guest = Guest((ROOT,), (replace(ASM, path="/dev/asm-x", number="8:1"),))
    assert lines(replace(LUN, passthrough=False), guest=guest)["ASM /dev/asm-x"].agree is None


@pytest.mark.parametrize(("number", "attached", "value"), [("", (LUN,), ""), ("9:9", (LUN,), ""), ("8:1", (), "sda")])
def test_an_asm_device_that_nothing_can_be_said_of(number, attached, value):
    """A VM whose ASM lies on images of the engine is nobody's fault here."""
    one = lines(*attached, guest=Guest((ROOT, DATA), (replace(ASM, path="/dev/asm-x", number=number),)), known={})
    one.pop("Disk ora_data01", None)
    one.pop("Disk sdb of the guest", None)
    (told,) = one.values()
    assert (told.agree, told.told[1].value) == (None, value)


# --- reading ----------------------------------------------------------------------------------------------------------
TEXT = f"""/sys/block/sda/dev:8:0
/sys/block/sda/sda1/dev:8:1
/sys/block/sda/sda2/dev:8:2
/sys/block/sdb/dev:8:16
/sys/block/sdb/sdb1/dev:8:17
/sys/block/sr0/dev:11:0
/sys/block/vda/dev:252:0
/sys/block/vda/serial:{DISK[:20]}
/sys/block/dm-2/dev:253:2
/sys/block/sda/device/wwid:t10.QEMU    QEMU HARDDISK   0cb2
/sys/block/sdb/device/wwid:naa.{WWID[1:]}
/sys/block/dm-2/dm/uuid:mpath-{OTHER}
/sys/block/sdb/queue/rotational:0
/sys/block/sdb/queue/nr_requests:256
/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_0cb2 = ../../sda
/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_0cb2-part1 = ../../sda1
"""


def test_disks_and_their_names():
    sda, sdb, vda, dm = read_disks(TEXT)
    assert (sda.dev, sda.numbers, sda.wwid) == ("sda", ("8:0", "8:1", "8:2"), "")
    assert sda.names == ("scsi-0QEMU_QEMU_HARDDISK_0cb2", "t10.QEMU    QEMU HARDDISK   0cb2")
    assert sdb == GuestDisk("sdb", ("8:16", "8:17"), WWID, (), "rotational 0, nr_requests 256")
    assert (vda.wwid, vda.names) == ("", (DISK[:20],))
    assert (dm.dev, dm.wwid) == ("dm-2", OTHER)


@pytest.mark.parametrize("link", [f"scsi-{WWID}", f"wwn-0x{WWID[1:]}"])
def test_links_name_a_disk_where_the_kernel_does_not(link):
    """EL6 has no device/wwid."""
    (one,) = read_disks(f"/sys/block/sdb/dev:8:16\n/dev/disk/by-id/{link} = ../../sdb\n")
    assert (one.wwid, one.names) == (WWID, ())


def test_numbers_of_asm_devices_are_hexadecimal():
    told = asm_disks("asm /dev/asm-a grid asmadmin 660 8 10\nasm /dev/asm-b grid asmadmin 660 fd 1f\n")
    assert [one.number for one in told] == ["8:16", "253:31"]
    assert asm_disks("asm /dev/asm-a grid asmadmin 660\n")[0].number == ""
    assert holder(read_disks(TEXT), told[0]).dev == "sdb"
    assert holder(read_disks(TEXT), replace(told[0], number="")) is None


@given(st.text(alphabet="/sysblockdev:=.0123456789abn-_ \n", max_size=300))
def test_any_text_is_read_and_never_makes_a_disk_of_another(text):
    assert all(one.wwid in ("", WWID) or one.wwid.startswith("3") for one in read_disks(text))
