"""The Celery application of the crash matrix: the portal's own, with the lab's pace, whose workers stop at every step
until the test has disturbed what they stand on. MATRIX_FOLDER: where the two tell each other."""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from portal.celery import app

django.setup()

from portal.kernel.verdict import Word  # noqa: E402
from portal.runs import hostside, ports, registry  # noqa: E402
from portal.runs.drive import Drive  # noqa: E402
from portal.runs.models import RunStep  # noqa: E402
from tests.failover.matrix_table import STACK  # noqa: E402
from tests.fixtures_drill_lab import quickened  # noqa: E402

FOLDER = Path(os.environ["MATRIX_FOLDER"])

settings.HOLDFAST_GATES = []
settings.HOLDFAST_CONSENTS = []
_sweep: Any = import_module("portal.runs.services.sweep")  # the package has a function of that name
_sweep.QUIET, _sweep.PATIENT = 0.5, 0.5
app.conf.beat_schedule = {"runs": {"task": "portal.runs.tasks.sweep", "schedule": 0.5}}
_quick = {name: quickened(plan) if "she" in plan.targets else plan for name, plan in registry.plans().items()}
registry.plans = lambda: _quick  # type: ignore[assignment]


def stop(row: RunStep, undo: str = "") -> None:
    """Stands still once per kind in a run of the plan that is tried; the test takes the file away when it has disturbed
    what it says."""
    if row.run.plan != (FOLDER / "plan").read_text():
        return
    for kind in STACK:
        point = FOLDER / f"{row.position} {undo}{kind}"
        try:
            point.touch(exist_ok=False)
        except FileExistsError:
            continue
        wait(point.name)


def wait(word: str) -> None:
    (FOLDER / "held.new").write_text(word)
    (FOLDER / "held.new").replace(FOLDER / "held")
    while (FOLDER / "held").exists():
        time.sleep(0.02)


def _look(real: Any) -> Any:
    def look(drive: Drive, row: RunStep, step: Any) -> Any:
        abort = FOLDER / "abort"
        if abort.exists() and abort.read_text() == str(row.position):
            abort.unlink()
            wait("abort")
        seen = real(drive, row, step)
        done = step.settled(seen[0], drive.parameters).word is Word.DONE
        if row.intended_at is not None or not step.act(drive.parameters) or done:
            stop(row)
        return seen

    return look


def _ask(real: Any) -> Any:
    def ask(drive: Drive, row: RunStep, command: Any) -> Any:
        output = real(drive, row, command)
        if command.argv[:3] == ("sh", "-c", hostside.START):
            stop(row, "undo " if "undo" in command.argv[5] else "")
        return output

    return ask


def _work(real: Any) -> Any:
    def named(name: str) -> Any:
        do = real(name)

        def work(working: Any) -> None:
            do(working)
            stop(working.row)

        return work

    return named


Drive.look = _look(Drive.look)  # type: ignore[method-assign]
Drive.ask = _ask(Drive.ask)  # type: ignore[method-assign]
ports.work = _work(ports.work)
