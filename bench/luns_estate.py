"""200 hosts x 64 LUNs x 8 paths in two fabrics, as the redundancy proof takes them in."""

from __future__ import annotations

import os

from inventory.redundancy.estate import Declared, DmPath, Estate, HbaPort, HostSeen, Use
from portal.kernel.san import (
    ArrayLun,
    ArrayPort,
    ArraySeen,
    HostLink,
    Initiator,
    Login,
    Mapped,
    Member,
    SwitchPort,
    SwitchSeen,
    Zone,
    Zoning,
)

HOSTS = int(os.environ.get("HOLDFAST_BENCH_HOSTS", "200"))  # fewer: for a machine that has other work
LUNS, PATHS = 64, 8
SIZE = 1 << 40  # bytes of a LUN
SWITCHES = {"A": "1000c4f57c01a000", "B": "1000c4f57c01b000"}


def hbas(host: int) -> dict[str, str]:
    """Fabric -> WWPN."""
    return {fabric: f"100000{k}0{host:08x}" for k, fabric in enumerate(SWITCHES)}


def targets() -> dict[str, tuple[str, int]]:
    """WWPN -> (fabric, number): four on each fabric, two of each controller."""
    return {f"2000340000000{n:03x}": ("AB"[n % 2], n) for n in range(PATHS)}


def wwn(host: int, lun: int) -> str:
    """Every host has LUNs of its own, so nothing is shared between them."""
    return f"6340{host:012x}{lun:016x}"


def name(host: int) -> str:
    """As the engine calls it."""
    return f"h{host}"


def switch(fabric: str) -> SwitchSeen:
    """One switch with all its ports, logins and single-initiator zones."""
    base = SWITCHES[fabric]
    here = [target for target, (where, _) in targets().items() if where == fabric]
    ends = [hbas(host)[fabric] for host in range(HOSTS)] + here
    ports = [f"2{n:03x}{base[4:]}" for n in range(len(ends))]
    zones = tuple(Zone(f"Z_h{host}", (hbas(host)[fabric], *here)) for host in range(HOSTS))
    names = tuple(zone.name for zone in zones)
    return SwitchSeen(
        base,
        f"SW{fabric}1",
        "rest",
        domain=1,
        principal=True,
        ports=tuple(
            SwitchPort(n, port, "", "online", "F", True, neighbors=(end,))
            for n, (port, end) in enumerate(zip(ports, ends, strict=True))
        ),
        logins=tuple(Login(end, end, port, "010000") for port, end in zip(ports, ends, strict=True)),
        zoning=Zoning("CFG", zones, {"CFG": names}, zones, {}, False, False),
        members=(Member(base, 1, f"SW{fabric}1", principal=True),),
    )


def array() -> ArraySeen:
    """Two controllers, eight ports, every host mapped to its LUNs."""
    ids = {(host, lun): str(host * LUNS + lun) for host in range(HOSTS) for lun in range(LUNS)}
    pairs = [
        (h, end, port)
        for h in range(HOSTS)
        for fab, end in hbas(h).items()
        for port, (on, _) in targets().items()
        if fab == on
    ]
    return ArraySeen(
        "SN1",
        "PROD",
        hosts={str(host): f"h{host}" for host in range(HOSTS)},
        ports=tuple(
            ArrayPort(
                str(n),
                port,
                f"CTE0.{'AB'[n // 2 % 2]}.IOM0.P{n}",
                f"0{'AB'[n // 2 % 2]}",
                f"0{'AB'[n // 2 % 2]}.0",
                "1",
                "10",
            )
            for port, (_, n) in targets().items()
        ),
        initiators=tuple(Initiator(end, str(h), True) for h in range(HOSTS) for end in hbas(h).values()),
        links=tuple(HostLink(str(h), end, port, "27") for h, end, port in pairs),
        luns=tuple(ArrayLun(ident, f"lun{ident}", wwn(*key), SIZE) for key, ident in ids.items()),
        mapped=tuple(Mapped(str(host), ident, lun + 1) for (host, lun), ident in ids.items()),
    )


def estate() -> Estate:
    """The whole: 200 x 64 x 8 paths."""
    hosts = []
    for host in range(HOSTS):
        ends = hbas(host)
        ports = tuple(HbaPort(end, f"0000:{k:02x}:00", "Online") for k, end in enumerate(ends.values()))
        pairs = [(ends[fabric], port) for port, (fabric, _) in targets().items()]
        paths = tuple(DmPath(f"3{wwn(host, lun)}", *pair, "up") for lun in range(LUNS) for pair in pairs)
        hosts.append(HostSeen(f"h{host}", ports, paths))
    uses = tuple(Use(f"vm{h}", tuple(f"3{wwn(h, lun)}" for lun in range(LUNS)), (f"h{h}",)) for h in range(HOSTS))
    return Estate(0.0, tuple(hosts), tuple(map(switch, SWITCHES)), (array(),), Declared(), uses)
