"""The multipath maps of a host, their paths, and the FC ports they use: multipathd's view checked against the
kernel's (facts/luns-and-tuning.md 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inventory.probes.judging.lun_paths import lun_finding, missing_finding, pairs, pairs_of, path_states
from inventory.probes.reading.multipath import HbaFact, MapFact, PathFact
from inventory.probes.reading.multipath_json import read_maps
from inventory.probes.reading.multipath_kernel import (
    RAW_FORMAT,
    KernelMap,
    RawPath,
    read_dmsetup,
    read_fc_hosts,
    read_raw_paths,
)
from inventory.probes.reading.parts import Unread, texts, why_not
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

FC_HOSTS = "exec grep -sH . " + " ".join(
    f"/sys/class/fc_host/host*/{name}" for name in ("port_name", "port_state", "speed", "fabric_name")
)

COMMANDS: Mapping[str, Command] = {
    "maps": Command(("multipathd", "show", "maps", "json"), timeout=8, root=True),
    "paths": Command(("multipathd", "show", "paths", "raw", "format", RAW_FORMAT), timeout=8, root=True),
    "kernel": Command(("dmsetup", "status", "--target", "multipath"), timeout=5, root=True),
    "fc_hosts": Command(("sh", "-c", FC_HOSTS), timeout=5),
}

# How a client of multipathd ends when nobody listens; some versions say nothing. An answer that is cut, late or refused
# by sudo says nothing of the daemon.
NO_DAEMON = ("not running", "ux_socket_connect", "onnect to multipathd", "onnecting to multipathd", "exit code 1.")

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class MultipathFacts:
    """source json: multipathd answered. source kernel: it did not, and maps hold only what the kernel knows. orphans:
    FC devices of no map. strange: differences between multipathd and the kernel, one sentence each. unread: parts that
    were not read."""

    source: str
    maps: tuple[MapFact, ...]
    orphans: tuple[str, ...]
    hbas: tuple[HbaFact, ...]
    strange: tuple[str, ...]
    unread: tuple[Unread, ...]


def parse(outputs: HostOutputs) -> MultipathFacts:
    """Sections maps, paths, kernel and fc_hosts in. Raises ParseError when neither multipathd nor the kernel can be
    read: no output is never "no LUNs" (0.8)."""
    # grep exits 1 for no FC port and 2 when one file is absent: its lines count (2.2).
    read, unread = texts(COMMANDS, outputs, any_code=("fc_hosts",))
    maps: tuple[MapFact, ...] | None = None
    raw: tuple[RawPath, ...] = ()
    kernel: tuple[KernelMap, ...] | None = None
    for part in ("maps", "paths", "kernel"):
        if part not in read:
            continue
        try:
            if part == "maps":
                maps = read_maps(read[part])
            elif part == "paths":
                raw = read_raw_paths(read[part])
            else:
                kernel = read_dmsetup(read[part])
        except ParseError as error:
            unread.append(Unread(part, str(error)))
    if maps is None and kernel is None:
        raise ParseError(f"The multipath maps are not known. {why_not(tuple(unread), 'maps')}")
    hbas = read_fc_hosts(read.get("fc_hosts", ""))
    merged = _from_kernel(kernel or ()) if maps is None else _with_ports(_merge(maps, raw, kernel), hbas)
    return MultipathFacts(
        source="kernel" if maps is None else "json",
        maps=merged,
        orphans=tuple(path.dev for path in raw if not path.map_name and path.target_wwpn),
        hbas=hbas,
        strange=_strange(maps, kernel),
        unread=tuple(unread),
    )


def _from_kernel(kernel: tuple[KernelMap, ...]) -> tuple[MapFact, ...]:
    """Maps without multipathd: the name stands for the WWID, which vdsm's configuration makes true (3.1)."""
    return tuple(
        MapFact(
            wwid=one.name,
            name=one.name,
            size=one.size,
            paths=tuple(
                PathFact("", path.dev_t, "undef", "undef", "unknown", kernel=path.state, failures=path.failures)
                for path in one.paths
            ),
        )
        for one in kernel
    )


def _merge(
    maps: tuple[MapFact, ...], raw: tuple[RawPath, ...], kernel: tuple[KernelMap, ...] | None
) -> tuple[MapFact, ...]:
    by_dev = {path.dev: path for path in raw}
    by_name = {one.name: one for one in kernel or ()}
    merged = []
    for one in maps:
        held = by_name.get(one.name)
        paths = tuple(_path(path, by_dev.get(path.dev), held, asked=kernel is not None) for path in one.paths)
        merged.append(replace(one, paths=paths, size=held.size if held else None))
    return tuple(merged)


