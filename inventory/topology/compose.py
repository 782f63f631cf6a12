"""From the proof to the picture: hosts, arrays, switches, fabrics and links with their state in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.evidence import Layer
from inventory.redundancy.fabrics import Fabric
from inventory.topology.arrays import array_box
from inventory.topology.hosts import host_boxes
from inventory.topology.parts import Box, Copy, Picture, Rail, State, Switch, Trunk, Wire
from inventory.topology.scene import Place, Scene
from portal.kernel.san import ArraySeen

NOWHERE = Place()
DEAD = ("offline", "faulty")  # words of a switch that forwards nothing


def picture(scene: Scene) -> Picture:
    """Everything that the proof, and what is known around it, has to show."""
    arrays = [array_box(scene, one) for one in sorted(scene.arrays.values(), key=lambda one: one.name)]
    hosts = host_boxes(scene)
    switches = tuple(_switches(scene))
    sites = _sites(scene, [*hosts, *arrays], switches)
    rails = tuple(_rail(scene, number, fabric) for number, fabric in enumerate(scene.fabrics))
    boxes = _ordered(sites, hosts, arrays)
    return Picture(sites, rails, switches, boxes, tuple(_trunks(scene)), tuple(_copies(scene)), _loose(scene))


def _sites(scene: Scene, boxes: Iterable[Box], switches: Iterable[Switch]) -> tuple[str, ...]:
    """The engine's own site first."""
    found = {one.site for one in boxes} | {one.site for one in switches}
    return tuple(sorted(found, key=lambda one: (one != scene.around.home, one)))


def _ordered(sites: tuple[str, ...], hosts: list[Box], arrays: list[Box]) -> tuple[Box, ...]:
    """Arrays of the first site stand at its end and those of the others at their beginning, so that replication is a
    short way."""
    found: list[Box] = []
    for number, site in enumerate(sites):
        mine = [[one for one in kind if one.site == site] for kind in (hosts, arrays)]
        found += mine[0] + mine[1] if number == 0 else mine[1] + mine[0]
    return tuple(found)


def _loose(scene: Scene) -> tuple[str, ...]:
    """What says nothing and cannot be drawn, since it never said anything."""
    drawn = {scene.name(key, "") for key in (*scene.switches, *scene.arrays)}
    return tuple(
        f"{one.kind.capitalize()} {one.name}: {one.why}" for one in scene.proof.estate.missing if one.name not in drawn
    )


# --- fabrics and switches ---------------------------------------------------------------------------------------------
def _switches(scene: Scene) -> Iterator[Switch]:
    for number, fabric in enumerate(scene.fabrics):
        for wwn in sorted(fabric.switches, key=lambda one: fabric.names.get(one, one)):
            yield _switch(scene, number, fabric, wwn)


def _switch(scene: Scene, rail: int, fabric: Fabric, wwn: str) -> Switch:
    name = scene.name(wwn, fabric.names.get(wwn, ""))
    place = scene.around.devices.get(name, NOWHERE)
    own = Element(Kind.SWITCH, wwn)
    state, word, words = _standing(scene, wwn, name)
    gone = scene.gone(own, Element(Kind.FABRIC, fabric.key))
    cuts = scene.is_cut(own)
    if gone:
        state, word, words = "", "taken away", f"{name} is taken away."
    elif cuts:
        words = scene.cuts[own].sentence
    site = place.site or scene.around.home
    return Switch(wwn, name, rail, site, state, word, colons(wwn), words, place.url, gone, cuts)


def _standing(scene: Scene, wwn: str, name: str) -> tuple[State, str, str]:
    """State, the switch's own word for it, and the sentence."""
    seen = scene.switches.get(wwn)
    why = scene.around.dark.get(wwn, "")
    if seen is None:
        return "unknown", "not read", f"{name} belongs to the fabric and is not declared, so it was not read."
    if why:
        return "unknown", "not known", why
    if seen.state in DEAD:
        return "fail", seen.state, f"{name} says that it is {seen.state}."
    if seen.state != "online":
        return "unknown", seen.state or "not told", f"{name} says {seen.state or 'nothing'} of its state."
    return "ok", "online", f"{name} is online."


def colons(wwn: str) -> str:
    """10:00:c4:f5:..."""
    return ":".join(wwn[i : i + 2] for i in range(0, len(wwn), 2))


