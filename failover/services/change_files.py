"""The report of a drill for its change: PDF, JSON, and the signed evidence that both are checked with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from failover.models import Drill
from failover.services import report as reports
from failover.services import report_file as files
from portal.changes import services as changes
from portal.changes.models import Change
from portal.evidence import services as evidence
from portal.runs.models import Run

PORTAL = "portal"  # who takes the report
LARGEST = 1_000_000  # bytes of the evidence that a change system is asked to keep
PATIENCE = timedelta(minutes=10)  # with a prober that does not close a drill


def ready(drill: Drill, run: Run, now: datetime) -> bool:
    """Whether its report will not change any more by itself: it was measured and closed, or nobody measures it."""
    if run.status == Run.Status.NEEDS_ATTENTION or run.ended is None:
        return False
    return drill.closed_at is not None or now - run.ended > PATIENCE


def owe(change: Change, about: str, drill: Drill, keys: Collection[str], now: datetime) -> int:
    """Queues the files once; gives how many are new. A PDF that this machine cannot make is said in a note. Raises
    NoReport, and then its change is not closed yet."""
    wanted = [f"{about}:report.{kind}" for kind in ("json", "pdf", "evidence")]
    if all(key in keys for key in wanted):
        return 0
    made = reports.make(drill.pk, PORTAL)
    told = files.json_file(made)
    new = int(changes.attach(change, wanted[0], about, told.name, told.kind, told.raw, now))
    new += _pdf(change, wanted[1], about, made, now)
    return new + _evidence(change, wanted[2], about, drill, told.name, now)


def _evidence(change: Change, key: str, about: str, drill: Drill, report: str, now: datetime) -> int:
    """The signed records; between a drill's first and last one may lie those of months, and then it is too large."""
    export = "".join(evidence.export(evidence.everything_of(f"drill:{drill.pk}"))).encode()
    if len(export) > LARGEST:
        words = f"The signed evidence of drill {drill.pk} has {len(export)} bytes and is not attached"
        return int(changes.note(change, key, about, f"{words}: an auditor takes it from the portal.", now))
    name = f"{report.removesuffix('.json')}-evidence.json"
    return int(changes.attach(change, key, about, name, "application/json", export, now))


def _pdf(change: Change, key: str, about: str, made: reports.Made, now: datetime) -> int:
    try:
        file = files.pdf_file(made)
    except files.NoPdf as error:
        return int(changes.note(change, key, about, f"No PDF of the report is attached. {error}", now))
    return int(changes.attach(change, key, about, file.name, file.kind, file.raw, now))
