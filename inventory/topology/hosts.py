"""Hosts in the picture: one by one while there is room, those that are alike as one box beyond that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Use
from inventory.redundancy.layers import HostLun
from inventory.topology.parts import Box, Item, Port, State
from inventory.topology.ports import merged, of_host
from inventory.topology.scene import Place, Scene
from portal.kernel.outcome import Outcome, worst

SINGLE = 6  # hosts of a site that are drawn one by one
APART = 3  # hosts that differ from the others, drawn beside their groups
GROUPS = 4  # boxes of hosts that are alike, at each site
VMS = 4  # lines in a host's box
ORDER: tuple[State, ...] = ("fail", "unknown", "warn", "ok", "")
NOWHERE = Place()


def host_boxes(scene: Scene) -> list[Box]:
    """All hosts, in the order of their names; groups after single ones."""
    boxes = [_host(scene, one) for one in sorted(scene.proof.sides)]
    found: list[Box] = []
    for site in dict.fromkeys(one.site for one in boxes):
        found += _grouped([one for one in boxes if one.site == site], _carriers(scene))
    return found


def _carriers(scene: Scene) -> frozenset[str]:
    """Boxes of the hosts that run an engine's VM: they stand by themselves, however many hosts there are."""
    uses = scene.proof.estate.uses
    return frozenset(f"host:{use.runs_on}" for use in uses if use.hosted_engine and use.kind == "vm")


def _grouped(boxes: list[Box], apart: frozenset[str]) -> list[Box]:
    if len(boxes) <= SINGLE:
        return boxes
    kinds: dict[object, list[Box]] = {}
    for one in boxes:
        kinds.setdefault((_kind(one), one.key in apart), []).append(one)
    single = [one for mine in kinds.values() if len(mine) < 3 for one in mine]
    single.sort(key=lambda one: one.key not in apart)
    groups = [mine for mine in kinds.values() if len(mine) >= 3]
    if len(single) > APART:
        rest: dict[object, list[Box]] = {}
        for one in single[APART:]:
            rest.setdefault(tuple((port.rail, port.switch) for port in one.ports), []).append(one)
        groups += rest.values()
        single = single[:APART]
    found = single + [_group(mine) if len(mine) > 1 else mine[0] for mine in _few(groups)]
    return sorted(found, key=lambda one: [port.switch for port in one.ports])  # short ways


def _few(groups: list[list[Box]]) -> list[list[Box]]:
    """The worst and largest groups as they are; what is beyond them, together by its verdict."""
    groups = sorted(groups, key=lambda mine: (ORDER.index(mine[0].state), -len(mine)))
    rest: dict[State, list[Box]] = {}
    for mine in groups[GROUPS:]:
        rest.setdefault(mine[0].state, []).extend(mine)
    return [*groups[:GROUPS], *(sorted(mine, key=lambda one: one.name) for mine in rest.values())]


def _kind(box: Box) -> object:
    """What makes hosts alike: the same switches, links in the same state, the same verdict."""
    return box.state, box.gone, box.about, tuple((port.rail, port.switch, port.wire) for port in box.ports)


def _group(boxes: list[Box]) -> Box:
    by_switch: dict[tuple[int | None, str], list[Port]] = {}
    for box in boxes:
        for port in box.ports:
            by_switch.setdefault((port.rail, port.switch), []).append(port)
    ports = tuple(replace(merged(mine, "HBA"), toggle="") for mine in by_switch.values())
    items = tuple(Item(one.key, one.name, "", one.state, one.words, one.url, gone=one.gone) for one in boxes)
    state = _worst([one.state for one in boxes])
    said = {one.about for one in boxes}
    about = said.pop() if len(said) == 1 else "not all alike"
    words = next(one.words for one in boxes if one.state == state)
    gone = all(one.gone for one in boxes)
    return Box(
        f"hosts:{boxes[0].key}",
        "hosts",
        f"{len(boxes)} hosts",
        boxes[0].site,
        state,
        about,
        words,
        ports,
        items,
        gone=gone,
    )


def _worst(states: Sequence[State]) -> State:
    return min(states, key=ORDER.index)


