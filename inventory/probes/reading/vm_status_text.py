"""`hosted-engine --vm-status` in text mode, read by label: fallback and evidence. The order of the labels differs
between versions (facts/hosted-engine.md 2.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from inventory.probes.reading.vm_status import (
    HeHostStatus,
    HeSnapshot,
    NoStatus,
    Unreadable,
    detail_word,
    extra_lines,
    timeout_left,
)

_HEADER = re.compile(r"^--== Host (?:.* \(id: (\d+)\)|(\d+)) status ==--$", re.MULTILINE)
_LABEL = re.compile(r"^(\S[^:\n]*?)[ \t]*: ?(.*)$", re.MULTILINE)
_EXTRA = re.compile(r"^[ \t]+(\S.*=.*)$", re.MULTILINE)
BANNER = "!! Cluster is in GLOBAL MAINTENANCE mode !!"


def read_text(text: str) -> HeSnapshot:
    """Text of `--vm-status` in, snapshot out. The banner stands first and last: only one of them means a cut output,
    and the flag is then None. Raises NoStatus when no host block is there, since text mode prints nothing at all
    when no record can be read (2.6)."""
    headers = list(_HEADER.finditer(text))
    if not headers:
        raise NoStatus("unreadable", "vm-status in text mode holds no host block.")
    hosts: list[HeHostStatus] = []
    unreadable: list[Unreadable] = []
    ends = [header.start() for header in headers[1:]] + [len(text)]
    for header, end in zip(headers, ends, strict=True):
        host_id = int(header[1] or header[2])
        try:
            hosts.append(_host(host_id, text[header.end() : end]))
        except (ValueError, KeyError) as error:
            unreadable.append(Unreadable(host_id, f"its block is cut or damaged ({error})"))
    banners = text.count(BANNER)
    flag = {0: False, 2: True}.get(banners)
    state = "partial" if unreadable or flag is None else "ok"
    return HeSnapshot(state, flag, tuple(hosts), tuple(unreadable))


def _host(host_id: int, block: str) -> HeHostStatus:
    labels = {match[1].lower(): match[2].strip() for match in _LABEL.finditer(block)}
    extra = extra_lines("\n".join(_EXTRA.findall(block)))
    live = _flag(labels["status up-to-date"])
    status = _engine_status(labels["engine status"], live=live)
    host_ts = int(labels.get("host timestamp") or extra["timestamp"].split()[0])
    _flag(extra["stopped"])  # stands behind the state: a block without it may be cut inside the state's name
    if int(labels["host id"]) != host_id:
        raise ValueError("two host ids")
    return HeHostStatus(
        host_id=host_id,
        hostname=labels["hostname"],
        host_ts=host_ts,
        score=int(labels["score"]),
        vm=status.get("vm", ""),
        health=status.get("health", ""),
        detail=detail_word(status.get("detail", "")),
        reason=status.get("reason", ""),
        maintenance=_flag(labels["local maintenance"]),
        stopped=_flag(labels["stopped"]),
        live=live,
        state=extra["state"],
        timeout_left=timeout_left(extra.get("timeout", ""), host_ts),
    )


def _engine_status(word: str, *, live: bool) -> Mapping[str, str]:
    """The JSON of a live host; a stale one prints `unknown stale-data`."""
    if not live or word in ("null", "None"):
        return {}
    status: Any = json.loads(word)
    if not isinstance(status, Mapping) or not all(isinstance(value, str) for value in status.values()):
        raise ValueError("engine status")
    return status


def _flag(word: str) -> bool:
    return {"True": True, "False": False}[word]
