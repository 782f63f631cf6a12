"""Is a LUN on a host reached as declared? Paths that vanish leave no failed path behind, so only the declaration
tells (facts/luns-and-tuning.md 0.1, 3.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from inventory.probes.reading.multipath import HbaFact, MapFact, PathFact, size_fits, wwpn
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome, worst
from portal.kernel.probe import DeclaredPath

NO_PATH = "has no working path"  # what people are told of in an approved window, too (verdicts/alarming.py)
Said = tuple[Outcome, str]
Pair = tuple[str, str]


def pairs(declared: Iterable[DeclaredPath]) -> set[Pair]:
    """Declared paths as (HBA, target) in one spelling."""
    return {(wwpn(one.hba_wwpn), wwpn(one.target_wwpn)) for one in declared}


def pairs_of(one: MapFact, standing: str) -> set[Pair]:
    """The (HBA, target) pairs of a map's paths that stand so."""
    return {(path.hba_wwpn, path.target_wwpn) for path in one.paths if path.standing == standing}


def lun_finding(one: MapFact, declared: Iterable[DeclaredPath] | None, hbas: tuple[HbaFact, ...], host: str) -> Finding:
    """The worst of what is to say about a map. declared None or empty: nobody said which paths must exist."""
    wanted = pairs(declared or ())
    said = [*_map_words(one, host), *_path_words(one), _declared_words(one, wanted, hbas, host)]
    outcome = worst(each for each, _ in said)
    sentence = " ".join(words for each, words in said if each is outcome)
    return Finding("paths", outcome, Subject("lun", one.wwid), sentence)


def missing_finding(wwid: str, declared: Iterable[DeclaredPath], host: str) -> Finding:
    """A declared LUN that the host does not have: it blocks an HA restart and a migration to it."""
    count = len(pairs(declared))
    words = f"{host} does not have LUN {wwid}, {count} declared paths are gone: see zoning and mapping, then rescan."
    return Finding("paths", Outcome.FAIL, Subject("lun", wwid), words)


def _map_words(one: MapFact, host: str) -> list[Said]:
    """Faults of the map itself: suspended, read-only, sizes that differ."""
    said: list[Said] = []
    if one.state.startswith("suspend"):
        said.append((Outcome.FAIL, f"LUN {one.wwid} is suspended on {host}: all I/O waits. See `dmsetup info`."))
    if one.write_protect == "ro":
        said.append((Outcome.FAIL, f"LUN {one.wwid} is read-only on {host}: see the array's mapping."))
    sizes = sorted({path.size for path in one.paths if path.size and path.size[0].isdigit()})
    unfit = [size for size in sizes if one.size is not None and size_fits(size, one.size) is False]
    if len(sizes) > 1 or unfit:
        said.append(
            (
                Outcome.FAIL,
                f"LUN {one.wwid} has paths of different size on {host} ({', '.join(sizes)}): the map may not come back "
                "after a reboot. Compare the mapping on the array, rescan every path.",
            )
        )
    return said


def _path_words(one: MapFact) -> list[Said]:
    """Paths whose words disagree, and marginal ones."""
    said: list[Said] = []
    lost = [path.dev for path in one.paths if path.dm == "failed" and path.checker in ("ready", "ghost")]
    if lost:
        words = f"{', '.join(lost)} is failed in the kernel and ready for the checker: multipathd lost it, restart it."
        said.append((Outcome.WARN, words))
    if any(path.marginal for path in one.paths):
        said.append((Outcome.WARN, f"LUN {one.wwid} has marginal paths: see the link's error counters."))
    return said


