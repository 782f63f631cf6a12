"""Ports, their counters and their optics. A port is known as "0/22", its optic as "fc/0/22" (facts/san.md 1.1)."""

from __future__ import annotations

from collections.abc import Mapping

from portal.connectors.san.reading.fos_codes import gbit, kind
from portal.connectors.san.reading.leaves import Row, Unreadable, dbm, first, flag, inner, real, text, whole, words
from portal.kernel.san import Sfp, SwitchPort, wwn

_NOT_COUNTERS = frozenset({"sampling-interval", "time-generated", "reset-statistics", "in-rate", "out-rate"})
_NOT_COUNTERS_END = ("-rate", "-time")

Counters = tuple[dict[int, dict[str, int]], dict[int, int]]
NO_COUNTERS: Counters = ({}, {})


def ports(found: tuple[Row, ...], trunks: Mapping[int, int]) -> tuple[SwitchPort, ...]:
    """All ports. Raises Unreadable when there is none, or one has no number."""
    if not found:
        raise Unreadable("it lists no port")
    return tuple(_port(row, trunks) for row in found)


def numbers(found: tuple[Row, ...]) -> dict[str, int]:
    """ "0/22" -> 22, by the index that the switch gives the port."""
    told = ((text(row.get("name")), _number(row)) for row in found)
    return {name: number for name, number in told if number is not None}


def _number(row: Row) -> int | None:
    told: int | None = first((whole(row.get("index")), whole(row.get("default-index")), _behind(row.get("name"))))
    return told


def _behind(name: object) -> int | None:
    return whole(text(name).rpartition("/")[2])


def _port(row: Row, trunks: Mapping[int, int]) -> SwitchPort:
    number = _number(row)
    if number is None:
        raise Unreadable("it lists a port without number")
    type_, online = kind(row), text(row.get("physical-state")).lower() == "online"
    far = tuple(filter(None, map(wwn, words(inner(row, "neighbor").get("wwn")))))
    link = type_ in ("E", "EX", "VE")
    peer_switch = wwn(text(row.get("neighbor-node-wwn")))
    return SwitchPort(
        number=number,
        wwn=wwn(text(row.get("wwn"))),
        name=text(row.get("user-friendly-name")),
        state=text(row.get("physical-state")).lower(),
        kind=type_,
        enabled=first(
            (flag(row.get("is-enabled-state")), {2: True, 6: False}.get(whole(row.get("enabled-state")) or 0))
        ),
        persistent_disable=first((flag(row.get("is-persistent-disable")), flag(row.get("persistent-disable")))),
        licensed=_licensed(row),
        gbit=gbit(row.get("protocol-speed"), row.get("speed")) if online else None,
        most_gbit=gbit(row.get("max-protocol-speed"), row.get("max-speed")),
        neighbors=((peer_switch,) if peer_switch else ()) if link else far,
        peer_port=_peer_port(row, far) if link else None,
        health=text(row.get("port-health")).lower(),
        why_disabled=_reason(row.get("disable-reason")),
        why_segmented=_reason(row.get("segmentation-reason")),
        trunk=trunks.get(number),
    )


def _reason(value: object) -> str:
    told = text(value)
    return "" if told.lower() in ("none", "not applicable") else told


def _licensed(row: Row) -> bool | None:
    """pod-license-status. "released" in the newer pod-license-state only says that nothing is reserved for the port."""
    status = flag(row.get("pod-license-status"))
    reserved = text(row.get("pod-license-state")).lower() == "reserved"
    return True if status is None and reserved else status


def _peer_port(row: Row, far: tuple[str, ...]) -> int | None:
    """As 9.x tells it; before, the number inside the far port's WWN (20:16:... is port 22)."""
    inside = int(far[0][1:4], 16) if far and far[0].startswith("2") else None
    told = (whole(row.get("neighbor-port-index")), _behind(row.get("neighbor-slot-port")), inside)
    return next((number for number in told if number is not None and number >= 0), None)


def counters(found: tuple[Row, ...], known: Mapping[str, int]) -> Counters:
    """(port -> leaf -> value, port -> epoch seconds of the last clearing, for those that tell one)."""
    values: dict[int, dict[str, int]] = {}
    cleared: dict[int, int] = {}
    for row in found:
        number = _known(row, known)
        told = {leaf: whole(value) for leaf, value in row.items() if _counts(leaf)}
        values[number] = {leaf: value for leaf, value in told.items() if value is not None and value >= 0}
        at = whole(row.get("reset-statistics"))
        cleared |= {number: at} if at and at > 1 else {}
    return values, cleared


def _counts(leaf: str) -> bool:
    return leaf not in _NOT_COUNTERS and leaf != "name" and not leaf.endswith(_NOT_COUNTERS_END)


def _known(row: Row, known: Mapping[str, int]) -> int:
    name = text(row.get("name")).removeprefix("fc/")
    number = known.get(name, _behind(name))
    if number is None:
        raise Unreadable("it lists a port without number")
    return number


def sfps(found: tuple[Row, ...], known: Mapping[str, int]) -> tuple[Sfp, ...]:
    """The optics. Raises Unreadable when one belongs to no port."""
    return tuple(
        Sfp(
            number=_known(row, known),
            rx_dbm=dbm(real(row.get("rx-power"))),
            tx_dbm=dbm(real(row.get("tx-power"))),
            celsius=real(row.get("temperature")),
            part=text(row.get("part-number")),
            serial=text(row.get("serial-number")),
            rx_low_alarm=_alert(row, "low-alarm"),
            rx_low_warning=_alert(row, "low-warning"),
        )
        for row in found
    )


def _alert(row: Row, leaf: str) -> float | None:
    """The limit of this optic where the switch tells one. remote-... is the far end's and says nothing of this one."""
    return dbm(real(inner(row, "media-rx-power-alert").get(leaf)))
