"""The engine's own rounds: what it notices of hosts, VMs and storage, and what it does about it."""

from __future__ import annotations

import asyncio
import logging

from lab import life
from lab.audit import record
from lab.engine import jobs, watch_hosts, watch_storage, watch_vms
from lab.engine.state import Engine

STORAGE_EVERY = 5  # rounds
BACKUP_FIRST, BACKUP_EVERY = 60.0, 6 * 3600.0  # lab seconds
LOG = logging.getLogger(__name__)


def first_look(engine: Engine) -> None:
    """What a long-running engine already knows of the estate."""
    engine.generation = life.engine_generation(engine.world)
    engine.backup_check = engine.now + BACKUP_FIRST
    engine.domains_seen = {key: str(value.get("status")) for key, value in engine.world.domains.items()}
    watch_hosts.hear(engine)
    watch_vms.hear(engine, quiet=True)
    watch_storage.multipath(engine, quiet=True)


def renew(engine: Engine) -> None:
    """Notices a restart of the engine service: memory is lost, the audit log goes on."""
    generation = life.engine_generation(engine.world)
    if engine.generation == generation:
        return
    jobs.lose(engine)
    engine.forget()
    engine.generation, engine.started = generation, engine.now
    record(engine.world, 1, "normal", "Starting oVirt Engine.")


def one_round(engine: Engine, number: int) -> None:
    """One look at everything; nothing happens while the engine itself is down."""
    if life.engine_phase(engine.world) != "up":
        return
    renew(engine)
    for act in engine.due():
        act()
    watch_hosts.look(engine)
    watch_vms.hear(engine)
    watch_hosts.empty(engine)
    watch_vms.restart_lost(engine)
    watch_storage.spm(engine)
    if number % STORAGE_EVERY == 0:
        watch_storage.multipath(engine)
        watch_storage.domains(engine)
    watch_vms.remember_host(engine)
    _want_backup(engine)
    jobs.end_what_is_over(engine)
    jobs.clean(engine)


def _want_backup(engine: Engine) -> None:
    """The alert of an engine that never completed a backup, every six hours (facts/engine-api.md 7)."""
    if engine.now < engine.backup_check:
        return
    engine.backup_check = engine.now + BACKUP_EVERY
    if not any(event["code"] == 9025 for event in engine.world.events):
        text = "There is no full backup available, please run engine-backup to prevent data loss in case of corruption."
        record(engine.world, 9022, "alert", text)


async def rounds(engine: Engine, every: float) -> None:
    """Rounds for ever. every: real seconds. A round that fails is logged and the next one comes."""
    number = 0
    while True:
        try:
            one_round(engine, number)
        except Exception:
            LOG.exception("A round of the lab engine fails.")
        number += 1
        await asyncio.sleep(every)
