"""Where a worker is cut, and how the lab is disturbed under it. The hooks stand in the test's process and are carried
into the workers that are forked from it; what has been done is marked by files, so that no worker does it again."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portal.connectors.engine import Session
from portal.connectors.ssh import Pool
from portal.kernel.command import Command
from portal.kernel.output import LookFailed
from portal.kernel.verdict import Word
from portal.runs import hostside, ports, services
from portal.runs.drive import Drive
from portal.runs.models import RunStep
from portal.runs.work import AtWork
from tests.failover.matrix_table import NEVER
from tests.fixtures_lab import RunningLab

# what changes something on a host, as the lab's `idle-command` and `hang-command` name it
LOUD = (
    "hosted-engine --set-maintenance",
    "hosted-engine --vm-poweroff",
    "systemd-run",
    "systemctl stop",
    "systemctl start",
    "tee",
)
PROGRAMS = ("hosted-engine", "multipathd", "systemctl", "cat")  # what steps look with
SOON = 2.0  # seconds after which a look that hangs is given up while it is tried


@dataclass
class Cuts:
    """folder: of the marks. kinds: what is to be done. abort_at: the position at whose first look the run is aborted, 0
    never. machines: by target, the lab's names of the machines behind the portal's rows."""

    folder: Path
    lab: RunningLab
    kinds: frozenset[str]
    machines: Mapping[str, str]
    abort_at: int = 0
    lost: str = ""  # the step whose command is lost: exit code 0, no effect, until the step is done

    def once(self, row: RunStep, point: str, note: str = "") -> bool:
        """Marks the point; False when it was there before."""
        try:
            with (self.folder / f"{row.position} {point}").open("x") as file:
                file.write(note)
        except FileExistsError:
            return False
        return True

    def met(self, row: RunStep, point: str) -> bool:
        return (self.folder / f"{row.position} {point}").exists()

    def note(self, row: RunStep, point: str) -> str | None:
        path = self.folder / f"{row.position} {point}"
        return path.read_text() if path.exists() else None

    def kill(self, row: RunStep, kind: str, point: str) -> None:
        """Ends this process here, once: no exception, no clean-up, as kill -9 does it."""
        if kind in self.kinds and self.once(row, f"{kind} {point}"):
            os.kill(os.getpid(), signal.SIGKILL)

    def reset_links(self) -> None:
        for machine in sorted(set(self.machines.values())):
            self.lab.fault("drop-links", machine)

    @contextlib.contextmanager
    def engine_down(self) -> Iterator[None]:
        self.lab.fault("engine-db-down", "engine")
        try:
            yield
        finally:
            self.lab.http("DELETE", "/faults?name=engine-db-down")
            self.lab.fault("expire-tokens", "engine")

    @contextlib.contextmanager
    def hanging(self, machine: str, program: str) -> Iterator[None]:
        self.lab.fault("hang-command", machine, command=program)
        try:
            yield
        finally:
            self.lab.http("DELETE", f"/faults?name=hang-command&target={machine}")


def order(command: Command) -> tuple[str, str]:
    """Which of the runner's own orders it is, and the act that it is about."""
    named = {hostside.START: "start", hostside.SEAL: "seal", hostside.TAIL: "tail", hostside.STOP: "stop"}
    if command.argv[:2] != ("sh", "-c") or command.argv[2] not in named:
        return "", ""
    return named[command.argv[2]], command.argv[5]


@contextlib.contextmanager
def hooked(cuts: Cuts) -> Iterator[None]:
    """Everything that a worker does goes through the cuts inside the block."""
    kept: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, make(getattr(owner, name)))

    asked = Asked()
    put(Pool, "collect", asked.collect)
    put(Drive, "look", lambda real: Looks(cuts, asked, real).bound())
    put(Drive, "ask", lambda real: Orders(cuts, real).bound())
    put(ports, "work", lambda real: works(cuts, asked, real))
    put(AtWork, "writing", lambda real: records(cuts, real))
    put(Session, "post", lambda real: posts(cuts, real))
    try:
        yield
    finally:
        for owner, name, real in reversed(kept):
            setattr(owner, name, real)


class Asked:
    """Counts the visits to hosts; while `quick`, what hangs is given up soon."""

    def __init__(self) -> None:
        self.visits, self.quick = 0, False

    def collect(self, real: Any) -> Any:
        def collect(pool: Pool, address: Any, commands: Mapping[str, Command]) -> Any:
            self.visits += 1
            if self.quick:
                commands = {name: replace(one, timeout=min(one.timeout, SOON)) for name, one in commands.items()}
            return real(pool, address, commands)

        return collect


