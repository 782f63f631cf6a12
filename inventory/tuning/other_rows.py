"""What is no kernel parameter: transparent huge pages, limits of running instances, AMM, tuned, disks, clock, swap."""

from __future__ import annotations

from functools import partial

from inventory.tuning.facts import UNLIMITED, Limit, OracleFacts, TuningDeclared
from inventory.tuning.guest_disks import holder
from inventory.tuning.hugepages import pool
from inventory.tuning.row import OUTCOMES, Row, unknown
from inventory.tuning.table import CLOCKS, LIMITS, SCHEDULERS, SWAP_USED, LimitRule
from portal.kernel.outcome import Outcome

THP = "/sys/kernel/mm/transparent_hugepage"


def rows(seen: OracleFacts, declared: TuningDeclared) -> list[Row]:
    """All of them."""
    return [
        *_thp(seen),
        _amm(seen),
        _memlock(seen),
        *(_limit(rule, seen) for rule in LIMITS),
        _tuned(seen),
        _scheduler(seen),
        _asm(seen, declared),
        _alike(seen),
        _clock(seen),
        _swap(seen),
    ]


def _thp(seen: OracleFacts) -> list[Row]:
    area, path = "hugepages", f"{THP}/enabled"
    if not seen.thp:
        return [unknown(area, "THP enabled", "never", "it was not read.", path, "P, T")]
    if seen.thp != "never":
        words = f"Transparent huge pages are {seen.thp}: instances stall. Boot with transparent_hugepage=never."
        enabled = Row(area, "THP enabled", seen.thp, "never", Outcome.FAIL, words, "P, T", path, "fail")
    else:
        enabled = Row(area, "THP enabled", "never", "never", Outcome.OK, "They are off.", "P, T", path, "fail")
    lasting = "transparent_hugepage=never" in seen.cmdline.split()
    words = "The kernel's command line keeps transparent huge pages off."
    if not lasting:
        words = (
            "The kernel's command line lacks transparent_hugepage=never: they are back after a boot, unless tuned acts."
        )
    known = Outcome.OK if lasting or "oracle" in seen.profile else Outcome.WARN
    outcome = known if seen.cmdline else Outcome.UNKNOWN
    line = Row(area, "THP on the command line", str(lasting), "True", outcome, words, "P", "/proc/cmdline")
    words = f"THP defrag is {seen.thp_defrag or 'not known'}, which counts only while THP is on."
    defrag = Row(area, "THP defrag", seen.thp_defrag, "never", Outcome.OK, words, "K", f"{THP}/defrag", severity="info")
    return [enabled, line, defrag]


def _amm(seen: OracleFacts) -> Row:
    """memory_target keeps the SGA in /dev/shm, out of huge pages."""
    path = "/dev/shm"  # noqa: S108 - read on the VM
    if any(one.part == "storage" for one in seen.unread):
        return unknown("hugepages", "AMM", "no segment", "it was not looked for.", path, "K")
    if seen.amm_segments:
        words = (
            f"{seen.amm_segments} segments of Oracle are in /dev/shm: AMM is on, no SGA is in huge pages. Turn AMM off."
        )
        return Row("hugepages", "AMM", str(seen.amm_segments), "0", Outcome.FAIL, words, "K", path, "fail")
    return Row("hugepages", "AMM", "0", "0", Outcome.OK, "No instance keeps its memory in /dev/shm.", "K", path, "fail")


def _told(seen: OracleFacts, name: str) -> list[tuple[str, Limit]]:
    return [(one.instance, limit) for one in seen.processes for limit in one.limits if limit.name == name]


def _memlock(seen: OracleFacts) -> Row:
    """Of the running process: what its unit or session gave it, which the files need not say. In bytes."""
    parameter, path, there = "limit memlock", "/proc/PID/limits of pmon", pool(seen)
    told = _told(seen, "Max locked memory")
    if not told or there is None:
        why = "no instance runs, or its limits were not read."
        return unknown("limits", parameter, "the pool of huge pages", why, path, "P")
    least = there.total * there.page
    low = [(name, one) for name, one in told if one.soft != UNLIMITED and one.soft < least]
    shown = ", ".join(sorted({_amount(one.soft) for _, one in told}))
    expected = f"{least} bytes or more"
    if low:
        words = (
            f"Instance {low[0][0]} may lock {low[0][1].soft} bytes, huge pages are {least}: raise memlock, restart it."
        )
        return Row("limits", parameter, shown, expected, Outcome.FAIL, words, "P", path, "fail")
    words = f"{len(told)} running instances may lock all huge pages."
    return Row("limits", parameter, shown, expected, Outcome.OK, words, "P", path, "fail", _file(seen, "memlock"))


def _limit(rule: LimitRule, seen: OracleFacts) -> Row:
    path, told = "/proc/PID/limits of pmon", _told(seen, rule.name)
    expected = f"soft {rule.soft}, hard {rule.hard} or more"
    if not told:
        return unknown("limits", rule.parameter, expected, "no instance runs, or it was not read.", path, rule.source)
    low = [(name, one) for name, one in told if not _enough(one, rule)]
    name, shown = low[0] if low else told[0]
    running = f"soft {_amount(shown.soft)}, hard {_amount(shown.hard)}"
    if low:
        words = f"Instance {name} has {rule.parameter} {running}, {expected} is wanted: see limits.d and the unit."
        return Row(
            "limits",
            rule.parameter,
            running,
            expected,
            OUTCOMES[rule.severity],
            words,
            rule.source,
            path,
            rule.severity,
        )
    words = f"{rule.parameter} of {len(told)} running instances is enough ({running})."
    held = _file(seen, rule.item)
    return Row("limits", rule.parameter, running, expected, Outcome.OK, words, rule.source, path, rule.severity, held)


