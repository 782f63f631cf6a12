"""One sweep: claim what is due, ask every host and engine side by side, record as answers come. A host that hangs
keeps only its own thread; its answer is recorded by a later sweep."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from inventory.models import Engine, Host, Look
from inventory.probes import PROBES
from inventory.services import devices, looks, oracle_vms, watch
from inventory.services.reach import Reach, address, credentials
from inventory.services.record import record
from inventory.services.signal import announce
from inventory.services.upkeep import learn
from portal.connectors.engine import Session, shared
from portal.connectors.ssh import KeyChanged, NotPinned, Pool, shown_key
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.probe import Declared

THREADS = 48
LINGER = 0.2  # seconds for which results wait for others: each transaction costs as much as what 50 hosts write in it
QUICK = 5.0  # seconds that a command of the shared script may take at most
PULSE = 10.0  # seconds after which pages are told to refresh ages although nothing changed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweep:
    """What one sweep did: looks claimed, results recorded, findings that changed."""

    claimed: int
    recorded: int
    transitions: int


class Eyes:
    """The process's threads, connections and results that wait to be recorded. One per process and pid."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="look")
        self.results: queue.SimpleQueue[list[looks.Result]] = queue.SimpleQueue()
        self.busy: set[str] = set()
        self.guard = threading.Lock()
        self.pools: dict[int, tuple[str, Pool]] = {}
        self.pulse = 0.0

    def pool(self, engine: Engine) -> Pool:
        """The SSH pool of an estate's key; made anew when the key changed."""
        key = engine.ssh_private_key
        mark = engine.ssh_public_key
        with self.guard:
            if engine.pk not in self.pools or self.pools[engine.pk][0] != mark:
                self.pools[engine.pk] = (mark, Pool(key))
            return self.pools[engine.pk][1]

    def submit(self, key: str, work: Callable[[], list[looks.Result]]) -> bool:
        """Runs work in a thread unless the same host or engine is still busy."""
        with self.guard:
            if key in self.busy:
                return False
            self.busy.add(key)
        self.executor.submit(self._run, key, work)
        return True

    def _run(self, key: str, work: Callable[[], list[looks.Result]]) -> None:
        try:
            self.results.put(work())
        except Exception:
            log.exception("the visit to %s broke: its looks grow too old and become unknown", key)
        finally:
            with self.guard:
                self.busy.discard(key)

    def idle(self) -> bool:
        """True when no thread works and no result waits."""
        with self.guard:
            return not self.busy and self.results.empty()


_eyes: Eyes | None = None


def eyes() -> Eyes:
    """This process's eyes; a forked child gets its own."""
    global _eyes  # noqa: PLW0603 - connections belong to a process
    if _eyes is None or _eyes.pid != os.getpid():
        _eyes = Eyes()
    return _eyes


def sweep(patience: float, probes: Collection[str] = (*PROBES, *looks.DEVICES, looks.ORACLE)) -> Sweep:
    """Claims and asks, then records for up to `patience` seconds what comes back, in whatever sweep it was asked."""
    watcher = eyes()
    due = looks.claim(timezone.now(), probes)
    _dispatch(watcher, due)
    recorded = transitions = 0
    deadline = time.monotonic() + patience
    while True:
        batch = _drain(watcher, deadline)
        if not batch:
            break
        try:
            changed = record(batch)
            learn(batch)
        except (OperationalError, InterfaceError):
            watcher.results.put(batch)  # the database went away: what was seen is recorded when it is back
            raise
        recorded += len(batch)
        transitions += changed
        if changed:
            announce("looks")
            watcher.pulse = time.monotonic()
    if time.monotonic() - watcher.pulse > PULSE:
        announce("looks")
        watcher.pulse = time.monotonic()
    return Sweep(len(due), recorded, transitions)


def lane(probe: str) -> str:
    """Probes with a command that may take long get a channel of their own on the host's connection, so that a hung
    vm-status does not hold back what is quick; the quick ones share one script (lane "")."""
    slow = any(command.timeout > QUICK for command in PROBES[probe].commands.values())
    return probe if slow else ""


def _drain(watcher: Eyes, deadline: float) -> list[looks.Result]:
    """Waits for the next results and LINGER seconds more for what comes with them; [] when nothing is under way or time
    is up."""
    batch: list[looks.Result] = []
    until = deadline
    if until <= time.monotonic():
        return []
    while (left := until - time.monotonic()) > 0 and not watcher.idle():
        try:
            found = watcher.results.get(timeout=min(left, 0.1))
        except queue.Empty:
            continue
        if not batch:
            until = min(deadline, time.monotonic() + LINGER)
        batch += found
    while True:
        try:
            batch += watcher.results.get_nowait()
        except queue.Empty:
            return batch


def _dispatch(watcher: Eyes, due: list[Look]) -> None:
    known = devices.last(due)
    for look in due:
        if look.device is not None:
            watcher.submit(f"device:{look.device.pk}", partial(devices.visit, look, known[look.pk]))
    for visit in oracle_vms.visits(due):
        watcher.submit(f"vm:{visit.look.vm_id}", partial(visit.results, watcher.pool(visit.look.engine)))
    _dispatch_hosts(watcher, [look for look in due if look.host is not None])
    _dispatch_engines(watcher, [look for look in due if not (look.host or look.device or look.vm)])


