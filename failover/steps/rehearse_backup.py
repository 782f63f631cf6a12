"""Restores the newest backup in scratch, as a Run of its own, and waits for its verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.kernel.step import Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, failed, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"rehearsal": Told("failover.rehearsal")}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = json.loads(seen["rehearsal"].stdout)
    if not told["run"]:
        return wait("The rehearsal has not begun.")
    if told["active"]:
        return wait(f"Run {told['run']} rehearses {told['backup']}: {told['sentence'] or told['status']}")
    if told["proven"]:
        return done(f"{told['backup']} is restorable: run {told['run']} has restored it in scratch.")
    return failed(f"{told['backup']} is not proven restorable by run {told['run']}: {told['sentence']}")


STEP = Step(
    name="rehearse_backup",
    title="Rehearse the restore of the newest backup",
    mutating=False,
    looks=_looks,
    act=lambda parameters: (Work("failover.rehearse"),),
    settled=_settled,
    undo="No undo: the restore lives in scratch and is cleared there.",
    patience=6 * 3600,
    every=3,
    expected=120,
)
