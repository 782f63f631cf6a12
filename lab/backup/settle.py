"""Makes the engine VM agree with the faults in force: files that are gone or wrong, a lock that is held."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg

from lab import engine_vm_files as files
from lab.backup import pki
from lab.runtime import Lab
from lab.world import Fault

_CONF = {"engine": ("ENGINE", files.DATABASE), "dwh": ("DWH", files.DWH), "keycloak": ("KEYCLOAK", files.KEYCLOAK)}
WRONG = "not-the-password"


async def settle(lab: Lab) -> None:
    """To be called after every change of the faults. A file is put back as it was when its fault is over."""
    wanted = {f"{fault.name} {fault.args.get('which', '')}": fault for fault in lab.world.faults if _concerns(fault)}
    for key in lab.settled - wanted.keys():
        await _act(lab, key, on=False)
    for key in wanted.keys() - lab.settled:
        await _act(lab, key, on=True)
    lab.settled = frozenset(wanted)


def _concerns(fault: Fault) -> bool:
    if fault.name == "backup-flags-lost":
        return fault.args.get("how") != "unread"
    return fault.name in (
        "backup-wrong-password",
        "backup-setup-db-conf-lost",
        "backup-key-mismatch",
        "backup-hang",
    )


async def _act(lab: Lab, key: str, on: bool) -> None:
    name, which = key.split(" ", 1)
    if name == "backup-hang":
        await _lock(lab, on)
    elif name == "backup-flags-lost":
        _replace(lab, files.FLAGS, None if on else files.flags(lab.world))
    elif name == "backup-key-mismatch":
        _swap_key(lab, on)
    elif name == "backup-setup-db-conf-lost":
        _replace(lab, files.DATABASE, None if on else files.database_conf("ENGINE", lab.cluster.passwords["ENGINE"]))
    else:
        kind, path = _CONF[which or "engine"]
        _replace(lab, path, files.database_conf(kind, WRONG if on else lab.cluster.passwords[kind]))


def _replace(lab: Lab, name: str, content: bytes | None) -> None:
    path = lab.vm_root / name
    path.unlink(missing_ok=True)
    if content is not None:
        files.write(path, content)


def _swap_key(lab: Lab, on: bool) -> None:
    kept = lab.state_dir / "engine_id_rsa.kept"
    path = lab.vm_root / files.KEY
    if on and not kept.exists():
        kept.touch(mode=0o600)
        kept.write_bytes(path.read_bytes())
        path.write_bytes(pki.other_key())
    elif not on and kept.exists():
        path.write_bytes(kept.read_bytes())
        kept.unlink()


async def _lock(lab: Lab, on: bool) -> None:
    with contextlib.suppress(RuntimeError, OSError, psycopg.Error):
        if on:
            await lab.cluster.ready()
        await asyncio.to_thread(lab.cluster.hold_lock, on)
