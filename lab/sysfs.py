"""The FC part of a lab host's /sys (facts/luns-and-tuning.md 2.1). With a SAN it says what the switches say."""

from __future__ import annotations

from lab import multipath
from lab.san import counters
from lab.world import Hba, Host, TargetPort, World

_NO_FABRIC = "0xffffffffffffffff"
_COUNTED = ("link_failure_count", "loss_of_sync_count", "loss_of_signal_count")
_MODEL, _FIRMWARE, _DRIVER = "LPe32002-M2-D", "12.8.351.47", "14.0.0.15"  # what the switches hear of it, too


def tree(world: World, host: Host) -> dict[str, bytes]:
    """Path -> content of fc_host, scsi_host and fc_remote_ports."""
    files: dict[str, str] = {}
    for hba in host.hbas:
        files |= _port(world, hba)
        ports = [target for target in world.targets if target.fabric == hba.fabric]
        for number, target in enumerate(ports):
            files |= _remote(world, host, hba, target, number)
    return {path: (text + "\n").encode() for path, text in files.items()}


def links(host: Host) -> dict[str, str]:
    """The links in /sys/class/fc_host: where a port's card sits."""
    return {
        f"/sys/class/fc_host/host{hba.scsi_host}": f"../../{place(hba)}/fc_host/host{hba.scsi_host}"
        for hba in host.hbas
    }


def place(hba: Hba) -> str:
    """The device of an HBA's SCSI host, below /sys."""
    bus = hba.pci.rpartition(":")[0]
    return f"devices/pci{bus[:5]}3a/{bus[:5]}3a:00.0/{hba.pci}/host{hba.scsi_host}"


def rport(hba: Hba, number: int) -> str:
    """The name of a remote port: its number is the target's place among the fabric's ports."""
    return f"rport-{hba.scsi_host}:0-{number}"


def link_up(world: World, hba: Hba) -> bool:
    """Whether an HBA has light."""
    if world.san is not None:
        return hba.online and hba.wwpn in world.san.live(world).up
    return hba.online and world.fabrics.get(hba.fabric, True)


def _port(world: World, hba: Hba) -> dict[str, str]:
    up = link_up(world, hba)
    base, scsi = f"/sys/class/fc_host/host{hba.scsi_host}", f"/sys/class/scsi_host/host{hba.scsi_host}"
    fabric, port_id = _place_in_fabric(world, hba)
    errors, drops = counters.far_end(world, hba.wwpn)
    return {
        f"{base}/port_name": f"0x{hba.wwpn}",
        f"{base}/node_name": f"0x2{hba.wwpn[1:]}",
        f"{base}/port_state": "Online" if up else "Linkdown",
        f"{base}/port_type": "NPort (fabric via point-to-point)" if up else "Unknown",
        f"{base}/speed": f"{_gbit(world, hba.wwpn)} Gbit" if up else "Unknown",
        f"{base}/supported_speeds": "8 Gbit, 16 Gbit, 32 Gbit",
        f"{base}/fabric_name": fabric if up else _NO_FABRIC,
        f"{base}/port_id": port_id if up else "0x000000",
        f"{base}/dev_loss_tmo": "30",
        f"{base}/symbolic_name": f"Emulex {_MODEL} FV{_FIRMWARE} DV{_DRIVER}",
        f"{scsi}/modelname": _MODEL,
        f"{scsi}/fwrev": f"{_FIRMWARE}, sli-4:2:c",
        f"{scsi}/proc_name": "lpfc",
        **{f"{base}/statistics/{name}": hex(drops) for name in _COUNTED},
        f"{base}/statistics/invalid_tx_word_count": hex(2 * errors),
        f"{base}/statistics/invalid_crc_count": hex(errors),
        f"{base}/statistics/error_frames": "0xffffffffffffffff",  # lpfc does not count them
    }


def _place_in_fabric(world: World, hba: Hba) -> tuple[str, str]:
    """Fabric name and port id, as the switch that the port is plugged into gives them."""
    if world.san is not None:
        live = world.san.live(world)
        if hba.wwpn in live.places:
            switch, port = live.places[hba.wwpn]
            members = [live.design.switches[name] for name in live.components[switch.name]]
            head = min(members, key=lambda one: (not one.principal, one.domain))
            return f"0x{head.wwn}", f"0x{switch.port_fcid(port):06x}"
    letter, number = ("a", 1) if hba.fabric == "A" else ("b", 2)
    return f"0x100000000000000{letter}", f"0x0{number}{hba.scsi_host:02x}00"


def _gbit(world: World, wwpn: str) -> int:
    """The speed of a link."""
    places = world.san.live(world).places if world.san is not None else {}
    return places[wwpn][1].gbit if wwpn in places else 32


def _fcid(world: World, wwpn: str) -> str:
    """The address of a device, as its switch gives it."""
    places = world.san.live(world).places if world.san is not None else {}
    return f"0x{places[wwpn][0].port_fcid(places[wwpn][1]):06x}" if wwpn in places else "0x000000"


def _remote(world: World, host: Host, hba: Hba, target: TargetPort, number: int) -> dict[str, str]:
    """Blocked for as long as the devices wait, Not Present after that; a target that the HBA never reached since boot
    has no remote port."""
    state = _remote_state(world, host, hba, target)
    if not state:
        return {}
    base = f"/sys/class/fc_remote_ports/{rport(hba, number)}"
    return {
        f"{base}/port_name": f"0x{target.wwpn}",
        f"{base}/node_name": f"0x{target.node}",
        f"{base}/port_state": state,
        f"{base}/port_id": _fcid(world, target.wwpn),
        f"{base}/roles": "FCP Target",
        f"{base}/dev_loss_tmo": "80",
        f"{base}/fast_io_fail_tmo": "5",
        f"{base}/scsi_target_id": str(number),
    }


def _remote_state(world: World, host: Host, hba: Hba, target: TargetPort) -> str:
    if link_up(world, hba) and target.online and _zoned(world, hba, target):
        return "Online"
    lost = [at for (one, other, _), at in host.failed_paths.items() if (one, other) == (hba.wwpn, target.wwpn)]
    if not lost or min(lost) < host.booted:
        return ""
    return "Blocked" if world.at - min(lost) < multipath.VANISH else "Not Present"


def _zoned(world: World, hba: Hba, target: TargetPort) -> bool:
    return world.san is None or world.san.live(world).reach(hba, target)
