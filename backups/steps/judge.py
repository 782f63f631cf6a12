"""Judges what engine-backup printed: exit code 0 and "Done." are not believed alone (facts/engine-backup.md 0.1)."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, failed, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = telling.told(seen)
    if not told["cause"]:
        return wait("What engine-backup printed is not judged yet.")
    if told["status"] == "FAILED":
        return failed(f"{told['sentence']} {told['what_to_do']}")
    return done(told["sentence"])


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.judge"),)


STEP = Step(
    name="judge",
    title="Judge what it printed",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only reads.",
    patience=120,
    expected=2,
)
