"""Damage of the shared metadata, and what each kind makes of `--vm-status` (facts/hosted-engine.md 2.6).

The lab keeps a damage until its fault is cleared, as a bad block would; a real record is written anew every 10 s."""

from __future__ import annotations

from lab.he_traceback import frames
from lab.world import Host, World

FAULT = "spoil-metadata"
# record: bad CRC. version: a record newer than this agent. bytes: not UTF-8. global: garbage in record 0
KINDS = ("record", "version", "bytes", "global")
_CALLS = (
    ("<frozen runpy>", 198, "_run_module_as_main"),
    ("<frozen runpy>", 88, "_run_code"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 216, "<module>"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 110, "print_status"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 75, "_get_all_host_stats"),
    ("@S/ovirt_hosted_engine_ha/client/client.py", 146, "get_all_host_stats"),
    ("@S/ovirt_hosted_engine_ha/client/client.py", 99, "get_all_stats"),
    ("@S/ovirt_hosted_engine_ha/lib/metadata.py", 180, "parse_metadata_to_dict"),
)


def spoiled(world: World, kind: str) -> list[Host]:
    """The hosts whose record has this damage; for bytes and global it does not matter whose it is."""
    return [
        world.hosts[fault.target]
        for fault in world.faults
        if fault.name == FAULT and (fault.args.get("kind") or KINDS[0]) == kind
    ]


def absent(world: World) -> set[int]:
    """Host ids that vm-status passes over in silence."""
    return {host.he_host_id for host in spoiled(world, "record") if host.he_host_id is not None}


def too_new(world: World) -> str:
    """stderr of a vm-status that meets a record of a newer version; "" when there is none."""
    for host in spoiled(world, "version"):
        return (
            f"{frames(_CALLS)}ovirt_hosted_engine_ha.lib.exceptions.FatalMetadataError: Metadata version 9 from host"
            f" {host.he_host_id} too new for this agent (highest compatible version: 1)\n"
        )
    return ""
