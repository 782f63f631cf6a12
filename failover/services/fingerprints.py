"""The fingerprint of production: VM states and places, their LUN ids, flags, path counts; looked at live."""

from __future__ import annotations

from typing import Any

from failover.catalog import paths
from failover.catalog.pair import Member
from failover.services import pairs
from inventory.models import Engine
from inventory.probes import multipath
from inventory.services.reach import credentials
from portal.connectors.engine import EngineFailed, Snapshot, shared
from portal.kernel.output import LookFailed, ParseError
from portal.runs import ports


class CannotSee(Exception):
    """Production cannot be seen as a whole now. Its text is one sentence."""


def take(engine: Engine, members: tuple[Member, ...]) -> dict[str, Any]:
    """Everything, now, as docs/adr/0017 has it. Raises CannotSee: half a fingerprint would prove nothing."""
    view = pairs.look(engine, members)
    try:
        seen = shared(credentials(engine)).inventory()
        hosts, vms = _rows(seen, "hosts"), _vms(seen)
    except EngineFailed as error:
        raise CannotSee(str(error)) from None
    names = {one.uuid: one.name for one in hosts}
    status = {one.name: one.status for one in hosts}
    told = {}
    for one in members:
        state = view.states[one.pk]
        if state is None or state.maintenance is None or not state.boot_id:
            raise CannotSee(f"{one.name} does not say how it stands. {view.why[one.pk]}".strip())
        told[one.name] = {
            "pk": one.pk,
            "status": status.get(one.name, ""),
            "local_flags": state.maintenance,
            "boot": state.boot_id,
            "paths": _paths(one),
        }
    flags = [view.flag(one) for one in members]
    return {
        "global_maintenance": True if True in flags else False if False in flags else None,
        "engine_on": on.name if (on := view.engine_on()) else "",
        "hosts": told,
        "vms": {name: {**vm, "host": names.get(vm["host"], "")} for name, vm in vms.items()},
    }


def _rows(seen: Snapshot, name: str) -> Any:
    got = getattr(seen, name)
    if got.failed:
        raise got.failed
    return got.rows


def _vms(seen: Snapshot) -> dict[str, dict[str, Any]]:
    luns = {one.uuid: one.lun.wwid for one in _rows(seen, "disks") if one.lun is not None}
    return {
        one.name: {
            "status": one.status,
            "host": one.host_uuid,
            "engine": one.is_engine,
            "luns": sorted(luns[disk.disk_uuid] for disk in one.attachments or () if disk.disk_uuid in luns),
        }
        for one in _rows(seen, "vms")
    }


def _paths(member: Member) -> str:
    """Good paths of all paths, and a count of LUNs, in words."""
    try:
        facts = paths.read(ports.shell_for(member.target).look(member.target, multipath.COMMANDS))
    except (LookFailed, ParseError) as error:
        raise CannotSee(f"The paths of {member.name} cannot be read. {error}") from None
    total = sum(len(one.paths) for one in facts.maps)
    good = sum(one.count("up") for one in facts.maps)
    return f"{good} of {total} good, {len(facts.maps)} LUNs"
