"""Whether the huge pages of the other hosts hold what a lost host would leave: each VM alone may fit and all of them
together may not (facts/luns-and-tuning.md 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome

CHECK = "hugepages_after_loss"


@dataclass(frozen=True)
class Need:
    """A VM that HA starts elsewhere when its host is lost. hosts: where it may run; pages: of its size."""

    name: str
    host: str
    kib: int
    pages: int
    hosts: tuple[str, ...]


def after_losses(needs: Iterable[Need], free: Mapping[str, Mapping[int, int] | None]) -> tuple[Finding, ...]:
    """One finding for each host that runs such VMs. free: host -> free pages by size; None: not told, or it is not up
    and can take nothing."""
    by_host: dict[str, list[Need]] = {}
    for one in needs:
        by_host.setdefault(one.host, []).append(one)
    return tuple(_after(host, mine, free) for host, mine in sorted(by_host.items()))


def _after(host: str, needs: list[Need], free: Mapping[str, Mapping[int, int] | None]) -> Finding:
    """The largest first, each where most is left: what finds no room so, may still find it by another order, unless
    there are fewer pages than are needed in all."""
    subject = Subject("host", host)
    dark = sorted({name for one in needs for name in one.hosts if name != host and free.get(name) is None})
    left = {name: dict(pages) for name, pages in free.items() if pages is not None and name != host}
    homeless = [one for one in sorted(needs, key=lambda one: (-one.pages * one.kib, one.name)) if not _place(one, left)]
    if not homeless:
        many = "the VM with huge pages finds" if len(needs) == 1 else f"its {len(needs)} VMs with huge pages find"
        return Finding(CHECK, Outcome.OK, subject, f"If {host} is lost, {many} room on the other hosts.")
    first = homeless[0]
    if dark:
        words = f"whether {first.name} finds {first.pages} huge pages elsewhere is not known: {dark[0]} does not tell."
        return Finding(CHECK, Outcome.UNKNOWN, subject, f"If {host} is lost, {words}")
    who = f"{first.name} finds" if len(homeless) == 1 else f"{first.name} and {len(homeless) - 1} more find"
    words = (
        f"If {host} is lost, {who} no room: {first.pages} pages of {first.kib} KiB are needed, and no other host has "
        "them left. Set up more there, or move VMs."
    )
    return Finding(CHECK, Outcome.FAIL if _short(needs, free, host) else Outcome.WARN, subject, words)


def _place(one: Need, left: dict[str, dict[int, int]]) -> bool:
    able = [name for name in one.hosts if left.get(name, {}).get(one.kib, 0) >= one.pages]
    if not able:
        return False
    best = max(able, key=lambda name: (left[name][one.kib], name))
    left[best][one.kib] -= one.pages
    return True


def _short(needs: list[Need], free: Mapping[str, Mapping[int, int] | None], host: str) -> bool:
    """Whether no order can help: one VM fits nowhere, or all need more than there is."""
    there = {name: pages for name, pages in free.items() if pages is not None and name != host}
    alone = any(max((there.get(n, {}).get(one.kib, 0) for n in one.hosts), default=0) < one.pages for one in needs)
    sizes = {one.kib for one in needs}
    many = any(
        sum(one.pages for one in needs if one.kib == kib)
        > sum(there.get(name, {}).get(kib, 0) for name in {n for one in needs if one.kib == kib for n in one.hosts})
        for kib in sizes
    )
    return alone or many
