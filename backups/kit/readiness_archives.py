"""Archives: is there a proven one, at two places, and can somebody open it and an appliance restore it?"""

from __future__ import annotations

from dataclasses import replace

from backups.catalog.versions import restorable, version_of
from backups.kit.content import Archive, Kit, Place
from backups.kit.line import Limits, Line, Part
from backups.kit.words import listed, size, when
from portal.kernel.outcome import Outcome


def latest(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """The newest archive that is proven restorable: its age, and the sites that hold it."""
    part = Part("archive", "Latest proven archive", kit.archives.source, now, limits.collected)
    archive = kit.archives.latest
    if kit.archives.source.at is None:
        return [part.unknown("Look at the catalog of backups.")]
    if archive is None:
        return [part.line(Outcome.FAIL, "No archive is proven restorable. Take a backup and rehearse it.")]
    age = min(archive.taken, kit.archives.source.at)
    part = replace(part, source=replace(part.source, at=age), max_age=limits.archive)
    taken = when(archive.taken, kit.zone)
    told = f"{archive.name}, {size(archive.size)}, was taken {taken} and is proven to {archive.proven_to}"
    lost = [place for place in archive.places if place.holds is False]
    sites = {place.site for place in archive.places if place.holds}
    if not sites:
        return [part.line(Outcome.FAIL, f"{told}, but no place is known to hold it. Copy it off the engine VM.")]
    if lost:
        return [part.line(Outcome.WARN, f"{told}, but {_where(lost[0])} does not hold it whole. Copy it there again.")]
    at_sites = f"{len(sites)} {'site holds' if len(sites) == 1 else 'sites hold'} it"
    if len(sites) < limits.places:
        return [part.line(Outcome.WARN, f"{told}; {at_sites}, {limits.places} must. Add a copy at another site.")]
    return [part.good(f"{told}; {at_sites}.")]


def previous(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """The good one before it: for the day on which the latest one holds the damage itself."""
    part = Part("archive_previous", "Previous proven archive", kit.archives.source, now, limits.collected)
    archive = kit.archives.previous
    if kit.archives.source.at is None:
        return [part.unknown("Look at the catalog of backups.")]
    if archive is None:
        return [part.line(Outcome.WARN, "There is no proven archive before the latest one. Rehearse one more.")]
    held = [place for place in archive.places if place.holds]
    if not held:
        return [part.line(Outcome.WARN, f"{archive.name} is proven and no place is known to hold it. Look for it.")]
    return [part.good(f"{archive.name}, taken {when(archive.taken, kit.zone)}, lies at {_where(held[0])}.")]


def opening(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """Who can open the latest archive: one person alone is a gap."""
    part = Part("opening", "Opening the archive", kit.archives.source, now, limits.collected)
    archive = kit.archives.latest
    if kit.archives.source.at is None or archive is None:
        return [part.unknown("It is known once an archive is proven.")]
    if not archive.encryption:
        return [part.good(f"{archive.name} is not encrypted: it opens without a key, for anybody.")]
    able = [one for one in kit.archives.recipients if one.name in archive.recipients]
    held = [one for one in able if one.custodian and one.custody]
    if not able:
        return [
            part.line(Outcome.FAIL, f"Nobody is known who can open {archive.name}. Name the recipients of its key.")
        ]
    if not held:
        names = listed(one.name for one in able)
        return [
            part.line(Outcome.FAIL, f"{names} can open it, and where the private key lies is not known. Say where.")
        ]
    told = listed(f"{one.custodian} ({one.custody})" for one in held)
    if len(held) == 1:
        return [part.line(Outcome.WARN, f"Only {told} can open it. Add a second recipient.")]
    return [part.good(f"{told} can open it.")]


def appliance(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """Archive <= appliance, on every host that may be the target (facts/engine-backup.md 7)."""
    archive = kit.archives.latest
    if not kit.hosts:
        part = Part("appliance", "Appliance", kit.engine.source, now, limits.collected)
        return [part.line(Outcome.UNKNOWN, "No host is known, so no appliance is. Look at the hosts.")]
    found = []
    for host in [one for one in kit.hosts if not kit.bystander(one)]:
        part = Part(f"appliance:{host.name}", f"Appliance on {host.name}", host.source, now, limits.collected)
        if host.source.at is None:
            found.append(part.unknown(f"Look at {host.name} over SSH."))
            continue
        package = host.package("ovirt-engine-appliance")
        if not package:
            todo = "Install it there, or keep its RPM at hand: dnf install ovirt-engine-appliance."
            listed_at_all = bool(host.packages)
            outcome = Outcome.FAIL if listed_at_all else Outcome.UNKNOWN
            verb = "has no ovirt-engine-appliance" if listed_at_all else "did not list its packages"
            found.append(part.line(outcome, f"{host.name} {verb}. {todo}"))
            continue
        found.append(_fits(part, host.name, package, host.appliance_engine, archive))
    return found


def _fits(part: Part, host: str, package: str, inside: str, archive: Archive | None) -> Line:
    told = f"{host} has ovirt-engine-appliance {package}"
    taken, ready = version_of(archive.engine_version) if archive else None, version_of(inside)
    if ready is None:
        todo = "look into /usr/share/doc/ovirt-engine-appliance for the ovirt-engine package"
        return part.line(Outcome.UNKNOWN, f"{told}; which engine is inside is not known: {todo}.")
    if archive is None or taken is None:
        return part.line(Outcome.UNKNOWN, f"{told} with engine {inside}; the archive's version is not known.")
    if not restorable(taken, ready):
        told = f"{told} with engine {inside}, older than the archive's {archive.engine_version}"
        return part.line(Outcome.FAIL, f"{told}: the restore would stop. Update the appliance.")
    return part.good(f"{told} with engine {inside}; the archive needs {archive.engine_version}.")


def _where(place: Place) -> str:
    return f"{place.site} {place.where}".strip()
