"""GET /events: newest first unless told otherwise (facts/engine-api.md 0.16 and 7)."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Mapping

from lab.engine.search import select
from lab.engine.shapes import collection, stamp
from lab.engine.shapes_log import event
from lab.engine.state import Engine
from lab.engine.wire import faulty, not_found

Row = dict[str, object]


def _number(row: Row) -> int:
    return int(str(row["id"]))


def _keys(engine: Engine) -> Callable[[Row], Mapping[str, object]]:
    hosts = {host.id: host.name for host in engine.world.hosts.values()}
    people = {account.id: account.username for account in engine.accounts.values()}
    world = engine.world

    def keys(row: Row) -> Mapping[str, object]:
        vm = world.vms.get(str(row.get("vm")))
        domain = world.domains.get(str(row.get("storage_domain")), {})
        return {
            "message": row["text"], "type": row["code"], "severity": row["severity"], "id": row["id"],
            "time": f"{stamp(float(str(row['time'])))} {_number(row):012d}",  # rows of one moment keep their order
            "username": people.get(str(row.get("user")), ""),
            "event_host": hosts.get(str(row.get("host")), ""), "event_vm": vm.name if vm else "",
            "event_storage": domain.get("name", ""), "event_datacenter": "Default",
            "correlation_id": row.get("correlation_id", ""), "origin": row.get("origin", "oVirt"),
            "custom_event_id": row.get("custom_id", -1),
        }  # fmt: skip

    return keys


def listed(engine: Engine, query: Mapping[str, str], filtered: bool) -> str:
    """The list. from=N: ids above N; ordered by id, newest first, then max is applied. A filtered account loses
    from, search and order."""
    rows: list[Row] = engine.world.events
    after = query.get("from", "")
    if after and not filtered:
        if not re.fullmatch(r"-?\d+", after):
            raise faulty(400, f"For input string: {after}")
        rows = rows[bisect.bisect_right(rows, int(after), key=_number) :]
    shown = [row for row in reversed(rows) if not row.get("deleted")]
    asked = {name: value for name, value in query.items() if not (filtered and name == "search")}
    chosen = select(shown, asked, _keys(engine), "")
    return collection("events", [event(engine.world, row) for row in chosen])


def single(engine: Engine, identifier: str) -> str:
    """One event, or an empty 404."""
    for row in engine.world.events:
        if str(row["id"]) == identifier:
            return event(engine.world, row)
    raise not_found()
