"""What the configuration items of a change mean here: engines, by the names of what stands on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models.functions import Lower

from inventory.models import Engine, Host, Vm


@dataclass(frozen=True)
class Meant:
    """What configuration items mean here. unknown: those that mean nothing, so that nothing can be said of them."""

    engines: tuple[int, ...]
    unknown: tuple[str, ...]


def meant(ci: Iterable[str]) -> Meant:
    """Engines by the names of sites, engines, hosts and VMs; upper and lower case are one. No item: every engine."""
    names = list(dict.fromkeys(name.strip() for name in ci if name.strip()))
    if not names:
        return Meant(tuple(Engine.objects.order_by("pk").values_list("pk", flat=True)), ())
    known = _by_name({name.lower() for name in names})
    engines = {engine for found in known.values() for engine in found}
    return Meant(tuple(sorted(engines)), tuple(name for name in names if name.lower() not in known))


def covering(target: str, listed: Sequence[Sequence[str]]) -> list[bool | None]:
    """Whether the items of each change mean the target's engine: None where none of them means anything here, or the
    target is no engine's (settings.HOLDFAST_CHANGE_COVERS). As many queries however many changes there are."""
    engine = engine_of(target)
    if engine is None:
        return [None] * len(listed)
    known = _by_name({name.strip().lower() for names in listed for name in names})
    meant_ = [set().union(*(known.get(name.strip().lower(), set()) for name in names)) for names in listed]
    return [engine in engines if engines else None for engines in meant_]


def engine_of(target: str) -> int | None:
    """The engine that a target belongs to; None for targets of other kinds."""
    kind, _, key = target.partition(":")
    if not key.isdecimal() or len(key) > 18:
        return None
    if kind in ("she", "engine"):
        return int(key)
    return Host.objects.filter(pk=int(key)).values_list("engine", flat=True).first() if kind == "host" else None


def _by_name(names: set[str]) -> dict[str, set[int]]:
    """The engines of each name, in small letters, that means any; as many queries however many names there are."""
    found: dict[str, set[int]] = {}
    engines, hosts, vms = Engine.objects.all(), Host.objects.filter(gone_since=None), Vm.objects.filter(gone_since=None)
    for rows, name, key in (
        (engines, "name", "pk"), (engines, "site__name", "pk"), (hosts, "name", "engine"), (vms, "name", "engine"),
    ):  # fmt: skip
        for low, engine in rows.annotate(low=Lower(name)).filter(low__in=names).values_list("low", key):
            found.setdefault(low, set()).add(engine)
    return found