@dataclass
class Looks:
    """Around a step's look."""

    cuts: Cuts
    asked: Asked
    real: Any

    def bound(self) -> Any:
        def look(drive: Drive, row: RunStep, step: Any) -> Any:
            return self.look(drive, row, step)

        return look

    def look(self, drive: Drive, row: RunStep, step: Any) -> Any:
        cuts = self.cuts
        if row.position == cuts.abort_at and cuts.once(row, "abort"):
            services.abort(drive.run.pk, "anna", "Enough seen")
        self._hurry(row)
        if cuts.lost and row.name != cuts.lost and (cuts.folder / "lost").exists():
            (cuts.folder / "lost").unlink()
            cuts.lab.http("DELETE", "/faults?name=idle-command")
        if "drop" in cuts.kinds and cuts.once(row, "drop look"):
            return self._dropped(drive, row, step)
        if "rest" in cuts.kinds and cuts.once(row, "rest look"):
            return self._engine_down(drive, row, step)
        if "hang" in cuts.kinds and "drop" in cuts.kinds and cuts.once(row, "hang look"):
            return self._hung(drive, row, step)
        seen = self.real(drive, row, step)
        if row.intended_at is not None or not step.act(drive.parameters) or self._done(drive, step, seen):
            cuts.kill(row, "settle", "look")
        return seen

    def _done(self, drive: Drive, step: Any, seen: Any) -> bool:
        return bool(step.settled(seen[0], drive.parameters).word is Word.DONE)

    def _hurry(self, row: RunStep) -> None:
        """Patience with what never comes ends after the third look at it; with what may come, after the fortieth."""
        for word, most in (("never", 3), ("perhaps never", 40)):
            tries = self.cuts.note(row, word)
            if tries is None:
                continue
            (self.cuts.folder / f"{row.position} {word}").write_text(f"{tries}.")
            if len(tries) < most:
                continue
            RunStep.objects.filter(pk=row.pk, deadline__isnull=False).update(deadline="2020-01-01T00:00:00Z")

    def _dropped(self, drive: Drive, row: RunStep, step: Any) -> Any:
        """The links are dead when the look begins, and its answer is lost."""
        before = self.asked.visits
        self.cuts.reset_links()
        seen = self.real(drive, row, step)
        if self.asked.visits == before:
            self.cuts.once(row, "drop none")
            return seen
        self.cuts.reset_links()
        raise LookFailed("The line was cut.")

    def _engine_down(self, drive: Drive, row: RunStep, step: Any) -> Any:
        with self.cuts.engine_down():
            seen = self.real(drive, row, step)
        verdict = step.settled(seen[0], drive.parameters)
        if verdict.word is Word.WAIT and row.intended_at is None:
            verdict = step.ready(seen[0], drive.parameters)
        self.cuts.once(row, "rest said", f"{verdict.word}: {verdict.sentence}")
        raise LookFailed("What was seen while the engine was down is looked at again.")

    def _hung(self, drive: Drive, row: RunStep, step: Any) -> Any:
        machine, program = self._looked_with(drive, row, step)
        before, self.asked.quick = self.asked.visits, True
        try:
            with self.cuts.hanging(machine, program):
                seen = self.real(drive, row, step)
        finally:
            self.asked.quick = False
        if self.asked.visits == before:
            self.cuts.once(row, "hang none")
        return seen

    def _looked_with(self, drive: Drive, row: RunStep, step: Any) -> tuple[str, str]:
        """The machine and the program that a look needs; of one that the portal's own code takes, hosted-engine."""
        for one in step.looks(drive.parameters).values():
            command = getattr(one, "command", one)
            text = " ".join(getattr(command, "argv", ()))
            found = next((name for name in PROGRAMS if name in text), "")
            if found:
                return self.cuts.machines[getattr(one, "target", drive.place(row))], found
        return next(iter(self.cuts.machines.values())), PROGRAMS[0]


