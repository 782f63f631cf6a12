"""Readers of what an Oracle VM prints: live values, meminfo, limits, and the files that set values at a boot in the
order in which they count (facts/luns-and-tuning.md 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inventory.tuning.facts import UNLIMITED, AsmDisk, Assigned, Limit, Process, Scheduler

# /etc beats /run beats /usr for a file of the same name; then all files count by name, and sysctl.conf last
_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_LAST = "/etc/sysctl.conf"
_SYSCTL = re.compile(r"/proc/sys/([a-z0-9_/.-]+):(.*)")
_SET = re.compile(r"-?\s*([\w./*-]+)\s*=\s*(.*?)\s*")
_LIMIT = re.compile(r"/proc/(\d+)/limits:(Max [a-z -]+?)  +(\S+) +(\S+)(?: +\S+)?\s*")
_PMON = re.compile(r"(\d+) (?:ora|asm|mdb)_pmon_(\S+)\s*")


def sysctls(text: str) -> dict[str, str]:
    """`grep -sH . /proc/sys/...` in; fields parted by one blank out. Of several lines the first counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _SYSCTL.fullmatch(line.strip())
        if match:
            found.setdefault(match[1].replace("/", "."), " ".join(match[2].split()))
    return found


def meminfo(text: str) -> dict[str, int]:
    """kB lines as bytes, the others (HugePages_*) as they are."""
    found = {}
    for name, count, unit in re.findall(r"^([\w()]+):\s+(\d{1,18})( kB)?\s*$", text, re.MULTILINE):
        found[name] = int(count) * 1024 if unit else int(count)
    return found


def bracketed(text: str) -> str:
    """The word in brackets of "always madvise [never]"; "" when there is none."""
    match = re.search(r"\[([\w-]+)\]", text)
    return match[1] if match else ""


def schedulers(text: str) -> tuple[Scheduler, ...]:
    """Disks and their scheduler; loop devices and CDs are left out. A device with one scheduler prints it bare."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"/sys/block/((?:sd|vd|xvd|dm-|nvme)\w*)/queue/scheduler:(.+)", line.strip())
        if match:
            found.append(Scheduler(match[1], bracketed(match[2]) or match[2].strip()))
    return tuple(found)


def processes(text: str) -> tuple[Process, ...]:
    """`pgrep -a` lines of pmon and `grep -H . /proc/PID/limits` lines of the same processes."""
    limits: dict[int, list[Limit]] = {}
    names: dict[int, str] = {}
    for line in text.splitlines():
        if limit := _LIMIT.fullmatch(line.rstrip()):
            soft, hard = _amount(limit[3]), _amount(limit[4])
            if soft is not None and hard is not None:
                limits.setdefault(int(limit[1]), []).append(Limit(limit[2], soft, hard))
        elif pmon := _PMON.fullmatch(line.strip()):
            names[int(pmon[1])] = pmon[2]
    return tuple(Process(pid, name, tuple(limits.get(pid, ()))) for pid, name in sorted(names.items()))


def _amount(word: str) -> int | None:
    if word == "unlimited":
        return UNLIMITED
    return int(word) if word.isdigit() else None


def sysctl_files(text: str) -> tuple[Assigned, ...]:
    """`grep -sH` over sysctl's folders in; per parameter the value that counts at a boot, and its file."""
    lines = list(_file_lines(text))
    files = {path for path, _ in lines}
    shadowed = {path for path in files if _shadowed(path, files)}
    settled: dict[str, Assigned] = {}
    for path, line in sorted(lines, key=lambda one: _rank(one[0])):
        match = _SET.fullmatch(line)
        if match and path not in shadowed:
            name = match[1].replace("/", ".")
            settled[name] = Assigned(name, " ".join(match[2].split()), path)
    return tuple(settled.values())


def _rank(path: str) -> tuple[bool, str]:
    return path == _LAST, path.rpartition("/")[2]


def _shadowed(path: str, files: Iterable[str]) -> bool:
    folder, _, name = path.rpartition("/")
    if folder not in _FOLDERS:
        return False
    return any(f"{better}/{name}" in files for better in _FOLDERS[: _FOLDERS.index(folder)])


def _file_lines(text: str) -> Iterator[tuple[str, str]]:
    """(file, line) without comments and blanks."""
    for raw in text.splitlines():
        path, colon, line = raw.strip().partition(":")
        if colon and path.startswith("/") and line.strip() and line.strip()[0] not in "#;":
            yield path, line.strip()


def limits_files(text: str) -> tuple[Assigned, ...]:
    """`grep -sH` over limits.conf and limits.d in: "oracle soft memlock" and its value, the last file by name winning;
    limits.conf comes first. "-" sets both, as soft and hard."""
    settled: dict[str, Assigned] = {}
    order = sorted(_file_lines(text), key=lambda one: (not one[0].endswith("/limits.conf"), one[0]))
    for path, line in order:
        words = line.split()
        if len(words) < 4 or words[1] not in ("soft", "hard", "-"):
            continue
        for kind in ("soft", "hard") if words[1] == "-" else (words[1],):
            name = f"{words[0]} {kind} {words[2]}"
            settled[name] = Assigned(name, words[3], path)
    return tuple(settled.values())


def asm_disks(text: str) -> tuple[AsmDisk, ...]:
    """`stat -c 'asm %n %U %G %a %t %T'` lines in; the device's numbers are hexadecimal. Names hold no blank."""
    found = re.findall(r"^asm (\S+) (\S+) (\S+) ([0-7]{1,4})(?: ([0-9a-f]{1,8}) ([0-9a-f]{1,8}))?$", text, re.MULTILINE)
    return tuple(
        AsmDisk(path, owner, group, mode, f"{int(major, 16)}:{int(minor, 16)}" if major else "")
        for path, owner, group, mode, major, minor in dict.fromkeys(found)
    )


_INCLUDE = re.compile(r"/(?:etc|usr/lib)/tuned/(?:profiles/)?([\w.-]+)/tuned\.conf: *include *= *(.*)")


def profile(active: str, text: str) -> str:
    """The active profile of tuned, with what it includes, whatever the depth: "site, oracle, throughput-performance".
    text: `grep -sH include` over the profiles; a site's own beats tuned's of the same name, so it is printed first."""
    includes: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _INCLUDE.fullmatch(line.strip())
        if match:
            includes.setdefault(match[1], re.findall(r"[\w.-]+", match[2]))
    found: list[str] = []
    todo = active.split()
    while todo:
        name = todo.pop(0)
        if name not in found:
            found.append(name)
            todo += includes.get(name, [])
    return ", ".join(found)


def value_of(text: str, path: str) -> str:
    """The first line of one file among `grep -sH` lines; "" when it is not there."""
    start = f"{path}:"
    return next((line[len(start) :].strip() for line in text.splitlines() if line.startswith(start)), "")
