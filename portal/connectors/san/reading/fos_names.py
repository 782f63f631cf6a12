"""The name server: who is logged in where, in the whole fabric (facts/san.md 1.1)."""

from __future__ import annotations

from portal.connectors.san.reading.leaves import Row, Unreadable, text
from portal.kernel.san import Login, wwn


def logins(found: tuple[Row, ...]) -> tuple[Login, ...]:
    """All entries. Raises Unreadable when one has no WWPN."""
    return tuple(_login(row) for row in found)


def _login(row: Row) -> Login:
    port = wwn(text(row.get("port-name")))
    if not port:
        raise Unreadable("it lists a login without WWPN")
    return Login(
        wwpn=port,
        wwnn=wwn(text(row.get("node-name"))),
        fabric_port=wwn(text(row.get("fabric-port-name"))),
        fcid=text(row.get("port-id")).lower().removeprefix("0x"),
        device=device(text(row.get("name-server-device-type")) or text(row.get("fc4-features"))),
        port_symbol=text(row.get("port-symbolic-name")),
        node_symbol=text(row.get("node-symbolic-name")),
    )


def device(told: str) -> str:
    """initiator, target, or "" for both, neither and unknown."""
    low = told.lower()
    is_initiator, is_target = "initiator" in low, "target" in low
    return "" if is_initiator == is_target else "initiator" if is_initiator else "target"
