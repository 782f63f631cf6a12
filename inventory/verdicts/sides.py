"""What each side says of one thing, beside each other: the engine, the hosts, the arrays, the guest. Where they differ
the difference is shown with who says what; nothing is averaged, and nobody's silence counts as agreement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.probes.lun_identity import Identity
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import GRAVE, Outcome

GIB = 2**30
ENGINE, CHECK = "engine", "sides"


@dataclass(frozen=True)
class Told:
    """What one side says. value "": it says nothing of this; why: the reason then."""

    who: str
    value: str
    why: str = ""


@dataclass(frozen=True)
class Line:
    """One fact and what every side says of it. agree None: fewer than two say anything, or they need not be equal.
    sentence: what the difference means and what to do, "" without one."""

    fact: str
    told: tuple[Told, ...]
    agree: bool | None
    outcome: Outcome = Outcome.OK
    sentence: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """Who -> what."""
        return {one.who: one.value for one in self.told}


# --- a LUN ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class HostLun:
    """One host's own view of a LUN. size: bytes of its map; paths, up: as multipath counts them now; None: not known,
    and why. there: whether it has a map. listed: whether the engine's last storage sync has the LUN on this host, and
    engine_paths, engine_up what it counted; None: the host was not asked. live: what each running path answered to
    INQUIRY; mute: why nobody was asked. Neither: nothing is told of it here."""

    name: str
    there: bool | None = None
    size: int | None = None
    paths: int | None = None
    up: int | None = None
    why: str = ""
    listed: bool | None = None
    engine_paths: int | None = None
    engine_up: int | None = None
    live: tuple[Identity, ...] = ()
    mute: str = ""


@dataclass(frozen=True)
class ArrayLun:
    """One array's view."""

    name: str
    lun: str
    size: int | None


@dataclass(frozen=True)
class LunSides:
    """Everything said of one LUN. engine_size: whole GiB, as bytes (facts/engine-api.md 0.4)."""

    wwid: str
    name: str
    engine_size: int | None
    hosts: tuple[HostLun, ...] = ()
    arrays: tuple[ArrayLun, ...] = ()
    used: bool = True


def lun_lines(lun: LunSides) -> tuple[Line, ...]:
    """Size, presence on each host, what each path reaches, paths on each host, name."""
    there = (
        *(_presence(lun, one) for one in lun.hosts),
        *(_identity(lun, one) for one in lun.hosts if one.live or one.mute),
    )
    return (_size(lun), *there, *_paths(lun), _name(lun))


def _size(lun: LunSides) -> Line:
    """Hosts and arrays know bytes. The engine keeps whole GiB, from when it last read the LUN."""
    exact = [(one.name, one.size) for one in lun.hosts if one.size is not None]
    exact += [(one.name, one.size) for one in lun.arrays if one.size is not None]
    told = (
        Told(ENGINE, bytes_words(lun.engine_size), "" if lun.engine_size is not None else "It lists no size."),
        *(Told(one.name, bytes_words(one.size), one.why) for one in lun.hosts),
        *(Told(one.name, bytes_words(one.size)) for one in lun.arrays),
    )
    sizes = {size for _, size in exact}
    if len(sizes) > 1:
        (one, size), (other, another) = exact[0], next(pair for pair in exact if pair[1] != exact[0][1])
        words = (
            f"{lun.name} has {bytes_words(size)} by {one} and {bytes_words(another)} by {other}: a map of the wrong "
            "size does not come back after a reboot. Find out which is right before anybody writes."
        )
        return Line("Size", told, False, Outcome.FAIL, words)
    if lun.engine_size is None or not sizes:
        return Line("Size", told, None if len(exact) < 2 else True)
    size = next(iter(sizes))
    if size // GIB == lun.engine_size // GIB:
        return Line("Size", told, True)
    words = (
        f"{lun.name} has {bytes_words(lun.engine_size)} by the engine and {bytes_words(size)} by {exact[0][0]}: "
        "refresh the LUN in the engine."
    )
    return Line("Size", told, False, Outcome.WARN, words)


def bytes_words(size: int | None) -> str:
    """Whole GiB, else bytes, so that no difference hides in a rounding; "" for what is not known."""
    if size is None:
        return ""
    return f"{size // GIB:,} GiB" if size % GIB == 0 else f"{size:,} bytes"


def _presence(lun: LunSides, host: HostLun) -> Line:
    says = {None: "", True: "there", False: "not there"}
    told = (
        Told(ENGINE, says[host.listed], "" if host.listed is not None else "The host was not asked for its storage."),
        Told(host.name, says[host.there], host.why),
    )
    fact = f"On {host.name}"
    if host.there is None or host.listed is None:
        return Line(fact, told, None)
    if host.there == host.listed:
        return Line(fact, told, True)
    if host.listed:
        words = f"The engine lists {lun.name} on {host.name}, which has no map of it: see its paths before a VM moves."
    else:
        words = (
            f"{host.name} has a map of {lun.name} that the engine does not list there: ask the engine to look again."
        )
    return Line(fact, told, False, Outcome.WARN if lun.used else Outcome.OK, words)


