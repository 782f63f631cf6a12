"""One worker at one Run: what it holds, how it looks at the target, how it writes. Shared by forward and backward."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import DateTimeField, Q
from django.db.models.expressions import ExpressionWrapper
from django.db.models.functions import Now

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output, clean
from portal.kernel.secret import Secret
from portal.kernel.step import ACT, LOST, Act, Fetch, Kept, On, Seen, Shell, Step, Told, Work
from portal.runs import hostside, journal, ports
from portal.runs.hostside import Progress, Tail
from portal.runs.journal import Entry
from portal.runs.lease import Lease
from portal.runs.models import Run, RunLine, RunStep

# Seconds that a worker stays with a Run that only waits; after them the Run waits in the database.
SLICE = 20.0
# Bytes of one step's output that become lines; the rest stays on the host.
MOST_OUTPUT = 1_000_000
TAIL = "holdfast.tail"


def in_seconds(seconds: float) -> Any:
    """The database's now plus seconds."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


@dataclass(frozen=True)
class Stop:
    """Why the walk over the steps stops. next: go on with the next step. park: let go of the worker, for `after`
    seconds. decide: a step failed and waits for people. back: the undos begin. attention: an undo failed."""

    why: str
    after: float = 0.0


NEXT = Stop("next")
DECIDE = Stop("decide")
BACK = Stop("back")
ATTENTION = Stop("attention")


@dataclass
class Drive:
    """A claimed Run."""

    lease: Lease
    run: Run
    since: float = field(default_factory=time.monotonic)

    @property
    def shell(self) -> Shell:
        """The way to the target. Raises LookFailed when there is none."""
        return ports.shell_for(self.run.target)

    @property
    def folder(self) -> str:
        """The Run's folder under .holdfast on its target, and in the vault."""
        return str(self.run.ref)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the steps get."""
        return {**self.run.parameters, "run": self.folder, "target": self.run.target}

    def vault(self, name: str) -> Path:
        """Where a fetched file is kept."""
        return Path(settings.HOLDFAST_VAULT) / self.folder / name

    def secrets(self) -> Iterable[Secret]:
        """What must not appear in lines and sentences."""
        return ports.known_secrets()

    def masked(self, sentence: str) -> str:
        """A sentence as it may be stored."""
        return journal.masked(sentence, self.secrets())

    def linger(self, seconds: float) -> bool:
        """Waits in the worker; False when the Run should wait in the database instead."""
        if time.monotonic() - self.since + seconds > SLICE:
            return False
        self.lease.lost.wait(seconds)
        return True

    def note(self, row: RunStep | None, text: str) -> None:
        """One line in the portal's own words. Needs a transaction."""
        journal.write(self.run.pk, row.pk if row else None, [Entry(text)], self.secrets())

    def set(self, row: RunStep, **fields: Any) -> None:
        """Writes fields of a step, on the row and in the database, while the lease is valid."""
        with self.lease.writing():
            RunStep.objects.filter(pk=row.pk).update(**fields)
            journal.announce(self.run.pk)
        row.refresh_from_db()

    def overdue(self, row: RunStep) -> bool:
        """Whether the step's patience has ended, by the database's clock."""
        return RunStep.objects.filter(Q(deadline__lt=Now()), pk=row.pk).exists()

    def place(self, row: RunStep) -> str:
        """The target that a step acts on."""
        return row.place or self.run.target

    def name_of(self, place: str) -> str:
        """A target as people know it; its key when it is gone."""
        if place in ("", self.run.target):
            return self.run.target_name
        try:
            return ports.shell_for(place).name(place)
        except LookFailed:
            return place

    def ask(self, row: RunStep, command: Command) -> Output:
        """One command on the step's target, sent at most once. Raises LookFailed."""
        place = self.place(row)
        return ports.shell_for(place).run(place, command)

    def look(self, row: RunStep, step: Step) -> tuple[Seen, Tail | None]:
        """Looks at the step's target once: its looks, and its act when it may have started. New output becomes lines.
        Raises LookFailed."""
        looks = step.looks(self.parameters)
        commands = {name: look for name, look in looks.items() if isinstance(look, Command)}
        started = row.intended_at is not None and not by_portal(row)
        if started:
            commands[TAIL] = hostside.tail(self.folder, act_name(row), row.out_offset, row.err_offset)
        place = self.place(row)
        seen = dict(ports.shell_for(place).look(place, commands)) if commands else {}
        seen.update(self._elsewhere({name: look for name, look in looks.items() if isinstance(look, On)}))
        seen.update({name: self._kept(look) for name, look in looks.items() if isinstance(look, Kept)})
        seen.update({name: self._told(look) for name, look in looks.items() if isinstance(look, Told)})
        if not started:
            return seen, None
        tail = self.drain(row, act_name(row), hostside.read_tail(seen.pop(TAIL)))
        if tail.progress.started:
            seen[ACT] = self.ended(row, tail)
        if tail.progress is Progress.LOST:
            seen[LOST] = Output(b"", b"", None)
        return seen, tail

    def _elsewhere(self, looks: Mapping[str, On]) -> dict[str, Output]:
        """One visit per target. A silent one is told, not raised."""
        seen: dict[str, Output] = {}
        for target in sorted({look.target for look in looks.values()}):
            asked = {name: look.command for name, look in looks.items() if look.target == target}
            try:
                seen.update(ports.shell_for(target).look(target, asked))
            except LookFailed as error:
                seen.update(dict.fromkeys(asked, Output(b"", str(error).encode(), None)))
        return seen

    def _kept(self, look: Kept) -> Output:
        path = self.vault(look.name)
        if not path.is_file():
            return Output(b"", b"", 1)
        with path.open("rb") as file:
            return Output(hashlib.file_digest(file, "sha256").hexdigest().encode(), b"", 0)

    def _told(self, look: Told) -> Output:
        return Output(json.dumps(ports.telling(look.question)(self.parameters)).encode(), b"", 0)

    def ended(self, row: RunStep, tail: Tail) -> Output:
        """What the step's command or undo has printed, at most 200 lines of each stream, and its exit code."""
        lines = RunLine.objects.filter(step=row).order_by("-number")
        text = {
            stream: "\n".join(reversed([line.text for line in lines.filter(stream=stream)[:200]])).encode()
            for stream in (RunLine.Stream.OUT, RunLine.Stream.ERR)
        }
        return Output(text[RunLine.Stream.OUT], text[RunLine.Stream.ERR], tail.exit_code)

    def drain(self, row: RunStep, act: str, tail: Tail) -> Tail:
        """Makes lines of the output that a tail brought, and asks for more while there is a full piece of it."""
        while True:
            full = hostside.CHUNK in (len(tail.out), len(tail.err))
            self._keep(row, tail)
            if not full or row.out_offset + row.err_offset >= MOST_OUTPUT:
                return tail
            command = hostside.tail(self.folder, act, row.out_offset, row.err_offset)
            tail = hostside.read_tail(self.ask(row, command))

    def _keep(self, row: RunStep, tail: Tail) -> None:
        if row.out_offset + row.err_offset >= MOST_OUTPUT:
            return
        final = tail.progress in (Progress.ENDED, Progress.LOST)
        out, err = _whole(tail.out, final), _whole(tail.err, final)
        if not out and not err:
            return
        entries = [*_entries(out, RunLine.Stream.OUT), *_entries(err, RunLine.Stream.ERR)]
        row.out_offset += len(out)
        row.err_offset += len(err)
        if row.out_offset + row.err_offset >= MOST_OUTPUT:
            entries.append(Entry(f"The output is longer than {MOST_OUTPUT:,} bytes; the rest is not read."))
        with self.lease.writing():
            RunStep.objects.filter(pk=row.pk).update(out_offset=row.out_offset, err_offset=row.err_offset)
            journal.write(self.run.pk, row.pk, entries, self.secrets())


