"""Which LUN an initiator is given, by which array, through which of its ports (facts/san.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.kernel.san import ArrayPort, ArraySeen

UP_CODES = ("10",)  # link up
DECIDES = ("luns", "mapped", "initiators", "ports", "hosts", "snapshots")  # mappings are asked for host by host
WELL = ("1", "")  # HEALTHSTATUS normal, or not told


@dataclass(frozen=True)
class Grant:
    """One mapping: these initiators reach the LUN on this array, through these target ports (None: all)."""

    serial: str
    initiators: frozenset[str]
    ports: frozenset[str] | None
    host_lun_id: int | None = None


@dataclass(frozen=True)
class Mappings:
    """names: WWID -> name of the LUN. homes: WWID -> serials of the arrays that have it. metro: WWIDs that two arrays
    serve as one. perhaps: WWIDs of which their array did not tell that. dark: serial -> section -> sentence, for what
    decides a mapping and was not read."""

    names: Mapping[str, str]
    homes: Mapping[str, tuple[str, ...]]
    metro: frozenset[str]
    perhaps: frozenset[str]
    dark: Mapping[str, Mapping[str, str]]
    _by_initiator: Mapping[str, Mapping[str, tuple[Grant, ...]]]

    def of(self, initiators: Iterable[str]) -> dict[str, tuple[Grant, ...]]:
        """WWID -> what these initiators are granted."""
        found: dict[str, tuple[Grant, ...]] = {}
        for initiator in initiators:
            for wwid, grants in self._by_initiator.get(initiator, {}).items():
                known = found.get(wwid, ())
                found[wwid] = known + tuple(grant for grant in grants if grant not in known) if known else grants
        return found


def mappings(arrays: Iterable[ArraySeen]) -> Mappings:
    """All arrays in."""
    names: dict[str, str] = {}
    homes: dict[str, tuple[str, ...]] = {}
    dark: dict[str, dict[str, str]] = {}
    metro: set[str] = set()
    perhaps: set[str] = set()
    granted: dict[str, dict[str, tuple[Grant, ...]]] = {}
    for array in arrays:
        for lun in array.luns:
            names.setdefault(f"3{lun.wwn}", lun.name)
            homes[f"3{lun.wwn}"] = (*homes.get(f"3{lun.wwn}", ()), array.serial)
        pairs = {pair.local_lun for pair in array.pairs if pair.kind == "metro"}
        metro |= {f"3{lun.wwn}" for lun in array.luns if lun.ident in pairs}
        if unread(array, "pairs") or unread(array, "metro"):
            perhaps |= {f"3{lun.wwn}" for lun in array.luns}
        missing = {part: why for part in DECIDES if (why := unread(array, part))}
        if missing:
            dark[array.serial] = missing
        _grants(array, granted)
    metro |= {wwid for wwid, serials in homes.items() if len(serials) > 1}
    return Mappings(names, homes, frozenset(metro), frozenset(perhaps), dark, granted)


def unread(array: ArraySeen, section: str) -> str:
    """Why a section of an array is not known; "" when it is."""
    return array.unread.get(section) or array.unread.get("all") or ""


def _grants(array: ArraySeen, granted: dict[str, dict[str, tuple[Grant, ...]]]) -> None:
    wwids = {lun.ident: f"3{lun.wwn}" for lun in array.luns}
    idents = {port.ident: port.wwpn for port in array.ports}
    initiators: dict[str, set[str]] = {}
    for one in array.initiators:
        if one.host:
            initiators.setdefault(one.host, set()).add(one.wwpn)
    shared = {host: frozenset(wwpns) for host, wwpns in initiators.items()}
    by_host: dict[str, dict[str, tuple[Grant, ...]]] = {}
    for given in array.mapped:
        wwid = wwids.get(given.lun)
        if wwid is None or given.host not in shared:
            continue
        ports = None if given.ports is None else frozenset(idents.get(port, port) for port in given.ports)
        here = by_host.setdefault(given.host, {})
        here[wwid] = (*here.get(wwid, ()), Grant(array.serial, shared[given.host], ports, given.host_lun_id))
    for host, luns in by_host.items():
        for wwpn in shared[host]:
            mine = granted.setdefault(wwpn, {})
            for wwid, grants in luns.items():
                mine[wwid] = (*mine.get(wwid, ()), *grants)


def up(port: ArrayPort) -> bool:
    """Whether a target port carries traffic: link up and health normal; an unknown code does not count as up."""
    return port.running in UP_CODES and port.health in WELL and port.enabled is not False
