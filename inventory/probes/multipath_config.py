"""What multipathd really runs with, against what vdsm wants: names, queueing, timeouts, and whether vdsm still owns the
file (facts/luns-and-tuning.md 3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.reading.multipath_config import Setting, effective, read_config, told
from inventory.probes.reading.parts import Unread, texts, why_not
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

FILES = (
    "grep -snHE '^# (VDSM|RHEV|RHAT) ' /etc/multipath.conf; "
    "find /etc/multipath/conf.d -maxdepth 1 -name '*.conf' 2>/dev/null; true"
)
# vdsm looks for its revision in the first line and for the mark in the second, and nowhere else
_REVISION = re.compile(r"^/etc/multipath\.conf:1:# (?:VDSM|RHEV|RHAT) REVISION (\d+\.\d+)", re.MULTILINE)
_PRIVATE = re.compile(r"^/etc/multipath\.conf:(\d+):# (?:VDSM|RHEV) PRIVATE", re.MULTILINE)
COMMANDS: Mapping[str, Command] = {
    "running": Command(("multipathd", "show", "config", "local"), timeout=5, root=True),
    "files": Command(("sh", "-c", FILES), timeout=5),
}
RETRY = 16  # 8 * sanlock's io_timeout of 10 s / polling_interval of 5 s: change one, change all
REVISION = (2, 2)  # of vdsm 4.50.x

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class ConfigFacts:
    """settings: what counts for a HUAWEI/XSG1 LUN. revision "": no VDSM REVISION line; private: vdsm leaves the file
    alone; mislaid: the line of a PRIVATE mark that vdsm does not see, 0 without one. drop_ins: files in conf.d."""

    settings: tuple[Setting, ...]
    revision: str
    private: bool
    mislaid: int
    drop_ins: tuple[str, ...]
    unread: tuple[Unread, ...]


def parse(outputs: HostOutputs) -> ConfigFacts:
    """Sections running and files in, each for itself. Raises ParseError when neither is there."""
    read, unread = texts(COMMANDS, outputs)
    settings: tuple[Setting, ...] = ()
    if "running" in read:
        try:
            settings = effective(read_config(read["running"]))
        except ParseError as error:
            unread.append(Unread("running", str(error)))
    if len(unread) == len(COMMANDS):
        raise ParseError(unread[0].why)
    files = read.get("files", "")
    revision = _REVISION.search(files)
    marks = [int(line) for line in _PRIVATE.findall(files)]
    return ConfigFacts(
        settings=settings,
        revision=revision[1] if revision else "",
        private=2 in marks,
        mislaid=min(marks, default=0) if 2 not in marks else 0,
        drop_ins=tuple(sorted(re.findall(r"^/etc/multipath/conf\.d/(\S+\.conf)$", files, re.MULTILINE))),
        unread=tuple(unread),
    )


def judge(seen: ConfigFacts, declared: Declared) -> list[Finding]:
    """Names, queueing and the file's owner."""
    host = Subject("host", declared.name)
    said: dict[str, Said] = {
        "names": _names(seen, declared.name),
        "queueing": _queueing(seen, declared.name),
        "config_file": _file(seen, declared.name),
    }
    return [Finding(check, outcome, host, words) for check, (outcome, words) in said.items()]


def _unknown(seen: ConfigFacts, host: str, what: str) -> Said:
    why = why_not(seen.unread, "running") or "multipathd does not tell it."
    return Outcome.UNKNOWN, f"{what} of multipathd on {host} is not known. {why}"


def _names(seen: ConfigFacts, host: str) -> Said:
    word = told(seen.settings, "user_friendly_names")
    if not word:
        return _unknown(seen, host, "The naming")
    if word not in ("no", "0"):
        words = f"multipathd on {host} uses friendly names: oVirt needs the WWID as name on every host"
        return Outcome.FAIL, f"{words}. Set user_friendly_names no and run `vdsm-tool configure`."
    return Outcome.OK, f"multipathd on {host} names maps by WWID."


def _queueing(seen: ConfigFacts, host: str) -> Said:
    word, interval = told(seen.settings, "no_path_retry"), told(seen.settings, "polling_interval") or "5"
    if not word:
        return _unknown(seen, host, "The queueing")
    if word == "queue":
        words = f"LUNs without path queue for ever on {host} (no_path_retry queue)"
        return Outcome.FAIL, f"{words}: vdsm and LVM freeze. Let vdsm set it ({RETRY})."
    if not word.isdigit() or int(word) != RETRY:
        wait = f"{int(word) * int(interval)} s" if word.isdigit() and interval.isdigit() else "not at all"
        words = f"LUNs without path wait {wait} on {host} (no_path_retry {word}), vdsm wants {RETRY} retries of 5 s"
        return Outcome.WARN, f"{words}, which sanlock's timeouts rest on. See drop-ins and overrides."
    return Outcome.OK, f"LUNs without path wait {RETRY} retries of {interval} s on {host}, as vdsm wants."


def _file(seen: ConfigFacts, host: str) -> Said:
    if why := why_not(seen.unread, "files"):
        return Outcome.UNKNOWN, f"Who owns multipath.conf on {host} is not known. {why}"
    own = [name for name in seen.drop_ins if name != "vdsm_blacklist.conf"]
    beside = f" Beside it: {', '.join(own)}." if own else ""
    if seen.private:
        words = f"multipath.conf of {host} is marked VDSM PRIVATE: vdsm does not keep it current"
        return Outcome.WARN, f"{words}. Compare it with vdsm's own after each upgrade.{beside}"
    if seen.mislaid:
        words = f"multipath.conf of {host} has its VDSM PRIVATE mark in line {seen.mislaid}"
        return Outcome.WARN, f"{words}, but vdsm looks in line 2 alone: it overwrites the file. Move the mark.{beside}"
    if not seen.revision:
        words = f"multipath.conf of {host} has no VDSM REVISION as its first line: vdsm did not write it"
        return Outcome.WARN, f"{words}. Run `vdsm-tool configure --module multipath` in maintenance.{beside}"
    if tuple(int(part) for part in seen.revision.split(".")) < REVISION:
        words = f"multipath.conf of {host} is of VDSM revision {seen.revision}, vdsm 4.50 writes 2.2"
        return Outcome.WARN, f"{words}. Run `vdsm-tool configure --module multipath` in maintenance.{beside}"
    return Outcome.OK, f"multipath.conf of {host} is vdsm's, revision {seen.revision}.{beside}"


PROBE = Probe(
    name="multipath_config",
    title="multipath configuration",
    every=300,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    settled=lambda stored: True,
)
