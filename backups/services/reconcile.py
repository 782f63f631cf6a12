"""Rows whose Run is gone: nothing stays in the middle of something that nobody does any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from backups.models import Backup, Copy
from backups.services.obstacles import pause
from inventory.services.signal import announce
from portal.evidence import services as evidence
from portal.runs.models import Run
from portal.runs.states import ENDED

S = Backup.Status
C = Copy.State
SETTLED = timedelta(minutes=1)


def reconcile(now: datetime) -> int:
    """How many rows were put right. Each in its own transaction, by a conditional UPDATE."""
    changed = sum(_ended(backup) for backup in _left_started())
    changed += sum(_fallen(copy, now) for copy in _left_copying())
    changed += sum(_put_off(copy, now) for copy in Copy.objects.filter(state=C.FAILED, retry_at__isnull=True))
    changed += sum(_released(backup) for backup in _left_retiring(now))
    if changed:
        announce("backups")
    return changed


def _left_started() -> QuerySet[Backup]:
    gone = Q(run__isnull=True) | Q(run__status__in=ENDED)
    return Backup.objects.filter(gone, status=S.STARTED).select_related("run", "engine")


@transaction.atomic
def _ended(backup: Backup) -> int:
    run = backup.run
    if run is None:
        sentence = "The run that took it is no longer there, so nobody knows how it ended."
    elif run.status == Run.Status.SUCCEEDED:
        sentence = f"Run {run.pk} succeeded without saying how the backup ended: read its log."
    else:
        sentence = run.sentence or f"Run {run.pk} ended as {run.status} without a word."
    # the cause stays as engine-backup's output was judged, or empty: a person may retry the run, which judges it then
    fields = {"status": S.FAILED, "sentence": sentence, "what_to_do": "Back up now, or retry the run's step."}
    rows = Backup.objects.filter(_still(run), pk=backup.pk, status=S.STARTED)
    changed = rows.update(**fields, ended=run.ended if run else None)
    if changed:
        body = {"ident": backup.ident, "engine": backup.engine.name, "sentence": sentence}
        evidence.append("backup.failed", "holdfast", f"backup:{backup.ident}", body)
    return changed


def _still(run: Run | None) -> Q:
    """A person may have retried the Run meanwhile."""
    return Q(run__isnull=True) if run is None else Q(run__status__in=ENDED)


def _left_copying() -> list[Copy]:
    """Copies in the making for which no Run is under way: neither at the destination nor the one that takes it."""
    rows = list(Copy.objects.filter(state=C.COPYING).exclude(backup__run__status__in=Run.ACTIVE))
    # read after the copies: a run that ends in between has said what became of its copy before
    active = set(Run.objects.filter(status__in=Run.ACTIVE).values_list("target", flat=True))
    return [copy for copy in rows if f"destination:{copy.destination_id}" not in active]


@transaction.atomic
def _fallen(copy: Copy, now: datetime) -> int:
    failures = copy.failures + 1
    sentence = copy.sentence or "Its run ended before the copy was whole; it goes on where it stopped."
    rows = Copy.objects.filter(pk=copy.pk, state=C.COPYING, failures=copy.failures)
    return rows.update(state=C.FAILED, failures=failures, retry_at=now + pause(failures), sentence=sentence)


def _put_off(copy: Copy, now: datetime) -> int:
    """A copy that failed by itself says when it is tried again."""
    rows = Copy.objects.filter(pk=copy.pk, state=C.FAILED, retry_at__isnull=True)
    return rows.update(retry_at=now + pause(copy.failures))


def _left_retiring(now: datetime) -> list[Backup]:
    active = set(Run.objects.filter(status__in=Run.ACTIVE, plan="backup_retire").values_list("target", flat=True))
    # not of this moment: a run that began after the line above may just have marked one
    rows = Backup.objects.filter(retiring_at__lt=now - SETTLED, deleted_at__isnull=True)
    return [backup for backup in rows if f"catalog:{backup.engine_id}" not in active]


def _released(backup: Backup) -> int:
    """A deletion that nobody goes on with. What it had removed by then its copies say."""
    return Backup.objects.filter(pk=backup.pk, deleted_at__isnull=True).update(retiring_at=None)
