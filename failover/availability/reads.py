"""Read latency of a LUN as states of a service: five minutes in which a host's reads took longer than promised, on
average, were down. Minutes without enough reads have no state: they read as not watched, never as up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from failover.availability.watched import Span, State

PART = "reads"
WHY = 200  # characters


@dataclass(frozen=True)
class Bucket:
    """Reads of one host in one bucket. begins: Unix seconds; mean: milliseconds per read."""

    begins: float
    mean: float


def spans(
    hosts: Mapping[str, Iterable[Bucket]], most: Callable[[float], float], length: float, open_: Span | None = None
) -> list[Span]:
    """Unbroken times of equal state, oldest first. most: milliseconds per read that were promised at a moment; length:
    seconds of a bucket; open_: the newest span that is known already, which may go on and is then the first."""
    worst: dict[float, tuple[float, str]] = {}
    for host, buckets in hosts.items():
        for one in buckets:
            worst[one.begins] = max(worst.get(one.begins, (-1.0, "")), (one.mean, host))
    found = [open_] if open_ is not None else []
    for begins in sorted(worst):
        mean, host = worst[begins]
        slow = mean > most(begins)
        state = State.DOWN if slow else State.UP
        why = f"{mean:.3g} ms per read on {host}" if slow else ""
        last = found[-1] if found else None
        if last is not None and begins < last.ends:
            continue  # it is known already
        if last is not None and last.state is state and begins - last.ends < 1:
            words = last.why if not why or why in last.why or len(last.why) + len(why) > WHY else f"{last.why}; {why}"
            found[-1] = replace(last, ends=begins + length, why=words)
        else:
            found.append(Span(PART, state, begins, begins + length, why[:WHY]))
    return found
