"""Rules on the defined against the effective configuration, and on who is zoned to what."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene
from inventory.redundancy.zoning import sides
from portal.kernel.outcome import Outcome
from portal.kernel.san import Zone, Zoning


def _both(scene: Scene) -> Iterator[tuple[Fabric, Zoning, dict[str, Zone], dict[str, Zone]]]:
    """Fabrics with (effective, defined) zones by name."""
    for fabric, zoning in scene.defined():
        yield (
            fabric,
            zoning,
            {zone.name: zone for zone in zoning.effective},
            {zone.name: zone for zone in scene.meant(zoning)},
        )


def defined_not_effective(scene: Scene) -> Iterator[Found]:
    """Saved and not enabled."""
    for fabric, zoning, effective, defined in _both(scene):
        for name in sorted(defined.keys() - effective.keys()):
            words = (
                f"Zone {name} is defined in {zoning.cfg_effective} on {fabric.name} and not in effect, so what it "
                "is for does not work: enable the configuration."
            )
            yield Found((fabric.name, name), ((f"defined zoning of {fabric.name}", _raw(defined[name])),), words)


def effective_not_defined(scene: Scene) -> Iterator[Found]:
    """In effect until somebody enables the configuration again."""
    for fabric, zoning, effective, defined in _both(scene):
        if zoning.cfg_effective not in zoning.cfgs:
            continue  # rule DEFINED_CFG_NAME
        for name in sorted(effective.keys() - defined.keys()):
            words = (
                f"Zone {name} is in effect on {fabric.name} and not in the defined {zoning.cfg_effective}: it is "
                "gone at the next enabling. Add it, or remove it on purpose."
            )
            yield Found((fabric.name, name), ((f"effective zoning of {fabric.name}", _raw(effective[name])),), words)


def differs(scene: Scene) -> Iterator[Found]:
    """The same zone with other members."""
    for fabric, zoning, effective, defined in _both(scene):
        for name in sorted(effective.keys() & defined.keys()):
            now, then = (
                sides(effective[name], {}, fabric),
                sides(defined[name], zoning.aliases, fabric),
            )
            if now != then:
                more = sorted((then[0] | then[1]) - (now[0] | now[1]))
                less = sorted((now[0] | now[1]) - (then[0] | then[1]))
                said = [f"brings {', '.join(map(scene.name, more))}"] * bool(more)
                said += [f"takes away {', '.join(map(scene.name, less))}"] * bool(less)
                words = (
                    f"Zone {name} on {fabric.name} is defined otherwise than it is in effect: the next enabling "
                    f"{' and '.join(said) or 'changes who is principal'}. Decide which is right."
                )
                evidence = (
                    (f"effective zoning of {fabric.name}", _raw(effective[name])),
                    (f"defined zoning of {fabric.name}", _raw(defined[name])),
                )
                yield Found((fabric.name, name), evidence, words)


def _raw(zone: Zone) -> str:
    return f"{zone.name}: {'; '.join((*zone.principals, *zone.members))}"


def cfg_name(scene: Scene) -> Iterator[Found]:
    """The effective configuration must be one that is defined."""
    for fabric, zoning in scene.defined():
        names = ", ".join(sorted(zoning.cfgs)) or "none"
        evidence = ((f"zoning of {fabric.name}", f"effective {zoning.cfg_effective or 'none'}; defined {names}"),)
        if not zoning.cfg_effective:
            words = f"No configuration is in effect on {fabric.name} (defined: {names}): enable the right one."
            yield Found((fabric.name,), evidence, words, Outcome.FAIL)
        elif zoning.cfg_effective not in zoning.cfgs:
            words = (
                f"{fabric.name} runs {zoning.cfg_effective}, which is not defined there (defined: {names}): it "
                "cannot be enabled again. Define it anew from what is in effect."
            )
            yield Found((fabric.name,), evidence, words)


def open_transaction(scene: Scene) -> Iterator[Found]:
    """Somebody is at it."""
    for fabric, zoning in scene.zonings():
        if zoning.transaction:
            who = f" by {zoning.holder}" if zoning.holder else ""
            words = f"Changes to the zoning of {fabric.name} are open{who}: have them committed or given up."
            yield Found((fabric.name,), ((f"zoning of {fabric.name}", "a transaction is open"),), words)


def not_zoned_on_fabric(scene: Scene) -> Iterator[Found]:
    """A host that reaches an array over one fabric has to reach it over every fabric on which both are."""
    for (host, array), fabrics in _meetings(scene).items():
        over = [fabric.name for fabric, zoned in fabrics if zoned]
        for fabric, zoned in fabrics:
            if over and not zoned:
                words = (
                    f"{host} is zoned to {array} on {', '.join(over)} and not on {fabric.name}: one fabric carries "
                    "all its paths. Zone it there too."
                )
                yield Found(
                    (host, array, fabric.name), ((f"effective zoning of {fabric.name}", "no zone has both"),), words
                )


def _meetings(scene: Scene) -> dict[tuple[str, str], list[tuple[Fabric, bool]]]:
    """(host, array) -> the fabrics on which both are, and whether any of their ports are zoned together."""
    found: dict[tuple[str, str], list[tuple[Fabric, bool]]] = {}
    for fabric in scene.fabrics:
        effective = scene.permits(fabric).effective
        if effective is None or "logins" in fabric.why:
            continue
        ours: dict[str, list[str]] = {}
        theirs: dict[str, list[str]] = {}
        for wwpn in fabric.logins:
            if wwpn in scene.owners:
                ours.setdefault(scene.owners[wwpn], []).append(wwpn)
            elif wwpn in scene.targets:
                theirs.setdefault(scene.targets[wwpn][0].name, []).append(wwpn)
        everything = scene.permits(fabric).everything
        for host, hbas in ours.items():
            for array, targets in theirs.items():
                zoned = everything or any(effective.allows(hba, target) for hba in hbas for target in targets)
                found.setdefault((host, array), []).append((fabric, zoned))
    return found


def controller_missed(scene: Scene) -> Iterator[Found]:
    """An HBA port that is zoned to an array reaches each of its controllers that is on the fabric."""
    for fabric, login in scene.logged_in():
        effective = scene.permits(fabric).effective
        if effective is None or scene.permits(fabric).everything or login.wwpn not in scene.owners:
            continue
        there: dict[tuple[str, str], bool] = {}
        for wwpn in fabric.logins:
            if wwpn in scene.targets:
                array, port = scene.targets[wwpn]
                key = (array.name, port.controller)
                there[key] = there.get(key, False) or effective.allows(login.wwpn, wwpn)
        reached = {array for (array, _), zoned in there.items() if zoned}
        for (array_name, controller), zoned in sorted(there.items()):
            if array_name in reached and not zoned:
                words = (
                    f"{scene.name(login.wwpn)} is zoned to {array_name} on {fabric.name} and not to its controller "
                    f"{controller}: add a port of that controller to the zone."
                )
                evidence = ((f"effective zoning of {fabric.name}", f"no zone has both {login.wwpn} and {controller}"),)
                yield Found((login.wwpn, array_name, controller), evidence, words)


def logged_in_not_zoned(scene: Scene) -> Iterator[Found]:
    """There, and allowed nothing."""
    for fabric, login in scene.logged_in():
        permits = scene.permits(fabric)
        if permits.effective is None or permits.everything or permits.effective.names(login.wwpn):
            continue
        words = (
            f"{scene.name(login.wwpn)} is logged in to {fabric.name} and in no effective zone: zone it, or unplug it."
        )
        yield Found(
            (fabric.name, login.wwpn), ((f"name server of {fabric.name}", f"{login.wwpn} at {login.fcid}"),), words
        )
