"""The Fibre Channel ports of a host and the ports they are logged in to: cards, speeds, errors that grow, targets
that are gone (facts/luns-and-tuning.md 2.1). Whether a port with declared paths is up, the probe `multipath` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from inventory.probes.reading.parts import texts
from inventory.probes.reading.sysfs import (
    BOOT_ID,
    CARD_FILES,
    CONGESTION,
    COUNTERS,
    HOST_FILES,
    REMOTE_FILES,
    FcPort,
    RemotePort,
    boot_id,
    read_ports,
    read_remote_ports,
)
from portal.kernel import facts as facts_json
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe
from portal.kernel.san import wwn
from portal.kernel.words import span

_FILES = [
    BOOT_ID,
    *(f"/sys/class/fc_host/host*/{name}" for name in HOST_FILES),
    *(f"/sys/class/fc_host/host*/statistics/{name}" for name in COUNTERS),
    *(f"/sys/class/scsi_host/host*/{name}" for name in CARD_FILES),
    *(f"/sys/class/fc_remote_ports/rport-*/{name}" for name in REMOTE_FILES),
]
SCRIPT = (
    f"grep -sH . {' '.join(_FILES)}; find /sys/class/fc_host -maxdepth 1 -type l -printf '%p = %l\\n' 2>/dev/null; true"
)
COMMANDS: Mapping[str, Command] = {"sysfs": Command(("sh", "-c", SCRIPT), timeout=5)}

REMEMBERED = 3600.0  # seconds that a growth of errors is told
MOST_GROWTHS = 60

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class Growth:
    """A counter grew by that much between two looks, the later at `at` (Unix seconds)."""

    wwpn: str
    counter: str
    by: int
    at: float


@dataclass(frozen=True)
class Best:
    """The highest speed that a port was ever seen to negotiate."""

    wwpn: str
    gbit: float


@dataclass(frozen=True)
class FcFacts:
    """ports: the host's own; remote: what they are logged in to. From the looks before: the growths of the last hour,
    the last `grown` of them between that look and this one, and best speeds."""

    boot_id: str
    ports: tuple[FcPort, ...]
    remote: tuple[RemotePort, ...]
    growths: tuple[Growth, ...] = ()
    grown: int = 0
    best: tuple[Best, ...] = ()
    compared: bool = False  # there was a look before


def parse(outputs: HostOutputs) -> FcFacts:
    """The section sysfs in. Raises ParseError when /sys was not read: the boot's id is always there."""
    read, unread = texts(COMMANDS, outputs)
    if unread:
        raise ParseError(unread[0].why)
    boot = boot_id(read["sysfs"])
    if not boot:
        raise ParseError("The host's /proc and /sys gave nothing that can be read, so its FC ports are not known.")
    ports = read_ports(read["sysfs"])
    best = tuple(Best(one.wwpn, one.gbit) for one in ports if one.gbit is not None)
    return FcFacts(boot, ports, read_remote_ports(read["sysfs"]), best=best)


def carry(now: FcFacts, stored: Mapping[str, Any], at: float) -> FcFacts:
    """What grew since the look before. A counter that fell was reset, and another boot counts anew: what it counted in
    between is not told."""
    before = facts_json.load(FcFacts, stored)
    best = {one.wwpn: one.gbit for one in before.best}
    best |= {one.wwpn: max(one.gbit, best.get(one.wwpn, 0.0)) for one in now.best}
    kept = tuple(one for one in before.growths if 0.0 <= at - one.at <= REMEMBERED)
    same = now.boot_id == before.boot_id
    grown = tuple(_growths(now, before, at)) if same else ()
    return replace(
        now,
        growths=(*kept, *grown)[-MOST_GROWTHS:],
        grown=min(len(grown), MOST_GROWTHS),
        best=tuple(Best(wwpn, gbit) for wwpn, gbit in sorted(best.items())),
        compared=True,
    )


def _growths(now: FcFacts, before: FcFacts, at: float) -> list[Growth]:
    old = {(port.wwpn, one.name): one.value for port in before.ports for one in port.counters}
    found = []
    for port in now.ports:
        for one in port.counters:
            was = old.get((port.wwpn, one.name))
            if was is not None and one.value is not None and one.value > was:
                found.append(Growth(port.wwpn, one.name, one.value - was, at))
    return found


