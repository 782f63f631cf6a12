"""Removes the copies of obsolete backups, each judged again by the report of that moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.kernel.step import Act, Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, go, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"standing": Told("backups.retiring")}


def _standing(seen: Seen) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(seen["standing"].stdout)["backups"]
    return told


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = _standing(seen)
    pending = [one["ident"] for one in told if one["word"] == "pending"]
    if pending:
        return wait(f"{len(pending)} of {len(told)} backups are still to be deleted, the next is {pending[0]}.")
    gone = [one["ident"] for one in told if one["word"] == "deleted"]
    stay = [f"{one['ident']} stays: {one['sentence']}" for one in told if one["word"] == "stays"]
    words = f"Deleted: {', '.join(gone)}." if gone else "None is deleted."
    return done(" ".join([words, *stay]))


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return go("The report calls them obsolete.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.retiring"),)


STEP = Step(
    name="retire",
    title="Delete obsolete backups",
    mutating=True,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo="No undo: what is deleted is deleted; every one was judged obsolete before it went.",
    patience=3600,
    every=5,
    expected=10,
)
