"""Fabric OS's numbers and its 9.x strings as the kernel's words: strings first, numbers second, anything else "code N"
(facts/san.md 1.1, enumerations)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portal.connectors.san.reading.leaves import Row, real, text, whole

STATES = {0: "", 2: "online", 3: "offline", 5: "faulty", 6: "testing"}
KINDS = {0: "", 7: "E", 10: "G", 11: "U", 15: "F", 16: "L", 19: "EX", 20: "D", 22: "AF", 25: "VE", 30: "N", 32768: "LB"}
_KIND_WORDS = {"universal": "U", "unknown": ""}
ZONES = {0: "zone", 1: "peer", 2: "target_peer"}
_ZONE_WORDS = {"zone": "zone", "user-created-peer-zone": "peer", "target-created-peer-zone": "target_peer"}
_SPEED = re.compile(r"(\d+(?:\.\d+)?)[\s-]*g", re.IGNORECASE)  # 32G, 32-gfc
_MANAGED = re.compile(r"([0-9a-f]{2}:){7}[0-9a-f]{2}", re.IGNORECASE)


def number_word(value: object, known: Mapping[int, str]) -> str:
    """A code as its word; "code N" when it is not known, "" when it is not told."""
    code = whole(value)
    if code is None:
        return f"code {text(value)}" if text(value) else ""
    return known.get(code, f"code {code}")


def state(row: Row) -> str:
    """A switch's operational status."""
    told = text(row.get("operational-status-string")).lower()
    return told if told and told != "undefined" else number_word(row.get("operational-status"), STATES)


def kind(row: Row) -> str:
    """A port's type: F, E, N ..."""
    told = text(row.get("port-type-string")).lower()
    if told:
        bare = told.removesuffix("-port")
        return _KIND_WORDS.get(bare, bare.upper())
    return number_word(row.get("port-type"), KINDS)


def zone_kind(row: Row) -> str:
    """zone, peer or target_peer."""
    told = text(row.get("zone-type-string")).lower()
    if told:
        return _ZONE_WORDS.get(told, told)
    return number_word(row.get("zone-type", 0), ZONES)


def gbit(word: object, bits: object) -> float | None:
    """A speed in Gbit/s, from "32G", "32-gfc" (9.2) or from bits per second; None for a port without one."""
    found = _SPEED.match(text(word))
    rate = float(found.group(1)) if found else (real(bits) or 0.0) / 1e9
    return rate or None


def member(word: str) -> str:
    """A zone's or alias' member: a WWN bare, "domain,port" and names as they are."""
    bare = word.strip()
    return bare.lower().replace(":", "") if _MANAGED.fullmatch(bare) else bare.replace(" ", "")
