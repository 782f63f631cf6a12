"""Arrays in the picture: controllers, ports, and LUNs grouped by who uses them."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.judge import numbers
from inventory.redundancy.layers import HostLun
from inventory.topology.hosts import judged, wanted
from inventory.topology.parts import Box, Item, Part, Path, State
from inventory.topology.ports import of_array
from inventory.topology.scene import Place, Scene
from portal.kernel.outcome import worst
from portal.kernel.san import ArraySeen, Controller

GROUPS = 6  # lines in an array's box
NOWHERE = Place()
HEALTHY = ("1", "")


def array_box(scene: Scene, array: ArraySeen) -> Box:
    """One array. When it says nothing now, it is drawn as it was, and not known."""
    name = scene.name(array.serial, array.name)
    place = scene.around.devices.get(name, NOWHERE)
    why = scene.around.dark.get(array.serial, "")
    gone = scene.gone(Element(Kind.ARRAY, array.serial))
    summary = next((one for one in scene.proof.arrays if one.key == array.serial), None)
    cells = _there(scene, summary.cells) if summary else ()
    state: State = "unknown" if why else ""
    words = why or "No watched host has a LUN of it."
    if summary and cells:
        state, words = judged(scene, cells, summary.outcome, summary.sentence)
    parts = tuple(_controller(scene, array, one, why) for one in array.controllers)
    about = (
        "taken away" if gone else "not known" if why else f"{len(array.luns)} LUNs" if cells else "not mapped to hosts"
    )
    ports = of_array(scene, array, why)
    items = () if gone or why else _groups(scene, array, cells)
    site = place.site or scene.around.home
    return Box(
        array.serial, "array", name, site, "" if gone else state, about, words, ports, items, parts, "", place.url, gone
    )


def _there(scene: Scene, cells: Sequence[HostLun]) -> Sequence[HostLun]:
    """LUNs on hosts that are left: what a host that dies itself cannot use says nothing of a LUN. Without any such host
    all of them."""
    gone = scene.what.hosts_gone if scene.what is not None else ()
    return [one for one in cells if one.host not in gone] or cells


def _controller(scene: Scene, array: ArraySeen, one: Controller, why: str) -> Part:
    own = Element(Kind.CONTROLLER, f"{array.serial}/{one.ident}")
    gone = scene.gone(own, Element(Kind.ARRAY, array.serial))
    cut = scene.cuts.get(own)
    state: State = "unknown" if why else "ok" if one.health in HEALTHY else "fail"
    words = why or f"Controller {one.ident}: health {one.health or 'not told'}, running {one.running or 'not told'}"
    if cut:
        state, words = "fail", cut.sentence
    return Part(own.key, one.ident, "" if gone else state, words, scene.toggle(own), gone, bool(cut))


# --- LUNs -------------------------------------------------------------------------------------------------------------
def _groups(scene: Scene, array: ArraySeen, cells: Sequence[HostLun]) -> tuple[Item, ...]:
    """LUNs by their user; the engine's own first. LUNs that nobody uses are one group, those of no host another."""
    users = {wwid: use for use in reversed(scene.proof.estate.uses) for wwid in use.wwids}
    by_user: dict[str, list[HostLun]] = {}
    for one in cells:
        use = users.get(one.wwid)
        by_user.setdefault(use.name if use else "not used", []).append(one)
    first = {use.name for use in scene.proof.estate.uses if use.hosted_engine}
    names = sorted(by_user, key=lambda one: (one not in first, one == "not used", one))
    found = [_group(scene, one, by_user[one]) for one in names]
    if len(found) > GROUPS:
        found.sort(key=lambda one: ("fail", "unknown", "warn", "ok", "").index(one.state))
        rest = len(found) - GROUPS + 1
        found = found[: GROUPS - 1]
        found.append(Item(f"more:{array.serial}", f"and {rest} more groups", "", "", "They stand among the LUNs."))
    away = len({f"3{one.wwn}" for one in array.luns} - {one.wwid for one in cells})
    if away:
        what = f"{away} LUN{'s' if away != 1 else ''}"
        copies = sum(not pair.primary for pair in array.pairs if pair.primary is not None)
        about = "copies, mapped to no watched host" if copies else "mapped to no watched host"
        found.append(Item(f"away:{array.serial}", what, about, "", "No watched host is given these LUNs."))
    return tuple(found)


def _group(scene: Scene, user: str, cells: Sequence[HostLun]) -> Item:
    luns = list(dict.fromkeys(one.wwid for one in cells))
    names = list(dict.fromkeys(one.name for one in cells))
    state, words = judged(scene, cells, worst(one.outcome for one in cells), _named(cells))
    least = min(cells, key=scene.left)
    about = names[0] if len(luns) == 1 else f"{len(luns)} LUNs"
    url = scene.around.luns.get(luns[0], NOWHERE).url if len(luns) == 1 else scene.around.vms.get(user, NOWHERE).url
    said = f"{about}, {scene.left(least)} of {wanted(least)} per host"
    return Item(f"luns:{user}:{luns[0]}", user, said, state, words, url, _marks(scene, least))


def _named(cells: Sequence[HostLun]) -> str:
    outcome = worst(one.outcome for one in cells)
    bad = [one for one in cells if one.outcome is outcome]
    points = [point for one in bad for point in one.live.points]
    where = f"{bad[0].name} on {bad[0].host}"
    return f"{where} and {len(bad) - 1} more: {bad[0].outcome.value}" + (", one element cuts it" if points else "")


def _marks(scene: Scene, cell: HostLun) -> tuple[tuple[str, tuple[Path, ...]], ...]:
    """One mark for each path that any layer knows, by fabric, in the order of the rails."""
    side = scene.proof.sides[cell.host]
    every = 0
    for layer in cell.layers.values():
        every |= layer.bits
    after = scene.remains(cell)
    live = cell.layers[scene.layer].bits if after is None else after.bits
    dark = bool(cell.layers[scene.layer].why)
    by_rail: dict[int, list[Path]] = {}
    for n in numbers(every):
        plug = scene.plug(side.pairs.pairs[n][0])
        mark: Path = "active" if live >> n & 1 else "unknown" if dark and after is None else "faulty"
        by_rail.setdefault(plug.rail if plug else len(scene.fabrics), []).append(mark)
    return tuple((_letter(scene, rail), tuple(by_rail[rail])) for rail in sorted(by_rail))


def _letter(scene: Scene, rail: int) -> str:
    return "ABCDEFGH"[rail] if rail < min(8, len(scene.fabrics)) else "?"
