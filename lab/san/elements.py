"""What may fail by itself, each with one name. The names are what the truth tells and what tests compare with.

hba:<WWPN>  card:<host>/<PCI slot>  port:<switch port WWN>  switch:<WWN>  fabric:<A|B>  isl:<port WWN>-<port WWN>
target:<WWPN>  module:<array>/<0A.0>  controller:<array>/<0A>
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.san.design import Array, Design, Port, Switch
from lab.world import Hba, Host, TargetPort, World


def hba(one: Hba) -> str:
    """A port of a host."""
    return f"hba:{one.wwpn}"


def card(host: Host, one: Hba) -> str:
    """The card that a port of a host sits on."""
    return f"card:{host.name}/{one.pci.rpartition('.')[0]}"


def port(one: Port) -> str:
    """A port of a switch."""
    return f"port:{one.wwn}"


def switch(one: Switch) -> str:
    """A switch."""
    return f"switch:{one.wwn}"


def fabric(name: str) -> str:
    """A whole fabric."""
    return f"fabric:{name}"


def isl(one: Port, other: Port) -> str:
    """A cable between two switches."""
    return "isl:" + "-".join(sorted((one.wwn, other.wwn)))


def of_target(one: TargetPort) -> tuple[str, str, str]:
    """The port of an array, its interface module, its controller."""
    return f"target:{one.wwpn}", f"module:{one.array}/{one.module}", controller(one.array, one.controller)


def controller(array: str, name: str) -> str:
    """A controller of an array."""
    return f"controller:{array}/{name}"


def everything(world: World, design: Design, host: Host, array: Array) -> list[str]:
    """All that may stand between a host and an array, whether it does or not."""
    return list(dict.fromkeys(_all(world, design, host, array)))


def _all(world: World, design: Design, host: Host, array: Array) -> Iterator[str]:
    for one in host.hbas:
        yield from (hba(one), card(host, one))
    for name in design.fabrics:
        yield fabric(name)
    for box, each in design.ports():
        yield switch(box)
        if each.isl is not None:
            yield isl(each, design.switches[each.isl[0]].ports[each.isl[1]])
        if each.peer:
            yield port(each)
    for target in world.targets:
        if target.array == array.name:
            yield from of_target(target)