def _identity(lun: LunSides, host: HostLun) -> Line:
    """What the array answers on each path, when it was asked itself: multipath, udev and /sys go on telling the old
    name of a LUN that was mapped anew (facts/luns-and-tuning.md 0.10)."""
    fact, by_answer = f"INQUIRY on {host.name}", dict[str, list[str]]()
    for one in host.live:
        by_answer.setdefault(one.live, []).append(one.dev)
    own = [
        Told(f"{host.name} {', '.join(devs)}", live, "" if live else "It does not answer.")
        for live, devs in sorted(by_answer.items())
    ] or [Told(host.name, "", host.mute)]
    told = (Told(ENGINE, lun.wwid), *own)
    other = [one for one in host.live if one.names_it is False]
    if other:
        words = (
            f"{other[0].dev} on {host.name} reaches {other[0].live} under the name {lun.wwid}: the array maps another "
            "volume there. Stop I/O to it at once and compare the mapping."
        )
        return Line(fact, told, False, Outcome.FAIL, words)
    whole = bool(host.live) and all(one.names_it for one in host.live)
    return Line(fact, told, True if whole else None)


def _paths(lun: LunSides) -> Iterable[Line]:
    """The engine counts at its storage sync, multipath now: that they differ for a while is no fault by itself."""
    for host in lun.hosts:
        engine, own = _counts(host.engine_up, host.engine_paths), _counts(host.up, host.paths)
        told = (Told(ENGINE, engine, "" if engine else "It tells no number of paths."), Told(host.name, own, host.why))
        agree = None if not (engine and own) else engine == own
        words = "The engine counts at its storage sync, the host counts now." if agree is False else ""
        yield Line(f"Paths up on {host.name}", told, agree, Outcome.OK, words)


def _counts(up: int | None, paths: int | None) -> str:
    return "" if up is None or paths is None else f"{up} of {paths}"


def _name(lun: LunSides) -> Line:
    told = (Told(ENGINE, lun.name), *(Told(one.name, one.lun) for one in lun.arrays))
    return Line("Name", told, None)


# --- a VM -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class HostSides:
    """A host that may run a VM: what the engine and the host itself say. Pages are those of the host's default size;
    page_kib: that size, None when not known. Memory in bytes."""

    name: str
    engine_cpus: int | None = None
    own_cpus: int | None = None
    engine_memory: int | None = None
    own_memory: int | None = None
    page_kib: int | None = None
    engine_pages: int | None = None
    own_pages: int | None = None
    why: str = ""


@dataclass(frozen=True)
class VmSides:
    """A VM. guest_memory: MemTotal of the guest, None when it was not read, and why."""

    name: str
    engine_memory: int | None
    guest_memory: int | None
    why: str = ""
    running: bool = True


LEAST = 0.90  # of a guest's memory that its kernel leaves: crash kernel, its own tables
HOST_LEAST = 0.98  # the engine gets a host's memory from the same /proc/meminfo


def memory_line(vm: VmSides) -> Line:
    """Of the VM itself. A guest has less than it is given, and never more."""
    told = (Told(ENGINE, bytes_words(vm.engine_memory)), Told("guest", bytes_words(vm.guest_memory), vm.why))
    if vm.engine_memory is None or vm.guest_memory is None or not vm.running:
        return Line("Memory", told, None)
    if vm.engine_memory * LEAST <= vm.guest_memory <= vm.engine_memory:
        return Line("Memory", told, True)
    words = (
        f"{vm.name} has {bytes_words(vm.guest_memory)} by itself and {bytes_words(vm.engine_memory)} by the engine: it "
        "runs with another size than it would start with. Restart it, or set the size back."
    )
    return Line("Memory", told, False, Outcome.WARN, words)


def host_lines(host: HostSides) -> tuple[Line, ...]:
    """CPUs, memory and huge pages of one host. The engine places VMs by its own numbers."""
    engine, own = host.engine_memory, host.own_memory
    near = None if engine is None or own is None else min(engine, own) >= HOST_LEAST * max(engine, own)
    lines = [
        _numbers(host, "CPUs", host.engine_cpus, host.own_cpus),
        _host_line(host, "memory", _gib(engine), _gib(own), agree=near),
    ]
    if host.page_kib is not None:
        lines.append(_numbers(host, f"huge pages of {host.page_kib} KiB", host.engine_pages, host.own_pages))
    return tuple(lines)


def _gib(size: int | None) -> str:
    return "" if size is None else f"{size / GIB:,.1f} GiB"


def _numbers(host: HostSides, what: str, engine: int | None, own: int | None) -> Line:
    agree = None if engine is None or own is None else engine == own
    return _host_line(host, what, "" if engine is None else str(engine), "" if own is None else str(own), agree=agree)


def _host_line(host: HostSides, what: str, engine: str, own: str, *, agree: bool | None) -> Line:
    told = (Told(ENGINE, engine, "" if engine else "It does not tell it."), Told(host.name, own, host.why))
    fact = f"{what[0].upper()}{what[1:]} of {host.name}"
    if agree is not False:
        return Line(fact, told, agree)
    of = "of " if what == "memory" else ""
    words = (
        f"{host.name} has {own} {of}{what} by itself and {engine} by the engine, which places VMs by its own number: "
        "let the engine refresh the host's capabilities."
    )
    return Line(fact, told, False, Outcome.WARN, words)


# --- findings ---------------------------------------------------------------------------------------------------------
def finding(lines: Iterable[Line], subject: Subject) -> Finding | None:
    """The gravest difference about one thing, or that there is none; None while no two sides tell the same fact."""
    every = list(lines)
    bad = [one for one in every if one.agree is False and one.outcome is not Outcome.OK]
    if bad:
        first = min(bad, key=lambda one: GRAVE.index(one.outcome))
        more = f" {len(bad) - 1} more of its facts differ." if len(bad) > 1 else ""
        return Finding(CHECK, first.outcome, subject, f"{first.sentence}{more}")
    agreed = sum(one.agree is True for one in every)
    if not agreed:
        return None
    return Finding(CHECK, Outcome.OK, subject, f"All sides tell the same of {subject.key}: {agreed} facts.")
