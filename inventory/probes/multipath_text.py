"""`multipath -ll` now and then, as evidence beside the JSON, and for its warnings: it asks the devices themselves, so
it is not for every sweep (facts/luns-and-tuning.md 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.judging.lun_paths import path_states
from inventory.probes.reading.multipath import MapFact
from inventory.probes.reading.multipath_text import read_text
from inventory.probes.reading.parts import texts
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

COMMANDS: Mapping[str, Command] = {"text": Command(("multipath", "-ll"), timeout=10, root=True)}

# Warnings that are faults, wherever they are printed (1.1).
_FAULTS = {
    "path wwid appears to have changed": "a LUN was remapped under a path, and the old WWID is still in use. Stop I/O "
    "to it and compare the array's mapping at once",
    "multipathd service is not running": "multipathd does not run, so nobody checks paths. Start it",
    "invalid keyword": "multipath.conf holds a line that is ignored. Correct it",
    "Empty device name": "a stale path is left in a map. Remove it after a rescan",
    "cannot find block device": "a stale path is left in a map. Remove it after a rescan",
}


@dataclass(frozen=True)
class TextFacts:
    """The maps as text shows them, and lines that are faults."""

    maps: tuple[MapFact, ...]
    warnings: tuple[str, ...]


def parse(outputs: HostOutputs) -> TextFacts:
    """Section text in, both streams. Raises ParseError when it failed or printed no map: that is never "no LUNs"."""
    read, unread = texts(COMMANDS, outputs)
    if unread:
        raise ParseError(unread[0].why)
    answer = read_text(read["text"])
    if not answer.maps:
        raise ParseError("`multipath -ll` prints no map: see whether multipathd runs and any LUN is mapped.")
    lines = [*answer.noise, *outputs["text"].stderr.decode("utf-8", "replace").splitlines()]
    warnings = tuple(dict.fromkeys(line.strip()[:200] for line in lines if any(sign in line for sign in _FAULTS)))
    return TextFacts(answer.maps, warnings)


def judge(seen: TextFacts, declared: Declared) -> list[Finding]:
    """One finding about the warnings, one about paths that are down by this second view."""
    host = Subject("host", declared.name)
    states = path_states(path for one in seen.maps for path in one.paths)
    counted = (
        f"`multipath -ll` on {declared.name} shows {len(seen.maps)} maps, {states['up']} of {states.total()} paths up"
    )
    outcome = Outcome.FAIL if states["down"] else Outcome.UNKNOWN if states["unclear"] else Outcome.OK
    if any(not one.paths for one in seen.maps):
        outcome, counted = Outcome.FAIL, f"{counted}, and a map without any path"
    return [_warnings(seen, declared.name, host), Finding("text_paths", outcome, host, f"{counted}.")]


def _warnings(seen: TextFacts, name: str, host: Subject) -> Finding:
    if not seen.warnings:
        return Finding("warnings", Outcome.OK, host, f"`multipath -ll` on {name} prints no warning.")
    meaning = next(words for sign, words in _FAULTS.items() if sign in seen.warnings[0])
    return Finding("warnings", Outcome.FAIL, host, f"On {name} {meaning}. multipath says: {seen.warnings[0]}")


PROBE = Probe(
    name="multipath_text",
    title="LUN paths as text",
    every=300,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    settled=lambda stored: True,
)