def act_name(row: RunStep) -> str:
    """The act's folder inside the Run's."""
    return f"{row.position}-{row.attempt}"


def undo_name(row: RunStep) -> str:
    """The undo's folder inside the Run's."""
    return f"{row.position}-{row.attempt}-undo-{row.undo_attempt}"


def by_portal(row: RunStep) -> bool:
    """Whether the step's registered act is the portal's own (a copy, a work) instead of commands on the target."""
    return any("argv" not in entry for entry in row.act)


def frozen(acts: Sequence[Act]) -> list[dict[str, Any]]:
    """Acts as they are kept in a row."""
    return [_frozen(act) for act in acts]


def _frozen(act: Act) -> dict[str, Any]:
    if isinstance(act, Fetch):
        return {"fetch": act.remote, "name": act.name}
    if isinstance(act, Work):
        return {"work": act.name}
    return {"argv": list(act.argv), "timeout": act.timeout, "root": act.root}


def thawed(entries: Sequence[dict[str, Any]]) -> list[Command]:
    """Commands from a row."""
    return [Command(tuple(entry["argv"]), timeout=entry["timeout"], root=entry["root"]) for entry in entries]


def _whole(raw: bytes, final: bool) -> bytes:
    """Up to the last line that has ended; all of it when no more will come, or when one line fills the piece."""
    if final and len(raw) < hostside.CHUNK:
        return raw
    lines = raw[: raw.rfind(b"\n") + 1]
    return raw if not lines and len(raw) >= hostside.CHUNK else lines


def _entries(raw: bytes, stream: str) -> list[Entry]:
    text = clean(raw.decode("utf-8", "replace").replace("\0", "\ufffd").encode())
    return [Entry(line.rstrip("\r"), stream) for line in text.split("\n") if line.strip()]
