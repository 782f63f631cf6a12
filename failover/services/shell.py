"""The target "she:<engine pk>": the hosted-engine pair as a whole, which is what maintenance and drills lock."""

from __future__ import annotations

from inventory.models import Engine
from portal.kernel.output import LookFailed
from portal.runs.record_shell import RecordShell


def shell() -> RecordShell:
    """The way to it."""
    return RecordShell(_named)


def _named(target: str) -> str:
    key = target.partition(":")[2]
    engine = Engine.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    if engine is None:
        raise LookFailed(f"There is no engine with the key {key!r}.")
    return f"the self-hosted engine {engine.name}"
