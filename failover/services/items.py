"""What the configuration items of a change mean here: engines, by the names of what stands on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.models import Engine, Host, Site, Vm


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
    engines: set[int] = set()
    unknown = []
    for name in names:
        found = _engines_of(name)
        engines |= found
        unknown += [] if found else [name]
    return Meant(tuple(sorted(engines)), tuple(unknown))


def _engines_of(name: str) -> set[int]:
    found = set(Engine.objects.filter(name__iexact=name).values_list("pk", flat=True))
    found |= set(Engine.objects.filter(site__in=Site.objects.filter(name__iexact=name)).values_list("pk", flat=True))
    for kind in (Host, Vm):
        found |= set(kind.objects.filter(name__iexact=name, gone_since=None).values_list("engine", flat=True))
    return found
