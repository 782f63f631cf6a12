"""One reading of an archive that climbs the verify ladder and restores every dump into a scratch server.

The reading feeds SHA-256, the tar reader, `pg_restore --list` and the restoring pg_restore at once, while the server
starts and while indexes of the dump before are built. When a dump does not come back in silence, the archive is read a
second time for the ladder alone, whose full decode says whether the dump or the restore is at fault."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from backups.catalog.ladder import climb, whole
from backups.catalog.parts import LABELS, Part
from backups.catalog.ports import Source
from backups.catalog.rehearsal import PROVEN, QUESTIONS, Database, Known, Restored, judge, verdict
from backups.catalog.rung import Expectation, Rung
from portal.connectors.pg_restore import PgRestore
from portal.connectors.scratch import Bounds, Scratch
from portal.connectors.scratch_folder import ScratchFailed
from portal.connectors.scratch_programs import Programs, find
from portal.connectors.scratch_restore import Back, Restoring, all_clean

_ORDER = (Part.KEYCLOAK, Part.DWH, Part.ENGINE)  # as they lie in an archive (facts/engine-backup.md 2)
Say = Callable[[str], None]
Check = Callable[[], None]


@dataclass(frozen=True)
class Place:
    """Where scratch servers live: a folder of their own on a disk with room, its bounds, and the programs (None: the
    newest of this machine)."""

    folder: Path
    bounds: Bounds = field(default_factory=Bounds)
    programs: Programs | None = None


@dataclass(frozen=True)
class Rehearsed:
    """ladder: the nine rungs of the archive. rungs: the four of the rehearsal. verdict: proven | failed | unknown, of
    both together. seconds: the whole of it. readings: how often the archive was read."""

    ladder: tuple[Rung, ...]
    rungs: tuple[Rung, ...]
    restored: Restored
    verdict: str
    seconds: float
    readings: int


def rehearse(archive: Source, expectation: Expectation, known: Known, place: Place,
             say: Say = lambda sentence: None, check: Check = lambda: None) -> Rehearsed:  # fmt: skip
    """Verifies and rehearses one archive. `say` hears one sentence for each thing that is done; `check` is called at
    every piece of the archive and twice a second after it, and may raise to stop. Raises nothing else: what cannot be
    found out is unknown. Nothing of it is left on the disk."""
    began = time.monotonic()
    source = Watched(archive, check)
    programs = place.programs or find()
    ladder, restored, clean = _together(source, expectation, replace(place, programs=programs), say, check)
    if not clean:
        say("The archive is read once more, for the ladder alone.")
        ladder = climb(source, expectation, PgRestore(programs.path("pg_restore") if programs else "pg_restore"))
    rungs = judge(restored, known)
    together = verdict(rungs)
    if together == PROVEN and not whole(ladder):
        together = verdict(ladder)
    return Rehearsed(ladder, rungs, restored, together, time.monotonic() - began, 1 if clean else 2)


def _together(
    source: Source, expectation: Expectation, place: Place, say: Say, check: Check
) -> tuple[tuple[Rung, ...], Restored, bool]:
    """(ladder, what came back, whether the ladder of this reading holds)."""
    try:
        questions = {part.value: asked for part, asked in QUESTIONS.items()}
        likely = [part for part in _ORDER if part in (expectation.parts or ())]
        with (
            Scratch(place.folder, place.bounds, place.programs) as scratch,
            Restoring(scratch, questions, likely) as restoring,
        ):
            ladder = climb(source, expectation, restoring.dumps())
            say("The archive was read to its end.")
            backs = restoring.finish(lambda part, back: say(spoken_back(Part(part), back)), check)
            databases = {Part(part): database_of(back) for part, back in backs.items()}
            notes = (f"the scratch server ran {scratch.described()}",)
            return ladder, Restored(databases, scratch.programs.version, notes), all_clean(backs)
    except ScratchFailed as error:
        say(str(error))
        return (), Restored(doubt=str(error)), False


def database_of(back: Back) -> Database:
    """The connector's words as the catalog's."""
    return Database(
        back.form, back.rows, back.problem, back.doubt, back.answers, back.refused, back.server, back.extensions,
        back.roles, back.granted, back.warnings, back.seconds,
    )  # fmt: skip


def spoken_back(part: Part, back: Back) -> str:
    """One sentence about one dump."""
    label = LABELS[part][0].upper() + LABELS[part][1:]
    if back.problem or back.doubt:
        return f"{label} did not come back: {(back.problem or back.doubt).rstrip('.')}."
    return f"{label} came back: {len(back.rows)} tables, {sum(back.rows.values())} rows, {back.seconds:.1f} s."


def rows_of(restored: Restored) -> Mapping[Part, Mapping[str, int]]:
    """What the next rehearsal is held against."""
    return {part: database.rows for part, database in restored.databases.items() if database.back}


class Watched:
    """A source that calls `check` before every piece."""

    def __init__(self, archive: Source, check: Check) -> None:
        self._archive, self._check = archive, check

    @property
    def name(self) -> str:
        return self._archive.name

    def size(self) -> int | None:
        return self._archive.size()

    @contextlib.contextmanager
    def _pieces(self) -> Iterator[BinaryIO]:
        with self._archive.open() as stream:
            yield cast(BinaryIO, _Pieces(stream, self._check))

    def open(self) -> AbstractContextManager[BinaryIO]:
        return self._pieces()


class _Pieces:
    def __init__(self, stream: BinaryIO, check: Check) -> None:
        self._stream, self._check = stream, check

    def read(self, size: int = -1) -> bytes:
        self._check()
        return self._stream.read(size)
