"""`grep -sH .` over /sys and what `find -printf` says of its links: Fibre Channel ports, SCSI devices, device-mapper
maps (facts/luns-and-tuning.md 2.1). One process reads any number of files: nothing grows with the number of paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inventory.probes.reading.multipath import wwpn
from portal.kernel.san import wwn

BOOT_ID = "/proc/sys/kernel/random/boot_id"
HOST_FILES = (
    "port_name",
    "node_name",
    "fabric_name",
    "port_state",
    "port_type",
    "speed",
    "supported_speeds",
    "port_id",
)
CARD_FILES = ("modelname", "model_name", "fwrev", "fw_version")
REMOTE_FILES = (
    "port_name",
    "port_state",
    "port_id",
    "roles",
    "scsi_target_id",
    "fast_io_fail_tmo",
    "dev_loss_tmo",
)
CONGESTION = ("fpin_cn", "cn_sig_warn", "cn_sig_alarm")
# Each read asks the driver again [K], so few of the forty.
COUNTERS = (
    "link_failure_count",
    "loss_of_sync_count",
    "loss_of_signal_count",
    "invalid_tx_word_count",
    "invalid_crc_count",
    "error_frames",
    # what the fabric itself reports to the port, since Linux 5.12: links, lost frames, congestion
    "fpin_li",
    "fpin_dn",
    *CONGESTION,
)
NOT_SUPPORTED = 0xFFFFFFFFFFFFFFFF
_NO_FABRIC = {"", "0" * 16, "f" * 16}
_LINK = re.compile(r"(/\S+) = (\S+)")


@dataclass(frozen=True)
class Counter:
    """An error counter of a port; None: the driver does not count it."""

    name: str
    value: int | None


@dataclass(frozen=True)
class FcPort:
    """One port of the host. WWNs and fabric as 16 hex digits, fabric "" when it has none. gbit None while no speed is
    negotiated. card: PCI address without its function ("0000:3a:00"), "" for a port that is no PCI device's."""

    host: str
    wwpn: str
    wwnn: str
    fabric: str
    state: str
    gbit: float | None
    most_gbit: float | None
    port_id: str
    model: str
    firmware: str
    card: str
    counters: tuple[Counter, ...]


@dataclass(frozen=True)
class RemotePort:
    """A port that the host has logged in to. target None: it is no SCSI target. Timeouts in seconds as the kernel
    prints them ("off" is one)."""

    name: str
    host: str
    wwpn: str
    state: str
    port_id: str
    roles: str
    target: int | None
    fast_io_fail: str
    dev_loss: str


def values(text: str, pattern: str) -> Iterator[tuple[str, str, str]]:
    """Lines PATH:VALUE in; (thing, attribute, value) of those whose path fits. pattern has two groups: the thing and
    the attribute. A name in the path may hold colons, so a path is known by its attribute's name."""
    line = re.compile(rf"{pattern}:(.*)")
    for one in text.splitlines():
        match = line.fullmatch(one.strip())
        if match:
            yield match[1], match[2], match[3].strip()


def links(text: str) -> dict[str, str]:
    """Lines "PATH = TARGET" of find in, target by path."""
    found = (_LINK.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: match[2] for match in found if match}


def boot_id(text: str) -> str:
    """The boot that all counters count from; "" when it was not printed."""
    return next((value for _, _, value in values(text, r"(/proc/sys/kernel/random)/(boot_id)")), "")


def gathered(text: str, pattern: str) -> dict[str, dict[str, str]]:
    """The same as thing -> attribute -> value."""
    found: dict[str, dict[str, str]] = {}
    for thing, attribute, value in values(text, pattern):
        found.setdefault(thing, {})[attribute] = value
    return found


def gbit(text: str) -> float | None:
    """The highest speed of "32 Gbit" or "8 Gbit, 16 Gbit, 32 Gbit"; None for Unknown and Not Negotiated."""
    speeds = [float(number) for number in re.findall(r"(\d+(?:\.\d+)?) G(?:bit|b)", text)]
    return max(speeds, default=None)


def whole(text: str) -> int | None:
    """A decimal number; None for anything else."""
    return int(text) if re.fullmatch(r"\d{1,19}", text) else None


def read_ports(text: str) -> tuple[FcPort, ...]:
    """The host's FC ports; none without a port_name."""
    ports = gathered(text, r"/sys/class/fc_host/(host\d+)/([a-z_]+)")
    cards = gathered(text, r"/sys/class/scsi_host/(host\d+)/([a-z_]+)")
    statistics = gathered(text, r"/sys/class/fc_host/(host\d+)/statistics/([a-z_]+)")
    places = links(text)
    return tuple(
        _port(host, ports[host], cards.get(host, {}), statistics.get(host, {}), places)
        for host in sorted(ports, key=_number)
        if wwpn(ports[host].get("port_name", ""))
    )


def _number(host: str) -> int:
    return int(host.removeprefix("host"))


def _port(
    host: str, port: dict[str, str], card: dict[str, str], statistics: dict[str, str], places: dict[str, str]
) -> FcPort:
    fabric = wwn(port.get("fabric_name", ""))
    return FcPort(
        host=host,
        wwpn=wwn(port["port_name"]),
        wwnn=wwn(port.get("node_name", "")),
        fabric="" if fabric in _NO_FABRIC else fabric,
        state=port.get("port_state", ""),
        gbit=gbit(port.get("speed", "")),
        most_gbit=gbit(port.get("supported_speeds", "")),
        port_id=port.get("port_id", "").removeprefix("0x"),
        model=card.get("modelname") or card.get("model_name", ""),
        firmware=card.get("fwrev") or card.get("fw_version", ""),
        card=pci_card(places.get(f"/sys/class/fc_host/{host}", "")),
        counters=tuple(Counter(name, _count(statistics.get(name, ""))) for name in COUNTERS),
    )


def pci_card(link: str) -> str:
    """../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1/host1/... as "0000:3b:00": what sits in the root port's slot,
    without the function's number, since two ports of a card differ in nothing else. A card with a bridge of its own
    (four ports on two chips, the ports of a converged adapter) has a bus for each, and is one card all the same."""
    found = re.findall(r"/([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})\.[0-7](?=/)", link.partition("/host")[0] + "/")
    return found[min(1, len(found) - 1)] if found else ""


def _count(text: str) -> int | None:
    """Counters are hexadecimal; all ones mean that the driver does not count (2.1)."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,16}", text):
        return None
    value = int(text, 16)
    return None if value == NOT_SUPPORTED else value


def read_remote_ports(text: str) -> tuple[RemotePort, ...]:
    """What the host has logged in to, targets and others; none without a port_name."""
    ports = gathered(text, r"/sys/class/fc_remote_ports/(rport-\d+:\d+-\d+)/([a-z_]+)")
    return tuple(
        RemotePort(
            name=name,
            host=f"host{name.removeprefix('rport-').partition(':')[0]}",
            wwpn=wwn(port["port_name"]),
            state=port.get("port_state", ""),
            port_id=port.get("port_id", "").removeprefix("0x"),
            roles=port.get("roles", ""),
            target=whole(port.get("scsi_target_id", "")),  # -1: no SCSI target
            fast_io_fail=port.get("fast_io_fail_tmo", ""),
            dev_loss=port.get("dev_loss_tmo", ""),
        )
        for name, port in ports.items()
        if wwpn(port.get("port_name", ""))
    )
