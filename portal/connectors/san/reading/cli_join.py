"""One SwitchSeen out of what the single commands told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from portal.connectors.san.reading.cli_switch import Link, Shown
from portal.kernel.san import Login, Member, Sfp, SwitchPort, SwitchSeen, Zoning

PORT_WWN_BASE = "2"  # a port's WWN is 2, three digits of its number, and the switch's last twelve


@dataclass
class Told:
    """What the commands told; what is missing here stands in `unread`."""

    name: str
    shown: Shown | None = None
    firmware: str = ""
    members: tuple[Member, ...] = ()
    links: Mapping[int, Link] = field(default_factory=dict)
    trunks: Mapping[int, Link] = field(default_factory=dict)
    local: tuple[Login, ...] = ()
    remote: tuple[Login, ...] = ()
    zoning: Zoning | None = None
    transaction: bool | None = None
    counters: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    exact: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    sfps: tuple[Sfp, ...] = ()
    log: tuple[tuple[str, str, str, str], ...] = ()


def joined(told: Told, unread: Mapping[str, str]) -> SwitchSeen:
    """portstatsshow's counters stand above porterrshow's, which are rounded."""
    shown = told.shown
    counters = {
        port: {**told.counters.get(port, {}), **told.exact.get(port, {})} for port in {*told.counters, *told.exact}
    }
    return SwitchSeen(
        wwn=shown.wwn if shown else "",
        name=(shown.name if shown else "") or told.name,
        source="ssh",
        domain=shown.domain if shown else None,
        model=shown.model if shown else "",
        firmware=told.firmware,
        state=shown.state if shown else "",
        principal=shown.principal if shown else None,
        ports=tuple(_port(port, told) for port in shown.ports) if shown else (),
        logins=told.local + told.remote,
        zoning=replace(told.zoning, transaction=told.transaction) if told.zoning else None,
        members=told.members,
        counters=counters,
        sfps=told.sfps,
        log=told.log,
        unread=unread,
    )


def _port(port: SwitchPort, told: Told) -> SwitchPort:
    """With its WWN, its devices (a port with many shows only their number), its link and trunk."""
    key = port_wwn(told.shown.wwn if told.shown else "", port.number, told.local)
    trunked = told.trunks.get(port.number)
    link = told.links.get(port.number) or trunked
    seen = tuple(login.wwpn for login in told.local if key and login.fabric_port == key)
    return replace(
        port,
        wwn=key,
        neighbors=port.neighbors or ((link.peer,) if link else seen),
        peer_port=link.peer_port if link else None,
        kind=port.kind or ("E" if link else ""),
        trunk=trunked.trunk if trunked else None,
    )


def port_wwn(switch: str, number: int, logins: Iterable[Login]) -> str:
    """switchshow tells no WWN of ports. It is made by Fabric OS's rule as long as no login of this switch speaks
    against that rule; "" otherwise."""
    base = switch[4:]
    against = any(not one.fabric_port.endswith(base) for one in logins if one.fabric_port)
    return f"{PORT_WWN_BASE}{number:03x}{base}" if switch and number < 4096 and not against else ""