def _enough(limit: Limit, rule: LimitRule) -> bool:
    return all(have == UNLIMITED or have >= want for have, want in ((limit.soft, rule.soft), (limit.hard, rule.hard)))


def _file(seen: OracleFacts, item: str) -> str:
    """What limits.d says, for new sessions only: a running instance has what it was started with."""
    return "; ".join(
        f"{one.parameter} {one.value} ({one.file})" for one in seen.limits_files if one.parameter.endswith(f" {item}")
    )


def _amount(value: int) -> str:
    return "unlimited" if value == UNLIMITED else str(value)


def _tuned(seen: OracleFacts) -> Row:
    path, expected = "/etc/tuned/active_profile", "oracle, or a profile that includes it"
    if "oracle" in seen.profile:
        return Row("system", "tuned", seen.profile, expected, Outcome.OK, f"tuned runs {seen.profile}.", "T", path)
    what = f"tuned runs {seen.profile}" if seen.profile else "tuned has no active profile"
    words = f"{what}: it sets none of Oracle's values at a boot. Use `oracle` or a profile that includes it."
    return Row("system", "tuned", seen.profile, expected, Outcome.WARN, words, "T", path)


def _scheduler(seen: OracleFacts) -> Row:
    path, expected = "/sys/block/*/queue/scheduler", " or ".join(SCHEDULERS)
    if not seen.schedulers:
        return unknown("storage", "I/O scheduler", expected, "no disk told it.", path, "K")
    other = [one for one in seen.schedulers if one.name not in SCHEDULERS]
    shown = ", ".join(sorted({one.name for one in seen.schedulers}))
    if other:
        words = f"{other[0].device} uses {other[0].name} ({len(other)} disks do): none or mq-deadline is wanted."
        return Row("storage", "I/O scheduler", shown, expected, Outcome.WARN, words, "K", path)
    words = f"{len(seen.schedulers)} disks use {shown}."
    return Row("storage", "I/O scheduler", shown, expected, Outcome.OK, words, "K", path)


def _asm(seen: OracleFacts, declared: TuningDeclared) -> Row:
    wanted = (declared.asm_owner, declared.asm_group, declared.asm_mode)
    expected = f"{wanted[0]}:{wanted[1]} {wanted[2]}"
    if not seen.asm_disks:
        why = "no device was found under the usual names."
        return unknown("storage", "ASM disks", expected, why, "/dev/asm*, /dev/oracleasm", "K")
    other = [one for one in seen.asm_disks if (one.owner, one.group, one.mode) != wanted]
    if other:
        one = other[0]
        words = f"{one.path} is {one.owner}:{one.group} {one.mode}, {expected} is wanted for ASM: see the udev rules."
        return Row("storage", "ASM disks", f"{len(other)} others", expected, Outcome.FAIL, words, "K", one.path, "fail")
    words = f"{len(seen.asm_disks)} ASM disks are {expected}."
    return Row("storage", "ASM disks", expected, expected, Outcome.OK, words, "K", seen.asm_disks[0].path, "fail")


def _alike(seen: OracleFacts) -> Row:
    """ASM spreads its I/O evenly, so the slowest queue is that of all."""
    parameter, path, expected = "queues of ASM disks", "/sys/block/*/queue", "alike"
    held = [one for one in map(partial(holder, seen.disks), seen.asm_disks) if one is not None and one.queue]
    if not held:
        words = "Which disks the devices of ASM lie on is not told."
        return Row("storage", parameter, "", expected, Outcome.OK, words, "K", path, "info")
    kinds = sorted({one.queue for one in held})
    words = f"{len(held)} ASM disks have {kinds[0]}."
    if len(kinds) > 1:
        words = f"The {len(held)} ASM disks have {len(kinds)} kinds of queues: {'; '.join(kinds[:3])}."
    return Row("storage", parameter, "; ".join(kinds), expected, Outcome.OK, words, "K", path, "info")


def _clock(seen: OracleFacts) -> Row:
    path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    expected = " or ".join(CLOCKS)
    if not seen.clocksource:
        return unknown("system", "clocksource", expected, "it was not read.", path, "K")
    usual = "" if seen.clocksource in CLOCKS else f", {expected} is usual"
    words = f"The clock is {seen.clocksource}{usual}."
    return Row("system", "clocksource", seen.clocksource, expected, Outcome.OK, words, "K", path, "info")


def _swap(seen: OracleFacts) -> Row:
    total, free = seen.memory.get("SwapTotal"), seen.memory.get("SwapFree")
    expected = f"present, below {SWAP_USED:.0%} used"
    if total is None or free is None:
        return unknown("system", "swap", expected, "meminfo was not read.", "/proc/meminfo", "P")
    if not total:
        words = "The VM has no swap: it dies at once when memory runs out."
        return Row("system", "swap", "0", expected, Outcome.WARN, words, "P", "/proc/meminfo")
    used = f"{100 * (total - free) // total} % of {total / 2**30:.3g} GiB"
    if total - free > SWAP_USED * total:
        words = f"{used} swap are used: memory is short, or swappiness too high. See which processes."
        return Row("system", "swap", used, expected, Outcome.WARN, words, "P", "/proc/meminfo")
    return Row("system", "swap", used, expected, Outcome.OK, f"{used} swap are used.", "P", "/proc/meminfo")