def _with_ports(maps: tuple[MapFact, ...], hbas: tuple[HbaFact, ...]) -> tuple[MapFact, ...]:
    ports = {one.wwpn: one.state for one in hbas}
    return tuple(
        replace(one, paths=tuple(replace(path, port=ports.get(path.hba_wwpn, "")) for path in one.paths))
        for one in maps
    )


def _path(path: PathFact, raw: RawPath | None, held: KernelMap | None, *, asked: bool) -> PathFact:
    if raw is not None:
        path = replace(
            path,
            hctl=raw.hctl,
            size=raw.size,
            hba_wwpn=path.hba_wwpn or raw.hba_wwpn,
            target_wwpn=path.target_wwpn or raw.target_wwpn,
        )
    if not asked:
        return path
    known = next((one for one in held.paths if one.dev_t == path.dev_t), None) if held else None
    if known is None:
        return replace(path, kernel="-")
    return replace(path, kernel=known.state, failures=known.failures)


def _strange(maps: tuple[MapFact, ...] | None, kernel: tuple[KernelMap, ...] | None) -> tuple[str, ...]:
    if maps is None or kernel is None:
        return ()
    ours, theirs = {one.name for one in maps}, {one.name for one in kernel}
    found = [f"The kernel holds map {name}, multipathd does not know it." for name in sorted(theirs - ours)]
    found += [f"multipathd names map {name}, the kernel does not hold it." for name in sorted(ours - theirs)]
    for one in maps:
        held = next((each for each in kernel if each.name == one.name), None)
        more = {path.dev_t for path in held.paths} - {path.dev_t for path in one.paths} if held else set()
        if more:
            found.append(f"The kernel holds {len(more)} paths of map {one.name} that multipathd does not know.")
    return tuple(found)


def judge(seen: MultipathFacts, declared: Declared) -> list[Finding]:
    """One finding per LUN, seen or declared, and five about the host."""
    host = Subject("host", declared.name)
    luns = [_lun(one, seen, declared) for one in seen.maps]
    present = {one.wwid for one in seen.maps}
    absent = [(wwid, paths) for wwid, paths in (declared.paths or {}).items() if wwid not in present]
    luns += [_absent(wwid, seen, declared) for wwid, _ in absent]
    said: dict[str, Said] = {
        "multipathd": _daemon(seen, declared.name),
        "kernel_view": _kernel(seen, declared.name),
        "fc_ports": _fc_ports(seen, declared),
        "orphans": _orphans(seen, declared.name),
        "declared": _declared(seen, declared),
    }
    return [Finding(check, outcome, host, words) for check, (outcome, words) in said.items()] + luns


def _lun(one: MapFact, seen: MultipathFacts, declared: Declared) -> Finding:
    if seen.source == "json":
        return lun_finding(one, (declared.paths or {}).get(one.wwid), seen.hbas, declared.name)
    active = sum(path.kernel == "A" for path in one.paths)
    subject = Subject("lun", one.wwid)
    if active == 0:
        words = f"LUN {one.wwid} has no active path in the kernel of {declared.name}, and multipathd does not answer."
        return Finding("paths", Outcome.FAIL, subject, words)
    words = (
        f"The kernel of {declared.name} counts {active} active paths of LUN {one.wwid}, but nobody checks them while "
        "multipathd does not answer."
    )
    return Finding("paths", Outcome.UNKNOWN, subject, words)


def _absent(wwid: str, seen: MultipathFacts, declared: Declared) -> Finding:
    if seen.source == "json":
        return missing_finding(wwid, (declared.paths or {})[wwid], declared.name)
    words = f"Whether {declared.name} has LUN {wwid} is not known: multipathd does not answer."
    return Finding("paths", Outcome.UNKNOWN, Subject("lun", wwid), words)


def _daemon(seen: MultipathFacts, name: str) -> Said:
    if seen.source == "json":
        return Outcome.OK, f"multipathd answers on {name}."
    why = why_not(seen.unread, "maps")
    if any(sign in why for sign in NO_DAEMON):
        return Outcome.FAIL, (
            f"multipathd does not run on {name}, so no path is checked there: see `systemctl status multipathd`. {why}"
        )
    return Outcome.UNKNOWN, f"multipathd on {name} gives no answer that can be read, so its paths are not known. {why}"


