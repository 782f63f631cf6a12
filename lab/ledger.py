"""The ledger: every command that a lab host really executed, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from lab.world import World

KEPT = 200_000


def enter(world: World, host: str, argv: Sequence[str], kind: str) -> dict[str, object]:
    """Writes down that a command begins. kind: "ssh" (an exec request, argv is the one command line), "sftp",
    "command" or "post" (a request to the engine: POST, path, correlation id). Returns the entry, which `close`
    completes."""
    last = world.ledger[-1]["n"] if world.ledger else 0
    assert isinstance(last, int)
    entry: dict[str, object] = {
        "n": last + 1,
        "at": round(world.clock.now(), 3),
        "wall": round(world.clock.wall_at(world.clock.now()), 3),
        "host": host,
        "kind": kind,
        "argv": list(argv),
        "rc": None,
    }
    world.ledger.append(entry)
    if len(world.ledger) > KEPT:
        del world.ledger[: KEPT // 10]
    return entry


def close(world: World, entry: dict[str, object], rc: int | None) -> None:
    """rc: the exit code; None when the command was killed or cut off before it answered."""
    entry["rc"] = rc
    entry["ended"] = round(world.clock.now(), 3)


def since(world: World, number: int) -> list[dict[str, object]]:
    """The entries after number `number`."""
    return [entry for entry in world.ledger if isinstance(entry["n"], int) and entry["n"] > number]
