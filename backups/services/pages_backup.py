"""Everything about one backup, for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backups.models import Backup, Policy, Rehearsal
from backups.services import pages_catalog as catalog
from backups.services.pages_ladder import Rung, rungs_of
from backups.services.pages_standing import standings

SHOWN = 200_000  # characters of one stream that the page shows
TABLES = 400  # tables of one part that the page shows
_CALLS = {"take": "engine-backup --mode=backup", "verify": "engine-backup --mode=verify"}
STREAMS = ("stdout", "stderr", "log")


@dataclass(frozen=True)
class Stream:
    """What one call left in one place."""

    name: str
    text: str
    size: int
    cut: bool


@dataclass(frozen=True)
class Call:
    """One call of engine-backup. code: None when nobody saw its end."""

    key: str
    title: str
    code: int | None
    sentence: str
    what_to_do: str
    streams: tuple[Stream, ...]


@dataclass(frozen=True)
class Tables:
    """The counted tables of one restored database, the largest first."""

    part: str
    rows: int
    tables: tuple[tuple[str, int, int | None], ...]
    more: int


@dataclass(frozen=True)
class Rehearsed:
    """One rehearsal with its rungs and counts."""

    row: Rehearsal
    rungs: list[Rung]
    parts: list[Tables]

    @property
    def prefix(self) -> str:
        """Of the ids of its rungs in a page."""
        return f"rehearsal-{self.row.pk}"


@dataclass(frozen=True)
class BackupPage:
    """One backup. then: what the engine listed, as kind, before and after."""

    row: catalog.Row
    calls: list[Call]
    rehearsals: list[Rehearsed]
    then: list[tuple[str, str, str]]


def backup_page(pk: int, now: datetime) -> BackupPage:
    """Raises Backup.DoesNotExist."""
    backup: Any = catalog.dressed(Backup.objects.filter(pk=pk)).get()
    found = standings(now, Policy.objects.filter(pk=backup.policy_id)) if backup.policy_id else []
    told = catalog.classes(catalog.entries(backup.engine_id), found, now)
    places = found[0].places if found else ()
    return BackupPage(
        catalog.row(backup, places, told, now),
        calls_of(backup),
        _rehearsals(backup),
        _then(backup.objects_then),
    )


def calls_of(backup: Backup) -> list[Call]:
    """The calls of engine-backup whose output is kept."""
    found = []
    for key, title in _CALLS.items():
        said = backup.output.get(key) if isinstance(backup.output, dict) else None
        if not isinstance(said, dict):
            continue
        cause: dict[str, Any] = said["cause"] if isinstance(said.get("cause"), dict) else {}
        streams = tuple(_stream(name, str(said.get(name) or "")) for name in STREAMS)
        sentence, what = str(cause.get("sentence", "")), str(cause.get("what_to_do", ""))
        found.append(Call(key, title, said.get("exit_code"), sentence, what, streams))
    return found


def stream_of(backup: Backup, call: str, stream: str) -> str | None:
    """The whole of one stream; None when it was not kept."""
    said = backup.output.get(call) if isinstance(backup.output, dict) else None
    if call not in _CALLS or stream not in STREAMS or not isinstance(said, dict) or stream not in said:
        return None
    return str(said[stream] or "")


def _stream(name: str, text: str) -> Stream:
    return Stream(name, text[-SHOWN:], len(text.encode()), len(text) > SHOWN)


def _rehearsals(backup: Backup) -> list[Rehearsed]:
    rows = list(backup.rehearsals.select_related("run").order_by("-at"))
    found = []
    for number, row in enumerate(rows):
        older = rows[number + 1] if number + 1 < len(rows) else None
        found.append(Rehearsed(row, rungs_of(row.rungs), _tables(row, older)))
    return found


def _tables(row: Rehearsal, older: Rehearsal | None) -> list[Tables]:
    """Counts, each beside that of the rehearsal before."""
    known = older.tables if older is not None and isinstance(older.tables, dict) else {}
    found = []
    for part, counts in (row.tables if isinstance(row.tables, dict) else {}).items():
        then = known.get(part) or {}
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), item[0]))
        lines = tuple((name, int(rows), then.get(name)) for name, rows in ordered[:TABLES])
        found.append(Tables(part, sum(int(rows) for rows in counts.values()), lines, max(0, len(ordered) - TABLES)))
    return found


def _then(objects: Any) -> list[tuple[str, str, str]]:
    """What the engine's API listed: kind, before, after."""
    if not isinstance(objects, dict):
        return []
    counts = {when: (objects.get(when) or {}).get("counts") or {} for when in ("before", "after")}
    kinds = dict.fromkeys([*counts["before"], *counts["after"]])
    return [(kind, *(str(counts[when].get(kind, "not known")) for when in ("before", "after"))) for kind in kinds]
