"""Kernel parameters: the running value against the rule, then whether it survives the next boot."""

from __future__ import annotations

from inventory.tuning.facts import OracleFacts, TuningDeclared, numbers
from inventory.tuning.hugepages import pool
from inventory.tuning.persistence import lasting
from inventory.tuning.row import OUTCOMES, Row, unknown
from inventory.tuning.table import AIO_SHARE, RULES, Rule
from portal.kernel.outcome import Outcome

AREA = "kernel"
PAGE = 4096


def rows(seen: OracleFacts, declared: TuningDeclared) -> list[Row]:
    """Every rule of the table, shared memory, and requests in use."""
    found = [_rule(one, seen) for one in RULES]
    return [*found, _shmmax(seen, declared), _shmall(seen, declared), _group(seen), _aio(seen)]


def _rule(rule: Rule, seen: OracleFacts) -> Row:
    text = seen.running(rule.parameter)
    fields = numbers(text)
    if not fields:
        return unknown(AREA, rule.parameter, rule.expected, "it was not read.", rule.path, rule.source)
    holds = rule.holds(fields)
    row = Row(
        area=AREA,
        parameter=rule.parameter,
        running=text,
        expected=rule.expected,
        outcome=Outcome.OK if holds else OUTCOMES[rule.severity],
        sentence=f"{rule.parameter} is {text}."
        if holds
        else f"{rule.parameter} is {text}, {rule.expected} is wanted: {rule.why}. Set it and make it persistent.",
        source=rule.source,
        read_from=rule.path,
        severity=rule.severity,
    )
    return lasting(row, rule.holds, seen, rule.own, tuned=rule.tuned)


def _least(parameter: str, seen: OracleFacts, least: int, why: str, own: tuple[str, ...] = ()) -> Row:
    """A parameter whose lower bound was computed."""
    path, text = f"/proc/sys/{parameter.replace('.', '/')}", seen.running(parameter)
    fields = numbers(text)
    if len(fields) != 1:
        return unknown(AREA, parameter, f"{least} or more", "it was not read.", path, "P, T")
    good = fields[0] >= least
    words = f"{parameter} is {text}." if good else f"{parameter} is {text}, {why} needs {least}: raise it."
    row = Row(
        AREA, parameter, text, f"{least} or more", Outcome.OK if good else Outcome.FAIL, words, "P, T", path, "fail"
    )
    return lasting(row, lambda value: len(value) == 1 and value[0] >= least, seen, own, tuned=True)


_KERNELS_OWN = ("18446744073692774399", "18446744073709551615")


def _shmmax(seen: OracleFacts, declared: TuningDeclared) -> Row:
    largest = max((one.sga for one in declared.instances), default=0)
    half = seen.memory.get("MemTotal", 0) // 2
    why = "the largest SGA" if largest > half else "half of the memory"
    return _least("kernel.shmmax", seen, max(largest, half), why, _KERNELS_OWN)


def _shmall(seen: OracleFacts, declared: TuningDeclared) -> Row:
    """In pages of 4 KiB, whatever the size of huge pages."""
    total = sum(one.sga for one in declared.instances)
    return _least("kernel.shmall", seen, -(-total // PAGE), "the sum of the SGAs", _KERNELS_OWN)


def _group(seen: OracleFacts) -> Row:
    """Only what memlock does not allow needs the group."""
    parameter, path = "vm.hugetlb_shm_group", "/proc/sys/vm/hugetlb_shm_group"
    text, there = seen.running(parameter), pool(seen)
    expected = "dba's gid, or memlock suffices"
    if not text:
        return unknown(AREA, parameter, expected, "it was not read.", path, "P")
    locks = [limit for one in seen.processes for limit in one.limits if limit.name == "Max locked memory"]
    enough = there is not None and bool(locks) and all(_allows(one.soft, there.total * there.page) for one in locks)
    if text != "0" or enough:
        words = f"{parameter} is {text}{', and memlock suffices' if enough else ''}."
        return Row(AREA, parameter, text, expected, Outcome.OK, words, "P", path)
    if not locks or there is None:
        return unknown(
            AREA, parameter, expected, "it is 0, and memlock of the running instances is not known.", path, "P"
        )
    words = f"{parameter} is 0 and memlock of an instance is below the pool: huge pages are refused. Raise memlock."
    return Row(AREA, parameter, text, expected, Outcome.WARN, words, "P", path)


def _allows(limit: int, size: int) -> bool:
    return limit < 0 or limit >= size


def _aio(seen: OracleFacts) -> Row:
    parameter, path = "aio in use", "/proc/sys/fs/aio-nr"
    used, most = numbers(seen.running("fs.aio-nr")), numbers(seen.running("fs.aio-max-nr"))
    expected = f"below {AIO_SHARE:.0%} of fs.aio-max-nr"
    if len(used) != 1 or len(most) != 1 or not most[0]:
        return unknown(AREA, parameter, expected, "it was not read.", path, "P")
    shown = f"{used[0]} of {most[0]}"
    if used[0] >= AIO_SHARE * most[0]:
        words = f"{shown} asynchronous requests are taken: instances fail with ORA-27090 beyond. Raise fs.aio-max-nr."
        return Row(AREA, parameter, shown, expected, Outcome.FAIL, words, "P", path, "fail")
    return Row(AREA, parameter, shown, expected, Outcome.OK, f"{shown} asynchronous requests are taken.", "P", path)
