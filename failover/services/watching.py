"""Which drills are watched, and what is asked for them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from django.db.models import Q
from django.db.models.functions import Now

from failover.models import Drill, Service
from failover.services.asker import Question
from inventory.models import Engine
from portal.runs.models import Run

AFTER = 120  # seconds for which a drill that has ended is still watched
ENGINE = "engine"  # the service that every engine has: its health page
HEALTH = "/ovirt-engine/services/health"
DB_UP = "DB Up"  # facts/hosted-engine.md 1: what --check-liveliness looks for


def watched() -> dict[int, list[int]]:
    """Engine key -> keys of its drills that are watched: under way, or ended less than AFTER ago."""
    recent = Now() - timedelta(seconds=AFTER)
    under_way = Q(run__status__in=Run.ACTIVE) | Q(run__ended__gte=recent)
    found: dict[int, list[int]] = {}
    for drill, engine in Drill.objects.filter(under_way).order_by("pk").values_list("pk", "engine"):
        found.setdefault(engine, []).append(drill)
    return found


def questions(engines: list[int]) -> set[Question]:
    """What is asked of engines: the health page of each, and its declared services."""
    asked = {
        Question(pk, ENGINE, Service.Kind.HTTP, health_url(url), DB_UP, ca_pem)
        for pk, url, ca_pem in Engine.objects.filter(pk__in=engines).values_list("pk", "url", "ca_pem")
    }
    declared = Service.objects.filter(engine__in=engines).exclude(name=ENGINE)
    fields = ("engine", "name", "kind", "address", "words", "ca_pem", "every")
    return asked | {Question(*row) for row in declared.values_list(*fields)}


def health_url(url: str) -> str:
    """Of an engine whose API is at `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{HEALTH}"