def _rail(scene: Scene, number: int, fabric: Fabric) -> Rail:
    told = scene.live_fabric(number)
    if told is None:
        return Rail(number, f"Fabric {fabric.name}", "not known: no switch of it says anything", "unknown")
    zoning = told.zoning.cfg_effective if told.zoning else ""
    name = f"Fabric {told.name}" + (f", {zoning}" if zoning else "")
    parts = [Element(Kind.SWITCH, wwn) for wwn in fabric.switches]
    if scene.gone(Element(Kind.FABRIC, told.key)) or all(scene.gone(one) for one in parts):
        return Rail(number, name, "taken away", "")
    carried = carried_by(scene)
    state: State = "ok" if carried[number] else "fail" if any(carried.values()) else ""
    return Rail(number, name, _share(carried, number), state)


def _share(carried: Counter[int], number: int) -> str:
    mine, whole = carried[number], sum(carried.values())
    if not mine:
        return "carries no path"
    return (
        "carries every path there is" if mine == whole and len(carried) == 1 else f"carries {mine:,} of {whole:,} paths"
    )


def carried_by(scene: Scene) -> Counter[int]:
    """Rail -> how many paths run over it."""
    found: Counter[int] = Counter()
    for side in scene.proof.sides.values():
        for hba in side.pairs.host.hbas:
            plug = scene.plug(hba.wwpn)
            if plug is not None and scene.carries[hba.wwpn]:
                found[plug.rail] += scene.carries[hba.wwpn]
    return found


# --- links between switches, and between arrays -----------------------------------------------------------------------
def _trunks(scene: Scene) -> Iterator[Trunk]:
    """One for each two switches. Drawn as long as one of its links is left."""
    for fabric in scene.fabrics:
        dark = any(wwn in scene.around.dark for wwn in fabric.switches)
        by_ends: dict[tuple[str, str], list[Element]] = {}
        for cable in fabric.cables:
            key = "-".join(f"{owner}:{number}" for owner, number in (cable.a, cable.b))
            by_ends.setdefault((cable.a[0], cable.b[0]), []).append(Element(Kind.LINK, key))
        for (one, other), links in by_ends.items():
            ends = (Element(Kind.SWITCH, one), Element(Kind.SWITCH, other), Element(Kind.FABRIC, fabric.key))
            left = 0 if scene.gone(*ends) else sum(not scene.gone(link) for link in links)
            wire: Wire = "gone" if not left else "unknown" if dark else "live"
            count = f"{left} of {len(links)}" if left < len(links) else str(len(links))
            names = [fabric.names.get(wwn, wwn) for wwn in (one, other)]
            words = f"{count} link{'s' if len(links) != 1 else ''} between {names[0]} and {names[1]}"
            yield Trunk(one, other, f"{count} ISL", wire, words)


def _copies(scene: Scene) -> Iterator[Copy]:
    """Replication from the array that says that it is primary."""
    names = {one.serial: one for one in scene.arrays.values()}
    for array in names.values():
        told: Counter[str] = Counter()
        for pair in array.pairs:
            if pair.kind == "replication" and pair.primary and pair.remote_serial in names:
                told[pair.remote_serial] += 1
        for serial, count in told.items():
            yield _copy(scene, array, names[serial], count)


def _copy(scene: Scene, array: ArraySeen, other: ArraySeen, count: int) -> Copy:
    mine = [pair for pair in array.pairs if pair.remote_serial == other.serial and pair.primary]
    bad = [pair for pair in mine if pair.health != "1" or pair.running not in ("1", "23")]
    dark = array.serial in scene.around.dark
    wire: Wire = "unknown" if dark else "down" if bad else "live"
    if scene.gone(Element(Kind.ARRAY, array.serial), Element(Kind.ARRAY, other.serial)):
        wire = "gone"
    how = "sync" if all(pair.synchronous for pair in mine) else "async"
    words = f"{array.name} replicates {count} LUNs to {other.name}, {how}"
    if bad:
        words += f"; {len(bad)} of them not normally"
    return Copy(array.serial, other.serial, f"{how}, {count}", wire, words)


def layer_of(text: str) -> Layer:
    """The layer that a reader asked for; live when it is none."""
    return next((one for one in Layer if one.value == text), Layer.LIVE)
