"""REST first, the command line where REST fails or lacks a part (facts/san.md 0.1, 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.connectors.san.ports import FabricReader
from portal.kernel.output import LookFailed
from portal.kernel.san import SwitchSeen

# parts that the other interface may fill in
PARTS = ("ports", "logins", "zoning", "members", "counters", "sfps", "log")


@dataclass
class Fallback:
    """A FabricReader of two. The second is asked only when the first raises, or could not read one of PARTS."""

    first: FabricReader
    second: FabricReader

    def look(self) -> SwitchSeen:
        """The first's look, completed by the second's; or the second's, with the first's failure under "first". Raises
        the first's LookFailed when both fail."""
        try:
            seen = self.first.look()
        except LookFailed as why:
            return self._instead(why)
        wanted = [part for part in PARTS if part in seen.unread or (part == "zoning" and "defined" in seen.unread)]
        if not wanted:
            return seen
        try:
            return _completed(seen, self.second.look(), wanted)
        except LookFailed:
            return seen

    def _instead(self, why: LookFailed) -> SwitchSeen:
        try:
            seen = self.second.look()
        except LookFailed:
            raise why from None
        return replace(seen, unread={**seen.unread, "first": str(why)})


def _completed(seen: SwitchSeen, other: SwitchSeen, wanted: list[str]) -> SwitchSeen:
    """Only parts of the same switch, and only those that the other has read."""
    filled = [part for part in wanted if part not in other.unread and other.wwn == seen.wwn]
    read = {*filled, "defined"} if "zoning" in filled else set(filled)  # cfgshow tells both configurations
    unread = {part: why for part, why in seen.unread.items() if part not in read}
    return replace(seen, unread=unread, **{part: getattr(other, part) for part in filled})
