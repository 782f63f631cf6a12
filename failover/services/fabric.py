"""The paths of one host through one fabric: those that were declared, as SCSI addresses of now."""

from __future__ import annotations

from failover.catalog import paths
from failover.catalog.pair import Member
from inventory.models import DeclaredPath
from inventory.probes import multipath
from portal.kernel.output import LookFailed, ParseError
from portal.runs import ports


class NoPaths(ValueError):
    """The fabric cannot be taken away there. Its text is one sentence."""


def names(member: Member) -> dict[str, str]:
    """WWPN of each HBA port of the host -> the fabric's name as the switch tells it (fabric_name), now. Raises
    NoPaths."""
    return {one.wwpn: one.fabric for one in _facts(member).hbas}


def addresses(member: Member, fabric: str) -> list[str]:
    """SCSI addresses of the declared paths through a fabric. fabric: its name, or the WWPN of the host's port on it.
    Raises NoPaths: the host does not tell, nothing is declared, or a LUN has no declared path elsewhere."""
    facts = _facts(member)
    ports_there = {one.wwpn for one in facts.hbas if fabric.lower() in (one.wwpn, one.fabric.lower())}
    if not ports_there:
        known = ", ".join(sorted({one.fabric or one.wwpn for one in facts.hbas}))
        raise NoPaths(f"{member.name} has no port on fabric {fabric!r}; it has {known or 'none'}.")
    declared = {(row.wwid, row.hba_wwpn, row.target_wwpn) for row in DeclaredPath.objects.filter(host_id=member.pk)}
    if not declared:
        raise NoPaths(f"No path is declared on {member.name}: declare them first, while they are whole.")
    through = {wwid for wwid, hba, _ in declared if hba in ports_there}
    alone = through - {wwid for wwid, hba, _ in declared if hba not in ports_there}
    if alone:
        raise NoPaths(f"{min(alone)} on {member.name} is declared through fabric {fabric} alone: it would be lost.")
    found = sorted(
        path.hctl
        for one in facts.maps
        for path in one.paths
        if path.hba_wwpn in ports_there and path.hctl and (one.wwid, path.hba_wwpn, path.target_wwpn) in declared
    )
    if not found:
        raise NoPaths(f"No declared path of {member.name} through fabric {fabric} is there.")
    return found


def _facts(member: Member) -> multipath.MultipathFacts:
    try:
        return paths.read(ports.shell_for(member.target).look(member.target, multipath.COMMANDS))
    except (LookFailed, ParseError) as error:
        raise NoPaths(f"The paths of {member.name} cannot be read. {error}") from None
