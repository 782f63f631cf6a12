"""The paths and maps of a host as the kernel keeps them: sizes to the byte, the HBA and remote port under each path,
the names that the kernel remembers. multipathd shows none of this (facts/luns-and-tuning.md 0.4, 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inventory.probes.reading.devices import FILES, FIND, Block, Device, naa, read_blocks, read_devices
from inventory.probes.reading.multipath_kernel import read_dmsetup
from inventory.probes.reading.parts import Unread, texts, why_not
from inventory.probes.reading.sysfs import boot_id, links
from portal.kernel import facts as facts_json
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome, worst
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

SCRIPT = f"grep -sH . {' '.join(FILES)}; {FIND}; true"
COMMANDS: Mapping[str, Command] = {
    "sysfs": Command(("sh", "-c", SCRIPT), timeout=5),
    "kernel": Command(("dmsetup", "status", "--target", "multipath"), timeout=5, root=True),
}
FLAPS = 3  # failures of one path within an hour: a planned loss makes one
REMEMBERED = 3600.0  # seconds that a failure is told, and that a path must hold to be steady again
MOST_FAILURES = 200
LONGEST_NAME = 51  # of a WWID in a roll-up's series

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class Failures:
    """How often a path of a map has failed since it is in the map; only of paths that have."""

    wwid: str
    dev_t: str
    count: int


@dataclass(frozen=True)
class Failed:
    """A path failed so often between two looks, the later at `at` (Unix seconds)."""

    wwid: str
    dev: str
    by: int
    at: float


@dataclass(frozen=True)
class Flap:
    """A path that flaps: FLAPS failures within an hour began it at `since` (Unix seconds), an hour without ends it."""

    wwid: str
    dev: str
    since: float


@dataclass(frozen=True)
class DeviceFacts:
    """devices: every SCSI disk, in a map or not; maps: the multipath maps; failures: as the kernel counts them. From
    the looks before: still_suspended, WWIDs of maps that were suspended then, too; what failed in the last hour, the
    last `grown` of them between that look and this one; and which paths flap. unread: why failures were not read."""

    boot_id: str
    devices: tuple[Device, ...]
    maps: tuple[Block, ...]
    failures: tuple[Failures, ...] = ()
    still_suspended: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()
    grown: int = 0
    flaps: tuple[Flap, ...] = ()
    compared: bool = False
    unread: tuple[Unread, ...] = ()


def parse(outputs: HostOutputs) -> DeviceFacts:
    """The sections sysfs and kernel in; without the second, failures are not known. Raises ParseError when /sys was not
    read, or when nobody told which device a map holds: find is then another one than GNU's, and a map without devices
    would be said to have lost them."""
    read, unread = texts(COMMANDS, outputs)
    if why := why_not(tuple(unread), "sysfs"):
        raise ParseError(why)
    text = read["sysfs"]
    boot = boot_id(text)
    if not boot:
        raise ParseError("The host's /proc and /sys gave nothing that can be read, so its devices are not known.")
    maps = read_blocks(text)
    if maps and not links(text):
        raise ParseError("`find` names no device of any map, so which paths the maps hold is not known.")
    failures: tuple[Failures, ...] = ()
    if "kernel" in read:
        try:
            failures = _failures(read["kernel"], {one.name: one.wwid for one in maps})
        except ParseError as error:
            unread.append(Unread("kernel", str(error)))
    return DeviceFacts(boot, read_devices(text), maps, failures, unread=tuple(unread))


def _failures(text: str, names: Mapping[str, str]) -> tuple[Failures, ...]:
    """dmsetup knows names of maps alone; vdsm's configuration makes them the WWIDs (3.1), another one does not."""
    found = [
        Failures(names.get(one.name, one.name), path.dev_t, path.failures)
        for one in read_dmsetup(text)
        for path in one.paths
        if path.failures
    ]
    return tuple(found)


def carry(now: DeviceFacts, stored: Mapping[str, Any], at: float) -> DeviceFacts:
    """A map is suspended for an instant whenever multipathd loads it anew; only one that stays so is a fault. A count
    that fell began anew with the map, and so did all of them with a boot."""
    same = stored["boot_id"] == now.boot_id
    held = {one["wwid"] for one in stored["maps"] if one["suspended"]} if same else set()
    still = tuple(one.wwid for one in now.maps if one.suspended and one.wwid in held)
    before = {(one["wwid"], one["dev_t"]): one["count"] for one in stored["failures"]}
    kept = facts_json.load(tuple[Failed, ...], stored["failed"])
    fresh = tuple(one for one in kept if 0.0 <= at - one.at <= REMEMBERED)
    known = same and not stored["unread"] and not now.unread
    grown = tuple(_grown(now, before, at)) if known else ()
    failed = (*fresh, *grown)[-MOST_FAILURES:]
    flaps = _flaps(failed, facts_json.load(tuple[Flap, ...], stored["flaps"]), at)
    return replace(
        now, still_suspended=still, failed=failed, grown=min(len(grown), MOST_FAILURES), flaps=flaps, compared=True
    )


