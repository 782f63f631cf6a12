"""The proof for a whole estate: `prove(estate)`. Counts every pair of host and LUN in four layers, and sums up per LUN,
VM, host, array and element, each with one sentence (facts/san.md 3.2)."""

from __future__ import annotations

from dataclasses import replace

from inventory.redundancy.elements import Elements
from inventory.redundancy.estate import Estate, HbaPort, HostSeen, Pair
from inventory.redundancy.evidence import San
from inventory.redundancy.fabrics import fabrics
from inventory.redundancy.layers import HostSide
from inventory.redundancy.mapping import UP_CODES, mappings
from inventory.redundancy.places import Places
from inventory.redundancy.summary import Proof, summed_up
from inventory.redundancy.wires import Wires
from inventory.redundancy.zoning import permits

LINKED = (*UP_CODES, "27")  # host_link: up, online


def prove(estate: Estate) -> Proof:
    """Everything in, everything proven out; no clock, no I/O."""
    san = _san(estate)
    ports = tuple(san.wires.targets)
    sides = {}
    for host in estate.hosts:
        whole = _whole(host, estate)
        san.wires.host(whole)
        sides[host.name] = HostSide(san, whole, _targets(whole, estate, ports))
    cells = {(name, wwid): side.lun(wwid) for name, side in sides.items() for wwid in _wanted(name, side, estate)}
    return summed_up(estate, san, sides, cells)


def _san(estate: Estate) -> San:
    found = fabrics(estate.switches)
    allowed = tuple(permits(fabric) for fabric in found)
    told = {hba.wwpn: hba.fabric for host in estate.hosts for hba in host.hbas}
    gone = [one for one in estate.missing if one.kind == "switch"]
    dark = [f"Switch {one.name}: {one.why}" for one in gone]
    dark += [fabric.why["logins"] for fabric in found if "logins" in fabric.why]
    dark += [] if found else ["No switch was read."]
    lost = [f"Array {one.name}: {one.why}" for one in estate.missing if one.kind == "array"]
    lost += [] if estate.arrays else ["No array was read."]
    given = mappings(estate.arrays)
    return San(
        estate,
        found,
        allowed,
        Places(found, allowed, estate.declared.cabling, told),
        given,
        Wires(Elements(estate.declared.domains), found, estate.arrays),
        {
            array.serial: frozenset((one.initiator, one.target) for one in array.links if one.running in LINKED)
            for array in estate.arrays
        },
        next(iter(dark), ""),
        next(iter(dark + [fabric.why["zoning"] for fabric in found if "zoning" in fabric.why]), ""),
        next(iter(lost), ""),
    )


def _whole(host: HostSeen, estate: Estate) -> HostSeen:
    """With the HBA ports that only paths name."""
    known = {hba.wwpn for hba in host.hbas}
    named = {path.hba for path in host.paths} | {pair[0] for pair in _agreed(host.name, estate)}
    return replace(host, hbas=(*host.hbas, *(HbaPort(wwpn) for wwpn in sorted(named - known - {""}))))


def _targets(host: HostSeen, estate: Estate, ports: tuple[str, ...]) -> tuple[str, ...]:
    """The ports of all arrays, and those that only paths name."""
    named = {path.target for path in host.paths} | {pair[1] for pair in _agreed(host.name, estate)}
    return (*ports, *sorted(named - set(ports) - {""}))


def _agreed(host: str, estate: Estate) -> set[Pair]:
    return {pair for (name, _), pairs in estate.declared.paths.items() if name == host for pair in pairs}


def _wanted(name: str, side: HostSide, estate: Estate) -> list[str]:
    """The LUNs that a host is given, sees, should see, or may have to serve."""
    found = dict.fromkeys(side.granted)
    found |= dict.fromkeys(side.paths)
    found |= dict.fromkeys(sorted(side.foreign))
    found |= dict.fromkeys(wwid for host, wwid in estate.declared.paths if host == name)
    found |= dict.fromkeys(wwid for use in estate.uses if name in (use.hosts or ()) for wwid in use.wwids)
    return list(found)
