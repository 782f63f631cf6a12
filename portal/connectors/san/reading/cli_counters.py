"""porterrshow, portstatsshow, sfpshow -all and errdump (facts/san.md 1.2). Counters take the names of REST's leafs."""

from __future__ import annotations

import re

from portal.connectors.san.reading.cli_text import labelled, nothing, number
from portal.connectors.san.reading.fos_switch import LONGEST_LOG
from portal.connectors.san.reading.leaves import Unreadable, dbm, real
from portal.kernel.san import Sfp

# porterrshow's columns from the left. "enc in" has no leaf of its own; the last one is FOS 9's, general knowledge.
_COLUMNS = (
    "out-frames",
    "in-frames",
    "",
    "crc-errors",
    "in-crc-errors",
    "truncated-frames",
    "frames-too-long",
    "bad-eofs-received",
    "encoding-errors-outside-frame",
    "class-3-discards",
    "link-failures",
    "loss-of-sync",
    "loss-of-signal",
    "p-rjt-frames",
    "p-busy-frames",
    "class3-out-discards",
    "class3-in-discards",
    "pcs-block-errors",
    "fec-uncorrected",
)
_FEWEST = 17  # columns of a line that is taken for a port's
# portstatsshow's names: (leaf, factor). Octets are told in words of four bytes.
_STATS = {
    "stat_wtx": ("out-octets", 4),
    "stat_wrx": ("in-octets", 4),
    "stat_ftx": ("out-frames", 1),
    "stat_frx": ("in-frames", 1),
    "stat_c2_frx": ("class-2-frames", 1),
    "stat_c3_frx": ("class-3-frames", 1),
    "stat_lc_rx": ("in-lcs", 1),
    "stat_mc_rx": ("in-multicast-pkts", 1),
    "stat_mc_tx": ("out-multicast-pkts", 1),
    "stat_mc_to": ("multicast-timeouts", 1),
    "er_crc": ("crc-errors", 1),
    "er_crc_good_eof": ("in-crc-errors", 1),
    "er_trunc": ("truncated-frames", 1),
    "er_toolong": ("frames-too-long", 1),
    "er_bad_eof": ("bad-eofs-received", 1),
    "er_enc_out": ("encoding-errors-outside-frame", 1),
    "er_bad_os": ("invalid-ordered-sets", 1),
    "er_disc_c3": ("class-3-discards", 1),
    "er_rx_c3_timeout": ("class3-in-discards", 1),
    "er_tx_c3_timeout": ("class3-out-discards", 1),
    "er_pcs_blk": ("pcs-block-errors", 1),
    "tim_txcrd_z": ("bb-credit-zero", 1),
}
_SEVERITIES = frozenset({"INFO", "WARNING", "ERROR", "CRITICAL"})
_EVENT = re.compile(r"(\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d\S*(?: \([^)]*\))?), \[([A-Z0-9_]+-\d+)\], (.*)")


def porterrshow(found: list[str]) -> dict[int, dict[str, int]]:
    """Port -> leaf -> value. Values with k, m or g are left out: their small increments cannot be seen, so a difference
    of two of them would say "no errors". Raises Unreadable when no line is a port's."""
    ports = {}
    for line in found:
        words = line.replace(":", ": ", 1).split()
        port = number(words[0].rstrip(":")) if words and words[0].endswith(":") else None
        if port is not None and len(words) > _FEWEST:
            told = zip(_COLUMNS, map(number, words[1:]), strict=False)
            ports[port] = {leaf: value for leaf, value in told if leaf and value is not None}
    if not ports:
        raise Unreadable("it lists no port")
    return ports


def portstatsshow(found: list[str]) -> dict[str, int]:
    """One port's counters. Raises Unreadable when none of them is known."""
    told = {}
    for line in found:
        words = line.split()
        leaf, factor = _STATS.get(words[0], ("", 0)) if len(words) > 1 else ("", 0)
        value = number(words[1]) if leaf else None
        if value is not None:
            told[leaf] = value * factor
    if not told:
        raise Unreadable("it holds no counter that is known")
    return told


def sfpshow(found: list[str]) -> tuple[Sfp, ...]:
    """Optics of `sfpshow -all`: labels are vendors' words, the frame around them is general knowledge. Ports without an
    optic are left out. Raises Unreadable when no port is framed."""
    ports: dict[int, list[str]] = {}
    current: list[str] | None = None
    for line in found:
        head = re.fullmatch(r"\s*(?:Slot\s+\d+\s*/\s*)?Port\s+(\d{1,5})\s*:\s*(.*)", line)
        if head:
            current = ports.setdefault(int(head.group(1)), [head.group(2)])
        elif current is not None:
            current.append(line)
    if not ports:
        raise Unreadable("it lists no port")
    return tuple(_sfp(port, told) for port, told in ports.items() if not nothing(told) and _told(told))


def _told(found: list[str]) -> dict[str, str]:
    return {name: value for name, value in map(labelled, found) if name}


def _sfp(port: int, found: list[str]) -> Sfp:
    told = _told(found)
    return Sfp(
        number=port,
        rx_dbm=_power(told.get("rx power", "")),
        tx_dbm=_power(told.get("tx power", "")),
        celsius=real(told.get("temperature", "").partition(" ")[0]),
        part=told.get("vendor pn", ""),
        serial=told.get("serial no", ""),
        rx_low_alarm=_limit(told.get("rx power", ""), 0),
        rx_low_warning=_limit(told.get("rx power", ""), 2),
    )


def _limit(told: str, which: int) -> float | None:
    """Behind the measured power stand alarm low and high, warning low and high: in uW, or in dBm without a unit."""
    found = re.findall(r"(-?[\d.]+)\s*(uW)?", told.partition(")")[2])
    if len(found) != 4:
        return None
    value, unit = found[which]
    return dbm(real(value)) if unit else real(value)


def _power(told: str) -> float | None:
    """`-2.6    dBm (551.8uW)`: the microwatts, as REST tells them, else the dBm."""
    micro = re.search(r"\(\s*([\d.]+)\s*uW", told)
    return dbm(real(micro.group(1))) if micro else real(told.partition(" ")[0])


def errdump(found: list[str]) -> tuple[tuple[str, str, str, str], ...]:
    """Time, message id, severity in lower case, text; newest last. FFDC may stand before the severity. Raises
    Unreadable when no line is an event's and the log is not empty."""
    events = []
    for line in found:
        event = _EVENT.match(line)
        parts = event.group(3).split(", ") if event else []
        at = next((n for n, part in enumerate(parts) if part.strip() in _SEVERITIES), None)
        if event and at is not None:
            events.append((event.group(1), event.group(2), parts[at].strip().lower(), ", ".join(parts[at + 2 :])))
    if not events and any(labelled(line)[0] != "fabric os" for line in found):
        raise Unreadable("it lists no event")
    return tuple(sorted(events[-LONGEST_LOG:], key=lambda one: one[0]))
