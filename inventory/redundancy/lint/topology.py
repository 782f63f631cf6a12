"""Rules on fabrics as a whole: who is on which, what was not read."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene

# what the proof and the rules need; without the rest they say all that they can
SWITCH_PARTS = ("all", "ports", "trunks", "logins", "zoning", "defined", "members", "counters", "sfps")
ARRAY_PARTS = (
    "all",
    "hosts",
    "controllers",
    "ports",
    "initiators",
    "links",
    "luns",
    "snapshots",
    "mapped",
    "pairs",
    "metro",
)


def _homes(scene: Scene) -> dict[str, list[Fabric]]:
    """WWPN of a host -> fabrics whose name server has it."""
    found: dict[str, list[Fabric]] = {}
    for fabric, login in scene.logged_in():
        if login.wwpn in scene.owners:
            found.setdefault(login.wwpn, []).append(fabric)
    return found


def single_fabric(scene: Scene) -> Iterator[Found]:
    """A host on one fabric. Only when every name server was read."""
    if any("logins" in fabric.why for fabric in scene.fabrics) or any(
        one.kind == "switch" for one in scene.estate.missing
    ):
        return
    on: dict[str, dict[str, list[str]]] = {}
    for wwpn, fabrics in _homes(scene).items():
        for fabric in fabrics:
            on.setdefault(scene.owners[wwpn], {}).setdefault(fabric.name, []).append(wwpn)
    for host, fabrics_of in sorted(on.items()):
        if len(fabrics_of) == 1:
            name, wwpns = next(iter(fabrics_of.items()))
            words = (
                f"{host} is logged in to {name} alone ({', '.join(wwpns)}): that fabric is all it has. Bring a port "
                "up on another fabric."
            )
            yield Found((host, name), ((f"name server of {name}", ", ".join(wwpns)),), words)


def two_fabrics(scene: Scene) -> Iterator[Found]:
    """One port in two name servers: fabrics that are joined somewhere, or a look from two times."""
    for wwpn, fabrics in _homes(scene).items():
        if len(fabrics) > 1:
            names = [fabric.name for fabric in fabrics]
            words = (
                f"{scene.name(wwpn)} is logged in to {' and '.join(names)}: the fabrics are joined or cabled "
                "crosswise. Find the link before a fault of one becomes a fault of both."
            )
            yield Found((wwpn, *names), tuple((f"name server of {name}", wwpn) for name in names), words)


def merged(scene: Scene) -> Iterator[Found]:
    """Fabrics that share a switch are one: two principals in it, or switches that were apart in the look before."""
    from_before = {wwn: fabric.name for fabric in scene.fabrics_before for wwn in fabric.switches}
    for fabric in scene.fabrics:
        heads = sorted(one.name for one in fabric.seen if one.principal)
        apart = sorted({from_before[wwn] for wwn in fabric.switches if wwn in from_before})
        if len(heads) > 1 or len(apart) > 1:
            names = heads if len(heads) > 1 else apart
            words = (
                f"{' and '.join(names)} were fabrics of their own and now share a switch: {fabric.name} is one "
                "fabric, and one fault takes both sides. Take the link between them out."
            )
            evidence = ((f"switches of {fabric.name}", ", ".join(sorted(fabric.switches))),)
            yield Found(tuple(names), evidence, words)


def firmware(scene: Scene) -> Iterator[Found]:
    """Switches of one estate run one release; so do the controllers of an array."""
    told = {switch.name: switch.firmware for switch in scene.estate.switches if switch.firmware}
    yield from _releases(told, "Switches", "switch")
    for array in scene.estate.arrays:
        told = {f"{array.name} {one.ident}": one.firmware for one in array.controllers if one.firmware}
        yield from _releases(told, "Controllers", "controller")


def _releases(told: dict[str, str], what: str, source: str) -> Iterator[Found]:
    if len(set(told.values())) > 1:
        words = f"{what} run different firmware ({', '.join(f'{k} {v}' for k, v in told.items())}): finish the update."
        yield Found(tuple(told), tuple((f"{source} {name}", release) for name, release in told.items()), words)


def unread(scene: Scene) -> Iterator[Found]:
    """What could not be read is not judged."""
    for one in scene.estate.missing:
        yield Found(
            (one.kind, one.name),
            ((one.name, one.why),),
            f"{one.kind.capitalize()} {one.name} gave no answer: {one.why}",
        )
    for switch in scene.estate.switches:
        yield from _parts(switch.name, {part: switch.unread[part] for part in SWITCH_PARTS if part in switch.unread})
    for array in scene.estate.arrays:
        yield from _parts(array.name, {part: array.unread[part] for part in ARRAY_PARTS if part in array.unread})
    for host in scene.estate.hosts:
        yield from _parts(host.name, {part: f"{host.name}: {why}" for part, why in host.unread.items()})


def _parts(name: str, why: dict[str, str]) -> Iterator[Found]:
    for part, reason in why.items():
        yield Found((name, part), ((name, reason),), f"{reason} What needs it is not judged.")