def _kernel(seen: MultipathFacts, name: str) -> Said:
    why = why_not(seen.unread, "kernel") or why_not(seen.unread, "paths")
    if why:
        return Outcome.UNKNOWN, f"multipathd on {name} is not checked against the kernel. {why}"
    if seen.source != "json":
        return Outcome.UNKNOWN, f"The kernel of {name} has no multipathd to be compared with."
    if seen.strange:
        return (
            Outcome.WARN,
            f"{seen.strange[0]} Compare `multipath -ll` and `dmsetup status` on {name} before any change.",
        )
    return Outcome.OK, f"multipathd and the kernel of {name} hold the same maps."


def _fc_ports(seen: MultipathFacts, declared: Declared) -> Said:
    wanted = {hba for paths in (declared.paths or {}).values() for hba, _ in pairs(paths) if hba}
    known = {one.wwpn: one for one in seen.hbas}
    lost = sorted(wanted - known.keys())
    if lost:
        return (
            Outcome.FAIL,
            f"{declared.name} does not show the declared FC port {lost[0]}: see the card and its driver.",
        )
    down = [one for one in seen.hbas if one.state != "Online"]
    if used := [one for one in down if one.wwpn in wanted]:
        bad = next((one for one in used if one.state != "Marginal"), used[0])
        words = f"FC port {bad.wwpn} ({bad.host}) of {declared.name} is {bad.state or 'in an unknown state'}"
        outcome = Outcome.WARN if bad.state == "Marginal" else Outcome.FAIL  # a marginal port still carries (2.1)
        return outcome, f"{words}: see its cable, SFP and switch port."
    if wanted:  # a port that no declared path uses has no cable on many a host
        spare = f"; {len(down)} others, which no declared path uses, are not" if down else ""
        return Outcome.OK, f"All {len(wanted)} declared FC ports of {declared.name} are Online{spare}."
    if down:
        return (
            Outcome.WARN,
            f"FC port {down[0].wwpn} ({down[0].host}) of {declared.name} is not Online and not declared.",
        )
    if not seen.hbas:
        return Outcome.UNKNOWN, f"{declared.name} shows no FC port. {why_not(seen.unread, 'fc_hosts')}".strip()
    return Outcome.OK, f"All {len(seen.hbas)} FC ports of {declared.name} are Online."


def _orphans(seen: MultipathFacts, name: str) -> Said:
    if why_not(seen.unread, "paths"):
        return Outcome.UNKNOWN, f"Which devices of {name} are in no map is not known. {why_not(seen.unread, 'paths')}"
    if seen.orphans:
        shown = ", ".join(seen.orphans[:5])
        return (
            Outcome.WARN,
            f"{len(seen.orphans)} devices of {name} are FC paths in no map ({shown}): see blacklist and size.",
        )
    return Outcome.OK, f"No FC path of {name} is outside a map."


def _declared(seen: MultipathFacts, declared: Declared) -> Said:
    """How many declared paths of the host work, over all LUNs."""
    if not declared.paths:
        return Outcome.WARN, f"No path is declared for {declared.name}: approve what a healthy look shows."
    if seen.source != "json":
        return Outcome.UNKNOWN, f"How many declared paths of {declared.name} work is not known."
    up = {one.wwid: pairs_of(one, "up") for one in seen.maps}
    wanted = {wwid: {pair for pair in pairs(paths) if all(pair)} for wwid, paths in declared.paths.items()}
    if not any(wanted.values()):
        return Outcome.UNKNOWN, f"No declared path of {declared.name} has FC ports, so what works is not counted."
    total = sum(map(len, wanted.values()))
    there = sum(len(paths & up.get(wwid, set())) for wwid, paths in wanted.items())
    words = f"{there} of {total} declared paths of {declared.name} work, over {len(wanted)} LUNs."
    return (Outcome.OK if there == total else Outcome.FAIL if there == 0 else Outcome.WARN), words


def numbers(seen: MultipathFacts) -> Mapping[str, float]:
    """paths_active and paths_total over all maps; nothing while multipathd does not answer."""
    if seen.source != "json":
        return {}
    states = path_states(path for one in seen.maps for path in one.paths)
    return {"paths_active": float(states["up"]), "paths_total": float(states.total())}


PROBE = Probe(
    name="multipath",
    title="LUN paths",
    every=3,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
    settled=lambda stored: True,
)
