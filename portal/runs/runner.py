"""Drives one claimed Run until it has ended, waits in the database, or belongs to somebody else."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError, connection

from portal.kernel.output import LookFailed
from portal.kernel.plan import Plan, digest
from portal.runs import deciding, hostside, ports, record
from portal.runs.backward import backward
from portal.runs.drive import ATTENTION, BACK, DECIDE, NEXT, Drive, by_portal
from portal.runs.ending import begin_ending, finish, park
from portal.runs.forward import asked, forward
from portal.runs.lease import Lease, LeaseLost, claim, heartbeat
from portal.runs.models import Run, RunStep
from portal.runs.record import EvidenceRefused
from portal.runs.registry import UnknownPlan, plan_named

log = logging.getLogger(__name__)

S = Run.Status
T = RunStep.State

AGAIN = 10.0  # seconds until a Run that cannot go on (no evidence, no way) is tried again


def execute(run_pk: int) -> None:
    """Claims the Run and drives it. Returns at once when there is nothing to claim, so it may be called any number of
    times. A database that goes away ends it: the lease runs out and another worker goes on from the rows."""
    try:
        lease = claim(run_pk)
        if lease:
            with heartbeat(lease):
                _drive(lease)
    except LeaseLost as error:
        log.warning("%s; this worker stops", error)
    except (OperationalError, InterfaceError) as error:
        log.warning("The database went away from run %s (%s); the sweeper goes on with it", run_pk, error)
        connection.close()


def _drive(lease: Lease) -> None:
    run = Run.objects.get(pk=lease.run_pk)
    drive = Drive(lease, run)
    try:
        if lease.recovered:
            _recovered(drive)
        _through(drive)
    except EvidenceRefused as error:
        log.error("Run %s waits: %s", run.pk, error.__cause__)
        park(drive, AGAIN, str(error))


def _recovered(drive: Drive) -> None:
    with drive.lease.writing():
        drive.note(None, "Its worker fell silent; another one goes on from what the target shows.")
        record.put(drive.run, "run.recovered", "portal", {"fence": drive.lease.fence})


def _through(drive: Drive) -> None:
    """Forward, and backward when it must; an error of our own turns the Run round, too."""
    try:
        stop = NEXT if drive.run.ending else forward(drive, _steps(drive))
    except (LeaseLost, EvidenceRefused, OperationalError, InterfaceError):
        raise
    except PlanChanged as error:
        begin_ending(drive, S.FAILED, _current(drive), str(error))
        stop = BACK
    except Exception as error:  # whatever broke, what was done must be undone
        log.exception("run %s broke", drive.run.pk)
        begin_ending(drive, S.ERRORED, _current(drive), drive.masked(_broke(error)))
        stop = BACK
    if stop is DECIDE:
        deciding.park(drive)
    elif stop.why == "park":
        park(drive, stop.after)
    elif stop is NEXT and not drive.run.ending:
        _succeed(drive)
    else:
        _back(drive)


def _steps(drive: Drive) -> Plan:
    """The plan's code, if it still is what was frozen. Raises PlanChanged."""
    run = drive.run
    try:
        plan = plan_named(run.plan, run.plan_version)
    except UnknownPlan as error:
        raise PlanChanged(str(error)) from None
    if digest(plan, run.parameters, run.target) != run.digest:
        words = f"{run.title} has changed since this run was started (version {run.plan_version}, now {plan.version})"
        raise PlanChanged(f"{words}: start it anew.")
    return plan


class PlanChanged(Exception):
    """The plan that was frozen is not the one that is installed."""


def _broke(error: Exception) -> str:
    return f"Holdfast itself broke ({type(error).__name__}: {error}); its log has the details."


def _current(drive: Drive) -> RunStep | None:
    return RunStep.objects.filter(run_id=drive.run.pk, state=T.RUNNING).first()


def _succeed(drive: Drive) -> None:
    _tidy(drive)
    rows = list(RunStep.objects.filter(run_id=drive.run.pk).order_by("position"))
    ignored = [row for row in rows if row.state == T.IGNORED]
    done = f"{len(rows) - len(ignored)} of {len(rows)}" if ignored else f"All {len(rows)}"
    words = f"{done} steps of {drive.run.title} on {drive.run.target_name} are done."
    words += "".join(f" Step {row.position} ({row.title}) failed; {deciding.ignored(row)}" for row in ignored)
    if not finish(drive, S.SUCCEEDED, words) and asked(drive, None):
        _back(drive)


def _back(drive: Drive) -> None:
    try:
        stop = backward(drive)
    except (LeaseLost, EvidenceRefused, OperationalError, InterfaceError):
        raise
    except Exception as error:  # a person must hear of it
        log.exception("the undos of run %s broke", drive.run.pk)
        finish(drive, S.NEEDS_ATTENTION, drive.masked(f"{drive.run.sentence} The undos broke: {_broke(error)}"))
        return
    if stop.why == "park":
        park(drive, stop.after)
    elif stop is ATTENTION:
        finish(drive, S.NEEDS_ATTENTION, _left_changed(drive))
    else:
        _conclude(drive)


def _left_changed(drive: Drive) -> str:
    row = RunStep.objects.filter(run_id=drive.run.pk, state=T.UNDO_FAILED).order_by("position").first()
    words = f"The undo of step {row.position} ({row.title}) failed: {row.sentence}" if row else "An undo failed."
    advice = f"{drive.run.target_name} is left changed: look at it, then retry that undo."
    return f"{drive.run.sentence} {words} {advice}"


def _conclude(drive: Drive) -> None:
    rows = RunStep.objects.filter(run_id=drive.run.pk).order_by("position")
    undone = [row.title for row in rows.filter(state=T.UNDONE)]
    kept = rows.filter(mutating=True, intended_at__isnull=False, state__in=(T.DONE, T.FAILED)).exclude(no_undo="")
    words = [drive.run.sentence]
    words += [f"Undone: {', '.join(reversed(undone))}."] if undone else []
    words += [f"Not undone: {row.title} ({row.no_undo})." for row in kept]
    status = drive.run.ending
    if status == S.FAILED and undone and not kept:
        status = S.ROLLED_BACK
    if status in (S.ABORTED, S.ROLLED_BACK):  # the others may be retried, and their folders still guard them
        _tidy(drive)
    finish(drive, status, " ".join(words))


def _tidy(drive: Drive) -> None:
    """Removes the Run's folder from every target that it acted on. A late order from a paused worker then finds nothing
    to start in."""
    acted = RunStep.objects.filter(run_id=drive.run.pk, intended_at__isnull=False)
    for place in sorted({drive.place(row) for row in acted if not by_portal(row)}):
        _close(drive, place)


def _close(drive: Drive, place: str) -> None:
    try:
        output = ports.shell_for(place).run(place, hostside.script(hostside.CLOSE, drive.folder))
        why = "" if output.exit_code == 0 else output.error_line() or f"exit code {output.exit_code}"
    except LookFailed as error:
        why = str(error)
    if why:
        with drive.lease.writing():
            drive.note(None, f"The folder .holdfast/{drive.folder} is left on {drive.name_of(place)}: {why}")