def _host(scene: Scene, name: str) -> Box:
    place = scene.around.hosts.get(name, NOWHERE)
    summary = next(one for one in scene.proof.hosts if one.name == name)
    gone = scene.gone(Element(Kind.HOST, name)) or (scene.what is not None and name in scene.what.hosts_gone)
    state, words = judged(scene, summary.cells, summary.outcome, summary.sentence)
    about = counted(scene, summary.cells)
    if gone:
        state, about, words = "", "taken away", "Its VMs need another host."
    cards = sorted({hba.card.split(".")[0] for hba in scene.proof.sides[name].pairs.host.hbas if hba.card})
    bare = [one.removeprefix("0000:") for one in cards]
    foot = f"card{'s' if len(cards) != 1 else ''} {', '.join(bare)}" if cards else "cards not known"
    items = tuple(_uses(scene, name)) if not gone else ()
    site = place.site or scene.around.home
    return Box(
        f"host:{name}", "host", name, site, state, about, words, of_host(scene, name), items, (), foot, place.url, gone
    )


def judged(scene: Scene, cells: Sequence[HostLun], outcome: Outcome, sentence: str) -> tuple[State, str]:
    """The verdict on some LUNs on their hosts: the proof's own, or what the reader's loss leaves of it."""
    if not cells:
        return "", "No LUN."
    if scene.what is None:
        chosen = worst(one.layers[scene.layer].outcome for one in cells)
        return outcome.value if scene.layer == "live" else chosen.value, sentence
    after = [left for one in cells if (left := scene.remains(one)) is not None]
    lost = [one for one in after if not one.after and one.before]
    if lost:
        return "fail", f"{len(lost)} of {len(after)} LUNs lose all paths."
    if any(one.cell.layers[scene.layer].why for one in after):
        return "unknown", "Not everything was read, so what remains is not known."
    weak = [one for one in after if one.points]
    if weak:
        return "warn", f"{len(weak)} of {len(after)} LUNs hang on {scene.proof.label(weak[0].points[0])}."
    return "ok", f"Each of {len(after)} LUNs keeps its redundancy."


def counted(scene: Scene, cells: Sequence[HostLun]) -> str:
    """ "2 of 4 paths per LUN", of the LUN that has the fewest."""
    if not cells:
        return "no LUN"
    least = min(cells, key=scene.left)
    whole = max(wanted(one) for one in cells)
    dark = " known" if scene.what is None and least.layers[scene.layer].why else ""
    return f"{scene.left(least)} of {whole}{dark} paths per LUN"


def wanted(cell: HostLun) -> int:
    """How many paths a LUN has where all is well: the most that any layer knows."""
    return max(one.pairs for one in cell.layers.values())


# --- who runs there ---------------------------------------------------------------------------------------------------
def _uses(scene: Scene, host: str) -> Iterator[Item]:
    mine = [use for use in scene.proof.estate.uses if use.kind == "vm" and use.runs_on == host]
    mine.sort(key=lambda use: (not use.hosted_engine, use.name))
    for use in mine[: VMS - (len(mine) > VMS)]:
        yield _vm(scene, host, use)
    if len(mine) > VMS:
        yield Item(f"more:{host}", f"and {len(mine) - VMS + 1} more VMs", "", "", "They stand on the host's page.")


def _vm(scene: Scene, host: str, use: Use) -> Item:
    cells = [scene.proof.cells[host, wwid] for wwid in use.wwids if (host, wwid) in scene.proof.cells]
    state, words = judged(scene, cells, worst(one.outcome for one in cells), _sentence(scene, use))
    about = f"{len(use.wwids)} LUN{'s' if len(use.wwids) != 1 else ''}, {words_of(scene, cells)}"
    return Item(f"vm:{use.name}", use.name, about, state, words, scene.around.vms.get(use.name, NOWHERE).url)


def words_of(scene: Scene, cells: Sequence[HostLun]) -> str:
    """ "4 paths", of the LUN that has the fewest."""
    least = min(map(scene.left, cells), default=0)
    return "no path" if not least else f"{least} path{'s' if least != 1 else ''}"


def _sentence(scene: Scene, use: Use) -> str:
    return next((one.sentence for one in scene.proof.vms if one.name == use.name), "")
