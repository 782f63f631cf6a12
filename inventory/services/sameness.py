"""Whether an answer is the one that was read last: then neither it nor its judgement is worked out again.

The mark stands for everything that facts and findings are made of: the bytes that came back, what is declared, and the
code that reads. It is kept only where time changes nothing (Probe.settled), so that the same mark means the same facts
and findings (docs/adr/0037)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import inventory
import portal.kernel
from portal.kernel.output import Output, Reply
from portal.kernel.probe import Declared, Probe

READERS = ("probes", "verdicts")  # rooms of the inventory that make facts, findings and briefs


@cache
def release() -> bytes:
    """Stands for the code that reads and judges: another release reads other facts from the same answer."""
    rooms = [Path(inventory.__file__).parent / room for room in READERS]
    rooms.append(Path(portal.kernel.__file__).parent)
    made = hashlib.sha256()
    for source in sorted(path for room in rooms for path in room.rglob("*.py")):
        made.update(source.read_bytes())
    return made.digest()


def declared_mark(declared: Declared) -> str:
    """Stands for all that is declared; the time of the look is no part of it."""
    return hashlib.sha256(repr(replace(declared, checked_at=0.0, mark="")).encode()).hexdigest()


def mark(probe: Probe, answers: Mapping[str, Output] | Mapping[str, Reply], declared: Declared) -> str:
    """Of a probe's answers under a declaration whose own mark was worked out; "" for a probe whose answers are always
    read, and for an answer that did not come whole. How long it took is no part of it."""
    if probe.settled is None or not declared.mark:
        return ""
    made = hashlib.sha256(release())
    made.update(f"{probe.name} {declared.mark}".encode())
    for name, answer in answers.items():
        if not isinstance(answer, Output) or answer.exit_code is None or answer.truncated:
            return ""
        made.update(f"\n{name} {answer.exit_code} {len(answer.stdout)} {len(answer.stderr)}\n".encode())
        made.update(answer.stdout)
        made.update(answer.stderr)
    return made.hexdigest()


def facts_mark(facts: Any) -> str:
    """Stands for stored facts (plain JSON values), in whatever order they are kept; "" for none."""
    return "" if facts is None else hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
