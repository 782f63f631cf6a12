"""What the worker of the queue `runs` does. Messages carry a key and nothing else."""

from __future__ import annotations

from celery import shared_task

from portal.runs import runner
from portal.runs.services import sweep as wake_runs


@shared_task(name="portal.runs.tasks.execute", ignore_result=True)
def execute(run_pk: int) -> None:
    """Drives one Run as far as it goes now."""
    runner.execute(run_pk)


@shared_task(name="portal.runs.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Wakes workers for Runs that wait for one; every 2 s by beat."""
    wake_runs()
