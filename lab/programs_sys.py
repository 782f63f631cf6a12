"""What reads /sys on a lab host: grep over patterns, find over links, scsi_id. The shell leaves such patterns to them
(shim.c)."""

from __future__ import annotations

import fnmatch

from lab import host_files, multipath, sys_block, sys_node, sysfs
from lab.command import Program, Real, Reply
from lab.programs_files import reader
from lab.world import Host, World

_MARKS = "*?["


def grep(world: World, host: Host, argv: list[str]) -> Reply | Real:
    """`grep -sH . FILE...` and `grep -lsx WORD FILE...` over virtual files, without a process."""
    if argv[1:3] == ["-sH", "."]:
        found = _matching(world, host, argv[3:])
        lines = [f"{path}:{line}\n" for path, text in found for line in text.splitlines() if line]
    elif argv[1:2] == ["-lsx"]:
        found = _matching(world, host, argv[3:])
        lines = [f"{path}\n" for path, text in found if argv[2] in text.splitlines()]
    else:
        return reader(world, host, argv)
    return Reply(out="".join(lines), rc=0 if len(found) == len(argv[3:]) else 2)


def _matching(world: World, host: Host, words: list[str]) -> list[tuple[str, str]]:
    """The virtual files that words mean, each read once, in the words' order."""
    pool = _pool(world, host, words)
    found: list[tuple[str, str]] = []
    for word in words:
        for path in _expanded(word, pool):
            text = pool.get(path)
            if text is None and (raw := host_files.read(world, host, path)) is not None:
                text = raw.decode()
            if text is not None:
                found.append((path, text))
    return found


def _pool(world: World, host: Host, words: list[str]) -> dict[str, str]:
    """What patterns may mean; made only for what is asked."""
    pool: dict[str, str] = {}
    if any(word.startswith("/sys/class/") for word in words):
        pool |= {path: raw.decode() for path, raw in sysfs.tree(world, host).items()}
    if any(word.startswith(sys_node.FOLDER) for word in words):
        pool |= sys_node.files(world, host)
    if any(word.startswith(sys_block.FOLDER) for word in words):
        pool |= sys_block.files(world, host)
    return pool


def _expanded(word: str, pool: dict[str, str]) -> list[str]:
    """A pattern as the shell expands it: a star does not cross a slash."""
    if not any(mark in word for mark in _MARKS):
        return [word]
    depth = word.count("/")
    return sorted(path for path in pool if path.count("/") == depth and fnmatch.fnmatchcase(path, word))


def find(world: World, host: Host, argv: list[str]) -> Reply | Real:
    """`find FOLDER -maxdepth 1 -type l [-name PATTERN] -printf '%p = %l\\n'` over /sys; else the real tool."""
    if not argv[1:2] or not argv[1].startswith("/sys/"):
        return Real(argv)
    known = sysfs.links(host) | sys_block.links(world, host)
    name = argv[argv.index("-name") + 1] if "-name" in argv else "*"
    lines = [
        f"{path} = {target}\n"
        for path, target in sorted(known.items())
        if fnmatch.fnmatchcase(path.rpartition("/")[0], argv[1]) and fnmatch.fnmatchcase(path.rpartition("/")[2], name)
    ]
    missing = Reply(err=f"find: '{argv[1]}': No such file or directory\n", rc=1)
    return Reply(out="".join(lines)) if lines else missing


def scsi_id(world: World, host: Host, argv: list[str]) -> Reply:
    """The WWID that the array itself gives for a device: of the volume that its LUN number means there now."""
    wanted = next((word.partition("=")[2] for word in argv if word.startswith("--device=")), "")
    remapped = world.san.design.remapped if world.san is not None else {}
    for one in multipath.maps(world, host):
        if any(f"/dev/{path.dev}" == wanted and path.up for path in one.paths):
            volume = remapped.get(one.lun.wwid)
            return Reply(out=f"{'3' + volume if volume else one.lun.wwid}\n")
    return Reply(rc=1)


def dd(world: World, host: Host, argv: list[str]) -> Reply | Real:
    """A direct read of one block of a multipath map; everything else is the real tool's, and nothing writes to a map. A
    map without a path queues what is read of it: the caller's timeout ends that here, on a real host nothing does."""
    words = dict(word.partition("=")[::2] for word in argv[1:])
    wwid = words.get("if", "").removeprefix("/dev/mapper/")
    if words.get("of", "").startswith("/dev/mapper/"):
        return Reply(err="The lab writes to no map.\n", rc=1)
    if wwid == words.get("if", ""):
        return Real(argv)
    one = next((each for each in multipath.maps(world, host) if each.lun.wwid == wwid), None)
    if one is None:
        return Reply(err=f"dd: failed to open '/dev/mapper/{wwid}': No such file or directory\n", rc=1)
    if not one.up:
        return Reply(took=60.0)
    took = sys_block.READ_MS / 1000
    size = int(words.get("bs", "512"))
    return Reply(
        err=f"1+0 records in\n1+0 records out\n{size} bytes copied, {took:.6g} s, {size / took / 1e6:.1f} MB/s\n"
    )


PROGRAMS: dict[str, Program] = {"grep": grep, "find": find, "scsi_id": scsi_id, "dd": dd}
