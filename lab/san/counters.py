"""What the ports count: traffic since long ago, errors while a fault makes them, losses of their link."""

from __future__ import annotations

from dataclasses import dataclass

from lab.san.design import Port
from lab.world import World

FRAMES_PER_SECOND, OCTETS_PER_FRAME = 1000, 2000
IN_FRAMES, OUT_FRAMES, IN_OCTETS, OUT_OCTETS = 2_000_000_000, 1_700_000_000, 4_000_000_000_000, 3_500_000_000_000


@dataclass(frozen=True)
class Counts:
    """Of one port of a switch since its counters were cleared."""

    in_frames: int
    out_frames: int
    in_octets: int
    out_octets: int
    errors: int
    drops: int

    @property
    def leafs(self) -> dict[str, int]:
        """REST's leafs that an error or a lost link moves; every other stays 0."""
        return {
            "in-crc-errors": self.errors,
            "crc-errors": self.errors,
            "encoding-errors-outside-frame": 3 * self.errors,
            "invalid-transmission-words": 2 * self.errors,
            "bad-eofs-received": self.errors // 4,
            "link-failures": self.drops,
            "loss-of-signal": self.drops,
            "loss-of-sync": self.drops,
        }


def of(world: World, port: Port) -> Counts:
    """The counters now."""
    assert world.san is not None
    frames, octets = int(world.at * FRAMES_PER_SECOND), int(world.at * FRAMES_PER_SECOND * OCTETS_PER_FRAME)
    n = port.number
    return Counts(
        IN_FRAMES + n + frames,
        OUT_FRAMES + n + frames,
        IN_OCTETS + n + octets,
        OUT_OCTETS + n + octets,
        int(errors(world, port)),
        world.san.drops.get(port.wwn, 0),
    )


def errors(world: World, port: Port) -> float:
    """Errors until now."""
    assert world.san is not None
    return world.san.errors.get(port.wwn, 0.0) + port.errors * max(0.0, world.at - world.san.settled)


def far_end(world: World, wwpn: str) -> tuple[int, int]:
    """(errors, losses of the link) that the device at the other end of the cable counts: half as many errors."""
    if world.san is None:
        return 0, 0
    for _, port in world.san.design.ports():
        if port.peer == wwpn and port.isl is None:
            return int(errors(world, port) / 2), world.san.drops.get(port.wwn, 0)
    return 0, 0
