"""Which LUN every path really reaches, asked of the array itself: INQUIRY page 0x83 of each running device. A LUN that
was mapped anew looks healthy to multipath, udev and sysfs as long as nobody asks (facts/luns-and-tuning.md 0.10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.reading.devices import naa
from inventory.probes.reading.parts import texts
from inventory.probes.reading.sysfs import links
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

# scsi_id may hang on a device whose array is offline, so only running ones are asked, each for 3 s at most (2.2). Of a
# path that is in no map nobody expects anything.
ASK = 'echo "{} $(timeout -k 1 3 scsi_id --page=0x83 --whitelisted --device=/dev/{})"'
SCRIPT = (
    "PATH=$PATH:/usr/lib/udev:/lib/udev; export PATH; "
    "grep -sH . /sys/block/dm-*/dm/uuid; "
    "find /sys/block/dm-*/slaves -maxdepth 1 -type l -name 'sd*' -printf '%p = %l\\n' 2>/dev/null; "
    "grep -lsx running /sys/block/sd*/device/state | cut -d/ -f4 | "
    f"xargs -I{{}} sh -c '{ASK}'; true"
)
COMMANDS: Mapping[str, Command] = {"inquiry": Command(("sh", "-c", SCRIPT), timeout=90, root=True)}
_ANSWER = re.compile(r"(sd[a-z]+)(?: (\S+))?")  # of another kind of line, nothing is believed
_MAP = re.compile(r"/sys/block/(dm-\d+)/dm/uuid:mpath-(\S+)")


@dataclass(frozen=True)
class Identity:
    """One running path: the map that holds it, and the WWID that the array itself gives. live "": no answer in 3 s."""

    dev: str
    wwid: str
    live: str

    @property
    def names_it(self) -> bool | None:
        """Whether the answer is the LUN of the map; None: there is none, or the map's name is no WWID of a LUN, as with
        a local disk, which udev names by its serial number."""
        if not self.live:
            return None
        same = self.live.lower() == self.wwid.lower()
        return same if same or naa(self.wwid) else None


@dataclass(frozen=True)
class IdentityFacts:
    """paths: the running ones that are in a map. maps: WWIDs of all maps."""

    maps: tuple[str, ...]
    paths: tuple[Identity, ...]


def parse(outputs: HostOutputs) -> IdentityFacts:
    """The section inquiry in. Raises ParseError when it failed or was cut."""
    read, unread = texts(COMMANDS, outputs)
    if unread:
        raise ParseError(unread[0].why)
    text = read["inquiry"]
    maps = {match[1]: match[2] for line in text.splitlines() if (match := _MAP.fullmatch(line.strip()))}
    holder = {path.rpartition("/")[2]: maps.get(path.split("/")[3], "") for path in links(text)}
    paths = []
    for line in text.splitlines():
        match = _ANSWER.fullmatch(line.strip())
        if match and holder.get(match[1]):
            paths.append(Identity(match[1], holder[match[1]], match[2] or ""))
    return IdentityFacts(tuple(maps.values()), tuple(paths))


def judge(seen: IdentityFacts, declared: Declared) -> list[Finding]:
    """One finding per map, one about a host without any."""
    host = declared.name
    if not seen.maps:
        words = f"{host} has no multipath map, so no path was asked what it reaches."
        return [Finding("identity", Outcome.UNKNOWN, Subject("host", host), words)]
    return [_map(wwid, [one for one in seen.paths if one.wwid == wwid], host) for wwid in seen.maps]


def _map(wwid: str, paths: list[Identity], host: str) -> Finding:
    subject = Subject("lun", wwid)
    other = [one for one in paths if one.names_it is False]
    if other:
        words = (
            f"{', '.join(one.dev for one in other)} of LUN {wwid} on {host} answers as {other[0].live}: the array maps "
            "another volume there. Stop I/O to it at once and compare the mapping."
        )
        return Finding("identity", Outcome.FAIL, subject, words)
    if not paths:
        words = f"No path of LUN {wwid} on {host} runs, so nobody was asked what it reaches."
        return Finding("identity", Outcome.UNKNOWN, subject, words)
    mute = [one for one in paths if not one.live]
    if mute:
        words = f"{len(mute)} of {len(paths)} running paths of LUN {wwid} on {host} do not tell what they reach"
        return Finding("identity", Outcome.UNKNOWN, subject, f"{words} ({mute[0].dev}): ask with sg_inq -p 0x83.")
    if any(one.names_it is None for one in paths):
        words = f"{wwid} on {host} is named by a serial number and answers as {paths[0].live}: both cannot be compared"
        return Finding("identity", Outcome.UNKNOWN, subject, f"{words}. A local disk belongs on multipath's blacklist.")
    words = f"The array itself names LUN {wwid} on all {len(paths)} running paths of {host}."
    return Finding("identity", Outcome.OK, subject, words)


PROBE = Probe(
    name="lun_identity",
    title="LUN identity",
    every=900,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    settled=lambda stored: True,
)
