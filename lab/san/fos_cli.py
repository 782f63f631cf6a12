"""The shell of a switch for a user of role `user`: reading commands, joined by `;` or piped into grep.

With a terminal the tabs arrive as blanks and lines end with CR LF (facts/san.md 1.2).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from lab.san import fos_text
from lab.san.design import Fabric, Switch, Zone
from lab.san.live import Live

Command = Callable[[Live, Switch, list[str]], str]
PEER_ZONE = "00:02:00:00:00:03:01"
WIDTH = 52  # characters of members on a line of the defined configuration


def _wrapped(names: list[str]) -> str:
    """Members as the zoning commands wrap them: `; ` between, a wrapped line keeps its blank."""
    lines = [""]
    for place, name in enumerate(names):
        if lines[-1] and len(lines[-1]) + len(name) > WIDTH:
            lines.append("")
        lines[-1] += name + ("; " if place < len(names) - 1 else "")
    return "\n\t\t".join(lines)


def _members(zone: Zone) -> list[str]:
    """A peer zone begins with a property member, which ends with the number of principals, and they come first."""
    if not zone.principals:
        return zone.members
    return [f"{PEER_ZONE}:{len(zone.principals):02x}", *zone.principals, *zone.members]


def _defined(fabric: Fabric) -> str:
    zones = sorted(fabric.zones, key=lambda zone: zone.name)
    text = f" cfg:\t{fabric.cfg}\t{_wrapped([zone.name for zone in zones])}\n"
    text += "".join(f" zone:\t{zone.name}\t{_wrapped(_members(zone))}\n" for zone in zones)
    return f"Defined configuration:\n{text}{_aliases(fabric)}"


def _aliases(fabric: Fabric) -> str:
    return "".join(
        f" alias:\t{name}\n\t\t" + "; ".join(members) + "\n" for name, members in sorted(fabric.aliases.items())
    )


def _effective(fabric: Fabric) -> str:
    text = f"Effective configuration:\n cfg:\t{fabric.cfg}\t\n"
    for zone in sorted(fabric.effective, key=lambda one: one.name):
        text += f" zone:\t{zone.name}\t\n" + "".join(f"\t\t{member}\n" for member in _members(zone))
    return text


def _of(live: Live, switch: Switch) -> Fabric:
    return live.design.fabrics[switch.fabric]


def cfgshow(live: Live, switch: Switch, words: list[str]) -> str:
    """cfgshow, and zoneshow without a name."""
    return f"{_defined(_of(live, switch))}\n{_effective(_of(live, switch))}"


def cfgactvshow(live: Live, switch: Switch, words: list[str]) -> str:
    """cfgactvshow."""
    return _effective(_of(live, switch))


def alishow(live: Live, switch: Switch, words: list[str]) -> str:
    """alishow."""
    return _aliases(_of(live, switch))


def cfgtransshow(live: Live, switch: Switch, words: list[str]) -> str:
    """cfgtransshow."""
    token = _of(live, switch).transaction
    if not token:
        return "There is no outstanding zoning transaction\n"
    return f"Current transaction token is 0x{token:x}\nIt is abortable\n"


COMMANDS: dict[str, Command] = {
    "switchshow": fos_text.switchshow,
    "fabricshow": fos_text.fabricshow,
    "islshow": fos_text.islshow,
    "trunkshow": fos_text.trunkshow,
    "nsshow": fos_text.nsshow,
    "nscamshow": fos_text.nscamshow,
    "nodefind": fos_text.nodefind,
    "cfgshow": cfgshow,
    "zoneshow": cfgshow,
    "cfgactvshow": cfgactvshow,
    "cfgtransshow": cfgtransshow,
    "alishow": alishow,
    "porterrshow": fos_text.porterrshow,
    "portshow": fos_text.portshow,
    "portstatsshow": fos_text.portstatsshow,
    "sfpshow": fos_text.sfpshow,
    "errdump": fos_text.errdump,
    "version": fos_text.version,
    "firmwareshow": fos_text.firmwareshow,
}


def run(live: Live, switch: Switch, line: str) -> tuple[str, int]:
    """What a command line prints (errors are text too) and its exit code."""
    out, code = "", 0
    for part in line.split(";"):
        if part.strip():
            text, code = _pipe(live, switch, part)
            out += text
    return out, code


def _pipe(live: Live, switch: Switch, part: str) -> tuple[str, int]:
    first, *filters = part.split("|")
    text, code = _one(live, switch, first)
    for each in filters:
        words = shlex.split(each)
        if words[:1] != ["grep"] or len(words) < 2:
            return f"rbash: {words[0] if words else ''}: command not found\n", 127
        flags = re.IGNORECASE if "-i" in words else 0
        wanted = re.compile(words[-1], flags)
        text = "".join(kept for kept in text.splitlines(keepends=True) if wanted.search(kept))
    return text, code


def _one(live: Live, switch: Switch, text: str) -> tuple[str, int]:
    try:
        words = shlex.split(text)
    except ValueError:
        return "rbash: syntax error\n", 2
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        return f"rbash: {words[0] if words else ''}: command not found\n", 127
    return command(live, switch, words), 0


def on_terminal(text: str) -> str:
    """The same text as it arrives over a pseudo terminal."""
    return text.expandtabs(8).replace("\n", "\r\n")
