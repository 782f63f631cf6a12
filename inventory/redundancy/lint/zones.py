"""Rules on single zones and aliases."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene
from inventory.redundancy.lint.typo import distance
from inventory.redundancy.zoning import sides
from portal.kernel.outcome import Outcome
from portal.kernel.san import Zone, wwn

STALE = 30  # days: a port that is down for a month is not coming back by itself


def _evidence(fabric: Fabric, zone: Zone) -> tuple[tuple[str, str], ...]:
    return ((f"effective zoning of {fabric.name}", f"{zone.name}: {'; '.join((*zone.principals, *zone.members))}"),)


def multi_initiator(scene: Scene) -> Iterator[Found]:
    """In a plain zone all members talk to all; in a peer zone only across."""
    for fabric, zone, _ in scene.effective():
        heads, members = sides(zone, {}, fabric)
        one, other = ([w for w in side if scene.is_initiator(w, fabric)] for side in (heads, members))
        together = sorted(set(one) | set(other)) if one and other else []
        if len(together) > 1:
            words = (
                f"Zone {zone.name} on {fabric.name} lets {len(together)} initiators talk to each other "
                f"({', '.join(map(scene.name, together[:3]))}): make one zone for each initiator, or a peer zone."
            )
            yield Found((fabric.name, zone.name), _evidence(fabric, zone), words)


def mixed_arrays(scene: Scene) -> Iterator[Found]:
    """Initiators with targets of several arrays."""
    for fabric, zone, members in scene.effective():
        arrays = sorted({scene.targets[wwpn][0].name for wwpn in members if wwpn in scene.targets})
        if len(arrays) > 1 and any(scene.is_initiator(wwpn, fabric) for wwpn in members):
            words = (
                f"Zone {zone.name} on {fabric.name} holds ports of {' and '.join(arrays)}: make a zone for each "
                "array, so that one can be taken out alone."
            )
            yield Found((fabric.name, zone.name), _evidence(fabric, zone), words)


def no_initiator(scene: Scene) -> Iterator[Found]:
    """Targets among themselves are right between arrays that replicate, and nowhere else."""
    for fabric, zone, members in scene.effective():
        targets = [wwpn for wwpn in members if scene.is_target(wwpn, fabric)]
        if not targets or any(scene.is_initiator(wwpn, fabric) for wwpn in members) or _replicate(scene, targets):
            continue
        words = (
            f"Zone {zone.name} on {fabric.name} has no initiator that is known, only {scene.name(targets[0])}: "
            "correct its members, or remove it."
        )
        yield Found((fabric.name, zone.name), _evidence(fabric, zone), words)


def _replicate(scene: Scene, targets: list[str]) -> bool:
    arrays = [scene.targets[wwpn][0] for wwpn in targets if wwpn in scene.targets]
    serials = {array.serial for array in arrays}
    return len(serials) > 1 and any(remote.serial in serials for array in arrays for remote in array.remotes)


def _absent(scene: Scene) -> Iterator[tuple[Fabric, Zone, str]]:
    """Members that no name server of their fabric has."""
    for fabric, zone, members in scene.effective():
        if "logins" not in fabric.why:
            for wwpn in members:
                if wwpn not in fabric.logins and wwn(wwpn):
                    yield fabric, zone, wwpn


def _familiar(scene: Scene, wwpn: str) -> bool:
    return wwpn in scene.owners or wwpn in scene.targets or wwpn in scene.estate.last_seen


def _days(scene: Scene, wwpn: str) -> int:
    """Whole days since a name server had it; 0 when that was not kept."""
    return int((scene.estate.at - scene.estate.last_seen.get(wwpn, scene.estate.at)) // 86400)


def stale(scene: Scene) -> Iterator[Found]:
    """Seen once, gone for long."""
    for fabric, zone, wwpn in _absent(scene):
        days = _days(scene, wwpn)
        if days >= STALE:
            words = (
                f"{scene.name(wwpn)} stands in zone {zone.name} on {fabric.name} and has not been logged in for "
                f"{days} days: remove it from the zone, or bring it back."
            )
            yield Found((fabric.name, zone.name, wwpn), _evidence(fabric, zone), words)


def unknown(scene: Scene) -> Iterator[Found]:
    """Nobody has such a port."""
    for fabric, zone, wwpn in _absent(scene):
        if not _familiar(scene, wwpn):
            words = (
                f"{wwpn} stands in zone {zone.name} on {fabric.name}, and no host, array or name server has such a "
                "port: correct the member, or remove it."
            )
            yield Found((fabric.name, zone.name, wwpn), _evidence(fabric, zone), words)


def zoned_not_logged_in(scene: Scene) -> Iterator[Found]:
    """A port that is known, zoned, and not there."""
    for fabric, zone, wwpn in _absent(scene):
        if _familiar(scene, wwpn) and _days(scene, wwpn) < STALE:
            words = (
                f"{scene.name(wwpn)} stands in zone {zone.name} and is not logged in to {fabric.name}: look at the "
                "port, its cable and its optic."
            )
            yield Found((fabric.name, zone.name, wwpn), _evidence(fabric, zone), words)


def typo(scene: Scene) -> Iterator[Found]:
    """A WWPN that nobody has, a keystroke or two from one that is logged in and in no zone."""
    for fabric, zone, wwpn in _absent(scene):
        if _familiar(scene, wwpn):
            continue
        loose = [
            one for one in fabric.logins if not scene.permits(fabric).everything and not _zoned(scene, fabric, one)
        ]
        near = sorted((distance(wwpn, one), one) for one in loose)
        if near and near[0][0] <= 2:
            words = (
                f"{wwpn} in zone {zone.name} on {fabric.name} differs by {near[0][0]} "
                f"digit{'s' if near[0][0] > 1 else ''} from {scene.name(near[0][1])}, which is logged in and in no "
                "zone: correct the alias."
            )
            yield Found((fabric.name, zone.name, wwpn), _evidence(fabric, zone), words)


def _zoned(scene: Scene, fabric: Fabric, wwpn: str) -> bool:
    effective = scene.permits(fabric).effective
    return effective is not None and effective.names(wwpn)


def alias_of_another(scene: Scene) -> Iterator[Found]:
    """The alias names one host and holds the port of another."""
    hosts = {host.name.split(".")[0].lower() for host in scene.estate.hosts}
    for fabric, zoning in scene.defined():
        for alias, members in zoning.aliases.items():
            named = [host for host in hosts if _names(alias.lower(), host, hosts)]
            for wwpn in members:
                owner = scene.hbas.get(wwpn, "").split(".")[0].lower()
                if len(named) == 1 and owner and owner != named[0]:
                    words = f"Alias {alias} on {fabric.name} names {named[0]} and holds {scene.name(wwpn)}: correct it."
                    yield Found(
                        (fabric.name, alias, wwpn),
                        ((f"aliases of {fabric.name}", f"{alias}: {'; '.join(members)}"),),
                        words,
                    )


def _names(alias: str, host: str, hosts: set[str]) -> bool:
    """Whether an alias names this host, and not a longer name that holds it (h1 in h10)."""
    return host in alias and not any(other != host and host in other and other in alias for other in hosts)


def alias_unresolved(scene: Scene) -> Iterator[Found]:
    """A member that is no alias, no WWPN and no port."""
    for fabric, zoning in scene.defined():
        for zone in scene.meant(zoning):
            for member in (*zone.principals, *zone.members):
                if member not in zoning.aliases and not _literal(member):
                    words = (
                        f"Zone {zone.name} on {fabric.name} names {member}, which is no alias, WWPN or port: define "
                        "the alias or correct the member."
                    )
                    evidence = ((f"defined zoning of {fabric.name}", f"{zone.name}: {'; '.join(zone.members)}"),)
                    yield Found((fabric.name, zone.name, member), evidence, words)


def _literal(member: str) -> bool:
    domain, comma, port = member.partition(",")
    return bool(wwn(member)) if not comma else domain.strip().isdigit() and port.strip().isdigit()


def alias_twice(scene: Scene) -> Iterator[Found]:
    """One WWPN under several names."""
    for fabric, zoning in scene.defined():
        names: dict[str, list[str]] = {}
        for alias, members in zoning.aliases.items():
            for wwpn in members:
                names.setdefault(wwpn, []).append(alias)
        for wwpn, aliases in names.items():
            if len(aliases) > 1:
                words = (
                    f"{scene.name(wwpn)} has {len(aliases)} aliases on {fabric.name} ({', '.join(aliases)}): keep "
                    "one, or one of them is a typing mistake."
                )
                yield Found((fabric.name, wwpn), ((f"aliases of {fabric.name}", "; ".join(aliases)),), words)


def port_zoned(scene: Scene) -> Iterator[Found]:
    """A member that means a socket, not a device."""
    for fabric, zone, _ in scene.effective():
        ports = [member for member in (*zone.principals, *zone.members) if "," in member]
        if ports:
            words = (
                f"Zone {zone.name} on {fabric.name} has the port{'s' if len(ports) > 1 else ''} {'; '.join(ports)} as "
                "members: whatever is plugged in there is let in. Use WWPNs."
            )
            yield Found((fabric.name, zone.name), _evidence(fabric, zone), words)


def all_access(scene: Scene) -> Iterator[Found]:
    """Without a configuration everybody may talk to everybody."""
    for fabric, zoning in scene.zonings():
        if zoning.all_access:
            now = not zoning.cfg_effective
            words = (
                f"The default zone of {fabric.name} lets everybody "
                f"talk{'' if now else ' once no configuration is in effect'}: set it to no access."
            )
            severity = None if now else Outcome.WARN
            yield Found((fabric.name,), ((f"zoning of {fabric.name}", "default-zone-access 1"),), words, severity)
