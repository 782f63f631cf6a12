"""One block read of every LUN, straight from the array: only where a person has allowed it for the host, since it is
the one look that makes I/O (facts/luns-and-tuning.md 2.3).

The script takes no argument and reads only. It leaves out a map that is suspended, that queues, that has a failed path
or fewer than two that work: a read of such a map can hang where no signal ends it. After a read that did not end it
reads no further map. What it measures is one block at one offset, often from the array's cache: it tells that the way
is open, and is no verdict on latency."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.probes.reading.parts import texts
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import KILLED, TIMED_OUT, ParseError
from portal.kernel.probe import Declared, HostOutputs, Probe

LIMIT = 3  # seconds of one read
BLOCK = 4096  # bytes; the largest sector of a LUN
SLOW = 1000.0  # milliseconds: a single read below it says nothing about latency

# dmsetup's words behind "multipath": how many follow, and the I/O that is queued now; then, after each major:minor, A
# or F. The loop's own reads are the shell's: it starts one process per LUN, dd, and its timeout.
SCRIPT = f"""LC_ALL=C; export LC_ALL
held=
for f in /sys/block/dm-*/dm/suspended; do
[ -r "$f" ] || continue
read -r s <"$f"; read -r name <"${{f%suspended}}name"
[ "$s" = 0 ] || held="$held $name "
done
dmsetup status --target multipath | while read -r name start size target n queued rest; do
name=${{name%:}}
[ "$target" = multipath ] || continue
case $name in ''|*[!0-9A-Za-z_.-]*) echo "guard - name"; continue;; esac
up=0 down=0 before=
for word in $rest; do
case $before,$word in [0-9]*:[0-9]*,A) up=$((up+1));; [0-9]*:[0-9]*,F) down=$((down+1));; esac
before=$word
done
case $held in *" $name "*) echo "guard $name suspended"; continue;; esac
if [ "$n" = 0 ] || [ "$queued" != 0 ]; then echo "guard $name queues"; continue; fi
if [ $down -gt 0 ] || [ $up -lt 2 ]; then echo "guard $name paths $up $down"; continue; fi
said=$(timeout -k 1 {LIMIT} dd if="/dev/mapper/$name" of=/dev/null bs={BLOCK} count=1 iflag=direct 2>&1 </dev/null)
code=$?
echo "read $name $code" $said
case $code in {TIMED_OUT}|{KILLED}) echo "stopped $name"; break;; esac
done
echo done"""
COMMANDS: Mapping[str, Command] = {"read": Command(("sh", "-c", SCRIPT), timeout=60, root=True)}

_GUARD = re.compile(r"guard (\S+) (name|suspended|queues|paths (\d+) (\d+))")
_READ = re.compile(r"read (\S+) (\d+)(?: (.*))?")
_TOOK = re.compile(r"\bcopied, (\d+(?:\.\d+)?(?:e-\d+)?) s\b")
_FAULT = re.compile(r"dd: (.*?)(?: 0\+0 records in.*)?")


@dataclass(frozen=True)
class Tried:
    """One map. ms: how long its block took, None when it was not read. guard: why it was left out. code and error: of a
    read that failed; code 124 or 137: it did not end in time."""

    wwid: str
    ms: float | None = None
    guard: str = ""
    code: int = 0
    error: str = ""


@dataclass(frozen=True)
class ReadFacts:
    """The maps in the kernel's order. stopped: the WWID whose read did not end, "" when all were tried."""

    tried: tuple[Tried, ...]
    stopped: str = ""


def parse(outputs: HostOutputs) -> ReadFacts:
    """The section read in. Raises ParseError when it failed, was cut or did not come to its end."""
    read, unread = texts(COMMANDS, outputs)
    if unread:
        raise ParseError(unread[0].why)
    lines = [line.strip() for line in read["read"].splitlines()]
    if "done" not in lines:
        raise ParseError("The reads did not come to their end, so nothing is known of them.")
    tried = [one for line in lines if (one := _guarded(line) or _tried(line)) is not None]
    return ReadFacts(tuple(tried), next((one.split()[1] for one in lines if one.startswith("stopped ")), ""))


def _guarded(line: str) -> Tried | None:
    match = _GUARD.fullmatch(line)
    if match is None:
        return None
    words = {"suspended": "it is suspended", "queues": "it queues I/O", "name": "its name is no WWID"}
    paths = f"{match[3]} of its paths work and {match[4]} failed"
    return Tried(match[1], guard=words.get(match[2], paths))


def _tried(line: str) -> Tried | None:
    match = _READ.fullmatch(line)
    if match is None:
        return None
    wwid, code, said = match[1], int(match[2]), match[3] or ""
    took = _TOOK.search(said)
    if code == 0 and took is not None:
        return Tried(wwid, ms=round(float(took[1]) * 1000, 3))
    fault = _FAULT.fullmatch(said)
    return Tried(wwid, code=code, error=(fault[1] if fault else said)[:200] or "dd said nothing")


def judge(seen: ReadFacts, declared: Declared) -> list[Finding]:
    """One finding per map, one about a host without any."""
    host = declared.name
    if not seen.tried:
        words = f"{host} has no multipath map, so no block was read."
        return [Finding("read", Outcome.UNKNOWN, Subject("host", host), words)]
    found = [Finding("read", *_said(one, host)) for one in seen.tried]
    if seen.stopped:
        words = f"{host} read no further LUN after {seen.stopped}, whose read did not end: see its paths first."
        found.append(Finding("all_read", Outcome.UNKNOWN, Subject("host", host), words))
    return found


def _said(one: Tried, host: str) -> tuple[Outcome, Subject, str]:
    subject, lun = Subject("lun", one.wwid), f"LUN {one.wwid} on {host}"
    if one.guard:
        return Outcome.UNKNOWN, subject, f"{lun} was not read, since a read could hang: {one.guard}."
    if one.code in (TIMED_OUT, KILLED):
        return Outcome.FAIL, subject, f"A read of {lun} did not end in {LIMIT} s: see its paths and the array."
    if one.ms is None:
        return Outcome.FAIL, subject, f"{lun} cannot be read ({one.error}): see the array's mapping and its health."
    if one.ms > SLOW:
        return Outcome.WARN, subject, f"A read of one block of {lun} took {one.ms:.0f} ms: see its paths and the array."
    return Outcome.OK, subject, f"A read of one block of {lun} took {one.ms:g} ms."


PROBE = Probe(
    name="lun_read",
    title="One block of each LUN",
    every=300,
    target="host",
    commands=COMMANDS,
    parse=parse,
    judge=judge,
    applies=lambda traits: traits.may_read,
)
