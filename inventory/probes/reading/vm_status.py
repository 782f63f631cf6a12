"""`hosted-engine --vm-status --json`: what one observer says of every host
(facts/hosted-engine.md 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inventory.probes.reading.json_object import one_object
from portal.kernel.output import ParseError

_HOST_KEY = re.compile(r"[1-9][0-9]{0,3}")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DETAILS = {
    word.lower().replace(" ", ""): word
    for word in (
        "Up",
        "Down",
        "Migration Source",
        "Migration Destination",
        "Powering up",
        "Powering down",
        "WaitForLaunch",
        "Paused",
        "Restoring state",
    )
}
ZONE_STEP = 900  # zone offsets are multiples of 15 minutes
OVERDUE = 240  # a timeout that passed may still be shown for some loops of the agent


@dataclass(frozen=True)
class HeHostStatus:
    """One host's record of the shared metadata, as one observer's broker shows it. host_ts counts seconds since that
    host booted. vm, health, detail and reason are oVirt's words, "" when engine-status is null. live False means that
    the record says nothing about now: read `vm_up` and `serving`, never `vm` alone. state "" when not published.
    timeout_left: seconds until the state's own timeout, None when it has none."""

    host_id: int
    hostname: str
    host_ts: int
    score: int
    vm: str
    health: str
    detail: str
    reason: str
    maintenance: bool
    stopped: bool
    live: bool
    state: str
    timeout_left: int | None

    @property
    def vm_known(self) -> bool:
        """The broker could tell what the engine VM does there: not so while vdsm fails (2.2) or right after its start
        (2.1)."""
        return self.vm not in ("", "unknown")

    @property
    def vm_up(self) -> bool:
        """A record of now says that the engine VM exists here (starting and paused count too)."""
        return self.live and self.vm == "up"

    @property
    def serving(self) -> bool:
        """A record of now says that the engine answers here; a migration source still does (2.2)."""
        return self.vm_up and self.health == "good" and self.detail in ("Up", "Migration Source")


@dataclass(frozen=True)
class Unreadable:
    """A host id whose record was there and could not be read, with why."""

    host_id: int
    why: str


