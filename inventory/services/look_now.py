"""A person asks for a look now: what is planned becomes due at once. It asks nothing that a sweep would not ask."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from inventory.models import Device, Engine, Host, Look, Vm
from inventory.services.looks import REACH
from inventory.services.pages_engine import PROBES, looks_of
from inventory.services.wake import sweep_soon
from portal.evidence.services import append


class NothingPlanned(ValueError):
    """No look is planned there; the sentence says why."""


def look_at_host(host: Host, by: str) -> int:
    """Makes all looks of a host due; returns their number. Raises NothingPlanned."""
    if not Engine.objects.filter(pk=host.engine_id, watched=True).exists():
        raise NothingPlanned(f"The engine of {host.name} is not watched, so nothing is looked at: watch it first.")
    looks = Look.objects.filter(host=host).exclude(probe=REACH)
    if not looks.exists():
        raise NothingPlanned(f"No look at {host.name} is planned: it is not watched, or was just added.")
    return _due(looks, by, f"host:{host.name}")


def look_at_engine(engine: Engine, by: str) -> int:
    """Makes the looks due that the engine's page rests on: its own, and those of its hosted-engine hosts. Returns
    their number. Raises NothingPlanned."""
    if not engine.watched:
        raise NothingPlanned(f"{engine.name} is not watched: watch it first.")
    planned = looks_of(Q(engine=engine)).values("pk")
    own = Q(engine=engine, host__isnull=True, device__isnull=True, vm__isnull=True)
    looks = Look.objects.filter(Q(pk__in=planned) | own, probe__in=PROBES)
    if not looks.exists():
        raise NothingPlanned(f"No look at {engine.name} is planned: looks begin with its first sync.")
    return _due(looks, by, f"engine:{engine.name}")


def look_at_device(device: Device, by: str) -> int:
    """Makes the look at a switch or an array due; returns 1. One visit at a time, whoever asks, so that a click costs
    one of its few sessions at most (facts/san.md 1.3). Raises NothingPlanned."""
    looks = Look.objects.filter(device=device, engine__watched=True)
    if not looks.exists():
        raise NothingPlanned(f"No look at {device.name} is planned: it is not watched, or its engine is not.")
    return _due(looks, by, f"device:{device.name}")


def look_at_vm(vm: Vm, by: str) -> int:
    """Makes the look at an Oracle VM due; returns 1. Raises NothingPlanned."""
    looks = Look.objects.filter(vm=vm, engine__watched=True)
    if not looks.exists():
        raise NothingPlanned(f"No look at {vm.name} is planned: declare it as an Oracle VM, and watch it.")
    return _due(looks, by, f"vm:{vm.name}")


def due_at_once(host: Host, *probes: str) -> None:
    """Makes looks of a host due, all or those named, after something about it was changed."""
    looks = Look.objects.filter(host=host).exclude(probe=REACH)
    (looks.filter(probe__in=probes) if probes else looks).update(due_at=timezone.now())
    sweep_soon()


def _due(looks: QuerySet[Look], by: str, subject: str) -> int:
    """Those that are due already stay as they are, so a second click changes and records nothing."""
    now = timezone.now()
    with transaction.atomic():
        moved = looks.filter(due_at__gt=now).update(due_at=now)
        sweep_soon()
        if moved:
            append("look.asked", by, subject, {"looks": moved})
    return looks.count()
