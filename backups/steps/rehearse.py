"""Restores every dump of an archive into a scratch PostgreSQL and counts what came back."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    rehearsed = telling.told(seen)["rehearsed"]
    return done(rehearsed) if rehearsed else wait("The restore is not rehearsed yet.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.rehearse"),)


STEP = Step(
    name="rehearse",
    title="Restore into scratch and count",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: the scratch server is removed, and nothing else was touched.",
    patience=24 * 3600,
    expected=60,
)
