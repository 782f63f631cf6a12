"""Both zoning configurations from REST (facts/san.md 1.1, zoning)."""

from __future__ import annotations

from portal.connectors.san.reading.fos_codes import member, zone_kind
from portal.connectors.san.reading.leaves import Row, Unreadable, flag, inner, rows, text, whole, words
from portal.kernel.san import Zone, Zoning

_ACCESS = {0: False, 1: True}


def effective(found: tuple[Row, ...]) -> Zoning:
    """What is in effect. No object, or one without a name: no configuration is. Raises Unreadable."""
    now: Row = found[0] if found else {}
    token = whole(now.get("transaction-token"))
    told_access = whole(now.get("default-zone-access"))
    return Zoning(
        cfg_effective=text(now.get("cfg-name")),
        effective=_zones(now.get("enabled-zone")),
        all_access=_ACCESS.get(told_access) if told_access is not None else _access(now),
        transaction=None if token is None else token != 0,
        checksum=text(now.get("checksum")),
    )


def defined(found: tuple[Row, ...]) -> Zoning:
    """What is defined, whether in effect or not; only cfgs, defined and aliases are filled. Raises Unreadable."""
    kept: Row = found[0] if found else {}
    return Zoning(
        cfg_effective="",
        effective=(),
        cfgs={
            _named(row, "cfg-name"): _members(inner(row, "member-zone"), "zone-name") for row in rows(kept.get("cfg"))
        },
        defined=_zones(kept.get("zone")),
        aliases={_named(row, "alias-name"): _aliased(row) for row in rows(kept.get("alias"))},
    )


def _access(now: Row) -> bool | None:
    told = text(now.get("default-zone-access-string") or now.get("default-zone-access")).lower()
    return {"all-access": True, "no-access": False}.get(told, flag(told))


def _named(row: Row, leaf: str) -> str:
    name = text(row.get(leaf))
    if not name:
        raise Unreadable(f"it lists an object without {leaf}")
    return name


def _members(holder: Row, leaf: str) -> tuple[str, ...]:
    return tuple(member(word) for word in words(holder.get(leaf)))


def _aliased(row: Row) -> tuple[str, ...]:
    return _members(inner(row, "member-entry"), "alias-entry-name")


def _zones(value: object) -> tuple[Zone, ...]:
    """Principals of a peer zone are members, too: the kernel's Zone tells both apart."""
    found = []
    for row in rows(value):
        entries = inner(row, "member-entry")
        principals = _members(entries, "principal-entry-name")
        others = tuple(one for one in _members(entries, "entry-name") if one not in principals)
        found.append(Zone(_named(row, "zone-name"), principals + others, zone_kind(row), principals))
    return tuple(found)
