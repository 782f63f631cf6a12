"""Sends an encrypted copy to another place and hashes it there."""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.kernel.step import Act, Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"copy": Told("backups.copy")}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = json.loads(seen["copy"].stdout)
    if told["state"] == "held":
        return done(f"{told['place']} holds the copy; read back there, its SHA-256 is {told['sha256']}.")
    return wait(f"{told['place']} does not hold the copy yet.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.push"),)


STEP = Step(
    name="push",
    title="Send the copy and read it back",
    mutating=True,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo="No undo: a copy more takes nothing away; what is unfinished there is gone on with.",
    patience=24 * 3600,
    expected=30,
)
