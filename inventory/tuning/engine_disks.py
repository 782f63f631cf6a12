"""Direct LUNs as the engine attaches them (facts/luns-and-tuning.md 3.2): visible to the guest, writable, over VirtIO,
with reservations and discards that do what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inventory.tuning.engine_shapes import DiskSeen, Said, VmSeen, row
from inventory.tuning.row import Row
from portal.kernel.outcome import GRAVE, Outcome

FAST = ("virtio_scsi", "virtio")


def rows(vm: VmSeen) -> tuple[Row, ...]:
    """One row a disk, and what they have in common."""
    if not vm.disks:
        return ()
    return (*(_disk(vm, one) for one in vm.disks), *_counted(vm))


def _disk(vm: VmSeen, disk: DiskSeen) -> Row:
    faults = sorted(_faults(vm, disk), key=lambda said: GRAVE.index(said[0]))
    shown = ", ".join(_shown(disk))
    said = faults[0] if faults else (Outcome.OK, f"{disk.name} is in {vm.name}, active and writable.")
    return row(f"disk {disk.name}", shown, "active, writable, virtio_scsi", said, "fail")


def _shown(disk: DiskSeen) -> Iterator[str]:
    yield disk.interface or "interface not told"
    yield {None: "active or not: not told", True: "active", False: "not active"}[disk.active]
    yield {None: "writable or not: not told", True: "read-only", False: "writable"}[disk.read_only]
    if disk.shareable:
        yield "shareable"
    if disk.sgio:
        yield f"passthrough {disk.sgio}"


def _faults(vm: VmSeen, disk: DiskSeen) -> Iterator[Said]:
    if disk.active is False:
        words = f"{disk.name} is attached to {vm.name} and not active: the guest does not see it. Activate it."
        yield Outcome.FAIL if vm.running else Outcome.WARN, words
    if disk.active is None or disk.read_only is None:
        yield Outcome.UNKNOWN, f"Whether {vm.name} has {disk.name} active and writable is not told by the engine."
    if disk.read_only:
        yield Outcome.WARN, f"{disk.name} is read-only in {vm.name}: a database cannot write to it. Attach it anew."
    if disk.interface and disk.interface not in FAST:
        words = f"{disk.name} is in {vm.name} as {disk.interface}, an emulated controller: attach it as virtio_scsi."
        yield Outcome.WARN, words
    yield from _scsi_faults(vm, disk)


def _scsi_faults(vm: VmSeen, disk: DiskSeen) -> Iterator[Said]:
    """Reservations need passthrough; a LUN in two VMs needs shareable, or the second one does not start."""
    if disk.reservation and (disk.interface not in ("", "virtio_scsi") or not disk.sgio):
        how = "no SCSI passthrough" if not disk.sgio else f"the interface {disk.interface}"
        words = f"{disk.name} is to pass SCSI reservations from {vm.name} and has {how}: they end in the emulator."
        yield Outcome.WARN, words
    if disk.others and disk.shareable is False:
        words = f"{disk.name} is in {vm.name} and in {disk.others[0]} and not shareable: one of them does not start."
        yield Outcome.WARN, words


def _counted(vm: VmSeen) -> Iterator[Row]:
    """What a site decides: told, not judged."""
    site = "as the site decides"
    on = _many(one.pass_discard for one in vm.disks)
    words = f"{on} of {len(vm.disks)} Direct LUNs of {vm.name} pass discards on."
    yield row("pass discard", str(on), site, (Outcome.OK, words), "info")
    held = _many(one.reservation for one in vm.disks)
    words = f"{held} of {len(vm.disks)} Direct LUNs of {vm.name} pass SCSI reservations on."
    yield row("scsi reservation", str(held), site, (Outcome.OK, words), "info")
    shared = [one for one in vm.disks if one.shareable]
    with_it = sorted({name for one in shared for name in one.others})
    where = f", also in {', '.join(with_it)}" if with_it else ""
    words = f"{len(shared)} of {len(vm.disks)} Direct LUNs of {vm.name} are shareable{where}."
    yield row("shareable", str(len(shared)), site, (Outcome.OK, words), "info")
    paused = _many(one.propagates is False for one in vm.disks)
    words = (
        f"An I/O error of {paused} of {len(vm.disks)} Direct LUNs pauses {vm.name}; of the others the guest sees it."
    )
    yield row("pauses on I/O errors", str(paused), site, (Outcome.OK, words), "info")


def _many(told: Iterable[bool | None]) -> int:
    return sum(bool(one) for one in told)
