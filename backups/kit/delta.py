"""What will be missing: the inventory of now against the one of the archive's time (facts/engine-backup.md 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backups.kit.content import Change, Delta, Source

# In the order in which a person deals with them on that day, with what to do about one that was created since.
KINDS: Mapping[str, str] = {
    "storage_domain": "import the domain",
    "host": "add the host",
    "network": "create the network",
    "vm": "import the VM from its storage domain, without starting it while it runs on a host",
    "disk": "register the disk",
    "lun": "attach the LUN as a Direct LUN",
    "template": "import the template",
}
CREATED, REMOVED, CHANGED = "created", "removed", "changed"


@dataclass(frozen=True)
class Thing:
    """An object of an inventory. kind: a key of KINDS. traits: what is worth comparing ("memory": "64 GiB")."""

    kind: str
    uuid: str
    name: str
    traits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Inventory:
    """What an engine had. taken: Unix seconds. kinds: those that were looked at; of another one nothing is known."""

    taken: int
    things: tuple[Thing, ...]
    kinds: tuple[str, ...] = tuple(KINDS)


def since(then: Inventory | None, now: Inventory | None, by: str) -> Delta:
    """What changed between two inventories; unknown without both. An older `now` than `then` is unknown too."""
    if then is None or now is None:
        which = "of the archive's time" if then is None else "of now"
        return Delta(Source(None, by, (f"There is no inventory {which} to compare with.",)))
    if now.taken < then.taken:
        return Delta(Source(None, by, ("The inventory of now is older than the archive's.",)))
    blind = {kind for kind in KINDS if kind not in then.kinds or kind not in now.kinds}
    old = _by_key(thing for thing in then.things if thing.kind not in blind)
    new = _by_key(thing for thing in now.things if thing.kind not in blind)
    found = [
        *(Change(CREATED, thing.kind, thing.name, thing.uuid) for key, thing in new.items() if key not in old),
        *(Change(REMOVED, thing.kind, thing.name, thing.uuid) for key, thing in old.items() if key not in new),
        *(
            Change(CHANGED, thing.kind, thing.name, thing.uuid, detail)
            for key, thing in new.items()
            if key in old and (detail := _detail(old[key], thing))
        ),
    ]
    open_ = [f"{kind.replace('_', ' ')}s" for kind in KINDS if (kind in then.kinds) != (kind in now.kinds)]
    why = (f"Of {', '.join(open_)} only one inventory is there: what changed is not known.",) if open_ else ()
    return Delta(Source(now.taken, by, why), then.taken, tuple(sorted(found, key=_place)))


def _by_key(things: Iterable[Thing]) -> dict[tuple[str, str], Thing]:
    return {(thing.kind, thing.uuid): thing for thing in things}


def _detail(old: Thing, new: Thing) -> str:
    """ "memory 32 GiB, now 64 GiB; ..." """
    before, after = dict(old.traits), dict(new.traits)
    told = [f"name {old.name}, now {new.name}"] if old.name != new.name else []
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            told.append(f"{key} {before.get(key, 'none')}, now {after.get(key, 'none')}")
    return "; ".join(told)


def _place(change: Change) -> tuple[int, int, str, str]:
    kinds = list(KINDS)
    kind = kinds.index(change.kind) if change.kind in KINDS else len(kinds)
    return kind, (CREATED, REMOVED, CHANGED).index(change.word), change.name, change.uuid


def sentence(change: Change) -> str:
    """What the restored engine will show, and what to do."""
    label = f"{change.kind.replace('_', ' ').replace('vm', 'VM').replace('lun', 'LUN')} {change.name}"
    label = label[0].upper() + label[1:]
    if change.word == CREATED:
        return f"{label} was created since: the restored engine does not know it; {KINDS.get(change.kind, 'add it')}."
    if change.word == REMOVED:
        return f"{label} was removed since: the restored engine lists it again; remove it there."
    return f"{label} changed since: {change.detail}; set it again."
