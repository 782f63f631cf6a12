"""Looks at the engine VM before engine-backup is started: what it would not tell until it is too late."""

from __future__ import annotations

from collections.abc import Mapping

from backups.catalog import preflight, telling
from backups.catalog.parts import spoken
from portal.kernel.step import Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {
        **preflight.commands(parameters["directory"], parameters["tmp_directory"]),
        **telling.looks(parameters),
    }


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = telling.told(seen)
    found = preflight.read(seen, told["last_size"], told["now"])
    if found.stops:
        return failed(" ".join(found.stops))
    if found.waits or found.parts is None:
        return wait(" ".join(found.waits))
    version = f"engine-backup {found.version}" if found.version else "engine-backup of a version that rpm does not know"
    has = spoken(found.parts)
    return done(" ".join((f"{version} finds {has} on an engine VM with room for the archive.", *found.notes)))


STEP = Step(
    name="preflight",
    title="Look whether engine-backup can work",
    mutating=False,
    looks=_looks,
    settled=_settled,
    undo="No undo: it only looks.",
    patience=120,
    every=5,
    expected=3,
)
