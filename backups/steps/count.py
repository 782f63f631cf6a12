"""Counts what the engine has, so that what a rehearsal brings back can be held against it."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    before = telling.told(seen)["before"]
    if not before:
        return wait("The engine's objects are not counted yet.")
    if "counts" not in before:
        return done(f"The engine's objects could not be counted: {before['why']}")
    return done("The engine lists " + ", ".join(f"{count} {kind}" for kind, count in before["counts"].items()) + ".")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.count"),)


STEP = Step(
    name="count",
    title="Count what the engine has",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only asks.",
    patience=180,
    expected=2,
)
