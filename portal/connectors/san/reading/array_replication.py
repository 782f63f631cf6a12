"""Replication pairs, groups and the arrays at the other end, as one array tells them (facts/san.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping

from portal.connectors.san.reading.array_body import count, ident, told, yes
from portal.connectors.san.reading.leaves import Row, Unreadable, document
from portal.kernel.san import Group, Pair, RemoteArray, wwn

_SYNCHRONOUS = {"1": True, "2": False}
_LUN = "11"


def pairs(found: tuple[Row, ...]) -> tuple[Pair, ...]:
    """HyperReplication pairs of LUNs; those of file systems are left out."""
    return tuple(_pair(row) for row in found if told(row, "LOCALRESTYPE") in (_LUN, ""))


def _pair(row: Row) -> Pair:
    primary = yes(row, "ISPRIMARY")
    first, second = told(row, "PRIRESDATASTATUS"), told(row, "SECRESDATASTATUS")
    local, remote = {True: (first, second), False: (second, first), None: ("", "")}[primary]
    return Pair(
        ident=ident(row),
        kind="replication",
        local_lun=told(row, "LOCALRESID"),
        remote_lun=told(row, "REMOTERESID"),
        remote_serial=told(row, "REMOTEDEVICESN"),
        primary=primary,
        synchronous=_SYNCHRONOUS.get(told(row, "REPLICATIONMODEL")),
        health=told(row, "HEALTHSTATUS"),
        running=told(row, "RUNNINGSTATUS"),
        local_data=local,
        remote_data=remote,
        secondary_access=told(row, "SECRESACCESS"),
        group=told(row, "CGID"),
        group_name=told(row, "CGNAME"),
        progress=count(row, "REPLICATIONPROGRESS"),
        interval=count(row, "TIMINGVAL") or None,
        started=count(row, "STARTTIME") or None,
        ended=count(row, "ENDTIME") or None,
        synced=yes(row, "ISDATASYNC"),
        timing=told(row, "SYNCHRONIZETYPE"),
    )


def groups(found: tuple[Row, ...], kind: str) -> tuple[Group, ...]:
    """Consistency groups. kind: "replication" or "metro"."""
    return tuple(
        Group(
            ident=ident(row),
            name=told(row, "NAME"),
            kind=kind,
            primary=yes(row, "ISPRIMARY"),
            health=told(row, "HEALTHSTATUS"),
            running=told(row, "RUNNINGSTATUS"),
            synchronous=True if kind == "metro" else _SYNCHRONOUS.get(told(row, "REPLICATIONMODEL")),
            secondary_access=told(row, "SECRESACCESS"),
            started=count(row, "STARTTIME") or None,
            ended=count(row, "ENDTIME") or None,
        )
        for row in found
    )


def metro_pairs(found: tuple[Row, ...], partners: Mapping[str, str]) -> tuple[Pair, ...]:
    """HyperMetro pairs. partners: domain id -> the other array's serial number."""
    return tuple(
        Pair(
            ident=ident(row),
            kind="metro",
            local_lun=told(row, "LOCALOBJID"),
            remote_lun=told(row, "REMOTEOBJID"),
            remote_serial=partners.get(told(row, "DOMAINID"), ""),
            primary=yes(row, "ISPRIMARY"),
            synchronous=True,
            health=told(row, "HEALTHSTATUS"),
            running=told(row, "RUNNINGSTATUS"),
            local_data=told(row, "LOCALDATASTATE"),
            remote_data=told(row, "REMOTEDATASTATE"),
            group=told(row, "CGID"),
            group_name=told(row, "CGNAME"),
            progress=count(row, "SYNCPROGRESS"),
            link=told(row, "LINKSTATUS"),
        )
        for row in found
    )


def partners(found: tuple[Row, ...], remotes: tuple[RemoteArray, ...]) -> dict[str, str]:
    """HyperMetro domain -> serial number of the array at its other end. REMOTEDEVICES is a list, or JSON inside a
    string; a domain that does not tell it takes the only remote array that there is."""
    only = remotes[0].serial if len(remotes) == 1 else ""
    return {ident(row): _partner(row) or only for row in found}


def _partner(row: Row) -> str:
    inside = row.get("REMOTEDEVICES")
    if isinstance(inside, str):
        try:
            inside = document(inside.encode())
        except Unreadable:
            return ""
    first = inside[0] if isinstance(inside, list) and inside else inside
    return told(first, "devESN") if isinstance(first, dict) else ""


def remotes(found: tuple[Row, ...]) -> tuple[RemoteArray, ...]:
    """Arrays that this one is linked to. Raises Unreadable without an ID."""
    return tuple(
        RemoteArray(
            serial=told(row, "SN") or ident(row),
            name=told(row, "NAME"),
            wwn=wwn(told(row, "WWN")),
            health=told(row, "HEALTHSTATUS"),
            running=told(row, "RUNNINGSTATUS"),
            links=count(row, "LINKNUM"),
        )
        for row in found
    )
