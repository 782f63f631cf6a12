"""A Huawei OceanStor Dorado V6 by DeviceManager's REST interface (facts/san.md 2). Reads; sends nothing else than a
login and the end of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from portal.connectors.san.array_session import ArraySession, Kept, TokenCache
from portal.connectors.san.gate import Gate, Turn, process_turn, shared, taken
from portal.connectors.san.https import Account, Endpoint
from portal.connectors.san.parts import Parts
from portal.connectors.san.reading import array_access, array_hardware, array_replication
from portal.connectors.san.reading.array_body import PAGE, Heard, Means, listed, one
from portal.connectors.san.reading.leaves import Row, Unreadable, text
from portal.kernel.san import (
    Alarm,
    ArrayLun,
    ArrayPort,
    ArraySeen,
    Controller,
    Group,
    HostLink,
    Initiator,
    Mapped,
    Pair,
    Pool,
    RemoteArray,
)

LOOK_SECONDS = 120.0
AT_ONCE = 4  # requests; Huawei's own driver takes 20 at most (facts/san.md 2.1)
MOST_PAGES = 200  # of one collection
_FC = "223"
_HOST, _HOST_GROUP, _LUN_GROUP, _PORT_GROUP = "21", "14", "256", "257"
_UNKNOWN = array_hardware.System("", "", "", "", "", "", "")

T = TypeVar("T")
Other = TypeVar("Other")


@dataclass
class ArrayRest:
    """An ArrayReader. addresses: the management addresses of both controllers, each with its pinned certificate, the
    one to try first in front. cache: where the session is kept between looks; without one each look logs in and ends
    its session. gate and turn as for FabricRest."""

    addresses: Sequence[Endpoint]
    account: Account
    cache: TokenCache | None = None
    turn: Turn = process_turn
    gate: Gate = shared
    scope: str = "0"  # 0: an account of the array, 1: LDAP
    look_seconds: float = LOOK_SECONDS

    def look(self) -> ArraySeen:
        """Everything that the array tells now. Raises SanFailed when there is no login or no turn."""
        name = self.addresses[0].name
        with self.turn(name) as mine:
            if not mine:
                raise taken(name)
            session = self._session(self.cache or Kept())
            left = ""
            try:
                session.open()
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    seen = _Look(session, pool).seen()
            finally:
                left = session.end() if self.cache is None else ""
                session.close()
            return replace(seen, unread={**seen.unread, "logout": left}) if left else seen

    def close(self) -> str:
        """Ends the session that the cache keeps. Returns a sentence when it may still be open."""
        kept = self.cache.get() if self.cache else None
        if self.cache is None or kept is None:
            return ""
        session = self._session(self.cache)
        try:
            session.open()
            return session.end()
        finally:
            session.close()

    def _session(self, cache: TokenCache) -> ArraySession:
        return ArraySession(
            self.addresses, self.account, self.gate, cache, time.monotonic() + self.look_seconds, self.scope
        )


@dataclass
class _Look:
    """The collections of one look: the array itself first, then side by side, AT_ONCE at a time. Only this thread waits
    for others."""

    session: ArraySession
    pool: ThreadPoolExecutor
    parts: Parts = field(init=False)

    def __post_init__(self) -> None:
        self.parts = Parts(self.session.name)

    def seen(self) -> ArraySeen:
        """All parts."""
        system = self.parts.read("system", "The identity", self._system, _UNKNOWN)
        first = self._first()
        remotes = self._ask("remotes", "The remote arrays", self._of("remote_device", array_replication.remotes), ())
        pairs = self._ask("pairs", "The replication pairs", self._of("REPLICATIONPAIR", array_replication.pairs), ())
        groups = self._ask("groups", "The consistency groups", self._of("CONSISTENTGROUP", _groups), ())
        metro_groups = self._ask(
            "metro groups", "The HyperMetro groups", self._of("HyperMetro_ConsistentGroup", _metro_groups), ()
        )
        metro = self._ask("metro", "The HyperMetro pairs", partial(self._metro, remotes), ())
        hosts, ports = first.hosts.result(), first.ports.result()
        limits = self._limits({port.ident: port.wwpn for port in ports})
        links = [self._ask("links", "The live nexuses", partial(self._links, host), ()) for host in hosts]
        mapped = [self._ask("mapped", "The mappings", partial(self._mapped, host, limits), ()) for host in hosts]
        seen = ArraySeen(
            serial=system.serial or self.session.device,
            name=system.name or self.session.name,
            wwn=system.wwn,
            model=system.model,
            firmware=system.firmware,
            health=system.health,
            running=system.running,
            hosts=hosts,
            controllers=first.controllers.result(),
            ports=ports,
            initiators=first.initiators.result(),
            links=_flat(links),
            luns=first.luns.result() + first.snapshots.result(),
            mapped=_flat(mapped),
            pairs=pairs.result() + metro.result(),
            groups=groups.result() + metro_groups.result(),
            remotes=remotes.result(),
            alarms=first.alarms.result(),
            pools=first.pools.result(),
            offset=first.offset.result(),
        )
        silent = {f"management {where}": why for where, why in self.session.silent.items()}
        return replace(seen, unread={**self.parts.unread, **silent})

    def _first(self) -> _First:
        ask = self._ask
        return _First(
            ask("controllers", "The controllers", self._of("controller", array_hardware.controllers), ()),
            ask("ports", "The ports", self._of("fc_port", array_hardware.ports), ()),
            ask("hosts", "The hosts", self._of("host", array_access.hosts), {}),
            ask("initiators", "The initiators", self._of("fc_initiator", array_access.initiators), ()),
            ask("luns", "The LUNs", self._of("lun", array_access.luns), ()),
            ask("snapshots", "The snapshots", self._of("snapshot", partial(array_access.luns, snapshot=True)), ()),
            ask("alarms", "The alarms", self._of("alarm/currentalarm?sortby=startTime,d", array_hardware.alarms), ()),
            ask("pools", "The storage pools", self._of("storagepool", array_hardware.pools), ()),
            ask("clock", "The clock", self._offset, None),
        )

    def _ask(self, part: str, what: str, reader: Callable[[], T], otherwise: Other) -> Future[T | Other]:
        return self.pool.submit(self.parts.read, part, what, reader, otherwise)

    def _of(self, resource: str, reader: Callable[[tuple[Row, ...]], T]) -> Callable[[], T]:
        return lambda: reader(self._rows(resource))

    def _system(self) -> array_hardware.System:
        return array_hardware.system(one(self._data("system/", first=True)))

    def _offset(self) -> float:
        said, answer = self.session.get("system_utc_time")
        return array_hardware.offset(one(_good(said)), answer.began, answer.at)

    def _links(self, host: str) -> tuple[HostLink, ...]:
        return array_access.links(self._rows(f"host_link?INITIATOR_TYPE={_FC}&PARENTID={quote(host, safe='')}"), host)

    def _mapped(self, host: str, limits: tuple[array_access.View, ...]) -> tuple[Mapped, ...]:
        return array_access.mapped(self._rows(_associated("lun", _HOST, host)), host, limits)

    def _metro(self, remotes: Future[tuple[RemoteArray, ...]]) -> tuple[Pair, ...]:
        """The remote arrays were asked for before this, so that waiting for them here cannot block."""
        found = self._rows("HyperMetroPair")
        domains = self._rows("HyperMetroDomain") if found else ()
        return array_replication.metro_pairs(found, array_replication.partners(domains, remotes.result()))

    def _limits(self, wwpns: Mapping[str, str]) -> tuple[array_access.View, ...]:
        """The mapping views, when at least one of them has a port group: only these restrict anything. What fails here
        makes the mappings unknown, since a restriction would be overlooked."""
        read, what = self.parts.read, "The mapping views"
        views = read("mapped", what, self._of("mappingview", array_access.views), ())
        if not any(view.ports for view in views):
            return ()
        return read("mapped", what, lambda: tuple(self._view(view, wwpns) for view in views), ())

    def _view(self, view: array_access.Groups, wwpns: Mapping[str, str]) -> array_access.View:
        """Three associations, of which a view may lack any."""
        hosts = array_access.idents(self._rows(_associated("host", _HOST_GROUP, view.hosts)) if view.hosts else ())
        luns = array_access.idents(self._rows(_associated("lun", _LUN_GROUP, view.luns)) if view.luns else ())
        ports = self._rows(_associated("fc_port", _PORT_GROUP, view.ports)) if view.ports else None
        return array_access.View(hosts, luns, None if ports is None else array_access.port_wwpns(ports, wwpns))

    def _data(self, resource: str, *, first: bool = False) -> object:
        said, _ = self.session.get(resource, first=first)
        return _good(said)

    def _rows(self, resource: str) -> tuple[Row, ...]:
        """A whole collection, page by page; without a range where the array takes none."""
        found: dict[object, Row] = {}
        for page in range(MOST_PAGES):
            joint = "&" if "?" in resource else "?"
            span = f"{joint}range=[{page * PAGE}-{(page + 1) * PAGE}]"
            said, _ = self.session.get(f"{resource}{span}")
            if said.means is Means.NO_RANGE and page == 0:
                return self._unranged(resource)
            rows = listed(_good(said))
            fresh = {_key(row): row for row in rows}
            before = len(found)
            found |= fresh
            if len(rows) != PAGE or len(found) == before:
                return tuple(found.values())
        raise Unreadable(f"it lists more than {MOST_PAGES * PAGE} objects")

    def _unranged(self, resource: str) -> tuple[Row, ...]:
        """Without a range an array may tell a first page and no more."""
        rows = listed(self._data(resource))
        if len(rows) == PAGE:
            raise Unreadable(f"it lists {PAGE} objects without a range, so there may be more")
        return rows


@dataclass(frozen=True)
class _First:
    """What depends on nothing else."""

    controllers: Future[tuple[Controller, ...]]
    ports: Future[tuple[ArrayPort, ...]]
    hosts: Future[dict[str, str]]
    initiators: Future[tuple[Initiator, ...]]
    luns: Future[tuple[ArrayLun, ...]]
    snapshots: Future[tuple[ArrayLun, ...]]
    alarms: Future[tuple[Alarm, ...]]
    pools: Future[tuple[Pool, ...]]
    offset: Future[float | None]


def _key(row: Row) -> object:
    """What tells rows apart. The ID of a nexus leaves out the last digit of the initiator, so that both ports of a card
    have one and the same (facts/san.md, S2)."""
    told = tuple(text(row.get(name)) for name in ("ID", "INITIATOR_PORT_WWN", "TARGET_PORT_WWN"))
    return told if any(told) else repr(sorted(row.items()))


def _good(said: Heard) -> object:
    if said.means is not Means.ROWS:
        raise Unreadable(said.said)
    return said.data


def _groups(found: tuple[Row, ...]) -> tuple[Group, ...]:
    return array_replication.groups(found, "replication")


def _metro_groups(found: tuple[Row, ...]) -> tuple[Group, ...]:
    return array_replication.groups(found, "metro")


def _associated(kind: str, of: str, ident: str) -> str:
    return f"{kind}/associate?ASSOCIATEOBJTYPE={of}&ASSOCIATEOBJID={quote(ident, safe='')}"


def _flat(futures: Sequence[Future[tuple[T, ...]]]) -> tuple[T, ...]:
    return tuple(one for future in futures for one in future.result())
