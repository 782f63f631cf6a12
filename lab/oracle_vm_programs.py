"""The virtual commands of an Oracle VM: what reads its /proc, /sys, /etc and /dev, without a process each. Its shell
expands no pattern (shim.c): they do, over the VM's own files."""

from __future__ import annotations

import fnmatch
import re

from lab import oracle_vm
from lab.command import Program, Reply, fail
from lab.world import Host, World


def _named(known: list[str], words: list[str]) -> list[str]:
    """Paths that words mean, each as the shell expands it: a star does not cross a slash."""
    found: list[str] = []
    for word in words:
        depth = word.count("/")
        found += sorted(one for one in known if one.count("/") == depth and fnmatch.fnmatchcase(one, word))
    return found


def grep(world: World, host: Host, argv: list[str]) -> Reply:
    """`grep -sH PATTERN FILE...`, with -E or without."""
    if len(argv) < 4 or not argv[1].startswith("-sH"):
        return fail("grep: the lab's Oracle VMs know grep -sH PATTERN FILE... only", 2)
    files = oracle_vm.files(world, host)
    wanted = re.compile(argv[2])
    named = _named(list(files), argv[3:])
    lines = [f"{path}:{line}\n" for path in named for line in files[path].splitlines() if wanted.search(line)]
    return Reply(out="".join(lines), rc=0 if len(named) >= len(argv[3:]) and lines else 2)


def cat(world: World, host: Host, argv: list[str]) -> Reply:
    """Files in their order."""
    files = oracle_vm.files(world, host)
    missing = [f"cat: {path}: No such file or directory\n" for path in argv[1:] if path not in files]
    return Reply(out="".join(files.get(path, "") for path in argv[1:]), err="".join(missing), rc=1 if missing else 0)


def pgrep(world: World, host: Host, argv: list[str]) -> Reply:
    """`pgrep -f PATTERN` and `pgrep -af PATTERN`."""
    wanted = re.compile(argv[-1])
    found = {pid: name for pid, name in oracle_vm.processes(host.name).items() if wanted.search(name)}
    lines = [f"{pid} {name}\n" if "a" in argv[1] else f"{pid}\n" for pid, name in found.items()]
    return Reply(out="".join(lines), rc=0 if found else 1)


def stat(world: World, host: Host, argv: list[str]) -> Reply:
    """`stat -L -c 'asm %n %U %G %a %t %T' FILE...`: the ASM disks, with hexadecimal numbers."""
    known = oracle_vm.disks(world, host)
    named = _named(list(known), [word for word in argv[1:] if word.startswith("/")])
    return Reply(out="".join(f"asm {one} grid asmadmin 660 8 {known[one]:x}\n" for one in named), rc=1)


def find(world: World, host: Host, argv: list[str]) -> Reply:
    """The links of /dev/disk/by-id. /dev/shm holds no segment of an instance: its memory is not managed
    automatically."""
    known = oracle_vm.links(world, host) if argv[1:2] == ["/dev/disk/by-id"] else {}
    return Reply(out="".join(f"{path} = {target}\n" for path, target in sorted(known.items())))


PROGRAMS: dict[str, Program] = {"grep": grep, "cat": cat, "pgrep": pgrep, "stat": stat, "find": find}