def settled(stored: Mapping[str, Any]) -> bool:
    """Nothing that grew lately is told, which would have to be forgotten after an hour."""
    return bool(stored["compared"]) and not stored["growths"]


def judge(seen: FcFacts, declared: Declared) -> list[Finding]:
    """Cards, speed, errors and targets of the host; one finding when it has no FC port at all. Errors are told from the
    second look on."""
    host = Subject("host", declared.name)
    wanted = {wwn(path.hba_wwpn) for paths in (declared.paths or {}).values() for path in paths} - {""}
    if not seen.ports:
        outcome, words = _no_port(declared.name, wanted)
        return [Finding("cards", outcome, host, words)]
    said: dict[str, Said] = {
        "cards": _cards(seen, declared.name),
        "speed": _speed(seen, declared),
        "targets": _targets(seen, declared),
        "timeouts": _timeouts(seen, declared.name),
    }
    if seen.compared:
        said["errors"] = _errors(seen, declared)
    return [Finding(check, outcome, host, words) for check, (outcome, words) in said.items()]


def _no_port(name: str, wanted: set[str]) -> Said:
    if wanted:
        return Outcome.FAIL, f"{name} shows no Fibre Channel port, {len(wanted)} are declared: see cards and driver."
    return Outcome.UNKNOWN, f"{name} shows no Fibre Channel port and none is declared, so nothing is known of a SAN."


def _cards(seen: FcFacts, name: str) -> Said:
    cards = {one.card for one in seen.ports}
    count = len(seen.ports)
    if "" in cards:
        lost = next(one for one in seen.ports if not one.card)
        return Outcome.UNKNOWN, f"On which card {lost.wwpn} ({lost.host}) of {name} sits is not known."
    ports = f"{count} FC port{'' if count == 1 else 's'}"
    if len(cards) == 1:
        words = f"{ports} of {name} on one card ({next(iter(cards))}): when it breaks, every LUN is lost there."
        return Outcome.WARN, words
    return Outcome.OK, f"{ports} of {name} sit on {len(cards)} cards ({', '.join(sorted(cards))})."


def _speed(seen: FcFacts, declared: Declared) -> Said:
    """A declared speed counts; a port without one is held to the best that it was ever seen at."""
    name, wanted = declared.name, declared.ports or {}
    best = {one.wwpn: one.gbit for one in seen.best} | dict(wanted)
    up = [one for one in seen.ports if one.state in ("Online", "Marginal")]
    slow = [one for one in up if one.gbit is not None and one.gbit < best.get(one.wwpn, 0.0)]
    if slow:
        one = min(slow, key=lambda each: (each.wwpn not in wanted, (each.gbit or 0.0) / best[each.wwpn]))
        told = "is declared" if one.wwpn in wanted else "it had before"
        more = f", and {len(slow) - 1} more are slow" if len(slow) > 1 else ""
        words = f"{one.wwpn} ({one.host}) of {name} runs at {one.gbit:g} Gbit, {best[one.wwpn]:g} Gbit {told}{more}"
        return Outcome.WARN, f"{words}: see its SFP, cable and switch port."
    mute = [one for one in up if one.gbit is None]
    if mute or not up:
        which = f"{mute[0].wwpn} ({mute[0].host})" if mute else "every port without link"
        return Outcome.UNKNOWN, f"The speed of {which} of {name} is not known."
    speeds = sorted({one.gbit for one in up if one.gbit is not None})
    if all(one.wwpn in wanted for one in up):
        return Outcome.OK, f"All {len(up)} FC ports of {name} run at the speed that is declared, or faster."
    if len(speeds) > 1:
        words = f"The FC ports of {name} run at different speeds ({', '.join(f'{one:g}' for one in speeds)} Gbit)"
        return Outcome.WARN, f"{words}: see the slower ones' SFP and switch port."
    able = max((one.most_gbit or 0.0 for one in up), default=0.0)
    could = f" of {able:g} that they can" if able > speeds[0] else ""
    return Outcome.OK, f"{len(up)} FC ports of {name} run at {speeds[0]:g} Gbit{could}."


