"""`multipathd show maps json` (facts/luns-and-tuning.md 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inventory.probes.reading.json_object import one_object
from inventory.probes.reading.multipath import MapFact, PathFact, wwpn
from portal.kernel.output import ParseError

# multipathd answers these on stdout, with exit code 0 (0.8).
_REFUSALS = {
    "permission deny": "multipathd refuses the portal's account: run it as root through sudo.",
    "timeout": "multipathd did not answer in time: it is busy reconfiguring or a path hangs.",
    "fail": "multipathd says that the command failed.",
    "ok": "multipathd said ok and no JSON: it is too old for JSON or has not started fully.",
    "error": "multipathd is not running or its socket does not answer.",
    "connect": "multipathd is not running or its socket does not answer.",
    "ux_socket_connect": "multipathd is not running or its socket does not answer.",
}


def read_maps(text: str) -> tuple[MapFact, ...]:
    """Text in, maps out; `"maps": []` is none. Raises ParseError for no, cut or foreign JSON: never zero maps."""
    lines = [line.strip().lower() for line in text.splitlines()]
    if not any(line.startswith("{") for line in lines):  # beside an answer, such words are a warning's
        for sign, sentence in _REFUSALS.items():
            if any(line.startswith(sign) for line in lines):
                raise ParseError(sentence)
    answer = one_object(text, raw=True)
    if ("maps" in answer) == ("map" in answer):
        raise ParseError("The JSON of multipathd holds no list of maps.")
    maps = answer["maps"] if "maps" in answer else [answer["map"]]
    if not isinstance(maps, list):
        raise ParseError("The JSON of multipathd holds no list of maps.")
    read = tuple(_map(one) for one in maps)
    if len({one.wwid for one in read}) != len(read):
        raise ParseError("multipathd names one WWID twice.")
    return read


def _map(one: Any) -> MapFact:
    if not isinstance(one, Mapping):
        raise ParseError("A map in the JSON of multipathd is no object.")
    groups = _list(one, "path_groups")
    return MapFact(
        wwid=_text(one, "uuid"),
        name=_text(one, "name"),
        paths=tuple(_path(path) for group in groups for path in _list(group, "paths")),
        sysfs=_optional(one, "sysfs"),
        vendor=_optional(one, "vend"),
        product=_optional(one, "prod"),
        state=_optional(one, "dm_st"),
        write_protect=_optional(one, "write_prot"),
        queueing=_optional(one, "queueing"),
        features=_optional(one, "features"),
    )


def _path(one: Any) -> PathFact:
    if not isinstance(one, Mapping):
        raise ParseError("A path in the JSON of multipathd is no object.")
    priority = one.get("pri")
    return PathFact(
        dev=_text(one, "dev"),
        dev_t=_text(one, "dev_t"),
        dm=_text(one, "dm_st"),
        checker=_text(one, "chk_st"),
        device=_text(one, "dev_st"),
        priority=priority if isinstance(priority, int) and not isinstance(priority, bool) else None,
        hba_wwpn=wwpn(_optional(one, "host_wwpn")),
        target_wwpn=wwpn(_optional(one, "target_wwpn")),
        marginal=one.get("marginal_st") == "marginal",
    )


def _list(one: Any, key: str) -> list[Any]:
    value = one.get(key) if isinstance(one, Mapping) else None
    if not isinstance(value, list):
        raise ParseError(f"A part of the JSON of multipathd lacks its {key}.")
    return value


def _text(one: Mapping[str, Any], key: str) -> str:
    value = _optional(one, key)
    if not value:
        raise ParseError(f"A part of the JSON of multipathd lacks its {key}.")
    return value


def _optional(one: Mapping[str, Any], key: str) -> str:
    """Old builds pad with blanks (1.2)."""
    value = one.get(key)
    return value.strip() if isinstance(value, str) else ""
