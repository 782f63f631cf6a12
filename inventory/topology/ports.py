"""Ports of hosts and arrays as the picture shows them: plugged in where, carrying or dead, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import CARRIES, HbaPort
from inventory.redundancy.mapping import unread, up
from inventory.topology.parts import Port, Wire
from inventory.topology.scene import Plug, Scene
from portal.kernel.san import ArrayPort, ArraySeen

MOST = 4  # ports of one box on one fabric that are drawn one by one
GRAVE: tuple[Wire, ...] = ("gone", "down", "unknown", "idle", "live")
DOWN_CODES = ("11", "28")  # host_link and fc_port: link down, offline


def tail(wwpn: str) -> str:
    """The end of a WWPN, as it stands beside a link: "a1:01:00"."""
    return ":".join(wwpn[i : i + 2] for i in range(10, len(wwpn), 2))


def of_host(scene: Scene, host: str) -> tuple[Port, ...]:
    """The HBA ports of a host, in the order of their cards."""
    hbas = sorted(scene.proof.sides[host].pairs.host.hbas, key=lambda one: (one.card, one.wwpn))
    return tuple(_hba(scene, host, number, hba) for number, hba in enumerate(hbas))


def _hba(scene: Scene, host: str, number: int, hba: HbaPort) -> Port:
    own = Element(Kind.HBA, hba.wwpn)
    card = Element(Kind.CARD, f"{host}/{hba.card.split('.')[0]}")
    plug = scene.plug(hba.wwpn)
    dead = "" if hba.state in CARRIES else f"{host} says {hba.state}"
    wire, words = _wire(scene, hba.wwpn, plug, dead, "")
    if scene.gone(own, card, Element(Kind.HOST, host)):
        wire, words = "gone", "taken away"
    about = f"HBA port {hba.wwpn} of {host}, card {hba.card or 'not known'}: {words}"
    cuts = _cuts(scene, own, card, "Its card")
    return _port(hba.wwpn, f"HBA {number}", plug, wire, about, scene.toggle(own), cuts)


def of_array(scene: Scene, array: ArraySeen, why: str) -> tuple[Port, ...]:
    """The ports of an array; more than a few on one fabric become one for each controller. why: it says nothing now."""
    ports = [_array_port(scene, array, one, why) for one in sorted(array.ports, key=lambda one: one.location)]
    by_rail = groupby(sorted(ports, key=_rail), key=_rail)
    return tuple(one for _, mine in by_rail for one in _few(scene, array, list(mine)))


def _rail(port: Port) -> int:
    return -1 if port.rail is None else port.rail


def _few(scene: Scene, array: ArraySeen, ports: list[Port]) -> Iterable[Port]:
    if len(ports) <= MOST:
        return ports
    owners = {one.wwpn: one.controller for one in array.ports}
    kinds = groupby(
        sorted(ports, key=lambda one: (owners[one.key], one.switch)), key=lambda one: (owners[one.key], one.switch)
    )
    found = []
    for (controller, _), members in kinds:
        link = scene.toggle(Element(Kind.CONTROLLER, f"{array.serial}/{controller}"))
        found.append(replace(merged(list(members), controller or "?"), toggle=link))
    return found


def merged(ports: list[Port], name: str) -> Port:
    """Several ports of one switch as one. It is as bad as its worst."""
    worst = min(ports, key=lambda one: GRAVE.index(one.wire))
    alike = sum(one.wire == worst.wire for one in ports)
    label = name if len(ports) == 1 else f"{name} × {len(ports)}"
    words = worst.words if len(ports) == 1 else f"{alike} of {len(ports)}: {worst.words}"
    cuts = next((one.cuts for one in ports if one.cuts), "")
    return replace(worst, label=label, plug="", tail="", words=words, count=len(ports), cuts=cuts)


def _array_port(scene: Scene, array: ArraySeen, port: ArrayPort, why: str) -> Port:
    name = scene.name(array.serial, array.name)
    own = Element(Kind.ARRAY_PORT, port.wwpn)
    within = tuple(_holders(array, port))
    plug = scene.plug(port.wwpn)
    dead = "" if up(port) or why or port.running not in DOWN_CODES else f"{name} says link down"
    wire, words = _wire(scene, port.wwpn, plug, dead, why or unread(array, "ports"))
    if scene.gone(own, *within):
        wire, words = "gone", "taken away"
    about = f"Port {port.location or port.wwpn} of {name}, {port.wwpn}: {words}"
    cuts = _cuts(scene, own, within[0], "Its I/O module")
    found = _port(port.wwpn, short(port), plug, wire, about, scene.toggle(own), cuts)
    return replace(found, tail=f"{port.wwpn[:2]}:{port.wwpn[2:4]}…{port.wwpn[-2:]}")


def _holders(array: ArraySeen, port: ArrayPort) -> Iterator[Element]:
    """What a port sits in: its module, its controller, the array."""
    yield Element(Kind.MODULE, f"{array.serial}/{port.module}")
    yield Element(Kind.CONTROLLER, f"{array.serial}/{port.controller}")
    yield Element(Kind.ARRAY, array.serial)


def _cuts(scene: Scene, own: Element, holder: Element, name: str) -> str:
    if scene.is_cut(own):
        return "Single point of failure."
    return f"{name} is a single point of failure." if scene.is_cut(holder) else ""


def short(port: ArrayPort) -> str:
    """ "0A.IOM0.P0"; the WWPN's tail when the array names no place."""
    if not port.location:
        return tail(port.wwpn)
    rest = port.location.split(".", 2)[2:]
    return ".".join([port.controller, *rest]) if port.controller and rest else port.location


def _port(key: str, label: str, plug: Plug | None, wire: Wire, words: str, toggle: str, cuts: str) -> Port:
    rail, switch, number = (plug.rail, plug.switch, plug.port) if plug else (None, "", "")
    return Port(key, label, rail, switch, number, tail(key), wire, words, toggle, cuts=cuts)


def _wire(scene: Scene, wwpn: str, plug: Plug | None, dead: str, dark: str) -> tuple[Wire, str]:
    """The state of the link of a port. dead: who says that it is down; dark: why its own end says nothing."""
    if plug is not None and scene.removed and scene.gone(*_over(scene, plug)):
        return "gone", "taken away with what it is plugged into"
    if dead:
        return "down", dead
    number = scene.carries[wwpn]
    if number:
        return "live", f"{number} path{'s' if number != 1 else ''} run over it"
    return _silent(scene, wwpn, plug, dark)


def _silent(scene: Scene, wwpn: str, plug: Plug | None, dark: str) -> tuple[Wire, str]:
    """Of a port that no path runs over."""
    if plug is None:
        return "unknown", "which fabric it is plugged into is not known"
    told = scene.live_fabric(plug.rail)
    why = scene.around.dark.get(plug.switch, "") if told is None else told.why.get("logins", "")
    if told is not None and wwpn in told.logins:
        return ("unknown", dark) if dark else ("idle", "logged in, no path runs over it")
    if told is None or why:
        return "unknown", why or "its switch says nothing"
    return "down", f"it is not logged in to fabric {told.name}"


def _over(scene: Scene, plug: Plug) -> Iterator[Element]:
    """What a plugged port hangs on beyond its cable."""
    yield Element(Kind.SWITCH, plug.switch)
    fabric = scene.fabrics[plug.rail]
    yield Element(Kind.FABRIC, fabric.key)
    yield Element(Kind.SWITCH_PORT, plug.wwn)