def times(failed: Iterable[Failed]) -> Counter[tuple[str, str]]:
    """(WWID, device) -> how often the path failed, in what is given."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in failed:
        counts[one.wwid, one.dev] += one.by
    return counts


def _flaps(failed: Iterable[Failed], before: Iterable[Flap], at: float) -> tuple[Flap, ...]:
    """A path does not stop to flap because one of three failures is an hour old: it must hold for that hour."""
    since = {(one.wwid, one.dev): one.since for one in before}
    counts = times(failed)
    return tuple(
        Flap(*path, since.get(path, at)) for path, count in sorted(counts.items()) if count >= FLAPS or path in since
    )


def _grown(now: DeviceFacts, before: Mapping[tuple[str, str], int], at: float) -> Iterator[Failed]:
    names = {one.dev_t: one.dev for one in now.devices}
    for one in now.failures:
        by = one.count - before.get((one.wwid, one.dev_t), 0)
        if by > 0:
            yield Failed(one.wwid, names.get(one.dev_t, one.dev_t), by, at)


def settled(stored: Mapping[str, Any]) -> bool:
    """No failure is told, which would have to be forgotten after an hour, and what is suspended was so before."""
    suspended = {one["wwid"] for one in stored["maps"] if one["suspended"]}
    return bool(stored["compared"]) and not stored["failed"] and suspended == set(stored["still_suspended"])


def judge(seen: DeviceFacts, declared: Declared) -> list[Finding]:
    """One finding per map, one about devices that are in none, and from the second look on one about paths that flap.
    Whether a map should be there, the declared paths say (probe multipath)."""
    host = Subject("host", declared.name)
    outcome, words = _loose(seen, declared.name)
    found = [Finding("loose_devices", outcome, host, words)]
    if seen.compared:
        outcome, words = _flapping(seen, declared.name)
        found.append(Finding("flapping", outcome, host, words))
    by_dev = {one.dev: one for one in seen.devices}
    return found + [_map(one, by_dev, seen, declared.name) for one in seen.maps]


def _map(one: Block, by_dev: Mapping[str, Device], seen: DeviceFacts, host: str) -> Finding:
    paths = [by_dev[dev] for dev in one.devices if dev in by_dev]
    said = [
        *_size_words(one, paths, host),
        *_name_words(one, paths, host),
        *_state_words(one, paths, seen, host),
        *_flap_words(one, seen, host),
    ]
    if not said:
        said = [_good_words(one, paths, host)]
    outcome = worst(each for each, _ in said)
    sentence = " ".join(words for each, words in said if each is outcome)
    return Finding("device", outcome, Subject("lun", one.wwid), sentence)


def _good_words(one: Block, paths: list[Device], host: str) -> Said:
    if not paths or one.size is None or any(path.size is None for path in paths):
        return Outcome.UNKNOWN, f"The sizes of LUN {one.wwid} and its paths on {host} are not known."
    count = f"{len(paths)} path{'' if len(paths) == 1 else 's'}"
    return Outcome.OK, f"LUN {one.wwid} has {_size(one.size)} on {host}, on every one of its {count}."


def _size_words(one: Block, paths: list[Device], host: str) -> list[Said]:
    """Different sizes are invisible to multipathd, and the map does not come back after a reboot (0.4)."""
    sizes = {path.size for path in paths if path.size is not None} | ({one.size} if one.size is not None else set())
    if len(sizes) < 2:
        return []
    shown = ", ".join(
        f"{path.dev} {_size(path.size)}" for path in paths if path.size is not None and path.size != one.size
    )
    whole = f"the map has {_size(one.size)}" if one.size is not None else "they differ"
    return [
        (
            Outcome.FAIL,
            f"LUN {one.wwid} has paths of different size on {host} ({shown}; {whole}): the map may not come back after "
            "a reboot. Compare the mapping on the array, rescan every path.",
        )
    ]


def _name_words(one: Block, paths: list[Device], host: str) -> list[Said]:
    """The kernel's own name of a path is a cache: equal proves little, different is a remap (0.10)."""
    wanted = naa(one.wwid)
    other = [path for path in paths if wanted and naa(path.wwid) and naa(path.wwid) != wanted]
    if not other:
        return []
    return [
        (
            Outcome.FAIL,
            f"{other[0].dev} in the map of LUN {one.wwid} on {host} is another LUN ({other[0].wwid}): it was mapped "
            "anew on the array. Stop I/O to it at once and compare the mapping.",
        )
    ]


