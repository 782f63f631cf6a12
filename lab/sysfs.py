"""The FC part of a lab host's /sys (facts/luns-and-tuning.md 2.1)."""

from __future__ import annotations

from lab.world import Host, World


def tree(world: World, host: Host) -> dict[str, bytes]:
    """Path -> content of fc_host and fc_remote_ports."""
    files: dict[str, str] = {}
    for hba in host.hbas:
        up = hba.online and world.fabrics.get(hba.fabric, True)
        base = f"/sys/class/fc_host/host{hba.scsi_host}"
        node = "2" + hba.wwpn[1:]
        files |= {
            f"{base}/port_name": f"0x{hba.wwpn}",
            f"{base}/node_name": f"0x{node}",
            f"{base}/port_state": "Online" if up else "Linkdown",
            f"{base}/port_type": "NPort (fabric via point-to-point)" if up else "Unknown",
            f"{base}/speed": "32 Gbit" if up else "Unknown",
            f"{base}/supported_speeds": "8 Gbit, 16 Gbit, 32 Gbit",
            f"{base}/fabric_name": f"0x100000000000000{'a' if hba.fabric == 'A' else 'b'}"
            if up
            else "0xffffffffffffffff",
            f"{base}/port_id": f"0x0{'1' if hba.fabric == 'A' else '2'}{hba.scsi_host:02x}00",
            f"{base}/dev_loss_tmo": "30",
        }
        for number, target in enumerate(t for t in world.targets if t.fabric == hba.fabric):
            port = f"/sys/class/fc_remote_ports/rport-{hba.scsi_host}:0-{number}"
            files |= {
                f"{port}/port_name": f"0x{target.wwpn}",
                f"{port}/node_name": f"0x2{target.wwpn[1:]}",
                f"{port}/port_state": "Online" if up and target.online else "Blocked",
                f"{port}/roles": "FCP Target",
                f"{port}/dev_loss_tmo": "80",
                f"{port}/fast_io_fail_tmo": "5",
                f"{port}/scsi_target_id": str(number),
            }
    return {path: (text + "\n").encode() for path, text in files.items()}
