"""Looks at switches and arrays: one visit per device that is due, read only, over the connector that its kind has."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import connection

from inventory.models import Device, Look
from inventory.services.looks import Result
from inventory.verdicts.devices import judge_array, judge_switch
from portal.connectors.san.array_rest import ArrayRest
from portal.connectors.san.fabric_cli import FabricCli
from portal.connectors.san.fabric_rest import FabricRest
from portal.connectors.san.fallback import Fallback
from portal.connectors.san.gate import database_turn
from portal.connectors.san.https import Account, Endpoint
from portal.connectors.san.ports import ArrayReader, FabricReader
from portal.connectors.ssh_address import Address
from portal.kernel import facts as facts_json
from portal.kernel.output import LookFailed
from portal.kernel.san import ArraySeen, SwitchSeen
from portal.kernel.secret import Secret

BEFORE = "before"  # what stored facts keep of the look before
SHAPES: dict[str, type[SwitchSeen | ArraySeen]] = {"switch": SwitchSeen, "array": ArraySeen}


def reader(device: Device) -> FabricReader | ArrayReader:
    """How a device is asked: one look at a time over all processes. A switch by REST, with its command line behind it
    where a host key is pinned; by the command line alone where no certificate is."""
    account, turn = Account(device.username, device.password), database_turn(connection.cursor)  # type: ignore[arg-type]
    if device.kind == Device.Kind.ARRAY:
        addresses = [one for one in (device.address, device.second_address) if one]
        return ArrayRest([_endpoint(device, one) for one in addresses], account, turn=turn)
    rest = FabricRest(_endpoint(device, device.address), account, turn=turn, sessionless=device.sessionless)
    if not device.ssh_host_key:
        return rest
    address = Address(device.name, device.address, device.ssh_port, device.username, device.ssh_host_key)
    shell = FabricCli(address, Secret(""), turn=turn, password=device.password)
    return Fallback(rest, shell) if device.pin_pem or device.ca_pem else shell


def _endpoint(device: Device, address: str) -> Endpoint:
    return Endpoint(device.name, address, device.port, device.pin_pem, device.ca_pem)


def last(due: list[Look]) -> dict[int, tuple[Any, datetime | None]]:
    """Look -> the facts that it read last, and when, of those that look at devices. One query, or none."""
    keys = [look.pk for look in due if look.device_id is not None]
    rows = Look.objects.filter(pk__in=keys).values_list("pk", "facts", "answered_at") if keys else ()
    return {pk: (facts, at) for pk, facts, at in rows}


def visit(look: Look, known: tuple[Any, datetime | None] = (None, None)) -> list[Result]:
    """One look at one device; needs look.device loaded. known: what it read last, and when. Never raises."""
    device, began = look.device, time.monotonic()
    assert device is not None, "only a device's look comes here"
    try:
        seen = reader(device).look()
    except LookFailed as error:
        return [_unanswered(look, began, str(error))]
    except Exception as error:  # noqa: BLE001 - a fault of ours must show as unknown, not end the sweep
        broke = f"{device.name}: the look broke ({type(error).__name__}: {error}). Report it."
        return [_unanswered(look, began, broke)]
    finally:
        connection.close()  # this thread's, which held the turn
    at, took = _now(), _since(began)
    findings = judge_switch(device.name, seen) if isinstance(seen, SwitchSeen) else judge_array(device.name, seen)
    told = json.dumps(facts_json.dump(_still(seen)), sort_keys=True)
    sections = {"told": {"asked": [f"https://{device.address}:{device.port}"], "body": told}}
    digest = sha256(told.encode()).hexdigest()
    facts = facts_json.dump(seen) | {BEFORE: before(*known, at, device.kind)}
    return [Result(look.pk, Look.State.READ, at, took, "", facts, tuple(findings), {}, sections, digest)]


def seen(device_kind: str, facts: Any) -> SwitchSeen | ArraySeen | None:
    """What a stored look told; None when there is none, or another release wrote it."""
    try:
        told: SwitchSeen | ArraySeen = facts_json.load(SHAPES[device_kind], facts)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return told


def before(facts: Any, then: datetime | None, at: datetime, kind: str) -> dict[str, Any] | None:
    """What the look before told, as far as only two looks together can tell more, kept with the next one: the rules
    that need both then say the same in every process and after every start. None for a first look."""
    told = seen(kind, facts)
    if told is None or then is None:
        return None
    if isinstance(told, SwitchSeen):
        told = replace(told, logins=(), zoning=None, sfps=(), log=())
    else:
        told = ArraySeen(told.serial, told.name, ports=told.ports)
    return {"seconds": (at - then).total_seconds(), "told": facts_json.dump(told)}


def earlier(facts: Any, kind: str) -> tuple[float, SwitchSeen | ArraySeen] | None:
    """Seconds between the look before and these stored facts, and what it told; None when there was none, or another
    release wrote it."""
    kept = facts.get(BEFORE) if isinstance(facts, dict) else None
    told = seen(kind, kept["told"]) if kept else None
    return None if told is None or not kept else (float(kept["seconds"]), told)


def _still(seen: SwitchSeen | ArraySeen) -> SwitchSeen | ArraySeen:
    """Without what moves all the time, so that an unchanged device has an unchanged digest."""
    if isinstance(seen, SwitchSeen):
        return replace(seen, counters={}, sfps=())
    return replace(seen, offset=None)


def _unanswered(look: Look, began: float, sentence: str) -> Result:
    return Result(look.pk, Look.State.UNANSWERED, _now(), _since(began), sentence)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
