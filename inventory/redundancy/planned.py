"""Every declared cable beside what the fabrics tell: as planned, elsewhere, not logged in, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.plan import Cable
from inventory.redundancy.summary import Proof

Standing = Literal["as planned", "elsewhere", "other fabric", "not logged in", "not known"]


@dataclass(frozen=True)
class Seen:
    """One cable. where: the place that it has now, "" for none. taken: WWPNs that stand on its port instead. sentence:
    what is and what to do, "" when it is as planned."""

    cable: Cable
    standing: Standing
    where: str = ""
    taken: tuple[str, ...] = ()
    sentence: str = ""


def cables(proof: Proof) -> tuple[Seen, ...]:
    """All of the plan; none without one."""
    plan = proof.estate.declared.plan
    return tuple(_seen(proof, one) for one in plan.cables) if plan else ()


def _seen(proof: Proof, cable: Cable) -> Seen:
    line = cable.line
    who = f"{line.port} of {line.name}"
    home = next((one for one in proof.fabrics if cable.port_wwn and cable.port_wwn in one.ports), None)
    taken = _on(home, cable)
    number = proof.san.places.login(cable.wwpn)
    if number is None:
        return _absent(cable, home, taken, who)
    fabric = proof.fabrics[number]
    login = fabric.logins[cable.wwpn]
    where = place_words(fabric, login.fabric_port) or f"fabric {fabric.name}"
    if not cable.port_wwn or login.fabric_port not in fabric.ports:
        unknown = f"Whether {who} is plugged in as planned, at {cable.place}, is not known: it is logged in at {where}."
        return Seen(cable, "not known", where, taken, unknown)
    if login.fabric_port == cable.port_wwn:
        return Seen(cable, "as planned", where)
    words = f"{who} belongs to {cable.place} by the plan and is logged in at {where}"
    if home is not None and home.key != fabric.key:
        cross = f"{words}, another fabric: move the cable before the fault of one fabric becomes a fault of both."
        return Seen(cable, "other fabric", where, taken, cross)
    return Seen(cable, "elsewhere", where, taken, f"{words}: move the cable, or change the plan.")


def _absent(cable: Cable, home: Fabric | None, taken: tuple[str, ...], who: str) -> Seen:
    """In no name server that was read."""
    if home is None or "logins" in home.why:
        why = home.why["logins"] if home else f"{cable.line.at} was not read."
        return Seen(cable, "not known", "", taken, f"Whether {who} is plugged into {cable.place} is not known: {why}")
    port = home.ports[cable.port_wwn][1]
    state = port.state or "not told"
    also = f"; {', '.join(taken)} is there instead" if taken else ""
    words = f"{who} is not logged in; {cable.place}, where it belongs, is {state}{also}: see its cable and its port."
    return Seen(cable, "not logged in", "", taken, words)


def _on(home: Fabric | None, cable: Cable) -> tuple[str, ...]:
    """Who else is logged in at the planned port."""
    if home is None:
        return ()
    every = (login.wwpn for login in home.logins.values() if login.fabric_port == cable.port_wwn)
    return tuple(sorted(wwpn for wwpn in every if wwpn != cable.wwpn))


def place_words(fabric: Fabric, port_wwn: str) -> str:
    """A switch port in words; "" for one that was not read."""
    if port_wwn not in fabric.ports:
        return ""
    owner, port = fabric.ports[port_wwn]
    return f"port {port.number} of {fabric.names.get(owner, owner)}"