def _state_words(one: Block, paths: list[Device], seen: DeviceFacts, host: str) -> list[Said]:
    said: list[Said] = []
    if one.wwid in seen.still_suspended:
        said.append((Outcome.FAIL, f"LUN {one.wwid} stays suspended on {host}: all I/O waits. See `dmsetup info`."))
    if one.read_only:
        said.append((Outcome.FAIL, f"LUN {one.wwid} is read-only on {host}: see the array's mapping."))
    if not one.devices:
        said.append((Outcome.FAIL, f"The map of LUN {one.wwid} holds no device on {host}: every path is gone."))
    if one.wwid != one.name and one.name:
        said.append(
            (
                Outcome.WARN,
                f"LUN {one.wwid} is called {one.name} on {host}: oVirt needs the WWID as name on every host. Set "
                "user_friendly_names no and remove the alias.",
            )
        )
    bad = [path for path in paths if path.read_only]
    if bad and not one.read_only:
        said.append((Outcome.WARN, f"Path {bad[0].dev} of LUN {one.wwid} on {host} is read-only: see the mapping."))
    return said


def _flapping(seen: DeviceFacts, name: str) -> Said:
    if why := why_not(seen.unread, "kernel"):
        return Outcome.UNKNOWN, f"Whether paths of {name} flap is not known. {why}"
    if not seen.flaps:
        return Outcome.OK, f"No path of {name} failed {FLAPS} times in the last hour."
    counts = times(seen.failed)
    worst_one = max(seen.flaps, key=lambda one: counts[one.wwid, one.dev])
    device = next((one for one in seen.devices if one.dev == worst_one.dev), None)
    way = f" ({device.host}, {device.rport})" if device is not None and device.rport else ""
    more = f", and {len(seen.flaps) - 1} more paths flap" if len(seen.flaps) > 1 else ""
    words = f"Path {worst_one.dev}{way} of LUN {worst_one.wwid} on {name} flaps: "
    words += _often(counts[worst_one.wwid, worst_one.dev])
    return Outcome.WARN, f"{words}{more}. See cable, SFP and switch port, and take it out until it held for an hour."


def _often(count: int) -> str:
    return f"it failed {count} time{'' if count == 1 else 's'} in the last hour"


def _flap_words(one: Block, seen: DeviceFacts, host: str) -> list[Said]:
    counts = times(seen.failed)
    return [
        (Outcome.WARN, f"Path {each.dev} of LUN {one.wwid} on {host} flaps: {_often(counts[each.wwid, each.dev])}.")
        for each in seen.flaps
        if each.wwid == one.wwid
    ]


def _loose(seen: DeviceFacts, name: str) -> Said:
    """Devices of an FC port that are in no map. Local disks have no remote port."""
    loose = [one.dev for one in seen.devices if one.rport and not one.map]
    if loose:
        shown = ", ".join(loose[:5])
        words = f"{len(loose)} FC devices of {name} are in no map ({shown}): see blacklist, find_multipaths and sizes."
        return Outcome.WARN, words
    if not seen.maps:
        return Outcome.UNKNOWN, f"{name} has no multipath map and no FC device, so there is nothing to be compared."
    return Outcome.OK, f"Every FC device of {name} is in a map ({len(seen.maps)} maps)."


def _size(size: int) -> str:
    """Bytes as GiB where they are whole ones, else as bytes: a difference of one sector must show."""
    return f"{size // 2**30} GiB" if size % 2**30 == 0 else f"{size} bytes"


def numbers(seen: DeviceFacts) -> Mapping[str, float]:
    """path_failures: how often paths failed since the look before, 0 included; failed:WWID of the LUNs whose did.
    Nothing where that is not known."""
    if not seen.compared or seen.unread:
        return {}
    fresh = seen.failed[len(seen.failed) - seen.grown :]
    found = {"path_failures": float(sum(one.by for one in fresh))}
    for one in fresh:
        if len(one.wwid) <= LONGEST_NAME:
            found[f"failed:{one.wwid}"] = found.get(f"failed:{one.wwid}", 0.0) + one.by
    return found


PROBE = Probe(
    name="lun_devices",
    title="LUN devices in the kernel",
    every=60,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
    carry=carry,
    bulky=("devices",),
    settled=settled,
)
