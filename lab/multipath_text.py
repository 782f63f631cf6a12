"""What multipath, multipathd and dmsetup print for a host (facts/luns-and-tuning.md 1; multipath-tools 0.8.4)."""

from __future__ import annotations

from collections.abc import Callable

from lab.multipath import Map, Path
from lab.world import Host

QUEUEING, NO_QUEUE = "1 queue_if_no_path", "0"
_UNITS = ("K", "M", "G", "T", "P")


def size_text(size: int) -> str:
    """One decimal below 10, none above, 1024-based."""
    value = size / 1024
    unit = 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}{_UNITS[unit]}" if value < 10 else f"{value:.0f}{_UNITS[unit]}"


def features(one: Map, daemon: bool) -> str:
    """Queueing is off without the daemon, and once no path came back for 80 s."""
    return QUEUEING if daemon and (one.up or one.paths) else NO_QUEUE


def listing(maps: list[Map], daemon: bool) -> str:
    """`multipath -ll`."""
    everything = [path for one in maps for path in one.paths]
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*map(_cells, everything), strict=True)]
    return "".join(_topology(one, daemon, widths) for one in maps)


def _cells(path: Path) -> tuple[str, ...]:
    return (path.hctl, path.dev, path.dev_t, path.dm, path.checker, path.device)


def _topology(one: Map, daemon: bool, widths: list[int]) -> str:
    vendor = "HUAWEI,XSG1" if one.paths else "##,##"
    handler = "1 alua" if one.paths else "0"
    lines = [
        f"{one.lun.wwid} dm-{one.number} {vendor}",
        f"size={size_text(one.lun.size)} features='{features(one, daemon)}' hwhandler='{handler}' wp=rw",
    ]
    if one.paths:
        lines.append(f"`-+- policy='service-time 0' prio={50 if one.up else 0} status=active")
    for index, path in enumerate(one.paths):
        cells = " ".join(cell.ljust(width) for cell, width in zip(_cells(path), widths, strict=True))
        lines.append(f"  {'`' if index == len(one.paths) - 1 else '|'}- {cells}".rstrip())
    return "\n".join(lines) + "\n"


def as_json(maps: list[Map], host: Host) -> str:
    """`multipathd show maps json`."""
    head = '{\n   "major_version": 0,\n   "minor_version": 1,\n   "maps": ['
    return head + ",".join(_map_json(one, host) for one in maps) + "]\n}\n"


def one_as_json(one: Map, host: Host) -> str:
    """`multipathd show map NAME json`: a "map" object instead of the list."""
    return '{\n   "major_version": 0,\n   "minor_version": 1,\n   "map":' + _map_json(one, host) + "\n}\n"


def _queueing(one: Map) -> str:
    if one.up:
        return "16 chk"
    left = int(80 - one.lost)
    return f"{left} sec" if left > 0 else "off"


def _map_json(one: Map, host: Host) -> str:
    rows: list[tuple[str, str | int]] = [
        ("name", one.lun.wwid),
        ("uuid", one.lun.wwid),
        ("sysfs", f"dm-{one.number}"),
        ("failback", "immediate"),
        ("queueing", _queueing(one)),
        ("paths", one.up),
        ("write_prot", "rw"),
        ("dm_st", "active"),
        ("features", features(one, daemon=True)),
        ("hwhandler", "1 alua" if one.paths else "0"),
        ("action", "create"),
        ("path_faults", sum(path.faults for path in one.paths)),
        ("vend", "HUAWEI" if one.paths else "##"),
        ("prod", "XSG1" if one.paths else "##"),
        ("rev", "6000" if one.paths else "##"),
        ("switch_grp", 0),
        ("map_loads", 1),
        ("total_q_time", 0),
        ("q_timeouts", 0),
    ]
    return "{\n" + _rows(rows, 6) + ",\n" + _groups_json(one, host) + "\n   }"


def _groups_json(one: Map, host: Host) -> str:
    if not one.paths:
        return '      "path_groups": []'
    rows: list[tuple[str, str | int]] = [
        ("selector", "service-time 0"),
        ("pri", 50 if one.up else 0),
        ("dm_st", "active"),
        ("marginal_st", "normal"),
        ("group", 1),
    ]
    paths = ",".join("{\n" + _rows(_path_rows(path), 12) + "\n         }" for path in one.paths)
    return '      "path_groups": [{\n' + _rows(rows, 9) + ',\n         "paths": [' + paths + "]\n      }]"


