"""Jobs: begun by commands, ended when what was asked for is there, cleaned away later (facts/engine-api.md 3.7)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from lab.engine.state import Account, Engine

KEPT = {"finished": 600.0, "failed": 3600.0, "aborted": 3600.0, "unknown": 3600.0}
CLEANUP = 600.0  # lab seconds between cleanups
Verdict = Callable[[], str]  # "" while it runs, then finished | failed


def begin(engine: Engine, account: Account, description: str, correlation_id: str, verdict: Verdict) -> str:
    """A new job's id."""
    identifier = str(uuid.uuid4())
    engine.world.jobs[identifier] = {
        "description": description, "status": "started", "start": engine.wall, "end": None, "owner": account.id,
        "correlation_id": correlation_id, "ended_at": None,
    }  # fmt: skip
    engine.running[identifier] = verdict
    end_what_is_over(engine)
    return identifier


def done() -> str:
    """The verdict of a command that is over when its answer is sent."""
    return "finished"


def _end(engine: Engine, identifier: str, status: str) -> None:
    engine.world.jobs[identifier].update(status=status, end=engine.wall, ended_at=engine.now)
    engine.running.pop(identifier, None)


def end_what_is_over(engine: Engine) -> None:
    """Closes the jobs whose verdict has come."""
    for identifier, verdict in list(engine.running.items()):
        status = verdict()
        if status:
            _end(engine, identifier, status)


def lose(engine: Engine) -> None:
    """An engine restart: nobody knows any more how running jobs end."""
    for identifier in list(engine.running):
        _end(engine, identifier, "unknown")


def clean(engine: Engine) -> None:
    """Removes what is old enough; runs every ten minutes."""
    if engine.now - engine.cleaned_at < CLEANUP:
        return
    engine.cleaned_at = engine.now
    for identifier, row in list(engine.world.jobs.items()):
        ended = row["ended_at"]
        if ended is not None and engine.now - float(str(ended)) > KEPT[str(row["status"])]:
            del engine.world.jobs[identifier]
