"""Asks the machines of an engine, side by side, each within its time. What they print is read at once; the raw text is
kept nowhere."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from backups.kit import commands, reading
from backups.kit.content import EngineVm, Host
from inventory.models import Host as HostRow
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.step import Working
from portal.runs.ports import shell_for

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 8
PATIENCE = 120.0  # seconds for all hosts together
PAUSE = 0.5


@dataclass(frozen=True)
class Gathered:
    """What the machines said. hosts: by primary key. silent: machine -> why it gave no answer."""

    engine: EngineVm | None
    engine_silent: str
    hosts: Mapping[int, Host]
    silent: Mapping[int, str]


Ask = Callable[[str, Mapping[str, Command]], Mapping[str, Output]]


def gather(working: Working, rows: Sequence[HostRow]) -> Gathered:
    """Asks the engine VM and all hosts. Raises WorkStopped and LeaseLost through working.check()."""
    answers: queue.Queue[tuple[int, Host | str]] = queue.Queue()
    waiting = {row.pk: row.name for row in rows}
    threads = _start(rows, answers)
    engine, engine_silent = _engine(working)
    hosts: dict[int, Host] = {}
    silent: dict[int, str] = {}
    end = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < end:
        working.check()
        try:
            key, told = answers.get(timeout=PAUSE)
        except queue.Empty:
            continue
        name = waiting.pop(key)
        if isinstance(told, Host):
            hosts[key] = told
        else:
            silent[key] = told
        working.say(f"{name} has answered." if isinstance(told, Host) else told)
    for key, name in waiting.items():
        silent[key] = f"{name} has not answered within {PATIENCE:.0f} s. Look at it over SSH."
    for thread in threads:
        thread.join(0 if waiting else 1)
    return Gathered(engine, engine_silent, hosts, silent)


def _start(rows: Sequence[HostRow], answers: queue.Queue[tuple[int, Host | str]]) -> list[threading.Thread]:
    """A handful of threads that take one host after the other. They are daemons: one that hangs holds up nobody."""
    todo: queue.Queue[HostRow] = queue.Queue()
    for row in rows:
        todo.put(row)
    threads = [
        threading.Thread(target=_ask_all, args=(todo, answers), name=f"kit-{number}", daemon=True)
        for number in range(min(SIDE_BY_SIDE, len(rows)))
    ]
    for thread in threads:
        thread.start()
    return threads


def _ask_all(todo: queue.Queue[HostRow], answers: queue.Queue[tuple[int, Host | str]]) -> None:
    try:
        while True:
            try:
                row = todo.get_nowait()
            except queue.Empty:
                return
            answers.put((row.pk, _host(row)))
    finally:
        connection.close()  # of this thread


def _host(row: HostRow) -> Host | str:
    target = f"host:{row.pk}"
    try:
        read = reading.host(row.name, shell_for(target).look(target, commands.HOST), int(time.time()))
    except LookFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # one host that cannot be asked leaves the others
        # its kind alone: the text could hold what a host printed
        log.error("the kit's question to %s broke: %s", row.name, type(error).__name__)
        return f"{row.name} could not be asked: the portal's own code broke. Look into the portal's log."
    return read if read.source.at is not None else f"{row.name} answered nothing that could be read."


def _engine(working: Working) -> tuple[EngineVm | None, str]:
    try:
        seen = working.look(commands.ENGINE)
    except LookFailed as error:
        working.say(str(error))
        return None, str(error)
    read = reading.engine(seen, int(time.time()))
    if read.source.at is None:
        return None, "The engine VM answered nothing that could be read."
    working.say("The engine VM has answered.")
    return read, ""
