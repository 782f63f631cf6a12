"""The switch itself, the switches of its fabric, what its login told, its log and its trunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.connectors.san.reading.fos_codes import state
from portal.connectors.san.reading.leaves import Row, Unreadable, first, flag, inner, rows, text, whole
from portal.kernel.san import Member, SwitchPort, Unit, wwn

LONGEST_LOG = 500  # the newest entries that are kept


@dataclass(frozen=True)
class Identity:
    """What brocade-fibrechannel-switch tells of one switch."""

    wwn: str
    name: str
    domain: int | None
    model: str
    firmware: str
    state: str
    principal: bool | None


def identity(found: tuple[Row, ...]) -> Identity:
    """The first switch that is listed. Raises Unreadable when there is none, or it has no WWN."""
    row: Row = found[0] if found else {}
    key = wwn(text(row.get("name")))
    if not key:
        raise Unreadable("it names no switch")
    return Identity(
        wwn=key,
        name=text(row.get("user-friendly-name")),
        domain=whole(row.get("domain-id")),
        model=text(row.get("model")),
        firmware=text(row.get("firmware-version")),
        state=state(row),
        principal=_principal(row),
    )


def by_ports(ports: tuple[SwitchPort, ...]) -> str:
    """A switch's WWN from those of its ports, where they agree: these are 2, three digits of the port, and the switch's
    last twelve."""
    bases = {port.wwn[4:] for port in ports}
    return f"1000{bases.pop()}" if len(bases) == 1 and ports[0].wwn.startswith("2") else ""


def _principal(row: Row) -> bool | None:
    told: bool | None = first((flag(row.get("is-principal")), flag(row.get("principal"))))
    return told


def members(found: tuple[Row, ...]) -> tuple[Member, ...]:
    """The fabric's switches. Raises Unreadable when one has no WWN."""
    listed = tuple(
        Member(
            wwn=wwn(text(row.get("name"))),
            domain=whole(row.get("domain-id")),
            name=text(row.get("switch-user-friendly-name")),
            address=text(row.get("ip-address")),
            principal=bool(_principal(row)),
        )
        for row in found
    )
    if not all(one.wwn for one in listed):
        raise Unreadable("it names a switch without WWN")
    return listed


def log(found: tuple[Row, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """Time, message id, severity, text; newest last."""
    ordered = sorted(found, key=lambda row: whole(row.get("sequence-number")) or 0)
    leafs = ("time-stamp", "message-id", "severity-level", "message-text")
    told = [tuple(text(row.get(leaf)) for leaf in leafs) for row in ordered[-LONGEST_LOG:]]
    return tuple((at, ident, severity.lower(), words) for at, ident, severity, words in told)


def trunks(found: tuple[Row, ...]) -> dict[int, int]:
    """Port -> number of its trunk (brocade-fibrechannel-trunk/trunk)."""
    pairs = ((whole(row.get("source-port")), whole(row.get("group"))) for row in found)
    return {port: trunk for port, trunk in pairs if port is not None and trunk is not None}


def password_days(content: Mapping[str, object]) -> int | None:
    """Days until the account's password expires, from the body of a login (9.1 and later)."""
    told = inner(content, "switch-parameters") or content
    return whole(told.get("days-to-user-password-expiration"))


def modules(found: tuple[Row, ...]) -> frozenset[str]:
    """module and module/object names that this switch offers (brocade-module-version)."""
    names: set[str] = set()
    for row in found:
        module = text(row.get("name"))
        objects = inner(row, "objects").get("object")
        listed: Iterable[object] = objects if isinstance(objects, list) else [objects]
        if module:
            names |= {module, *(f"{module}/{text(one)}" for one in listed if text(one))}
    return frozenset(names)


def holder(found: tuple[Row, ...]) -> str:
    """Who holds the fabric's zoning lock (9.x)."""
    row: Row = found[0] if found else {}
    domain = whole(row.get("lock-principal-domain-id"))
    return f"the switch with domain {domain}" if domain else ""


def units(found: tuple[Row, ...], kind: str) -> tuple[Unit, ...]:
    """Power supplies or fans (brocade-fru)."""
    return tuple(Unit(kind, whole(row.get("unit-number")), text(row.get("operational-state")).lower()) for row in found)


def health(found: tuple[Row, ...]) -> dict[str, str]:
    """What the switch's own policy says (brocade-maps/switch-status-policy-report): watched thing -> word."""
    row: Row = found[0] if found else {}
    told = {
        name.removesuffix("-health"): text(value).lower() for name, value in row.items() if name.endswith("-health")
    }
    return {name: word for name, word in told.items() if word}


def serial(found: tuple[Row, ...]) -> str:
    """The chassis' serial number."""
    chassis = rows(list(found))[:1]
    return text(chassis[0].get("serial-number")) if chassis else ""
