"""How long reads of a LUN take, from the kernel's own counters: no I/O of ours (facts/luns-and-tuning.md 2.3).

A window of a LUN closes when enough reads went into it; until then there is no data, which is never 0 ms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from inventory.probes.reading.devices import Block, read_blocks
from inventory.probes.reading.parts import texts
from inventory.probes.reading.sysfs import BOOT_ID, boot_id
from portal.kernel import facts as facts_json
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe
from portal.kernel.words import span

SCRIPT = (
    f"grep -sH . {BOOT_ID} /sys/block/dm-*/dm/name /sys/block/dm-*/dm/uuid; "
    "grep -sE ' dm-[0-9]+ ' /proc/diskstats; true"
)
COMMANDS: Mapping[str, Command] = {"counters": Command(("sh", "-c", SCRIPT), timeout=5)}

LEAST_READS = 100  # below it a mean says nothing
SHORTEST, LONGEST = 50.0, 3600.0  # seconds of a window; one that is open for longer ends without data
OBJECTIVE = 1.0  # ms
LONGEST_NAME = 51  # of a WWID in a roll-up's series

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class Counted:
    """What the kernel counted for a map since its creation: reads, and milliseconds spent in them."""

    wwid: str
    dm: str
    reads: int
    read_ms: int


@dataclass(frozen=True)
class Begun:
    """A window that is open: what was counted when it began, at `at` (Unix seconds)."""

    counted: Counted
    at: float


@dataclass(frozen=True)
class Window:
    """A window that is closed. reads 0: there were too few for a mean, so it is no data."""

    wwid: str
    reads: int
    read_ms: int
    seconds: float
    at: float

    @property
    def mean(self) -> float:
        """Milliseconds per read. Only for a window with data."""
        return self.read_ms / self.reads


@dataclass(frozen=True)
class LatencyFacts:
    """counted: now. begun and windows, the last one of every LUN, come from the looks before. at: of this look when it
    closed a window, else 0.0, so that where nobody reads nothing changes."""

    boot_id: str
    counted: tuple[Counted, ...]
    begun: tuple[Begun, ...] = ()
    windows: tuple[Window, ...] = ()
    at: float = 0.0


def parse(outputs: HostOutputs) -> LatencyFacts:
    """The section counters in. Raises ParseError when it was not read, or when a map has no line in diskstats."""
    read, unread = texts(COMMANDS, outputs)
    if unread:
        raise ParseError(unread[0].why)
    text = read["counters"]
    boot = boot_id(text)
    if not boot:
        raise ParseError("The host's /proc and /sys gave nothing that can be read, so its reads are not counted.")
    stats = {dm: (int(reads), int(ms)) for dm, reads, ms in _STATS.findall(text)}
    maps = read_blocks(text)
    lost = [one.dm for one in maps if one.dm not in stats]
    if lost:
        raise ParseError(f"/proc/diskstats has no line for {lost[0]}, so reads are not counted.")
    return LatencyFacts(boot, tuple(_counted(one, stats[one.dm]) for one in maps))


# major minor name, reads completed, merged, sectors, ms reading (fields 4 and 7)
_STATS = re.compile(r"^ *\d+ +\d+ (dm-\d+) (\d+) \d+ \d+ (\d+) ", re.MULTILINE)


def _counted(one: Block, stats: tuple[int, int]) -> Counted:
    return Counted(one.wwid, one.dm, *stats)


def carry(now: LatencyFacts, stored: Mapping[str, Any], at: float) -> LatencyFacts:
    """Closes what can be closed. Another boot, another dm number or a counter that fell begins anew: nothing is known
    of the time between."""
    before = facts_json.load(LatencyFacts, stored)
    open_windows = {one.counted.wwid: one for one in before.begun} if now.boot_id == before.boot_id else {}
    last = {one.wwid: one for one in before.windows}
    begun, windows = [], []
    for one in now.counted:
        start = open_windows.get(one.wwid)
        closed = None if start is None else _closed(start, one, at)
        anew = start is None or closed is not None or not _goes_on(start, one, at)
        begun.append(Begun(one, at) if anew or start is None else start)
        if (window := closed or last.get(one.wwid)) is not None:
            windows.append(window)
    closing = at if any(one.at == at for one in windows) else 0.0
    return replace(now, begun=tuple(begun), windows=tuple(windows), at=closing)


def _goes_on(start: Begun, now: Counted, at: float) -> bool:
    same = start.counted.dm == now.dm
    grew = now.reads >= start.counted.reads and now.read_ms >= start.counted.read_ms
    return same and grew and at >= start.at


def _closed(start: Begun, now: Counted, at: float) -> Window | None:
    """The window, when it is long enough and has enough reads; one without data when it took too long."""
    seconds = at - start.at
    if not _goes_on(start, now, at) or seconds < SHORTEST:
        return None
    reads = now.reads - start.counted.reads
    if reads >= LEAST_READS:
        return Window(now.wwid, reads, now.read_ms - start.counted.read_ms, round(seconds, 1), at)
    return Window(now.wwid, 0, 0, round(seconds, 1), at) if seconds >= LONGEST else None


def judge(seen: LatencyFacts, declared: Declared) -> list[Finding]:
    """One finding about the slowest LUN, as soon as a window has closed."""
    if not seen.windows:
        return []
    host = Subject("host", declared.name)
    outcome, words = _slowest(seen, declared)
    return [Finding("latency", outcome, host, words)]


def _slowest(seen: LatencyFacts, declared: Declared) -> Said:
    fresh = [one for one in seen.windows if one.reads and declared.checked_at - one.at <= LONGEST]
    name, all_luns = declared.name, len(seen.counted)
    if not fresh:
        words = f"None of {all_luns} LUNs of {name} had {LEAST_READS} reads in an hour: no data on how long reads take"
        return Outcome.UNKNOWN, f"{words}."
    slow = [one for one in fresh if one.mean > OBJECTIVE]
    worst = max(fresh, key=lambda one: one.mean)
    told = (
        f"LUN {worst.wwid} on {name} took {worst.mean:.3g} ms per read over {worst.reads} reads in "
        f"{span(worst.seconds)} (/proc/diskstats)"
    )
    rest = f"{len(fresh)} of {all_luns} LUNs had enough reads"
    if slow:
        words = f"{told}, {len(slow)} above the objective of {OBJECTIVE:g} ms; {rest}: see array, fabric and load."
        return Outcome.WARN, words
    return Outcome.OK, f"Slowest: {told}; {rest}."


def numbers(seen: LatencyFacts) -> Mapping[str, float]:
    """reads:WWID and read_ms:WWID of the windows that this look closed: sums, so that a bucket's mean is exact."""
    found: dict[str, float] = {}
    for one in seen.windows:
        if one.reads and one.at == seen.at and len(one.wwid) <= LONGEST_NAME:
            found[f"reads:{one.wwid}"] = float(one.reads)
            found[f"read_ms:{one.wwid}"] = float(one.read_ms)
    return found


PROBE = Probe(
    name="lun_latency",
    title="LUN read latency",
    every=60,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
    carry=carry,
)
