"""What the engine must say of an Oracle VM and of every host that may run it (facts/luns-and-tuning.md 3.2, 4.3): huge
pages of the host below those of the guest, memory that is not shared, threads for its disks, a life on both hosts."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.tuning import engine_disks, engine_places
from inventory.tuning.engine_shapes import GIB, HostSeen, VmSeen, mute, row
from inventory.tuning.row import Row
from portal.kernel.outcome import Outcome

# what a database needs and any other VM with a LUN of its own may do without
DATABASE = frozenset(
    (
        "hugepages",
        "type",
        "io threads",
        "virtio-scsi multi-queue",
        "memory guaranteed",
        "ballooning",
        "memory overcommit",
    )
)
RESUME = {
    "auto_resume": "it goes on by itself when its storage is back",
    "leave_paused": "it stays paused until somebody resumes it, even when its storage is back",
    "kill": "it is ended, so that HA may start it elsewhere",
}


def rows(vm: VmSeen, hosts: Iterable[HostSeen], overcommit: int | None = None) -> tuple[Row, ...]:
    """The engine's part of the compliance table. hosts: those that may run it; overcommit: the cluster's per cent, None
    when not known."""
    everywhere = tuple(hosts)
    return (
        *engine_places.rows(vm, everywhere),
        _flag("high availability", vm.high_availability, "nobody restarts it when its host is lost"),
        _lease(vm),
        _resume(vm),
        _kind(vm),
        _queues(vm),
        _threads(vm),
        _guaranteed(vm),
        _without("ballooning", vm.ballooning, "the host may take its memory away"),
        _overcommit(overcommit),
        _without("pending change", vm.pending_change, "what the engine shows is true only after a restart"),
        *engine_disks.rows(vm),
    )


def counts(row_: Row, vm: VmSeen, *, declared: bool) -> bool:
    """Whether a row of a VM can be a finding. A VM that is neither tuned for a database nor declared as one is not held
    to what only databases need; its page shows the rows all the same."""
    tuned = declared or vm.hugepages_kib is not None or vm.vm_type == "high_performance"
    return row_.severity != "info" and (tuned or row_.parameter not in DATABASE)


def _flag(parameter: str, value: bool | None, why: str) -> Row:
    if value is None:
        return mute(parameter, "on")
    name = f"{parameter[0].upper()}{parameter[1:]}"
    words = f"{name} is on." if value else f"{name} is off: {why}."
    return row(parameter, "on" if value else "off", "on", (Outcome.OK if value else Outcome.WARN, words))


def _lease(vm: VmSeen) -> Row:
    """A lease keeps two hosts from running it at once after a split; whether a site wants one is its own choice. One
    that lies where it cannot be taken keeps HA from starting it."""
    expected = "on, in an active domain"
    if vm.lease is None:
        return mute("lease", expected)
    if not vm.lease:
        words = "Lease is off: two hosts may run it at once after a split."
        return row("lease", "off", expected, (Outcome.OK, words), "info")
    if vm.lease_status not in ("", "active"):
        words = f"The lease of {vm.name} is in {vm.lease}, which is {vm.lease_status}: HA cannot start it. Activate it."
        return row("lease", vm.lease, expected, (Outcome.FAIL, words), "fail")
    return row("lease", vm.lease, expected, (Outcome.OK, f"The lease of {vm.name} is in {vm.lease}."), "fail")


def _resume(vm: VmSeen) -> Row:
    expected = "kill with a lease, else auto_resume"
    if not vm.resume:
        return row("after an I/O error", "", expected, (Outcome.OK, "What it does is not told."), "info")
    words = f"After an I/O error {RESUME.get(vm.resume, vm.resume)}."
    bad = vm.resume == "leave_paused" or (bool(vm.lease) and vm.resume != "kill")
    return row("after an I/O error", vm.resume, expected, (Outcome.WARN if bad else Outcome.OK, words))


def _queues(vm: VmSeen) -> Row:
    parameter = "virtio-scsi multi-queue"
    if not vm.multi_queues:
        return _flag(parameter, vm.multi_queues, "all its requests share one queue")
    many = "as many as fit" if vm.queues is None else str(vm.queues)
    return row(parameter, many, "on", (Outcome.OK, f"Virtio-scsi multi-queue is on, queues: {many}."))


def _without(parameter: str, value: bool | None, why: str) -> Row:
    if value is None:
        return mute(parameter, "off")
    if value:
        return row(parameter, "on", "off", (Outcome.WARN, f"There is {parameter}: {why}."))
    return row(parameter, "off", "off", (Outcome.OK, f"There is no {parameter}."))


def _kind(vm: VmSeen) -> Row:
    if not vm.vm_type:
        return mute("type", "high_performance")
    good = vm.vm_type == "high_performance"
    rest = "." if good else ": high_performance passes the CPU through and drops what only disturbs."
    outcome = Outcome.OK if good else Outcome.WARN
    return row("type", vm.vm_type, "high_performance", (outcome, f"{vm.name} is of type {vm.vm_type}{rest}"))


def _threads(vm: VmSeen) -> Row:
    if vm.io_threads is None:
        return mute("io threads", "1 or more")
    if vm.io_threads < 1:
        words = f"{vm.name} has no I/O thread: its disks wait for the emulator."
        return row("io threads", str(vm.io_threads), "1 or more", (Outcome.WARN, words))
    return row("io threads", str(vm.io_threads), "1 or more", (Outcome.OK, f"{vm.name} has {vm.io_threads}."))


def _guaranteed(vm: VmSeen) -> Row:
    parameter, expected = "memory guaranteed", "all of it"
    if vm.guaranteed is None or vm.memory is None:
        return mute(parameter, expected)
    if vm.guaranteed < vm.memory:
        words = f"Only {vm.guaranteed / GIB:.4g} of {vm.memory / GIB:.4g} GiB are guaranteed: guarantee all of it."
        return row(parameter, str(vm.guaranteed), expected, (Outcome.WARN, words))
    return row(parameter, str(vm.guaranteed), expected, (Outcome.OK, "All of its memory is guaranteed."))


def _overcommit(percent: int | None) -> Row:
    if percent is None:
        return mute("memory overcommit", "100 %")
    if percent > 100:
        words = f"The cluster promises {percent} % of its memory: hosts may swap or merge pages. Set it to none."
        return row("memory overcommit", f"{percent} %", "100 %", (Outcome.WARN, words))
    return row("memory overcommit", f"{percent} %", "100 %", (Outcome.OK, "The cluster promises no memory twice."))
