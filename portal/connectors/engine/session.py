"""One account at one engine: what the portal asks, each as one method. Thread-safe; keep one per process."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from portal.connectors.engine import events as feed
from portal.connectors.engine import host_reader, networks, probing, readers, transport
from portal.connectors.engine.answers import body_of, unreadable
from portal.connectors.engine.errors import EngineFailed, Unreachable
from portal.connectors.engine.shapes import (
    Coming,
    Cursor,
    Events,
    Got,
    HostLun,
    HostSeen,
    Job,
    NumaNode,
    Quick,
    Snapshot,
    VmSeen,
)
from portal.connectors.engine.tickets import Credentials, give_back, take
from portal.connectors.engine.wire import Answer
from portal.connectors.engine.xml import WHOLE, Unreadable
from portal.kernel.calm import calm
from portal.kernel.output import Reply
from portal.kernel.probe import Request

SECONDS = 30.0  # one request of the plan
STORAGE_SECONDS = 60.0  # a live call to the host (facts/engine-api.md 0.5)
# When the root answers so, nothing else will answer: the login, the web server or the engine is not there.
_HOPELESS = frozenset({401, 502, 503, 504})

# A body that is streamed takes the interpreter's lock once per element: two at a time cost twice the CPU of one after
# the other, and no less wall time (measured: docs/adr/0005-engine-connector.md).
_streaming = threading.Lock()

T = TypeVar("T")
_Ask = tuple[str, Mapping[str, str], Callable[[bytes], Any]]  # path, query, reader

# facts/engine-api.md 6.2. Only sub-collections that exist on every object are followed: a null one gives HTML 500
# for the whole list (0.6, 0.7). VMs' nics are not followed, since nothing reads them: one engine query per VM less.
_ROOT: _Ask = ("", {}, readers.root)
_PLAN: Mapping[str, _Ask] = {
    "vms": ("/vms", {"follow": "disk_attachments"}, readers.vms),
    "disks": ("/disks", {}, readers.disks),
    "hosts": ("/hosts", {"all_content": "true", "follow": "nics,statistics"}, host_reader.hosts),
    "data_centers": ("/datacenters", {"follow": "storage_domains"}, readers.data_centers),
    "clusters": ("/clusters", {"follow": "affinity_groups"}, readers.clusters),
    "jobs": ("/jobs", {}, readers.jobs),
}
_QUICK_PLAN: Mapping[str, _Ask] = {
    "hosts": ("/hosts", {"all_content": "true"}, host_reader.hosts),
    "vms": ("/vms", {}, readers.vms),
}


# Not under the data centres: a domain that is attached to none counts, too (facts/engine-api.md 0.1).
_COUNTED: Mapping[str, tuple[str, Callable[[bytes], Any]]] = {
    "hosts": ("/hosts", readers.counting("hosts", "host")),
    "VMs": ("/vms", readers.counting("vms", "vm")),
    "storage domains": ("/storagedomains", readers.counting("storage_domains", "storage_domain")),
}


class Session:
    """Asks one engine. timeout: seconds per request, logins included."""

    def __init__(self, credentials: Credentials, *, timeout: float = SECONDS) -> None:
        self.credentials = credentials
        self._timeout = timeout
        self._ticket = take(credentials)
        self._transport = transport.Transport(credentials, self._ticket)
        self._open = True

    @property
    def requests(self) -> int:
        """Requests under /api since the session began; logins are not counted."""
        return self._transport.requests

    def inventory(self, after: Cursor = Cursor()) -> Snapshot:  # noqa: B008 (a frozen value)
        """The whole engine by a constant number of requests. Returns when the engine's root was read. Never raises for
        an engine's failure: each part of the snapshot holds its rows or its failure."""
        root, parts = self._all(_PLAN, after)
        return Snapshot(root, **parts)

    def quick(self, after: Cursor) -> Quick:
        """The fast loop: statuses of hosts and VMs, and events. As `inventory`, but nothing is followed."""
        return Quick(**self._all(_QUICK_PLAN, after)[1])

    def storage(self, host_uuid: str, timeout: float = STORAGE_SECONDS) -> tuple[HostLun, ...]:
        """What one host that is Up sees live. Raises EngineFailed: Refused (400) for any other host."""
        path = f"/hosts/{quote(host_uuid, safe='')}/storage"
        luns: tuple[HostLun, ...] = self._read((path, {"report_status": "false"}, readers.host_luns), timeout)
        return luns

    def numa(self, vm_uuid: str) -> tuple[NumaNode, ...]:
        """The virtual NUMA nodes of one VM. They are not followed with the list of VMs: a link that one engine cannot
        follow would cost the whole list (facts/engine-api.md 0.7). Raises EngineFailed."""
        nodes: tuple[NumaNode, ...] = self._read((f"/vms/{quote(vm_uuid, safe='')}/numanodes", {}, readers.numa_nodes))
        return nodes

    def vms_now(self) -> tuple[VmSeen, ...]:
        """States and places of all VMs, without their disks. Raises EngineFailed."""
        rows: tuple[VmSeen, ...] = self._read(_QUICK_PLAN["vms"])
        return rows

    def hosts_now(self) -> tuple[HostSeen, ...]:
        """All hosts with their free memory and huge pages, without their interfaces. Raises EngineFailed."""
        ask = ("/hosts", {"all_content": "true", "follow": "statistics"}, host_reader.hosts)
        rows: tuple[HostSeen, ...] = self._read(ask)
        return rows

    def jobs(self) -> tuple[Job, ...]:
        """What the engine does and did a moment ago. Raises EngineFailed."""
        rows: tuple[Job, ...] = self._read(_PLAN["jobs"])
        return rows

    def newest_event(self) -> int:
        """The number of the newest event, 0 when there is none. Raises EngineFailed."""
        rows = self._read(("/events", {"max": "1"}, feed.events))
        return max((row.number for row in rows), default=0)

    def events(self, after: Cursor) -> Events:
        """The audit log since a cursor. Raises EngineFailed."""
        return feed.feed(lambda query: self._read(("/events", query, feed.events)), after)

    def counts(self) -> dict[str, int]:
        """How many of each kind the engine lists now: hosts, VMs, disks, storage domains, Direct LUNs. Raises
        EngineFailed."""
        disks = self._read(_PLAN["disks"])
        rest = {kind: self._read((path, {}, reader)) for kind, (path, reader) in _COUNTED.items()}
        direct = sum(1 for disk in disks if disk.lun is not None)
        return {**rest, "disks": len(disks), "Direct LUNs": direct}

    def wiring(self) -> networks.Wiring:
        """Clusters, logical networks and the devices that carry them: 3 requests and one per cluster. An engine that
        does not tell the devices says why; without the networks themselves it raises EngineFailed."""
        centers = self._read(("/datacenters", {}, networks.data_centers))
        places = self._read(("/clusters", {}, networks.clusters))
        found: list[networks.LogicalNetwork] = []
        for one in places:
            reader = partial(networks.networks, cluster_uuid=one.uuid)
            found += self._read((f"/clusters/{quote(one.uuid, safe='')}/networks", {}, reader))
        devices = _got(lambda: self._read(("/hosts", {"follow": "nics"}, networks.attached)))
        why = (str(devices.failed),) if devices.failed else ()
        return networks.Wiring(places, centers, tuple(found), devices.rows, why)

    def reply(self, request: Request) -> Reply:
        """A probe's GET. Never raises for HTTP or transport failures."""
        return probing.reply(self._ticket, request)

    def post(self, path: str, body: str, headers: Mapping[str, str]) -> Answer:
        """One POST under /api, never repeated by itself (but a 401, which did nothing, gets a new token). Raises
        EngineFailed when no answer came: then look whether it was done."""
        return self._transport.send(transport.post(path, body, headers), f"POST {path}", self._timeout)

    def close(self) -> None:
        """Closes the connections; the last session of the account ends the token, within a few seconds at most."""
        if self._open:
            self._open = False
            self._transport.close()
            give_back(self._ticket)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, ask: _Ask, timeout: float = 0.0) -> Any:
        path, query, reader = ask
        asked = f"GET {path or '/api'}" + (f"?{urlencode(query, safe=',')}" if query else "")
        answer = self._transport.send(transport.get(path, query), asked, timeout or self._timeout)
        body = body_of(answer, self.credentials.shown, asked)
        try:
            with _streaming if len(body) > WHOLE else nullcontext(), calm():
                return reader(body)
        except Unreadable as error:
            raise unreadable(self.credentials.shown, asked, error) from None

    def _all(self, plan: Mapping[str, _Ask], after: Cursor) -> tuple[Got[Any], dict[str, Coming[Any]]]:
        root = _got(lambda: self._read(_ROOT))
        if root.failed and (isinstance(root.failed, Unreachable) or root.failed.status in _HOPELESS):
            return root, dict.fromkeys((*plan, "events"), Coming(lambda: root))
        pool = ThreadPoolExecutor(transport.CONNECTIONS)
        work = {name: partial(self._read, ask) for name, ask in plan.items()} | {"events": partial(self.events, after)}
        parts = {name: Coming(pool.submit(_got, one).result) for name, one in work.items()}
        pool.shutdown(wait=False)  # its threads end with the last part
        return root, parts


def _got(work: Callable[[], T]) -> Got[T]:
    try:
        return Got(work())
    except EngineFailed as error:
        return Got(None, error)


class _Kept:
    """This process's shared sessions."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Forgets all without closing: after a fork they are the parent's."""
        self.lock = threading.Lock()
        self.sessions: dict[Credentials, Session] = {}


_kept = _Kept()
os.register_at_fork(after_in_child=_kept.empty)


def shared(credentials: Credentials) -> Session:
    """The process's session for these credentials, opened at the first call and kept: a login per sweep would fill
    the bank's audit log (facts/engine-api.md 0.20). Nobody closes it but `close_shared`."""
    with _kept.lock:
        if credentials not in _kept.sessions:
            _kept.sessions[credentials] = Session(credentials)
        return _kept.sessions[credentials]


def close_shared() -> None:
    """Closes what `shared` opened in this process; runs by itself at a normal exit."""
    with _kept.lock:
        sessions, _kept.sessions = list(_kept.sessions.values()), {}
    for session in sessions:
        session.close()


atexit.register(close_shared)
