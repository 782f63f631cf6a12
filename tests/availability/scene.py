"""A watched service with a history of its own, for tests of services, pages and API."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from failover.models import Objective, Service, ServiceSpan
from failover.services import objectives
from inventory.models import Engine, Site
from portal.kernel.secret import Secret

HOUR = timedelta(hours=1)


def engine(name: str = "olvm-engine") -> Engine:
    site, _ = Site.objects.get_or_create(name="PROD")
    return Engine.objects.create(
        site=site, name=name, url=f"https://{name}.bank.lab/ovirt-engine/api", username="u", password=Secret("p")
    )


def service(on: Engine, name: str = "core-db", since: timedelta = 40 * 24 * HOUR, **wish) -> Objective:
    """An objective that is as old as it says."""
    Service.objects.get_or_create(engine=on, name=name, defaults={"kind": "tcp", "address": "127.0.0.1:1"})
    given = {"percent": Decimal("99.99"), "period": "month", "zone": "UTC", "every": 5.0, **wish}
    row = objectives.declare(on, "service", name, objectives.Wish(**given), "admin1")
    return older(row, since)


def older(row: Objective, by: timedelta) -> Objective:
    Objective.objects.filter(pk=row.pk).update(since=timezone.now() - by)
    return Objective.objects.get(pk=row.pk)


def spans(row: Objective, begins: datetime, *states: tuple[str | None, float], part: str = "service") -> datetime:
    """(state, seconds) one after the other; None: nobody asked. Returns when the last one ends."""
    at = begins
    for state, seconds in states:
        ends = at + timedelta(seconds=seconds)
        if state is not None:
            why = "" if state == "up" else "no answer in time"
            mono = at.timestamp()
            ServiceSpan.objects.create(
                objective=row, part=part, state=state, why=why, boot="b", began_mono=mono, last_mono=ends.timestamp(),
                began=at, last=ends,
            )  # fmt: skip
        at = ends
    return at
