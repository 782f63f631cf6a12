"""Who may drive a Run: a lease in the database, with a fencing number that goes up at every claim.

A worker that was paused, cut off or slow may believe that it still holds a Run. Its writes carry an old fence and are
refused; what it may still send to a host is stopped there (portal.runs.hostside)."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from portal.runs import journal
from portal.runs.models import Run
from portal.runs.states import move_run

log = logging.getLogger(__name__)

S = Run.Status
# A worker that is paused in the middle of a transaction holds the row's lock: PostgreSQL ends it after this.
IDLE_IN_TRANSACTION = "10s"


class LeaseLost(Exception):
    """Another worker has the Run, or it is no longer running. Nothing more may be written or sent."""


@dataclass
class Lease:
    """The right to drive one Run. recovered: it was taken over from a worker that fell silent."""

    run_pk: int
    fence: int
    owner: str
    recovered: bool = False
    lost: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that holds the Run's row and commits only while this lease is the valid one; renews it.
        Raises LeaseLost."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "select set_config('idle_in_transaction_session_timeout', %s, true)", [IDLE_IN_TRANSACTION]
                )
            if not self.renew():
                self.lost.set()
                raise LeaseLost(f"run {self.run_pk}: fence {self.fence} is no longer the valid one")
            yield

    def renew(self) -> bool:
        """Prolongs the lease from the database's now; False when it is no longer ours."""
        return (
            Run.objects.filter(pk=self.run_pk, fence=self.fence, status=S.RUNNING).update(lease_expires=_expiry()) == 1
        )


def claim(run_pk: int) -> Lease | None:
    """Takes a Run that is queued, due, or whose lease ran out. None: there is nothing to take."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    with transaction.atomic():
        # a row that another worker is writing right now is not free
        run = Run.objects.select_for_update(skip_locked=True).filter(_takeable(), pk=run_pk).first()
        if run is None:
            return None
        fresh = {
            "fence": F("fence") + 1,
            "lease_owner": owner,
            "lease_expires": _expiry(),
            "due_at": None,
            "started": Coalesce("started", Now()),
        }
        if not move_run(run.pk, [run.status], S.RUNNING, under=run.fence, **fresh):
            return None
        journal.announce(run.pk)
    return Lease(run.pk, run.fence + 1, owner, recovered=run.status == S.RUNNING)


@contextmanager
def heartbeat(lease: Lease) -> Iterator[None]:
    """Renews the lease from a thread of its own while the block runs. When it cannot, `lease.lost` is set."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(lease, stop), name=f"lease-{lease.run_pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(settings.HOLDFAST_LEASE)


def _beat(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(settings.HOLDFAST_LEASE / 3):
        try:
            if not lease.renew() and not stop.is_set():
                lease.lost.set()
                break
        except Error as error:
            # the database is away: the lease runs out by itself, and the next write finds out
            log.warning("The lease of run %s could not be renewed: %s", lease.run_pk, error)
            connection.close()
    connection.close()


def _takeable() -> Q:
    """Queued; waiting and due, unless a person holds it; running with a lease that ran out."""
    return Q(status=S.QUEUED) | Q(status=S.WAITING, due_at__lte=Now()) | Q(status=S.RUNNING, lease_expires__lt=Now())


def _expiry() -> object:
    return Now() + timedelta(seconds=settings.HOLDFAST_LEASE)