def _dispatch_hosts(watcher: Eyes, due: list[Look]) -> None:
    visits: dict[tuple[int, str], list[Look]] = {}
    hosts: dict[int, Host] = {}
    for look in due:
        if look.host is not None:
            look.host.engine = look.engine
            hosts[look.host.pk] = look.host
            visits.setdefault((look.host.pk, lane(look.probe)), []).append(look)
    before = looks.befores(due)
    declared = watch.declared_for(list(hosts.values()))
    every_look: dict[int, dict[str, int]] = {key: {} for key in hosts}
    known: dict[int, str] = {}
    for key, probe, pk, mark in Look.objects.filter(host__in=hosts).values_list("host_id", "probe", "pk", "mark"):
        if key is not None:
            every_look[key][probe] = pk
            known[key] = mark if probe == looks.REACH else known.get(key, "")
    for (key, own_lane), mine in visits.items():
        reach = every_look[key].get(looks.REACH)
        others = tuple(pk for probe, pk in every_look[key].items() if probe != looks.REACH)
        visit = Visit(hosts[key], mine, reach, others, declared[key], before, known[key])
        watcher.submit(f"host:{key}:{own_lane}", partial(visit.results, watcher.pool(hosts[key].engine)))


def _dispatch_engines(watcher: Eyes, due: list[Look]) -> None:
    by_engine: dict[int, list[Look]] = {}
    for look in due:
        by_engine.setdefault(look.engine_id, []).append(look)
    for key, mine in by_engine.items():
        engine = mine[0].engine
        declared = Declared(name=engine.name)
        watcher.submit(f"engine:{key}", partial(ask_engine, shared(credentials(engine)), mine, declared))


@dataclass(frozen=True)
class Visit:
    """One round trip to one host: the commands of all its due probes in one script. everything: all looks of the host
    but the visit's own, since a host that lets nobody in says nothing to the slower probes either."""

    host: Host
    due: list[Look]
    reach: int | None
    everything: tuple[int, ...]
    declared: Declared
    before: Mapping[int, Any]  # look -> the facts of the look before
    known: str = ""  # the mark of what the visit itself said last

    def results(self, pool: Pool) -> list[looks.Result]:
        """One result per due look, and one for the visit itself. Never raises."""
        began = time.monotonic()
        commands = {
            f"{look.probe}.{name}": command
            for look in self.due
            for name, command in PROBES[look.probe].commands.items()
        }
        try:
            outputs = self._collect(pool, commands)
        except LookFailed as error:
            return self._failed(error, began)
        except Exception as error:  # noqa: BLE001 - a fault of ours must show as unknown, not end the sweep
            return self._failed(LookFailed(f"{self.host.name}: the visit broke ({error!r}). Report it."), began)
        at = time.time()
        declared = replace(self.declared, checked_at=at)
        found = [
            looks.read(
                PROBES[one.probe], one.pk, _of(one.probe, outputs), declared, self.before.get(one.pk), known=one.mark
            )
            for one in self.due
        ]
        return found + self._reached(Reach.answered(self.host), at, began)

    def _collect(self, pool: Pool, commands: Mapping[str, Command]) -> dict[str, Output]:
        return pool.collect(address(self.host), commands)

    def _failed(self, error: LookFailed, began: float) -> list[looks.Result]:
        at = time.time()
        when = datetime.fromtimestamp(at, UTC)
        took = int((time.monotonic() - began) * 1000)
        failed = [looks.Result(pk, Look.State.UNANSWERED, when, took, str(error)) for pk in self.everything]
        offered = self._offered(error) if isinstance(error, KeyChanged | NotPinned) else ""
        return failed + self._reached(Reach.refused(self.host, error, offered), at, began)

    def _offered(self, error: KeyChanged | NotPinned) -> str:
        """The key that the host has instead of a pinned one, for the engine's fingerprint or a person to compare; it is
        asked for only until one is known."""
        if isinstance(error, KeyChanged) and error.offered:
            return error.offered
        if self.host.offered_key:
            return ""
        try:
            return shown_key(self.host.address, self.host.ssh_port, self.host.ssh_fingerprint)
        except LookFailed:
            return ""

    def _reached(self, reach: Reach, at: float, began: float) -> list[looks.Result]:
        if self.reach is None:
            return []
        took = int((time.monotonic() - began) * 1000)
        when = datetime.fromtimestamp(at, UTC)
        whole = looks.Result(
            self.reach,
            Look.State.READ,
            when,
            took,
            facts={"answers": reach.answers, "error": reach.error, "offered": reach.offered},
            findings=reach.findings,
            sections={"ssh": {"asked": reach.asked, "answer": reach.error or "answered"}},
            sha256=reach.digest,
            mark=reach.mark,
        )
        return [replace(whole, unread=lambda: whole) if whole.mark == self.known else whole]


def _of(probe: str, outputs: Mapping[str, Output]) -> dict[str, Output]:
    """The sections of one probe, without its prefix."""
    prefix = f"{probe}."
    return {name.removeprefix(prefix): output for name, output in outputs.items() if name.startswith(prefix)}


def ask_engine(session: Session, due: list[Look], declared: Declared) -> list[looks.Result]:
    """All requests of the engine probes that are due, side by side over the shared session, so that a part that hangs
    does not hold back what the others say. Never raises."""
    found = []
    with ThreadPoolExecutor(4, thread_name_prefix="ask") as threads:
        for look in due:
            probe = PROBES[look.probe]
            asked = {name: threads.submit(session.reply, request) for name, request in probe.requests.items()}
            replies = {name: future.result() for name, future in asked.items()}
            found.append(looks.read(probe, look.pk, replies, replace(declared, checked_at=time.time())))
    return found
