"""Resources of an array's REST tree, and what a query makes of their rows: exclusive ranges, filters, fields, order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.san import array_mapping, array_shapes
from lab.san.array_shapes import Row
from lab.san.design import Array
from lab.san.live import Live

Rows = Callable[[Live, Array], list[Row]]
BAD_PARAMETER, NOT_FOUND, NO_MAPPING = 50_331_651, 1_077_948_996, 1_073_804_587
PAGE = 100  # rows at most, asked for or not
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")

COLLECTIONS: dict[str, Rows] = {
    "controller": array_shapes.controllers,
    "fc_port": array_shapes.fc_ports,
    "host": array_shapes.hosts,
    "fc_initiator": array_shapes.initiators,
    "host_link": array_shapes.links,
    "lun": array_shapes.luns,
    "storagepool": array_shapes.pool,
    "mapping": array_mapping.mappings,
    "hostLunInfo": array_mapping.mappings,
    "mappingview": array_mapping.views,
    "hostgroup": array_mapping.host_groups,
    "lungroup": array_mapping.lun_groups,
    "portgroup": array_mapping.port_groups,
    "REPLICATIONPAIR": array_shapes.pairs,
    "CONSISTENTGROUP": array_shapes.groups,
    "remote_device": array_shapes.remote,
    "alarm/currentalarm": array_mapping.alarms,
    **dict.fromkeys(
        ("snapshot", "HyperMetroPair", "HyperMetroDomain", "HyperMetro_ConsistentGroup", "QuorumServer"),
        lambda live, array: [],
    ),
}
SINGLES: dict[str, Callable[[Live, Array], Row]] = {
    "system": array_shapes.system,
    "system_utc_time": lambda live, array: {"CMO_SYS_UTC_TIME": str(array_shapes.array_time(live, array))},
}
WITHOUT_RANGE = ("controller", "remote_device")  # they reject it
NEEDED = {"host_link": ("INITIATOR_TYPE", "PARENTID"), "hostLunInfo": ("hostId", "lunId")}
ABSENT = {
    "lun": 1_077_936_859,
    "host": 1_077_937_498,
    "snapshot": 1_077_937_880,
    "REPLICATIONPAIR": 1_077_937_923,
    "CONSISTENTGROUP": 1_077_937_924,
    "HyperMetroPair": 1_077_674_242,
}
WORDS = {
    1_077_937_923: "The remote replication pair does not exist.",
    BAD_PARAMETER: "The entered parameter is incorrect.",
}


class Refused(Exception):
    """An error.code other than 0."""

    def __init__(self, code: int, description: str = "") -> None:
        super().__init__(code)
        self.code, self.description = code, description or WORDS.get(code, "The object does not exist.")


def answer(live: Live, array: Array, path: str, query: Mapping[str, str]) -> Any:
    """The data of a GET below the device's address; None when there is none. Raises Refused, KeyError: no such URL."""
    name, rest = _split(path)
    if name in SINGLES:
        return SINGLES[name](live, array)
    if rest == "associate":
        return _associated(live, array, name, query)
    rows = COLLECTIONS[name](live, array)
    if rest == "count":
        return {"COUNT": str(len(_matching(rows, query)))}
    if rest:
        return _single(name, rows, rest)
    for word in NEEDED.get(name, ()):
        if word not in query:
            raise Refused(BAD_PARAMETER)
    found = _matching(rows, query)
    if name == "mapping" and not found:
        raise Refused(NO_MAPPING)
    return _page(name, _shaped(found, query), query) or None


def _split(path: str) -> tuple[str, str]:
    """The resource, and what follows it."""
    words = path.strip("/").split("/")
    if words[0] == "alarm" and len(words) > 1:
        return "/".join(words[:2]), "/".join(words[2:])
    name = next((known for known in COLLECTIONS if known.lower() == words[0].lower()), words[0])
    return name, "/".join(words[1:])


def _single(name: str, rows: list[Row], ident: str) -> Row:
    for row in rows:
        if row.get("ID") == ident:
            return row
    raise Refused(ABSENT.get(name, NOT_FOUND))


def _associated(live: Live, array: Array, name: str, query: Mapping[str, str]) -> list[Row] | None:
    pick = array_mapping.ASSOCIATED.get((name, query.get("ASSOCIATEOBJTYPE", "")))
    if pick is None:
        raise Refused(BAD_PARAMETER)
    rows = pick(live, array, query.get("ASSOCIATEOBJID", ""))
    return _page("", _shaped(_matching(rows, query), query), query) or None


_EXACT = ("PARENTID", "hostId", "lunId", "INITIATOR_TYPE", "INITIATOR_PORT_WWN", "ISFREE")


def _matching(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    for word in _EXACT:
        if word in query:
            rows = [row for row in rows if str(row.get(word)) == query[word]]
    for part in query.get("filter", "").split("&"):
        name, exact, wanted = part.partition("::")
        if not exact:
            name, _, wanted = part.partition(":")
            rows = [row for row in rows if not name or wanted.lower() in str(row.get(name, "")).lower()]
        else:
            rows = [row for row in rows if str(row.get(name, "")) == wanted]
    return rows


def _shaped(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    if "sortby" in query:
        name, _, order = query["sortby"].partition(",")
        rows = sorted(rows, key=lambda row: str(row.get(name, "")), reverse=order == "d")
    fields = [name for name in query.get("selectFields", "").split(",") if name]
    return [{name: row[name] for name in fields if name in row} for row in rows] if fields else rows


def _page(name: str, rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    """`[a-b]` is a to b-1, at most 100 rows."""
    if "range" not in query:
        return rows[:PAGE]
    found = _RANGE.fullmatch(query["range"])
    if found is None or name in WITHOUT_RANGE or not 0 < int(found[2]) - int(found[1]) <= PAGE:
        raise Refused(BAD_PARAMETER)
    return rows[int(found[1]) : int(found[2])]


PERFORMANCE = {"22": "100", "370": "500", "384": "400", "385": "900", "18": "12", "19": "1", "68": "12", "69": "55"}


def performance(live: Live, array: Array, asked: Any) -> list[Row]:
    """POST performance_data: a value for the usual indicators, -1 for every other. Raises Refused."""
    if not isinstance(asked, dict) or not {"object_list", "indicators"} <= asked.keys():
        raise Refused(BAD_PARAMETER)
    indicators = list(asked["indicators"])
    return [
        {
            "object_id": str(ident),
            "timestamp": array_shapes.array_time(live, array),
            "indicators": indicators,
            "indicator_values": [PERFORMANCE.get(str(number), "-1") for number in indicators],
        }
        for ident in asked["object_list"]
    ]