def _path_rows(path: Path) -> list[tuple[str, str | int]]:
    return [
        ("dev", path.dev),
        ("dev_t", path.dev_t),
        ("dm_st", path.dm),
        ("dev_st", path.device),
        ("chk_st", path.checker),
        ("checker", "tur"),
        ("pri", 50 if path.up else 0),
        ("host_wwnn", f"0x2{path.hba.wwpn[1:]}"),
        ("target_wwnn", f"0x{path.target.node}"),
        ("host_wwpn", f"0x{path.hba.wwpn}"),
        ("target_wwpn", f"0x{path.target.wwpn}"),
        ("host_adapter", path.hba.pci),
        ("marginal_st", "normal"),
    ]


def _rows(rows: list[tuple[str, str | int]], indent: int) -> str:
    shown = (f'"{value}"' if isinstance(value, str) else str(value) for _, value in rows)
    return ",\n".join(f'{" " * indent}"{key}" : {value}' for (key, _), value in zip(rows, shown, strict=True))


_WILDCARDS: dict[str, Callable[[Map, Path], str]] = {
    "d": lambda one, path: path.dev,
    "i": lambda one, path: path.hctl,
    "D": lambda one, path: path.dev_t,
    "t": lambda one, path: path.dm,
    "T": lambda one, path: path.checker,
    "o": lambda one, path: path.device,
    "p": lambda one, path: "50" if path.up else "0",
    "S": lambda one, path: size_text(one.lun.size),
    "m": lambda one, path: one.lun.wwid,
    "w": lambda one, path: one.lun.wwid,
    "R": lambda one, path: f"0x{path.hba.wwpn}",
    "r": lambda one, path: f"0x{path.target.wwpn}",
    "N": lambda one, path: f"0x2{path.hba.wwpn[1:]}",
    "n": lambda one, path: f"0x{path.target.node}",
    "a": lambda one, path: path.hba.pci,
    "s": lambda one, path: "HUAWEI,XSG1,6000",
    "z": lambda one, path: one.lun.serial,
    "c": lambda one, path: "tur",
    "C": lambda one, path: "XXXX...... 3/5",
    "M": lambda one, path: "normal",
    "G": lambda one, path: "[none]",
    "g": lambda one, path: "",
    "0": lambda one, path: str(path.faults),
    "P": lambda one, path: "scsi:fcp",
}


def raw_paths(maps: list[Map], template: str) -> str:
    """`multipathd show paths raw format TEMPLATE`; unknown wildcards print nothing (0.11)."""
    return "".join(_fill(template, one, path) + "\n" for one in maps for path in one.paths)


def _fill(template: str, one: Map, path: Path) -> str:
    pieces = template.split("%")
    return pieces[0] + "".join(
        (_WILDCARDS[piece[0]](one, path) if piece[:1] in _WILDCARDS else "") + piece[1:] for piece in pieces[1:]
    )


def dm_status(maps: list[Map]) -> str:
    """`dmsetup status --target multipath`."""
    return "".join(f"{one.lun.wwid}: 0 {one.lun.size // 512} multipath {_dm_tail(one)}\n" for one in maps)


def _dm_tail(one: Map) -> str:
    if not one.paths:
        return "2 1 0 0 0 0"
    paths = "".join(f"{path.dev_t} {'F' if path.dm == 'failed' else 'A'} {path.faults} 0 1 " for path in one.paths)
    return f"2 0 0 0 1 1 A 0 {len(one.paths)} 2 {paths}"


def dm_table(maps: list[Map], daemon: bool) -> str:
    """`dmsetup table --target multipath`."""
    lines = []
    for one in maps:
        paths = "".join(f"{path.dev_t} 1 " for path in one.paths)
        groups = f"1 1 service-time 0 {len(one.paths)} 1 {paths}" if one.paths else "0 0"
        handler = "1 alua" if one.paths else "0"
        lines.append(f"{one.lun.wwid}: 0 {one.lun.size // 512} multipath {features(one, daemon)} {handler} {groups}\n")
    return "".join(lines)