@dataclass
class Orders:
    """Around an order to a host that is about an act or its undo."""

    cuts: Cuts
    real: Any

    def bound(self) -> Any:
        def ask(drive: Drive, row: RunStep, command: Command) -> Any:
            return self.ask(drive, row, command)

        return ask

    def ask(self, drive: Drive, row: RunStep, command: Command) -> Any:
        what, act = order(command)
        undo = "undo" in act
        if what == "start":
            return self._started(drive, row, command, "undo " if undo else "")
        if what == "seal":
            self.cuts.kill(row, "undo before", "seal")
        if what == "stop":
            self._let_go(row)
        output = self.real(drive, row, command)
        if what == "tail" and undo:
            self.cuts.kill(row, "undo settle", "tail")
        return output

    def _started(self, drive: Drive, row: RunStep, command: Command, undo: str) -> Any:
        cuts = self.cuts
        cuts.kill(row, f"{undo}before", "start")
        if row.name == cuts.lost and not undo and cuts.once(row, "lost"):
            (cuts.folder / "lost").touch()
            cuts.lab.fault("idle-command", cuts.machines[drive.place(row)], command=LOUD[0])
        command = self._spoiled(drive, row, command, undo)
        if f"{undo}drop" not in cuts.kinds or not cuts.once(row, f"{undo}drop start"):
            output = self.real(drive, row, command)
            cuts.kill(row, f"{undo}after", "start")
            return output
        cuts.reset_links()
        self.real(drive, row, command)
        cuts.reset_links()
        raise LookFailed("The line was cut before the answer.")

    def _spoiled(self, drive: Drive, row: RunStep, command: Command, undo: str) -> Command:
        """The command that is started answers 0 without effect or never ends, until the run has ended. One per run."""
        cuts, spoiled = self.cuts, self.cuts.folder / "spoiled"
        kind = next(
            (one for one in NEVER if f"{undo}{one}" in cuts.kinds and not cuts.met(row, f"{undo}{one} start")), ""
        )
        if not kind or "drop" in cuts.kinds or spoiled.exists():
            return command
        cuts.once(row, f"{undo}{kind} start")
        spoiled.touch()
        job, machine = command.argv[6], cuts.machines[drive.place(row)]
        lines = [line for line in LOUD if line in job]
        assert lines, f"no way is known to spoil {job}"
        for line in lines:
            if kind == "idle":
                cuts.lab.fault("idle-command", machine, command=line)
            else:
                cuts.lab.fault("hang-command", machine, command=line.split()[0])
        if not undo:
            cuts.once(row, "never")
        elif kind == "hang":  # the host gives it up sooner than after its minutes
            argv = (*command.argv[:6], re.sub(r"timeout -k 5 [\d.]+", "timeout -k 1 2", job), *command.argv[7:])
            return replace(command, argv=argv)
        return command

    def _let_go(self, row: RunStep) -> None:
        """One command hangs, not the ones that take it back."""
        if self.cuts.met(row, "hang start"):
            self.cuts.lab.http("DELETE", "/faults?name=hang-command")


def works(cuts: Cuts, asked: Asked, real: Any) -> Any:
    """Around a work of the portal. What keeps it from being done comes before what it survives."""

    def named(name: str) -> Any:
        do = real(name)

        def work(working: AtWork) -> None:
            cuts.kill(working.row, "before", "work")
            if "rest" in cuts.kinds and cuts.once(working.row, "rest work"):
                cuts.once(working.row, "perhaps never")  # what may have been asked for is not asked for again
                with cuts.engine_down():
                    return do(working)
            if "drop" in cuts.kinds and "hang" in cuts.kinds and cuts.once(working.row, "hang tried"):
                return cut_off(cuts, asked, working, do)
            do(working)
            cuts.kill(working.row, "after", "work")
            return None

        return work

    return named


def cut_off(cuts: Cuts, asked: Asked, working: AtWork, do: Callable[[AtWork], None]) -> None:
    """The links are dead when the work begins, and what it looks with hangs until it is given up."""
    before, asked.quick = asked.visits, True
    cuts.reset_links()
    try:
        with cuts.hanging(next(iter(cuts.machines.values())), PROGRAMS[0]):
            do(working)
    finally:
        asked.quick = False
        if asked.visits != before:
            cuts.once(working.row, "hang work")
            cuts.once(working.row, "drop work")


def records(cuts: Cuts, real: Any) -> Any:
    """Around what a work writes down: killed in the transaction, before it is committed."""

    @contextlib.contextmanager
    def writing(working: AtWork) -> Iterator[None]:
        with real(working):
            yield
            cuts.kill(working.row, "after", "record")

    return writing


def posts(cuts: Cuts, real: Any) -> Any:
    """Around a request that changes something in the engine: killed when it was answered."""

    def post(session: Session, path: str, body: str, headers: Mapping[str, str]) -> Any:
        answer = real(session, path, body, headers)
        row = RunStep.objects.filter(run__status="running", state="running").first()
        if row is not None:
            cuts.kill(row, "after", "post")
        return answer

    return post
