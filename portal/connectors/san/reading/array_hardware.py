"""The array itself, its controllers, ports, alarms and clock (facts/san.md 2.3). Codes stay as told."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.connectors.san.reading.array_body import count, ident, told, yes
from portal.connectors.san.reading.leaves import Row, Unreadable, whole
from portal.kernel.san import Alarm, ArrayPort, Controller, Pool, wwn

_MODELS = {code: "OceanStor Dorado 5000 V6" for code in ("811", "812", "821", "826")} | {
    code: "OceanStor Dorado 5000" for code in ("900", "901", "909", "914")
}
_ERRORS = ("LOSTSIGNALS", "LOSTSYNC", "LINKFAIL", "BADCRCNUM", "BADCHARNUMBER")


@dataclass(frozen=True)
class System:
    """GET system/."""

    serial: str
    name: str
    wwn: str
    model: str
    firmware: str
    health: str
    running: str


def system(row: Row) -> System:
    """Raises Unreadable without a serial number."""
    mode = told(row, "PRODUCTMODE")
    return System(
        serial=ident(row),
        name=told(row, "NAME"),
        wwn=wwn(told(row, "wwn")),
        model=told(row, "productModeString") or _MODELS.get(mode, f"code {mode}" if mode else ""),
        firmware=told(row, "pointRelease") or told(row, "PRODUCTVERSION"),
        health=told(row, "HEALTHSTATUS"),
        running=told(row, "RUNNINGSTATUS"),
    )


def controllers(found: tuple[Row, ...]) -> tuple[Controller, ...]:
    """Both of them, usually. Raises Unreadable when there is none."""
    if not found:
        raise Unreadable("it lists no controller")
    return tuple(
        Controller(
            ident(row),
            told(row, "LOCATION"),
            told(row, "HEALTHSTATUS"),
            told(row, "RUNNINGSTATUS"),
            told(row, "SOFTVER"),
        )
        for row in found
    )


def ports(found: tuple[Row, ...]) -> tuple[ArrayPort, ...]:
    """Fibre Channel ports."""
    return tuple(_port(row) for row in found)


def _port(row: Row) -> ArrayPort:
    module, location = told(row, "PARENTID"), told(row, "LOCATION")
    errors = {name: number for name in _ERRORS if (number := count(row, name)) is not None}
    return ArrayPort(
        ident=ident(row),
        wwpn=wwn(told(row, "WWN")),
        location=location,
        controller=controller_of(module, location),
        module=module,
        health=told(row, "HEALTHSTATUS"),
        running=told(row, "RUNNINGSTATUS"),
        gbit=_gbit(row, "RUNSPEED"),
        most_gbit=_gbit(row, "MAXSUPPORTSPEED"),
        enabled=yes(row, "PORTSWITCH"),
        errors=errors,
    )


def controller_of(module: str, location: str) -> str:
    """ "0A" from PARENTID "0A.0" or LOCATION "CTE0.A.IOM0.P0"; "" when neither tells."""
    inside = re.match(r"(\d+[A-Z])(\.|$)", module)
    if inside:
        return inside.group(1)
    place = re.match(r"CTE(\d+)\.([A-Z])(\.|$)", location)
    return f"{place.group(1)}{place.group(2)}" if place else ""


def _gbit(row: Row, name: str) -> float | None:
    """Mbit/s as told, in Gbit/s; 0 and -1 are no speed."""
    megabits = count(row, name)
    return megabits / 1000 if megabits else None


def pools(found: tuple[Row, ...]) -> tuple[Pool, ...]:
    """Storage pools; capacities are told in sectors of 512 bytes. A pool that is full stops every thin LUN in it."""
    return tuple(
        Pool(
            ident=ident(row),
            name=told(row, "NAME"),
            health=told(row, "HEALTHSTATUS"),
            running=told(row, "RUNNINGSTATUS"),
            total=_sectors(row, "USERTOTALCAPACITY"),
            free=_sectors(row, "USERFREECAPACITY"),
            used=count(row, "USERCONSUMEDCAPACITYPERCENTAGE"),
            threshold=count(row, "USERCONSUMEDCAPACITYTHRESHOLD"),
        )
        for row in found
    )


def _sectors(row: Row, name: str) -> int | None:
    number = count(row, name)
    return None if number is None else number * 512


def alarms(found: tuple[Row, ...]) -> tuple[Alarm, ...]:
    """Alarms that stand. since: epoch seconds of the array's clock."""
    return tuple(
        Alarm(
            ident=told(row, "sequence") or told(row, "strEventID") or told(row, "eventID"),
            name=told(row, "name"),
            level=count(row, "level"),
            since=count(row, "startTime"),
            description=told(row, "description"),
            suggestion=told(row, "suggestion"),
            location=told(row, "location"),
        )
        for row in found
    )


def offset(row: Row, began: float, ended: float) -> float:
    """The array's clock minus ours, in seconds, against the middle of the request; it tells whole seconds. Raises
    Unreadable."""
    at = whole(told(row, "CMO_SYS_UTC_TIME"))
    if at is None or at <= 0:
        raise Unreadable("it tells no time")
    return round(at + 0.5 - (began + ended) / 2, 1)
