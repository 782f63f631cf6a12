"""The disks of a guest beside the Direct LUNs that the engine attaches to its VM, tied by WWID, down to the devices of
ASM (facts/luns-and-tuning.md 3.2). A guest that does not tell a name leaves its disks untied, never equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from inventory.tuning.facts import AsmDisk, GuestDisk
from inventory.tuning.guest_disks import holder
from inventory.verdicts.sides import ENGINE, Line, Told
from portal.kernel.outcome import Outcome

GUEST = "guest"
NAMELESS = "The guest tells no name of any disk: see its /sys/block and /dev/disk/by-id."
PLAIN = "Without SCSI passthrough a guest does not see which LUN a disk is."


@dataclass(frozen=True)
class Attached:
    """A Direct LUN as the engine attaches it. disk: the engine's id of it, which QEMU names a disk by where it passes
    nothing through. passthrough: the guest sees the array's own WWID."""

    name: str
    wwid: str
    disk: str
    active: bool | None
    passthrough: bool


@dataclass(frozen=True)
class Guest:
    """What a guest tells. disks None: not known, and why."""

    disks: tuple[GuestDisk, ...] | None = None
    asm: tuple[AsmDisk, ...] = ()
    why: str = ""


def disk_lines(
    vm: str, attached: Iterable[Attached], guest: Guest, *, running: bool, known: Mapping[str, str]
) -> tuple[Line, ...]:
    """A line for each Direct LUN, for each LUN that the guest holds beside them, and for each device of ASM that lies
    on neither. known: WWID -> name of the LUNs that the engine lists."""
    every = tuple(attached)
    tied = {one.wwid: _shown(one, guest.disks or ()) for one in every}
    return (
        *(_attached(vm, one, tied[one.wwid], guest, running=running) for one in every),
        *_strangers(vm, every, guest, running=running, known=known),
        *_loose_asm(vm, every, tied, guest, running=running),
    )


def _shown(one: Attached, disks: tuple[GuestDisk, ...]) -> tuple[GuestDisk, ...]:
    """The guest's disks that are this LUN; several where the guest has paths of its own."""
    disk = one.disk.lower()
    return tuple(
        each
        for each in disks
        if each.wwid == one.wwid.lower() or (disk and any(disk in name.lower() for name in each.names))
    )


def _attached(vm: str, one: Attached, shown: tuple[GuestDisk, ...], guest: Guest, *, running: bool) -> Line:
    engine = Told(ENGINE, one.wwid if one.active is not False else f"{one.wwid}, not active")
    fact = f"Disk {one.name}"
    if shown:
        told = (engine, Told(GUEST, _as(shown, guest.asm)))
        if one.active is not False or not running:
            return Line(fact, told, True if running else None)
        words = (
            f"{vm} still holds {one.name} as {shown[0].dev}, which is not active by the engine: activate or remove it."
        )
        return Line(fact, told, False, Outcome.WARN, words)
    if why := _silent(one, guest, running=running):
        return Line(fact, (engine, Told(GUEST, "", why)), None)
    told = (engine, Told(GUEST, "not there"))
    if one.active is not True:
        return Line(fact, told, None if one.active is None else True)
    words = (
        f"{one.name} is attached to {vm} and active, and its guest has no disk {one.wwid}: what it uses in its place "
        "is another LUN, or none. Compare /dev/disk/by-id there before anything is written."
    )
    return Line(fact, told, False, Outcome.FAIL, words)


def _silent(one: Attached, guest: Guest, *, running: bool) -> str:
    """Why it says nothing that the guest does not show a LUN; "" when it does."""
    if guest.disks is None:
        return guest.why
    if not running:
        return "It does not run."
    if not any(each.wwid or each.names for each in guest.disks):
        return NAMELESS
    return "" if one.passthrough else PLAIN


def _as(shown: tuple[GuestDisk, ...], asm: tuple[AsmDisk, ...]) -> str:
    """sdb, ASM /dev/asm-data01."""
    names = [one.dev for one in shown]
    names += [f"ASM {each.path}" for each in asm if holder(shown, each) is not None]
    return ", ".join(names)


def _strangers(
    vm: str, attached: tuple[Attached, ...], guest: Guest, *, running: bool, known: Mapping[str, str]
) -> Iterator[Line]:
    """A disk with a WWID of its own that no attachment explains: detached without a rescan, or reached by iSCSI."""
    ours = {one.wwid.lower() for one in attached}
    seen: set[str] = set()
    for one in guest.disks or () if running else ():
        if not one.wwid or one.wwid in ours or one.wwid in seen:
            continue
        seen.add(one.wwid)
        name = f"{known[one.wwid]} ({one.wwid})" if one.wwid in known else one.wwid
        words = (
            f"{vm} holds LUN {name} as {one.dev}, which the engine does not attach to it: find out where it comes from "
            "before anybody writes to it."
        )
        told = (Told(ENGINE, "not attached"), Told(GUEST, f"{_as((one,), guest.asm)}: {one.wwid}"))
        yield Line(f"Disk {one.dev} of the guest", told, False, Outcome.WARN, words)


def _loose_asm(
    vm: str, every: tuple[Attached, ...], tied: Mapping[str, tuple[GuestDisk, ...]], guest: Guest, *, running: bool
) -> Iterator[Line]:
    """Devices of ASM that lie on none of the Direct LUNs, and on no other LUN, which has a line already. Nothing is
    said against one while a LUN is left that its guest cannot name."""
    ours = {disk.dev for shown in tied.values() for disk in shown}
    open_ = not every or any(not tied[one.wwid] and not one.passthrough for one in every)
    for one in guest.asm if guest.disks is not None and running else ():
        disk = holder(guest.disks or (), one)
        if disk is not None and (disk.dev in ours or disk.wwid):
            continue
        if disk is None or open_:
            why = "" if disk else "Which disk it lies on is not told."
            told = (Told(ENGINE, "", "It knows disks, not devices of ASM."), Told(GUEST, disk.dev if disk else "", why))
            yield Line(f"ASM {one.path}", told, None)
            continue
        told = (Told(ENGINE, "no Direct LUN"), Told(GUEST, disk.dev))
        words = (
            f"{one.path} of {vm} lies on {disk.dev}, which can be tied to no Direct LUN of it: see the udev rule of "
            "that name."
        )
        yield Line(f"ASM {one.path}", told, False, Outcome.WARN, words)
