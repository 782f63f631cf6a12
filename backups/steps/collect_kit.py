"""Collects the recovery-day kit and signs its bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.kernel.step import Act, Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"kit": Told("backups.kit")}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = json.loads(seen["kit"].stdout)
    if not told["sha256"]:
        return wait("The kit is not in the vault yet.")
    return done(f"{told['bundle']} is in the vault, SHA-256 {told['sha256']}. {told['headline']}.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.collect_kit"),)


STEP = Step(
    name="collect_kit",
    title="Collect the recovery-day kit and sign it",
    mutating=False,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only reads on the engine VM and the hosts.",
    patience=600,
    expected=15,
)
