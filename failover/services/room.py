"""What the engine tells of memory, asked now: free on its hosts, needed by its VMs."""

from __future__ import annotations

from failover.verdicts import room
from failover.verdicts.check import Say
from failover.verdicts.readiness_inputs import RoomSaid
from failover.verdicts.room import HostRoom, Moves, VmNeed
from inventory.models import Engine
from inventory.services.reach import credentials
from portal.connectors.engine import EngineFailed, shared
from portal.connectors.engine.shapes import HostSeen, VmSeen

RESTS = frozenset({"down", "suspended", "image_locked"})  # states of VMs that run nowhere


def said(engine: Engine) -> RoomSaid:
    """Hosts and running VMs. An engine that does not answer is an answer."""
    try:
        session = shared(credentials(engine))
        hosts, vms = session.hosts_now(), session.vms_now()
    except EngineFailed as error:
        return RoomSaid(None, None, str(error))
    names = {one.uuid: one.name for one in hosts}
    return RoomSaid(
        tuple(_host(one) for one in hosts), tuple(_vm(one, names) for one in vms if one.status not in RESTS)
    )


def refusal(engine: Engine, away: str, moves: Moves) -> str:
    """ "" when the other hosts can carry what leaves `away`; else the sentence, also when it is not known."""
    found = said(engine)
    if found.hosts is None or found.vms is None:
        return f"Whether the other hosts have room for what runs on {away} is not known. {found.why}"
    judged = room.carries(found.hosts, found.vms, away, moves)
    return "" if judged.word is Say.GO else judged.sentence


def _host(one: HostSeen) -> HostRoom:
    pages = None if one.hugepages is None else {page.kib: page.free for page in one.hugepages}
    return HostRoom(one.name, one.status, one.cluster_uuid, bool(one.he_configured), one.schedulable, pages)


def _vm(one: VmSeen, names: dict[str, str]) -> VmNeed:
    host, available = names.get(one.host_uuid, ""), one.high_availability
    return VmNeed(one.name, host, one.cluster_uuid, one.is_engine, available, one.memory, one.hugepages_kib)
