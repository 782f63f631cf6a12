"""The prechecks of a drill, run at any time: looked at live, judged, kept per engine and plan, and when they decay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from failover.models import Readiness
from failover.services import pairs, readiness_looks, room
from failover.services.composed import kind_of
from failover.verdicts import readiness, ready_records
from failover.verdicts.check import Check, Say
from failover.verdicts.readiness_inputs import EngineSaid, Inputs, RoomSaid
from failover.verdicts.room import Moves
from inventory.models import Engine
from portal.kernel.step import Parameters
from portal.runs.models import Run

NOT_ASKED = EngineSaid(None, None, None, "It was not asked.")
NOT_LOOKED = RoomSaid(None, None, "It was not asked.")


def look(engine: Engine, plan: str, *, ref: str = "", fences: int = 0, version: int | None = None) -> Readiness:
    """Looks at everything that the plan's checks need, now, and keeps the result. ref: the Run that asks. fences: key
    of the host that is to be fenced, 0 when none. version: of a composed plan. Raises pairs.NoPair, UnknownPlan. It
    takes seconds: two visits per host."""
    now = datetime.now(UTC)
    members = pairs.members_of(engine)
    kind = kind_of(plan, version)
    live = readiness.asks_hosts(kind)
    given = Inputs(
        sight=pairs.look(engine, members) if live else None,
        engine=readiness_looks.engine_said(engine, members) if live else NOT_ASKED,
        paths=readiness_looks.paths_said(members) if live else {},
        backup=readiness_looks.backup_said(engine, now),
        portal=readiness_looks.portal_said(engine, members, now, ref),
        fences=readiness_looks.host_named(engine, fences),
        room=room.said(engine) if live and ready_records.MOVES.get(kind) is not Moves.NOTHING else NOT_LOOKED,
    )
    checks = readiness.judge(kind, given, now.timestamp())
    kept = {"at": now, "checks": [shown(check) for check in checks], "depends": readiness.depends(given)}
    row, _ = Readiness.objects.update_or_create(engine=engine, plan=plan, defaults=kept)
    return row


def last(engine: Engine, plan: str) -> Readiness | None:
    """The last result, None when nobody looked."""
    return Readiness.objects.filter(engine=engine, plan=plan).first()


def checks_of(row: Readiness) -> tuple[Check, ...]:
    """The kept checks as the verdicts know them."""
    return tuple(
        Check(**{**entry, "word": Say(entry["word"]), "evidence": tuple(entry["evidence"])}) for entry in row.checks
    )


def is_ready(row: Readiness) -> bool:
    """Every check said go, whatever its age."""
    return readiness.ready(checks_of(row))


def expired(engine: Engine, plan: str) -> str:
    """Why the kept result counts no more: its age, or what changed since in the portal's own records; "" while it
    counts. Asks nobody."""
    row = last(engine, plan)
    if row is None:
        return "Nobody has looked yet."
    now = datetime.now(UTC)
    rests = dict(row.depends)
    if "the newest proven backup" in rests:
        rests["the newest proven backup"] = readiness_looks.backup_said(engine, now).name
    return readiness.expired(checks_of(row), row.depends, now.timestamp(), rests)


def refusals(checks: Sequence[Check]) -> list[str]:
    """One sentence per check that blocks, each with what to do."""
    return [f"{check.sentence} {check.fix}".strip() for check in readiness.blocking(checks)]


def shown(check: Check) -> dict[str, Any]:
    """A check as JSON."""
    return {
        "name": check.name, "title": check.title, "word": str(check.word), "sentence": check.sentence, "fix": check.fix,
        "evidence": list(check.evidence), "at": check.at, "max_age": check.max_age,
    }  # fmt: skip


def telling(parameters: Parameters) -> dict[str, Any]:
    """For the step ready_again: the checks of the Run's plan, looked at now."""
    run = Run.objects.get(ref=parameters["run"])
    fences = int(parameters["on"]) if parameters.get("how") == "fence" else 0
    row = look(pairs.engine_of(parameters), run.plan, ref=str(run.ref), fences=fences, version=run.plan_version)
    return {"checks": row.checks, "depends": row.depends}
