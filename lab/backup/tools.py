"""What the engine VM's processes get of the lab, and the ends of engine-backup's runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import ledger
from lab.world import World

HERE = Path(__file__).parent
ENDED = "lab-ended"  # engine-backup's last word: `lab-ended RUN RC`
LOOK_EVERY = 0.1  # real seconds


def install(folder: Path, compiler: str) -> None:
    """Compiles place.c and copies engine-backup into a folder. Raises CalledProcessError."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    library = folder / "place.so"
    words = ["-O2", "-shared", "-fPIC", "-o", f"{library}.new", str(HERE / "place.c"), "-ldl"]
    subprocess.run([compiler, *words], check=True)
    os.replace(f"{library}.new", library)
    shutil.copytree(HERE / "program", folder / "program", dirs_exist_ok=True)
    for name in ("engine-backup", "packer"):
        (folder / "program" / name).chmod(0o755)
    shutil.rmtree(folder / "program" / "packing", ignore_errors=True)


def client(writer: asyncio.StreamWriter) -> int:
    """The process at the other end of a Unix socket."""
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", raw)[0]
    return pid


async def watch(world: World, entry: dict[str, object], pid: int) -> None:
    """Waits for a run's end and closes its entry, without exit code when the run could not tell it any more."""
    entry["pid"] = pid
    while "ended" not in entry and _lives(pid):
        await asyncio.sleep(LOOK_EVERY)
    if "ended" not in entry:
        ledger.close(world, entry, None)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(world: World, argv: Sequence[str]) -> None:
    """A run tells its exit code, or "signal" when one ends it."""
    for entry in reversed(world.ledger):
        if [str(entry["n"])] == argv[1:2]:
            ledger.close(world, entry, int(argv[2]) if argv[2].isdigit() else None)
            return
