"""multipath, multipathd and dmsetup as commands."""

from __future__ import annotations

from collections.abc import Callable

from lab import life_broker, multipath, multipath_text
from lab.command import Program, Reply
from lab.world import Host, World

_NO_DAEMON = "Warning: multipath devices exist, but multipathd service is not running\n"
_LOCAL_CONFIG = """defaults {
	polling_interval 5
	no_path_retry 16
	dev_loss_tmo 30
	fast_io_fail_tmo 5
	path_checker "tur"
	user_friendly_names "no"
	find_multipaths "on"
}
overrides {
	no_path_retry 16
}
"""


def _daemon(world: World, host: Host) -> bool:
    return life_broker.unit_active(world, host, "multipathd")


def multipath_command(world: World, host: Host, argv: list[str]) -> Reply:
    """`multipath -ll [WWID]` and `multipath -l`; nothing that writes."""
    wanted = [word for word in argv[1:] if not word.startswith("-")]
    if not any(word in ("-ll", "-l") for word in argv[1:]):
        return Reply(err="The lab plays multipath -l and -ll only.\n", rc=1)
    maps = [one for one in multipath.maps(world, host) if not wanted or one.lun.wwid in wanted]
    daemon = _daemon(world, host)
    text = multipath_text.listing(maps, daemon)
    if "-l" in argv[1:]:
        text = text.replace(" ready ", " undef ").replace(" faulty ", " undef ")
    return Reply(out=text, err="" if daemon or not maps else _NO_DAEMON)


def multipathd(world: World, host: Host, argv: list[str]) -> Reply:
    """`multipathd show ...` in one word or several, also as -k"..."; everything else answers `fail`."""
    words = " ".join(argv[1:]).removeprefix("-k").strip()
    if not _daemon(world, host):
        return Reply(rc=1)
    for verb, answer in _ANSWERS:
        if words == verb or words.startswith(verb + " "):
            return Reply(out=answer(world, host, words[len(verb) :].strip()))
    return Reply(out="fail\n")


def _maps_json(world: World, host: Host, rest: str) -> str:
    return multipath_text.as_json(multipath.maps(world, host), host)


def _map_json(world: World, host: Host, rest: str) -> str:
    name = rest.removesuffix("json").strip()
    found = [one for one in multipath.maps(world, host) if one.lun.wwid == name]
    return multipath_text.one_as_json(found[0], host) if found and rest.endswith("json") else "fail\n"


def _paths_raw(world: World, host: Host, rest: str) -> str:
    return multipath_text.raw_paths(multipath.maps(world, host), rest.strip("'\"")) or "ok\n"


def _paths(world: World, host: Host, rest: str) -> str:
    maps = multipath.maps(world, host)
    rows = [["hcil", "dev", "dev_t", "pri", "dm_st", "chk_st", "dev_st"]]
    rows += [
        [p.hctl, p.dev, p.dev_t, "50" if p.up else "0", p.dm, p.checker, p.device] for one in maps for p in one.paths
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "".join(" ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)


def _maps(world: World, host: Host, rest: str) -> str:
    maps = multipath.maps(world, host)
    if not maps:
        return "ok\n"
    rows = "".join(f"{one.lun.wwid} dm-{one.number} {one.lun.wwid}\n" for one in maps)
    return f"{'name':<33} sysfs uuid\n{rows}"


def _topology(world: World, host: Host, rest: str) -> str:
    return multipath_text.listing(multipath.maps(world, host), daemon=True) or "ok\n"


def _status(world: World, host: Host, rest: str) -> str:
    paths = [path for one in multipath.maps(world, host) for path in one.paths]
    words = {word: sum(path.checker == word for path in paths) for word in ("ready", "faulty")}
    counts = "".join(f"{word:<20}{number}\n" for word, number in words.items() if number)
    return f"path checker states:\n{counts}\npaths: {len(paths)}\nbusy: False\n"


def _config(world: World, host: Host, rest: str) -> str:
    return _LOCAL_CONFIG


def _running(world: World, host: Host, rest: str) -> str:
    return "pid 1187 running\n"


# the longer words first: the first that fits answers
_ANSWERS: tuple[tuple[str, Callable[[World, Host, str], str]], ...] = (
    ("show maps json", _maps_json),
    ("list maps json", _maps_json),
    ("show multipaths json", _maps_json),
    ("show map", _map_json),
    ("show multipath", _map_json),
    ("show paths raw format", _paths_raw),
    ("show paths", _paths),
    ("show maps", _maps),
    ("show topology", _topology),
    ("show status", _status),
    ("show config local", _config),
    ("show config", _config),
    ("show daemon", _running),
)


def dmsetup(world: World, host: Host, argv: list[str]) -> Reply:
    """`dmsetup status|table --target multipath`."""
    maps = multipath.maps(world, host)
    if argv[1:2] == ["status"]:
        return Reply(out=multipath_text.dm_status(maps) or "No devices found\n")
    if argv[1:2] == ["table"]:
        return Reply(out=multipath_text.dm_table(maps, _daemon(world, host)) or "No devices found\n")
    return Reply(err="The lab plays dmsetup status and table only.\n", rc=1)


PROGRAMS: dict[str, Program] = {"multipath": multipath_command, "multipathd": multipathd, "dmsetup": dmsetup}
