"""HugePages arithmetic (facts/luns-and-tuning.md 4.1): what the declared SGAs need, what is there, what is used, what
is wasted. Oracle's own script knows no kernel after 4.14, so it is computed here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from inventory.tuning.facts import Instance, OracleFacts, TuningDeclared, numbers
from inventory.tuning.persistence import lasting
from inventory.tuning.row import Row, unknown
from portal.kernel.outcome import Outcome

AREA, SOURCE, MEMINFO = "hugepages", "MOS 401749.1, 361468.1", "/proc/meminfo"
WASTE = 1.05
SPARE = 64 * 2**21  # bytes that may be over in any case
TABLES_MOST, TABLES_SHARE = 2 * 2**30, 0.02  # bytes of page tables, and their share of the memory


@dataclass(frozen=True)
class Need:
    """Pages that the SGAs fill (filled), and the pool's lower and upper bound."""

    filled: int
    least: int
    most: int


def need(instances: Iterable[Instance], page: int) -> Need:
    """page in bytes. One spare page per instance; above 5 % or 128 MiB more, memory is wasted."""
    sizes = [math.ceil(one.sga / page) for one in instances]
    least = sum(sizes) + len(sizes)
    return Need(sum(sizes), least, max(math.ceil(least * WASTE), least + SPARE // page))


@dataclass(frozen=True)
class Pool:
    """The default size's pool: pages, and bytes of one."""

    page: int
    total: int
    free: int
    reserved: int
    surplus: int

    @property
    def committed(self) -> int:
        """Pages that are filled or promised."""
        return self.total - self.free + self.reserved

    @property
    def idle(self) -> int:
        """Pages that nobody has and nobody was promised."""
        return self.free - self.reserved


def pool(seen: OracleFacts) -> Pool | None:
    """None when meminfo lacks a line."""
    names = ("Hugepagesize", "HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp")
    found = [seen.memory.get(name) for name in names]
    if any(one is None for one in found) or not found[0]:
        return None
    return Pool(*(one or 0 for one in found))


def rows(seen: OracleFacts, declared: TuningDeclared) -> list[Row]:
    """The pool's size, whether it was allocated, whether the SGAs are in it, surplus, waste and page tables."""
    there = pool(seen)
    if there is None:
        return [unknown(AREA, "HugePages", "the SGAs of all instances", "meminfo was not read.", MEMINFO, SOURCE)]
    return [
        _size(seen, there, declared),
        _allocated(seen, there),
        _used(seen, there, declared),
        _surplus(there),
        _waste(there, declared),
        _tables(seen),
    ]


def _row(parameter: str, running: str, expected: str, said: tuple[Outcome, str]) -> Row:
    return Row(AREA, parameter, running, expected, said[0], said[1], SOURCE, MEMINFO, "fail")


def _size(seen: OracleFacts, there: Pool, declared: TuningDeclared) -> Row:
    wanted = numbers(seen.running("vm.nr_hugepages"))
    have = wanted[0] if len(wanted) == 1 else there.total
    if not declared.instances:
        words = (
            f"{have} huge pages of {_size_words(there.page)} are set; how many are needed is not known: declare SGAs."
        )
        return _row("vm.nr_hugepages", str(have), "declared SGAs", (Outcome.UNKNOWN, words))
    want = need(declared.instances, there.page)
    expected = f"{want.least} to {want.most}"
    sga = _size_words(sum(one.sga for one in declared.instances))
    if have < want.least:
        words = f"{have} huge pages are set, {want.least} are needed for {sga} of SGA: raise vm.nr_hugepages."
        return _row("vm.nr_hugepages", str(have), expected, (Outcome.FAIL, words))
    if have > want.most:
        lost = _size_words((have - want.least) * there.page)
        words = f"{have} huge pages are set, {want.least} are enough for {sga} of SGA: {lost} are wasted."
        return _row("vm.nr_hugepages", str(have), expected, (Outcome.WARN, words))
    words = f"{have} huge pages of {_size_words(there.page)} are set for {sga} of SGA."
    row = _row("vm.nr_hugepages", str(have), expected, (Outcome.OK, words))
    booted = re.search(r"(?:^|\s)hugepages=(\d+)(?:\s|$)", seen.cmdline)
    if booted and want.least <= int(booted[1]) <= want.most:
        return replace(row, persistent=f"hugepages={booted[1]} (/proc/cmdline)")
    return lasting(row, lambda fields: len(fields) == 1 and want.least <= fields[0] <= want.most, seen)


def _allocated(seen: OracleFacts, there: Pool) -> Row:
    wanted = numbers(seen.running("vm.nr_hugepages"))
    if len(wanted) != 1:
        why = "vm.nr_hugepages was not read."
        return unknown(AREA, "HugePages_Total", "vm.nr_hugepages", why, "/proc/sys/vm/nr_hugepages", SOURCE)
    if there.total < wanted[0]:
        words = (
            f"Only {there.total} of {wanted[0]} huge pages were allocated, memory is fragmented: restart the VM before "
            "the next start of the database."
        )
        return _row("HugePages_Total", str(there.total), str(wanted[0]), (Outcome.FAIL, words))
    return _row("HugePages_Total", str(there.total), str(wanted[0]), (Outcome.OK, "Every huge page was allocated."))


def _used(seen: OracleFacts, there: Pool, declared: TuningDeclared) -> Row:
    up = {one.instance for one in seen.processes}
    running = [one for one in declared.instances if one.name in up]
    expected = "all SGAs in huge pages"
    if not up:
        why = (
            "no instance runs."
            if not any(one.part == "processes" for one in seen.unread)
            else "pmon was not looked for."
        )
        return unknown(AREA, "HugePages in use", expected, why, MEMINFO, SOURCE)
    shown = f"{there.committed} of {there.total}"
    if there.total == 0 or there.committed == 0:
        lost = f" and {_size_words(there.total * there.page)} are wasted" if there.total else ""
        words = f"The SGA is not in huge pages{lost}: see memlock, use_large_pages and AMM, then restart the instance."
        return _row("HugePages in use", shown, expected, (Outcome.FAIL, words))
    filled = need(running, there.page).filled
    if not running:
        words = f"{shown} huge pages are in use; whether the SGAs are in them whole is not known: declare them."
        return _row("HugePages in use", shown, expected, (Outcome.UNKNOWN, words))
    if there.committed < filled:
        words = (
            f"{shown} huge pages are in use, the SGAs of {len(running)} instances need {filled}: a part is in 4k pages."
        )
        return _row("HugePages in use", shown, expected, (Outcome.FAIL, words))
    return _row("HugePages in use", shown, expected, (Outcome.OK, f"{shown} huge pages are in use or promised."))


def _surplus(there: Pool) -> Row:
    if there.surplus:
        words = f"{there.surplus} huge pages come from overcommit: the pool is too small. Raise vm.nr_hugepages."
        return _row("HugePages_Surp", str(there.surplus), "0", (Outcome.WARN, words))
    return _row("HugePages_Surp", "0", "0", (Outcome.OK, "No huge page comes from overcommit."))


def _waste(there: Pool, declared: TuningDeclared) -> Row:
    """A pool that nobody uses at all is told by `_used`."""
    least = need(declared.instances, there.page).least if declared.instances else there.committed
    most = max(math.ceil(least * (WASTE - 1)), SPARE // there.page) + len(declared.instances)
    shown, expected = str(there.idle), f"{most} or less"
    if there.idle > most and there.committed:
        lost = _size_words(there.idle * there.page)
        words = f"{there.idle} huge pages ({lost}) are used by nobody: lower vm.nr_hugepages."
        return _row("idle HugePages", shown, expected, (Outcome.WARN, words))
    return _row("idle HugePages", shown, expected, (Outcome.OK, f"{there.idle} huge pages are idle."))


def _tables(seen: OracleFacts) -> Row:
    tables, total = seen.memory.get("PageTables"), seen.memory.get("MemTotal")
    expected = "2 GiB or less, 2 % of memory or less"
    if tables is None or not total:
        return unknown(AREA, "PageTables", expected, "meminfo lacks it.", MEMINFO, SOURCE)
    if tables > TABLES_MOST or tables > TABLES_SHARE * total:
        words = f"Page tables take {_size_words(tables)}: much shared memory is in 4k pages. See whether the SGA is."
        return _row("PageTables", str(tables), expected, (Outcome.WARN, words))
    return _row("PageTables", str(tables), expected, (Outcome.OK, f"Page tables take {_size_words(tables)}."))


def _size_words(size: int) -> str:
    return f"{size / 2**30:.4g} GiB" if size >= 2**30 else f"{size / 2**20:.4g} MiB"
