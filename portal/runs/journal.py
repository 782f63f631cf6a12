"""A Run's lines, and the word on the live channel that something changed. Secrets are masked on the way in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import F

from portal.kernel.secret import MASK, Secret
from portal.runs.models import Run, RunLine

CHANNEL = "holdfast"
LONGEST = 4_000  # characters of one line that are kept

# `password=...`, `"token": "..."`, `--secret ...`, `Authorization: Bearer ...`: what commands print and should not
_NAMES = "(?:password|passwd|passphrase|secret|token|api[-_]?key)"
_SHOWN = re.compile(rf"""(?i)({_NAMES}['"]?\s*[=:]\s*|--{_NAMES}\s+|bearer\s+)(['"]?)([^\s'",;]+)""")


@dataclass(frozen=True)
class Entry:
    """A line to be written. stream: out | err from the host, note from the portal."""

    text: str
    stream: str = RunLine.Stream.NOTE

    @property
    def source(self) -> str:
        return RunLine.Source.PORTAL if self.stream == RunLine.Stream.NOTE else RunLine.Source.HOST


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every known secret, and whatever follows a word like password=, as ***."""
    for secret in secrets:
        value = secret.reveal()
        for part in (value, *value.splitlines()):
            # shorter ones would blank out innocent words
            if len(part.strip()) >= 6:
                text = text.replace(part.strip(), MASK)
    return _SHOWN.sub(rf"\1\2{MASK}", text)


def write(run_pk: int, step_pk: int | None, entries: Sequence[Entry], secrets: Iterable[Secret] = ()) -> None:
    """Appends lines, numbered without gaps. Needs a transaction: the Run's row is locked by the count until it
    commits, and the live channel hears of it then."""
    if entries:
        Run.objects.filter(pk=run_pk).update(line_count=F("line_count") + len(entries))
        last = Run.objects.values_list("line_count", flat=True).get(pk=run_pk)
        known = list(secrets)
        RunLine.objects.bulk_create(
            RunLine(
                run_id=run_pk,
                step_id=step_pk,
                number=last - len(entries) + index,
                source=entry.source,
                stream=entry.stream,
                text=masked(entry.text, known)[:LONGEST],
            )
            for index, entry in enumerate(entries, 1)
        )
    announce(run_pk)


def announce(run_pk: int) -> None:
    """Tells the live channel that the Run changed; goes out on commit."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", [CHANNEL, f"run:{run_pk}"])