def _declared_words(one: MapFact, wanted: set[Pair], hbas: tuple[HbaFact, ...], host: str) -> Said:
    up, total = one.count("up"), len(one.paths)
    if up == 0 and not any(path.standing == "unclear" for path in one.paths):
        return Outcome.FAIL, f"LUN {one.wwid} {NO_PATH} on {host} ({total} listed): its VMs pause or hang."
    if not wanted:
        words = f"LUN {one.wwid} is not declared on {host}: {up} of {total} seen paths work."
        return Outcome.WARN, f"{words} {_ask(one, up)}"
    live = pairs_of(one, "up")
    gone = wanted - live
    if not gone:
        return _all_there(one, live - wanted, wanted, host)
    if gone <= pairs_of(one, "unclear"):
        return (
            Outcome.UNKNOWN,
            f"{len(gone)} of {len(wanted)} paths of LUN {one.wwid} on {host} are neither up nor down yet.",
        )
    return _gone_words(one, wanted, live & wanted, hbas, host)


def _ask(one: MapFact, up: int) -> str:
    """What to do about a LUN that nobody declared. What does not work is not what shall be."""
    if not any(path.hba_wwpn or path.target_wwpn for path in one.paths):
        return "No path of it has FC ports: a local disk belongs on multipath's blacklist."
    if up < len(one.paths):
        return "Mend the others before its paths are approved."
    return f"Approve its {len(one.paths)} paths."


def _all_there(one: MapFact, extra: set[Pair], wanted: set[Pair], host: str) -> Said:
    """A transport without WWPNs makes all paths of a LUN one pair: it cannot be told whether one is missing."""
    bad, count, plain = one.count("down") + one.count("unclear"), len(wanted), not all(all(pair) for pair in wanted)
    if bad:
        return Outcome.WARN, f"All {count} declared paths of LUN {one.wwid} work on {host}, {bad} others do not."
    if plain:
        return Outcome.UNKNOWN, (
            f"LUN {one.wwid} on {host} has paths without FC ports, so whether one of them vanished is not known. A "
            "local disk belongs on multipath's blacklist: see `vdsm-tool config-lvm-filter`."
        )
    if extra:
        return Outcome.WARN, (
            f"LUN {one.wwid} has {len(extra)} working paths on {host} that are not declared: approve them."
        )
    return Outcome.OK, f"All {count} declared paths of LUN {one.wwid} work on {host}."


def _gone_words(one: MapFact, wanted: set[Pair], live: set[Pair], hbas: tuple[HbaFact, ...], host: str) -> Said:
    """Fail when what is left hangs on one HBA, one fabric or one array port; a warning otherwise."""
    counted = f"{len(live)} of {len(wanted)} declared paths of LUN {one.wwid} work on {host}"
    fabric = {hba.wwpn: hba.fabric for hba in hbas}
    elements: Mapping[str, Callable[[Pair], str]] = {
        "HBA": lambda pair: pair[0],
        "fabric": lambda pair: fabric.get(pair[0], ""),
        "array port": lambda pair: pair[1],
    }
    lost, last = [], []
    for kind, of in elements.items():
        before, after = {of(pair) for pair in wanted}, {of(pair) for pair in live}
        lost += [f"{kind} {_port(name, hbas)}" for name in sorted(before - after) if name]
        last += [f"{kind} {_port(name, hbas)}" for name in sorted(after) if name and len(after) == 1 < len(before)]
    blame = f"; lost: {', '.join(lost)}" if lost else f"; gone: {_pair_words(wanted - live)}"
    if not live:
        return Outcome.FAIL, f"{counted}{blame}. Every working path is undeclared or none is left: see zoning at once."
    if last:
        return Outcome.FAIL, f"{counted}{blame}. All that is left runs over {last[0]}: no redundancy. See it at once."
    return Outcome.WARN, f"{counted}{blame}. Look at the port and its cable."


def _port(name: str, hbas: tuple[HbaFact, ...]) -> str:
    hba = next((one for one in hbas if one.wwpn == name), None)
    return name if hba is None else f"{name} ({hba.host}, {hba.state or 'state unknown'})"


def _pair_words(gone: set[Pair]) -> str:
    return ", ".join(f"{hba or 'HBA'} to {target or 'target'}" for hba, target in sorted(gone)[:3])


def path_states(paths: Iterable[PathFact]) -> Counter[str]:
    """How many paths are up, down and unclear."""
    return Counter(path.standing for path in paths)
