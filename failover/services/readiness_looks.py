"""What the prechecks need beside the hosts' own words: the engine's API, the declared paths, the newest proven backup,
the portal's own records."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q

from backups.models import Policy
from backups.services.retain import newest_proven
from failover.catalog import paths
from failover.catalog.pair import Member
from failover.models import Blackout, Drill, Window
from failover.verdicts.readiness_inputs import BackupSaid, EngineSaid, PathsSaid, PortalSaid, RestHost
from inventory.models import DeclaredPath, Engine, Host
from inventory.probes import multipath
from inventory.services.reach import credentials
from portal.connectors.engine import Cursor, EngineFailed, shared
from portal.kernel.output import LookFailed, ParseError
from portal.runs import ports
from portal.runs.models import Run

RESTARTS = ("she_failover", "engine_service_failure", "host_power_loss")  # drills that end with a penalty of 560 s
RUNNING_JOB = "started"


def engine_said(engine: Engine, members: tuple[Member, ...]) -> EngineSaid:
    """Hosts, VMs and jobs from the API, now."""
    try:
        session = shared(credentials(engine))
        quick = session.quick(Cursor())
        hosts, vms = quick.hosts, quick.vms
        if hosts.failed or vms.failed:
            return EngineSaid(None, None, None, str(hosts.failed or vms.failed))
        jobs = session.jobs()
    except (EngineFailed, ValueError) as error:
        return EngineSaid(None, None, None, str(error))
    names = {one.name for one in members}
    rows = tuple(
        RestHost(one.name, one.status, one.he_active, one.he_score, one.spm_status, one.power_management)
        for one in hosts.rows or ()
        if one.name in names
    )
    moving = tuple(one.name for one in vms.rows or () if one.status == "migrating")
    return EngineSaid(rows, moving, tuple(one.description for one in jobs if one.status == RUNNING_JOB))


def paths_said(members: tuple[Member, ...]) -> dict[str, PathsSaid]:
    """Each host's declared paths against its maps, now."""
    return {one.name: _paths(one) for one in members}


def _paths(member: Member) -> PathsSaid:
    declared = {(path.wwid, path.hba_wwpn, path.target_wwpn) for path in DeclaredPath.objects.filter(host_id=member.pk)}
    try:
        seen = ports.shell_for(member.target).look(member.target, multipath.COMMANDS)
        facts = paths.read(seen)
    except (LookFailed, ParseError) as error:
        return PathsSaid(len(declared), None, str(error))
    up = {
        (one.wwid, path.hba_wwpn, path.target_wwpn) for one in facts.maps for path in one.paths if path.standing == "up"
    }
    missing = tuple(f"{wwid} from {hba or '?'} to {port or '?'}" for wwid, hba, port in sorted(declared - up))
    return PathsSaid(len(declared), missing)


def backup_said(engine: Engine, now: datetime) -> BackupSaid:
    """The newest proven backup of any policy of the engine."""
    most = settings.HOLDFAST_DRILL_BACKUP_HOURS * 3600.0
    found = [row for policy in Policy.objects.filter(engine=engine) if (row := newest_proven(policy))]
    newest = max(found, key=lambda row: row.taken, default=None)
    if newest is None:
        return BackupSaid("", 0.0, most)
    return BackupSaid(newest.ident, (now - newest.taken).total_seconds(), most)


def portal_said(engine: Engine, members: tuple[Member, ...], now: datetime, ref: str = "") -> PortalSaid:
    """ref: the Run that asks, which does not stand in its own way."""
    cooling, after = _cooling(engine, now, ref)
    return PortalSaid(tuple(_busy(engine, members, ref)), cooling, after, _blackout(engine, now))


def _busy(engine: Engine, members: tuple[Member, ...], ref: str) -> list[str]:
    targets = [f"she:{engine.pk}", f"engine:{engine.pk}", *(one.target for one in members)]
    rows = Run.objects.filter(target__in=targets, status__in=Run.ACTIVE)
    if ref:
        rows = rows.exclude(ref=ref)
    found = [f"Run {row.pk} ({row.title}) is {row.status} on {row.target_name}." for row in rows]
    windows = Window.objects.filter(engine=engine, state__in=Window.OPEN).select_related("host", "engine")
    return found + [f"{row} is {row.state} by {row.owner or 'nobody that is known'}." for row in windows]


def _cooling(engine: Engine, now: datetime, ref: str) -> tuple[float, str]:
    """Seconds left of the cool-down after the last drill that restarted the engine VM, whatever became of it."""
    restarts = Q(plan__in=RESTARTS) | Q(kind__in=RESTARTS)
    rows = Drill.objects.filter(restarts, engine=engine, clock_began__isnull=False)
    if ref:
        rows = rows.exclude(run__ref=ref)
    last = rows.select_related("run").order_by(F("clock_began").desc()).first()
    if last is None or last.clock_began is None:
        return 0.0, ""
    left = settings.HOLDFAST_COOL_DOWN - (now - last.clock_began).total_seconds()
    return max(0.0, left), f"{last.title} of {last.clock_began:%d %b %H:%M} UTC"


def _blackout(engine: Engine, now: datetime) -> str:
    soon = now + timedelta(hours=1)  # no drill begins that would run into one
    rows = Blackout.objects.filter(Q(engine=engine) | Q(engine=None), begins__lt=soon, ends__gt=now)
    row = rows.order_by("begins").first()
    return f"{row.title}, until {row.ends:%d %b %H:%M} UTC" if row else ""


def host_named(engine: Engine, pk: int) -> str:
    """A host's name by its key, "" when the engine has none such."""
    return Host.objects.filter(engine=engine, pk=pk).values_list("name", flat=True).first() or ""
