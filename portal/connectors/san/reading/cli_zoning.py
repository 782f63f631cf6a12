"""cfgshow and cfgtransshow by tokens: tabs, blanks, or no blank at all behind the label (facts/san.md 1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from portal.connectors.san.reading.fos_codes import member
from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.san import Zone, Zoning

_LABEL = re.compile(r"\s*(cfg|zone|alias):\s*(\S+)?(.*)", re.IGNORECASE)
_OTHER = re.compile(r"\s*(qloop|fcp|fabric_?assist|lsan|collection):", re.IGNORECASE)
_NONE = re.compile(r"^\s*no\s.*configuration", re.IGNORECASE)
_PROPERTY = re.compile(r"00:02:00:00:00:[0-9a-f]{2}:[0-9a-f]{2}:([0-9a-f]{2})", re.IGNORECASE)


@dataclass
class _Half:
    """One configuration while it is read."""

    cfgs: dict[str, list[str]] = field(default_factory=dict)
    zones: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    none: bool = False
    access: bool | None = None


def cfgshow(found: list[str]) -> Zoning:
    """Both configurations. Raises Unreadable when the effective one is missing, or when neither zones nor the words
    that there are none stand there."""
    starts = [n for n, line in enumerate(found) if re.match(r"\s*Effective configuration\s*:", line, re.IGNORECASE)]
    if not starts:
        raise Unreadable("it shows no effective configuration")
    kept, now = _half(found[: starts[0]]), _half(found[starts[0] + 1 :])
    if not now.cfgs and not now.none and now.zones:
        raise Unreadable("its effective configuration has no name")
    if not now.cfgs and not now.none and (kept.cfgs or kept.zones):
        raise Unreadable("its effective configuration breaks off")
    return Zoning(
        cfg_effective=next(iter(now.cfgs), ""),
        effective=_zones(now.zones),
        cfgs={name: tuple(members) for name, members in kept.cfgs.items()},
        defined=_zones(kept.zones),
        aliases={name: tuple(map(member, members)) for name, members in kept.aliases.items()},
        all_access=now.access,
    )


def _half(found: Iterable[str]) -> _Half:
    half = _Half()
    current: list[str] | None = None
    for line in found:
        label = _LABEL.match(line)
        if _NONE.match(line):
            half.none, half.access = True, {"all": True, "no": False}.get(_access(line))
        elif label and label.group(2):
            kind = {"cfg": half.cfgs, "zone": half.zones, "alias": half.aliases}[label.group(1).lower()]
            current = kind.setdefault(label.group(2).rstrip(";"), [])
            current += _words(label.group(3))
        elif label or _OTHER.match(line):
            current = None
        elif current is not None:
            current += _words(line)
    return half


def _access(line: str) -> str:
    told = re.search(r"\((All|No) Access\)", line, re.IGNORECASE)
    return told.group(1).lower() if told else ""


def _words(line: str) -> list[str]:
    """Members, and the labels of a peer zone as one word each."""
    shown = re.sub(r"(Principal|Peer|Property)?\s*Member(\(s\))?\s*:", r" \1: ", line, flags=re.IGNORECASE)
    shown = re.sub(r"Created by\s*:\s*(\w+)", r" Created:\1 ", shown, flags=re.IGNORECASE)
    return [word for word in re.split(r"[;\s]+", shown) if word]


def _zones(found: dict[str, list[str]]) -> tuple[Zone, ...]:
    return tuple(_zone(name, words) for name, words in found.items())


def _zone(name: str, words: list[str]) -> Zone:
    """A plain zone, or a peer zone by its property member (the last byte counts its principals, which come first) or by
    labels. That form is general knowledge, no capture of it was read."""
    prop = next((match for word in words if (match := _PROPERTY.fullmatch(word))), None)
    plain = [word for word in words if not word.endswith(":") and not word.startswith("Created:")]
    members = [member(word) for word in plain if not _PROPERTY.fullmatch(word)]
    if prop is None:
        return Zone(name, tuple(members))
    labelled = _labelled(words)
    principals = labelled if labelled is not None else tuple(members[: int(prop.group(1), 16)])
    zone = Zone(name, tuple(members), "peer", principals)
    return replace(zone, kind="target_peer") if "created:target" in (word.lower() for word in words) else zone


def _labelled(words: list[str]) -> tuple[str, ...] | None:
    """The members that stand under `Principal Member(s):`; None without that label."""
    low = [word.lower() for word in words]
    if "principal:" not in low:
        return None
    begin = low.index("principal:") + 1
    end = next((n for n in range(begin, len(low)) if low[n].endswith(":") or low[n].startswith("created:")), len(low))
    return tuple(member(word) for word in words[begin:end])


def cfgtransshow(found: list[str]) -> bool:
    """Whether somebody has an open zoning transaction. Raises Unreadable when neither is said."""
    told = " ".join(found).lower()
    if "no outstanding" in told:
        return False
    if re.search(r"transaction token is|outstanding zoning transaction", told):
        return True
    raise Unreadable("it does not say whether a zoning transaction is open")