@dataclass(frozen=True)
class HeSnapshot:
    """One answer. parse_state: ok, or partial when a record or the global flag could not be read. A shape that is no
    status at all never becomes a snapshot: it raises NoStatus. global_maintenance None: not said."""

    parse_state: str
    global_maintenance: bool | None
    hosts: tuple[HeHostStatus, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def host(self, host_id: int | None) -> HeHostStatus | None:
        """The record of a host id, None when it is absent or unreadable."""
        return next((one for one in self.hosts if one.host_id == host_id), None)

    def sees(self, own_id: int | None) -> bool:
        """True when the observer's own record is live. Otherwise its agent does not publish, and what it says about
        anybody's liveness means nothing: the observer is blind (2.4)."""
        own = self.host(own_id)
        return own is not None and own.live


class NoStatus(ParseError):
    """The command gave no status. kind: not_deployed, deploy_failed, broker_down, config_missing, newer_metadata,
    timeout, denied, missing, failed, unreadable or no_hosts."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def read_json(text: str) -> HeSnapshot:
    """Text of `--vm-status --json` in, snapshot out. Raises NoStatus for anything that is no status object."""
    try:
        answer = one_object(text)
    except ParseError as error:
        raise NoStatus("unreadable", f"vm-status is not readable. {error}") from None
    keys = [key for key in answer if _HOST_KEY.fullmatch(key)]
    if not keys and "global_maintenance" not in answer:
        raise NoStatus("unreadable", "vm-status is JSON, but holds neither hosts nor the global maintenance flag.")
    if not keys:
        raise NoStatus(
            "no_hosts",
            "The shared metadata holds no readable record of any host: see whether ovirt-ha-agent ever ran here and "
            "whether the hosted-engine storage domain is readable.",
        )
    flag = answer.get("global_maintenance")
    hosts: list[HeHostStatus] = []
    unreadable: list[Unreadable] = []
    for key in sorted(keys, key=int):
        try:
            hosts.append(_host(int(key), answer[key]))
        except (ValueError, ParseError) as error:
            unreadable.append(Unreadable(int(key), str(error)))
    flag = flag if isinstance(flag, bool) else None
    state = "partial" if unreadable or flag is None else "ok"
    return HeSnapshot(state, flag, tuple(hosts), tuple(unreadable))


def _host(host_id: int, record: Any) -> HeHostStatus:
    if not isinstance(record, Mapping):
        raise ValueError("its record is no object")
    if _number(record, "host-id") != host_id:
        raise ValueError(f"its record names host id {record['host-id']}")
    vm, health, detail, reason = _engine_status(record)
    host_ts = _number(record, "host-ts")
    extra = extra_lines(_text(record, "extra", optional=True))
    return HeHostStatus(
        host_id=host_id,
        hostname=_text(record, "hostname"),
        host_ts=host_ts,
        score=_number(record, "score"),
        vm=vm,
        health=health,
        detail=detail,
        reason=reason,
        maintenance=_flag(record, "maintenance"),
        stopped=_flag(record, "stopped"),
        live=_flag(record, "live-data"),
        state=extra.get("state", ""),
        timeout_left=timeout_left(extra.get("timeout", ""), host_ts),
    )


def _engine_status(record: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """vm, health, detail, reason; all "" for null, which a broker shows for some seconds after its start (2.1)."""
    if "engine-status" not in record:
        raise ValueError("its engine-status is missing")
    status = record["engine-status"]
    if isinstance(status, str):  # older brokers put the object's text there
        status = one_object(status)
    if status is None:
        return "", "", "", ""
    if not isinstance(status, Mapping):
        raise ValueError("its engine-status is no object")
    return (
        _text(status, "vm"),
        _text(status, "health"),
        detail_word(_text(status, "detail")),
        _text(status, "reason", optional=True),
    )


def detail_word(said: str) -> str:
    """A detail of engine-status in the spelling of 2.2; older brokers write it in lower case. Others as they are."""
    return _DETAILS.get(said.lower().replace(" ", ""), said)


def _number(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"its {key} is {value!r:.40}, not a count")
    return value


def _flag(record: Mapping[str, Any], key: str) -> bool:
    value = record.get(key)
    if not isinstance(value, bool):
        raise ValueError(f"its {key} is {value!r:.40}, not true or false")
    return value


def _text(record: Mapping[str, Any], key: str, *, optional: bool = False) -> str:
    value = record.get(key, "" if optional else None)
    if not isinstance(value, str):
        raise ValueError(f"its {key} is {value!r:.40}, not a text")
    return value


def extra_lines(extra: str) -> dict[str, str]:
    """The key=value lines of `extra`, split at the first "=" only. A key that is there twice with different values
    is left out, since neither can be trusted (2.3)."""
    found: dict[str, str] = {}
    torn: set[str] = set()
    for line in extra.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and found.setdefault(key, value) != value:
            torn.add(key)
    return {key: value for key, value in found.items() if key not in torn}


def timeout_left(stamp: str, host_ts: int) -> int | None:
    """Seconds left of a `timeout=` line. It shows the host's seconds since boot as a local date of 1970 (2.3). The
    host's zone is unknown, but shifts the value by whole quarters of an hour, and no timeout is longer than 600 s."""
    match = _CTIME.fullmatch(stamp.strip())
    if match is None or match[1] not in _MONTHS:
        return None
    month, day, hour, minute, second, year = _MONTHS.index(match[1]) + 1, *map(int, match.groups()[1:])
    try:
        at = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None
    left = (at - host_ts) % ZONE_STEP
    return left - ZONE_STEP if left > ZONE_STEP - OVERDUE else left
