"""Reads a copy back from its place and compares its hash with what was sent there."""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.kernel.step import Act, Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, failed, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"copy": Told("backups.rechecking")}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = json.loads(seen["copy"].stdout)
    if not told["checked"]:
        return wait(f"The copy at {told['place']} is not read back yet.")
    return done(told["sentence"]) if told["state"] == "held" else failed(told["sentence"])


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.rechecking"),)


STEP = Step(
    name="recheck",
    title="Read the copy back",
    mutating=False,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only reads.",
    patience=24 * 3600,
    expected=30,
)
