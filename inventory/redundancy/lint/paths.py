"""Rules on the layers: what is designed, logged in and seen must be the same pairs."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import numbers
from inventory.redundancy.layers import HostLun
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene

WORDS = {
    Layer.DESIGNED: "designed",
    Layer.LOGGED_IN: "logged in",
    Layer.SEEN: "seen by multipath",
    Layer.LIVE: "live",
}


def _lacking(scene: Scene, have: Layer, lack: Layer, advice: str) -> Iterator[Found]:
    """Pairs that one layer has and the other lacks; LUNs of a host that lack the same are told once. A layer in which
    something was not read lacks nothing for certain."""
    alike: dict[tuple[str, int], list[HostLun]] = {}
    for cell in scene.proof.cells.values():
        one, other = cell.layers[have], cell.layers[lack]
        gone = one.bits & ~other.bits
        if gone and not one.why and not other.why:
            alike.setdefault((cell.host, gone), []).append(cell)
    for (host, bits), cells in alike.items():
        pairs = [scene.proof.sides[host].pairs.pairs[n] for n in numbers(bits)]
        what = ", ".join(f"{hba} to {scene.name(target)}" for hba, target in pairs[:2])
        more = f" and {len(pairs) - 2} more" if len(pairs) > 2 else ""
        luns = f"{cells[0].name}" + (
            f" and {len(cells) - 1} more LUN{'s' if len(cells) > 2 else ''}" if len(cells) > 1 else ""
        )
        count = "1 path" if len(pairs) == 1 else f"{len(pairs)} paths"
        words = (
            f"{count} of {luns} on {host} {'is' if len(pairs) == 1 else 'are'} {WORDS[have]} and not {WORDS[lack]} "
            f"({what}{more}): {advice}."
        )
        evidence = (
            (WORDS[have], f"{cells[0].layers[have].pairs} paths"),
            (WORDS[lack], f"{cells[0].layers[lack].pairs} paths"),
        )
        yield Found((host, *(f"{hba}>{target}" for hba, target in pairs)), evidence, words)


def seen_below_designed(scene: Scene) -> Iterator[Found]:
    """What a path check by counting failed paths never sees: vanished ones."""
    yield from _lacking(scene, Layer.DESIGNED, Layer.SEEN, "look at these ports and cables, then rescan")


def designed_not_logged_in(scene: Scene) -> Iterator[Found]:
    """The fabric does not carry what was designed."""
    yield from _lacking(scene, Layer.DESIGNED, Layer.LOGGED_IN, "look at port, cable and the array's link")


def logged_in_not_designed(scene: Scene) -> Iterator[Found]:
    """Works by something that is not in the design: it may be gone after the next change."""
    yield from _lacking(scene, Layer.LOGGED_IN, Layer.DESIGNED, "put them into the design, or take them away")


def logged_in_not_seen(scene: Scene) -> Iterator[Found]:
    """The array holds the nexus and the host has no device."""
    yield from _lacking(scene, Layer.LOGGED_IN, Layer.SEEN, "rescan the host, and see why its devices are gone")


def seen_not_logged_in(scene: Scene) -> Iterator[Found]:
    """Looks from different times, or a path that is about to fail."""
    yield from _lacking(scene, Layer.SEEN, Layer.LOGGED_IN, "look again; when it stays, the path is about to fail")


def hosts_unlike(scene: Scene) -> Iterator[Found]:
    """Two hosts with one LUN and different numbers of live paths."""
    for lun in scene.proof.luns:
        known = [cell for cell in lun.cells if not cell.live.why]
        counts = {cell.host: cell.live.pairs for cell in known}
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{host} {count}" for host, count in sorted(counts.items(), key=lambda item: item[1])[:4])
            words = f"{lun.name} has different numbers of paths on its hosts ({said}): bring them up to the best."
            yield Found((lun.key,), (("live paths", said),), words)


def declared_not_designed(scene: Scene) -> Iterator[Found]:
    """A path that people approved and that cabling, zoning and mapping do not give."""
    for (host, wwid), agreed in scene.estate.declared.paths.items():
        cell = scene.proof.cells.get((host, wwid))
        if cell is None or cell.layers[Layer.DESIGNED].why:
            continue
        gone = sorted(agreed - set(scene.proof.pairs(cell, Layer.DESIGNED)))
        if gone:
            hba, target = gone[0]
            words = (
                f"{len(gone)} of {len(agreed)} declared paths of {cell.name} on {host} are not in zoning and mapping "
                f"(first: {hba} to {scene.name(target)}): zone and map them, or declare anew what shall be."
            )
            evidence = (
                ("declared", f"{len(agreed)} paths"),
                ("designed", f"{cell.layers[Layer.DESIGNED].pairs} paths"),
            )
            yield Found((host, wwid, *(f"{hba}>{target}" for hba, target in gone)), evidence, words)


def priorities_differ(scene: Scene) -> Iterator[Found]:
    """A Dorado serves a LUN over all its ports alike (facts/san.md 3.2), so paths that are preferred mean that the host
    is set to asymmetric access there, and half of them carry nothing. Of HyperMetro the far array's paths may rank
    lower."""
    for host in scene.estate.hosts:
        given = scene.proof.sides[host.name].san.mappings
        ranks: dict[str, set[int]] = {}
        for path in host.paths:
            if path.priority is not None and path.state == "up" and path.wwid in given.homes:
                ranks.setdefault(path.wwid, set()).add(path.priority)
        uneven = {
            wwid: sorted(found, reverse=True)
            for wwid, found in ranks.items()
            if len(found) > 1 and wwid not in given.metro | given.perhaps
        }
        if uneven:
            wwid, found = next(iter(uneven.items()))
            name = scene.proof.cells[host.name, wwid].name
            luns = name + (
                f" and {len(uneven) - 1} more LUN{'s' if len(uneven) > 2 else ''}" if len(uneven) > 1 else ""
            )
            said = ", ".join(map(str, found))
            words = (
                f"Paths of {luns} on {host.name} have priorities {said}, so only the first carry I/O: set the host's "
                "access mode on the array to load balancing."
            )
            yield Found((host.name, *sorted(uneven)), (("multipath", f"priorities {said}"),), words)
