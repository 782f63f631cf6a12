"""Looks at every precheck again, inside the Run: what was ready when the drill was asked for may have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.kernel.step import Look, Parameters, Seen, Step, Told
from portal.kernel.verdict import Verdict, done, failed, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"checks": Told("failover.prechecks")}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    checks = json.loads(seen["checks"].stdout)["checks"]
    against = [check for check in checks if check["word"] == "no_go"]
    if against:
        rest = f" And {len(against) - 1} more." if len(against) > 1 else ""
        return failed(f"Not ready: {against[0]['sentence']} {against[0]['fix']}{rest} Nothing was done.")
    blind = [check for check in checks if check["word"] != "go"]
    if blind or not checks:
        words = blind[0]["sentence"] if blind else "Nothing was looked at."
        return wait(f"Whether the drill may begin is not known: {words}")
    return done(f"All {len(checks)} prechecks say go.")


STEP = Step(
    name="ready_again",
    title="Look at the prechecks again",
    mutating=False,
    looks=_looks,
    settled=_settled,
    undo="No undo: nothing is changed.",
    patience=60,
    every=5,
    expected=5,
)
