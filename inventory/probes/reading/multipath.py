"""What a host says of its multipath maps: the shared types, and when a path is up (facts/luns-and-tuning.md 0, 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Standing = Literal["up", "down", "unclear"]

_WWPN = re.compile(r"[0-9a-f]{16}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGTP])B?")
_UNITS = "KMGTP"

# The checker's bad words of all versions; "failed" is in old tools, "disconnected" in new ones (1.1).
DOWN_CHECKS = {"faulty", "failed", "shaky", "i/o timeout", "disconnected"}
UP_CHECKS = {"ready", "ghost"}
# fc_host words that carry no traffic. The link is down seconds before a checker notices (2.1); Marginal still carries.
DOWN_PORTS = {
    "Linkdown",
    "Offline",
    "Not Present",
    "Error",
    "Blocked",
    "Deleted",
    "Bypassed",
    "Diagnostics",
    "Loopback",
}
DOWN_DEVICES = {"offline", "transport-offline", "blocked", "quiesce", "deleted"}


@dataclass(frozen=True)
class PathFact:
    """One path. dm: what multipathd believes of the kernel (active, failed, undef); checker and device: its checker
    and the SCSI device; they disagree at times (0.5). kernel: A or F of `dmsetup status`, "-" when the kernel's map
    does not hold the path, "" when the kernel was not asked. WWPNs: 16 hex digits, "" where the transport has none.
    size as the tool prints it ("1.0T"). port: the port_state of its HBA, "" when not known."""

    dev: str
    dev_t: str
    dm: str
    checker: str
    device: str
    hctl: str = ""
    priority: int | None = None
    size: str = ""
    hba_wwpn: str = ""
    target_wwpn: str = ""
    kernel: str = ""
    failures: int | None = None
    marginal: bool = False
    port: str = ""

    @property
    def vanished(self) -> bool:
        """The SCSI device is gone and the map still lists the path."""
        return self.dev == "-" or self.dev_t == "#:#"

    @property
    def standing(self) -> Standing:
        """up only when every word that was said is good; a word that is not known is unclear, never up."""
        if self._says_down():
            return "down"
        known = self.checker in UP_CHECKS and self.dm == "active" and self.device == "running"
        return "up" if known and self.kernel in ("A", "") else "unclear"

    def _says_down(self) -> bool:
        bad_device = self.vanished or self.device in DOWN_DEVICES or self.port in DOWN_PORTS
        return bad_device or self.dm == "failed" or self.kernel in ("F", "-") or self.checker in DOWN_CHECKS


@dataclass(frozen=True)
class MapFact:
    """One map. wwid is the LUN. size in bytes is the kernel's, None when the kernel was not asked; size_text is what
    the tool prints. state: active, suspend, undef, or "" when not said."""

    wwid: str
    name: str
    paths: tuple[PathFact, ...]
    sysfs: str = ""
    vendor: str = ""
    product: str = ""
    size: int | None = None
    size_text: str = ""
    state: str = ""
    write_protect: str = ""
    queueing: str = ""
    features: str = ""

    def count(self, standing: Standing) -> int:
        """How many paths stand so."""
        return sum(path.standing == standing for path in self.paths)


@dataclass(frozen=True)
class HbaFact:
    """One fc_host port: host0, WWPN, port_state and speed in the kernel's words; fabric "" when it has none."""

    host: str
    wwpn: str
    state: str
    speed: str
    fabric: str


def wwpn(text: str) -> str:
    """16 lower-case hex digits of any spelling (0x21.., 21:00:..), "" for [undef], [unknown] and the like (2.1)."""
    bare = text.strip().lower().removeprefix("0x").replace(":", "")
    return bare if _WWPN.fullmatch(bare) and int(bare, 16) else ""


def size_fits(text: str, size: int) -> bool | None:
    """Does a printed size ("1.5T", rounded) fit a size in bytes? None when the text is no size."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    unit: int = 1024 ** (_UNITS.index(match[2]) + 1)
    step = unit / 10 if "." in match[1] else unit
    return abs(float(match[1]) * unit - size) <= step