def _errors(seen: FcFacts, declared: Declared) -> Said:
    counted = [one for one in seen.ports if any(each.value is not None for each in one.counters)]
    if not counted:
        return Outcome.UNKNOWN, f"The FC driver of {declared.name} counts no errors, so a bad cable shows only as slow."
    if seen.growths:
        totals: dict[tuple[str, str], int] = {}
        for one in seen.growths:
            totals[one.wwpn, one.counter] = totals.get((one.wwpn, one.counter), 0) + one.by
        (port, counter), by = max(totals.items(), key=lambda item: item[1])
        since = span(declared.checked_at - min(one.at for one in seen.growths if one.wwpn == port))
        more = f" and {len(totals) - 1} other counters grew" if len(totals) > 1 else ""
        words = f"{counter} of {port} on {declared.name} grew by {by} in the last hour{more}, first {since} ago"
        slow = "a device that takes frames too slowly holds up the fabric, look for its load"
        return Outcome.WARN, f"{words}: {slow if counter in CONGESTION else 'see its cable, SFP and switch port'}."
    return Outcome.OK, f"No error counter of {len(counted)} FC ports of {declared.name} grew in the last hour."


def _targets(seen: FcFacts, declared: Declared) -> Said:
    targets = [one for one in seen.remote if "FCP Target" in one.roles or one.target is not None]
    wanted = {wwn(path.target_wwpn) for paths in (declared.paths or {}).values() for path in paths} - {""}
    lost = [one for one in targets if one.state != "Online"]
    if lost:
        one = next((each for each in lost if each.wwpn in wanted), lost[0])
        words = f"Array port {one.wwpn} is {one.state or 'in an unknown state'} on {one.host} of {declared.name}"
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        outcome = Outcome.FAIL if one.wwpn in wanted else Outcome.WARN
        return outcome, f"{words}{more}: see the array port, its switch port and the zoning."
    gone = sorted(wanted - {one.wwpn for one in targets})
    if gone:
        words = f"{declared.name} is not logged in to the declared array port {gone[0]}"
        return Outcome.FAIL, f"{words}: see the zoning and the array port."
    if not targets:
        return Outcome.WARN, f"The FC ports of {declared.name} are logged in to no array port: see the zoning."
    return Outcome.OK, f"{declared.name} is logged in to {len(targets)} array ports, all Online."


def _timeouts(seen: FcFacts, name: str) -> Said:
    """fast_io_fail off lets I/O on a lost port wait for dev_loss instead of going to another path."""
    targets = [one for one in seen.remote if "FCP Target" in one.roles or one.target is not None]
    told = [one for one in targets if one.fast_io_fail]
    slow = [one for one in told if one.fast_io_fail == "off"]
    if slow:
        words = f"fast_io_fail_tmo is off for array port {slow[0].wwpn} on {name}: I/O waits {slow[0].dev_loss} s"
        return Outcome.WARN, f"{words} for a lost path. Let multipathd set it (vdsm: 5 s)."
    if not told:
        return Outcome.UNKNOWN, f"How long {name} waits for a lost array port is not known."
    shown = sorted({f"{one.fast_io_fail} s and {one.dev_loss or '?'} s" for one in told})
    return Outcome.OK, f"{name} gives a lost array port {', '.join(shown)} (fast_io_fail and dev_loss)."


def numbers(seen: FcFacts) -> Mapping[str, float]:
    """fc_counted: how many ports count errors, with every look that compares; COUNTER:WWPN: by how much one grew since
    the look before. An hour with fc_counted and without growth had none; one without fc_counted is not known."""
    if not seen.compared:
        return {}
    found = {"fc_counted": float(sum(any(one.value is not None for one in port.counters) for port in seen.ports))}
    for one in seen.growths[len(seen.growths) - seen.grown :]:
        found[f"{one.counter}:{one.wwpn}"] = float(one.by)
    return found


PROBE = Probe(
    name="fc_ports",
    title="Fibre Channel ports",
    every=60,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    numbers=numbers,
    carry=carry,
    settled=settled,
)
