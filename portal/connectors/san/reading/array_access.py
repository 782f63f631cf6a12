"""Hosts, initiators, live nexuses, LUNs and who sees them, in both mapping models (facts/san.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.connectors.san.reading.array_body import count, ident, lun_wwn, told, yes
from portal.connectors.san.reading.leaves import Row, Unreadable, document, whole
from portal.kernel.san import ArrayLun, HostLink, Initiator, Mapped, wwn

SECTOR = 512  # bytes; capacities are told in these, whatever SECTORSIZE says
_ONLINE = {"27": True, "28": False}


def hosts(found: tuple[Row, ...]) -> dict[str, str]:
    """id -> name."""
    return {ident(row): told(row, "NAME") for row in found}


def initiators(found: tuple[Row, ...]) -> tuple[Initiator, ...]:
    """Fibre Channel initiators, those of no host too. Raises Unreadable when an ID is no WWPN."""
    listed = tuple(
        Initiator(
            wwpn=wwn(ident(row)),
            host="" if yes(row, "ISFREE") else told(row, "PARENTID"),
            online=_ONLINE.get(told(row, "RUNNINGSTATUS")),
            free=yes(row, "ISFREE"),
            multipath_type=told(row, "MULTIPATHTYPE"),
        )
        for row in found
    )
    if not all(one.wwpn for one in listed):
        raise Unreadable("it lists an initiator without WWPN")
    return listed


def links(found: tuple[Row, ...], host: str) -> tuple[HostLink, ...]:
    """Nexuses of one host. Raises Unreadable when an end has no WWPN."""
    listed = tuple(
        HostLink(
            host=told(row, "PARENTID") or host,
            initiator=wwn(told(row, "INITIATOR_PORT_WWN")),
            target=wwn(told(row, "TARGET_PORT_WWN")),
            running=told(row, "RUNNINGSTATUS"),
            health=told(row, "HEALTHSTATUS"),
        )
        for row in found
    )
    if not all(one.initiator and one.target for one in listed):
        raise Unreadable("it lists a nexus without both WWPNs")
    return listed


def luns(found: tuple[Row, ...], *, snapshot: bool = False) -> tuple[ArrayLun, ...]:
    """LUNs, or snapshots, which have WWNs of their own. Capacity is in sectors."""
    return tuple(_lun(row, snapshot) for row in found)


def _lun(row: Row, snapshot: bool) -> ArrayLun:
    sectors = count(row, "CAPACITY") or count(row, "USERCAPACITY")
    return ArrayLun(
        ident=ident(row),
        name=told(row, "NAME"),
        wwn=lun_wwn(row),
        size=sectors * SECTOR if sectors else None,
        health=told(row, "HEALTHSTATUS"),
        running=told(row, "RUNNINGSTATUS"),
        snapshot=snapshot or told(row, "TYPE") == "27",
    )


@dataclass(frozen=True)
class View:
    """A mapping view. Each set holds the ids of the objects that it joins; ports None: no port group restricts it."""

    hosts: frozenset[str]
    luns: frozenset[str]
    ports: frozenset[str] | None


@dataclass(frozen=True)
class Groups:
    """The groups that a mapping view joins, "" for none."""

    hosts: str
    luns: str
    ports: str


def views(found: tuple[Row, ...]) -> tuple[Groups, ...]:
    """The groups of each view. In V6 a view may name one host or LUN instead of a group: it restricts nothing here."""
    return tuple(Groups(told(row, "HOSTGROUPID"), told(row, "LUNGROUPID"), told(row, "PORTGROUPID")) for row in found)


def idents(found: tuple[Row, ...]) -> frozenset[str]:
    """The ids of a group's members."""
    return frozenset(ident(row) for row in found)


def port_wwpns(found: tuple[Row, ...], known: Mapping[str, str]) -> frozenset[str]:
    """WWPNs of a port group's members, from the rows or else from what is known by id. Raises Unreadable when neither
    tells: a restriction must not be lost."""
    listed = frozenset(wwn(told(row, "WWN")) or known.get(ident(row), "") for row in found)
    if "" in listed:
        raise Unreadable("its port group holds a port without WWPN")
    return listed


def mapped(found: tuple[Row, ...], host: str, limits: Iterable[View]) -> tuple[Mapped, ...]:
    """The LUNs that a host sees, with the ports that port groups leave it. A view without a port group opens all."""
    limits = tuple(limits)
    return tuple(Mapped(host, ident(row), _host_lun(row), _left(host, ident(row), limits)) for row in found)


def _left(host: str, lun: str, limits: tuple[View, ...]) -> frozenset[str] | None:
    """A LUN that no view joins to the host is mapped directly, which restricts nothing."""
    sets = [view.ports for view in limits if host in view.hosts and lun in view.luns]
    closed = [ports for ports in sets if ports is not None]
    return frozenset().union(*closed) if closed and len(closed) == len(sets) else None


def _host_lun(row: Row) -> int | None:
    """ASSOCIATEMETADATA is JSON inside a string: {"HostLUNID": 1}."""
    try:
        inside = document(told(row, "ASSOCIATEMETADATA").encode())
    except Unreadable:
        return None
    return whole(inside.get("HostLUNID")) if isinstance(inside, dict) else None
