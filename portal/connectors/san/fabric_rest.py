"""A Brocade switch by its REST interface (facts/san.md 1.1). Reads; sends nothing else than a login and a logout."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from portal.connectors.san.errors import Garbled
from portal.connectors.san.fabric_session import FabricSession, wait
from portal.connectors.san.gate import Gate, Turn, process_turn, shared, taken
from portal.connectors.san.https import Account, Door, Endpoint
from portal.connectors.san.parts import Parts
from portal.connectors.san.reading import fos_names, fos_ports, fos_switch, fos_zoning
from portal.connectors.san.reading.leaves import Row, Unreadable, inner, rows
from portal.kernel.san import SwitchSeen, Unit, Zoning

LOOK_SECONDS = 120.0  # one look in all, its logout not counted

# Newer URIs first; the older ones are those that cinder asks (facts/san.md 1.1).
_URIS = {
    "fibrechannel-switch": (
        "running/brocade-fibrechannel-switch/fibrechannel-switch",
        "running/switch/fibrechannel-switch",
    ),
    "fibrechannel": ("running/brocade-interface/fibrechannel",),
    "fibrechannel-trunk": ("running/brocade-fibrechannel-trunk/trunk",),
    "effective-configuration": (
        "running/brocade-zone/effective-configuration",
        "running/zoning/effective-configuration",
    ),
    "defined-configuration": ("running/brocade-zone/defined-configuration", "running/zoning/defined-configuration"),
    "fabric-lock": ("running/brocade-zone/fabric-lock",),
    "fibrechannel-name-server": ("running/brocade-name-server/fibrechannel-name-server",),
    "fabric-switch": ("running/brocade-fabric/fabric-switch",),
    "fibrechannel-statistics": ("running/brocade-interface/fibrechannel-statistics",),
    "media-rdp": ("running/brocade-media/media-rdp",),
    "error-log": ("running/brocade-logging/error-log",),
    "chassis": ("running/brocade-chassis/chassis",),
    "power-supply": ("running/brocade-fru/power-supply",),
    "fan": ("running/brocade-fru/fan",),
    "switch-status-policy-report": ("running/brocade-maps/switch-status-policy-report",),
}
_LEAVES = {"fibrechannel-trunk": "trunk"}  # where a container's list has another name
_MODULES = "brocade-module-version"  # not under running/


@dataclass
class FabricRest:
    """A FabricReader. turn: whose turn it is to look at this switch (one at a time, over all processes:
    gate.database_turn); gate: what was refused or left open before; sessionless: the password with each request
    and no session at all."""

    endpoint: Endpoint
    account: Account
    turn: Turn = process_turn
    gate: Gate = shared
    sessionless: bool = False
    pause: Callable[[float], None] = wait
    clock: Callable[[], float] = time.monotonic
    look_seconds: float = LOOK_SECONDS

    def look(self) -> SwitchSeen:
        """Everything that the switch tells now. Raises SanFailed when there is no login or no turn, or when it
        does not even tell which switch it is."""
        with self.turn(self.endpoint.host) as mine:
            if not mine:
                raise taken(self.endpoint.name)
            door = Door(self.endpoint)
            until = self.clock() + self.look_seconds
            session = FabricSession(
                door, self.account, self.gate, until, self.pause, self.clock, sessionless=self.sessionless
            )
            left = ""
            try:
                session.open()
                seen = _Look(session).seen()
            finally:
                left = session.close()
                door.close()
            return replace(seen, unread={**seen.unread, "logout": left}) if left else seen


@dataclass
class _Look:
    """The containers of one look, the ones that the redundancy proof needs first."""

    session: FabricSession
    parts: Parts = field(init=False)
    offered: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.parts = Parts(self.session.name)

    def seen(self) -> SwitchSeen:
        """All parts, in order."""
        self.offered = self._modules()
        read, name = self.parts.read, self.session.name
        head = read("switch", "The identity", lambda: fos_switch.identity(self._rows("fibrechannel-switch")), None)
        raw = read("ports", "The ports", lambda: self._rows("fibrechannel"), ())
        trunks = read("trunks", "The trunks", lambda: fos_switch.trunks(self._rows("fibrechannel-trunk")), {})
        ports = read("ports", "The ports", lambda: fos_ports.ports(raw, trunks), ())
        known = fos_ports.numbers(raw)
        zoning = self._zoning()
        logins = read("logins", "The logins", lambda: fos_names.logins(self._rows("fibrechannel-name-server")), ())
        members = read("members", "The switches", lambda: fos_switch.members(self._rows("fabric-switch")), ())
        counted = read("counters", "The counters", lambda: self._counters(known), fos_ports.NO_COUNTERS)
        sfps = read("sfps", "The optics", lambda: fos_ports.sfps(self._rows("media-rdp"), known), ())
        log = read("log", "The log", lambda: fos_switch.log(self._rows("error-log")), ())
        serial = read("serial", "The serial number", lambda: fos_switch.serial(self._rows("chassis")), "")
        key = head.wwn if head else fos_switch.by_ports(ports)
        if not key:  # nothing could be joined with anything
            raise self.session.over or Garbled(self.parts.unread["switch"])
        return SwitchSeen(
            wwn=key,
            name=(head.name if head else "") or name,
            source="rest",
            domain=head.domain if head else None,
            serial=serial,
            model=head.model if head else "",
            firmware=head.firmware if head else "",
            state=head.state if head else "",
            principal=head.principal if head else None,
            ports=ports,
            logins=logins,
            zoning=zoning,
            members=members,
            counters=counted[0],
            cleared=counted[1],
            sfps=sfps,
            log=log,
            password_days=self.session.password_days,
            units=self._units(),
            health=self._health(),
            unread=self.parts.unread,
        )

    def _rows(self, name: str) -> tuple[Row, ...]:
        """A container's objects. A switch that lists its modules is not asked for one that it has not."""
        uris = _URIS[name]
        module = uris[0].split("/")[1]
        if self.offered and module not in self.offered:
            raise Unreadable(f"this Fabric OS has no {module}")
        return self.session.rows(uris, _LEAVES.get(name, name))

    def _modules(self) -> frozenset[str]:
        """What the switch offers; nothing known (before 8.2.1b) means that everything is asked for."""
        told = self.parts.read("modules", "The modules", lambda: self.session.content(_MODULES), {})
        listed = told.get("module", inner(told, _MODULES).get("module"))
        return self.parts.read("modules", "The modules", lambda: fos_switch.modules(rows(listed)), frozenset())

    def _counters(self, known: dict[str, int]) -> fos_ports.Counters:
        return fos_ports.counters(self._rows("fibrechannel-statistics"), known)

    def _units(self) -> tuple[Unit, ...]:
        """Of a switch that does not say that it tells them, nothing is asked and nothing is missed."""
        if "brocade-fru" not in self.offered:
            return ()
        read = self.parts.read
        supplies = read("power supplies", "The power supplies", lambda: self._kind("power-supply", "power supply"), ())
        return (*supplies, *read("fans", "The fans", lambda: self._kind("fan", "fan"), ()))

    def _kind(self, name: str, kind: str) -> tuple[Unit, ...]:
        return fos_switch.units(self._rows(name), kind)

    def _health(self) -> dict[str, str]:
        """As _units."""
        if "brocade-maps" not in self.offered:
            return {}
        return self.parts.read(
            "health", "Its own health", lambda: fos_switch.health(self._rows("switch-status-policy-report")), {}
        )

    def _zoning(self) -> Zoning | None:
        """Without the effective configuration there is none to speak of; the defined one may be missing."""
        read, holder = self.parts.read, ""
        if "brocade-zone/fabric-lock" in self.offered:
            holder = read("holder", "The zoning lock", lambda: fos_switch.holder(self._rows("fabric-lock")), "")
        now = read("zoning", "The zoning", lambda: fos_zoning.effective(self._rows("effective-configuration")), None)
        kept = read(
            "defined",
            "The defined zoning",
            lambda: fos_zoning.defined(self._rows("defined-configuration")),
            Zoning("", ()),
        )
        if now is None:
            return None
        return replace(now, holder=holder, cfgs=kept.cfgs, defined=kept.defined, aliases=kept.aliases)
