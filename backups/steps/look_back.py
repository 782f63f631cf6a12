"""Notes in the catalog which archives the engine VM still holds."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = telling.told(seen)
    if not told["looked_back"]:
        return wait("The catalog does not say yet what the engine VM holds.")
    return done(f"The engine VM holds {told['on_engine']} archives of the catalog.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.look_back"),)


STEP = Step(
    name="look_back",
    title="Note what the engine VM holds",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: it only reads.",
    patience=120,
    expected=2,
)
