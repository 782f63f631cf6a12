"""Climbs the verify ladder with the copy in the vault. A rung that fails is the backup's state, not the run's end: the
archive stays, and the catalog says what it is worth."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = telling.told(seen)
    if not told["climbed"]:
        return wait("The ladder is not climbed yet.")
    return done(told["climb"])


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.climb"),)


STEP = Step(
    name="climb",
    title="Climb the verify ladder",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only reads.",
    patience=24 * 3600,
    expected=20,
)
