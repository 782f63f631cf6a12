"""For machines that watch the portal itself: /healthz, /readyz, /metrics. No login; nothing secret, no names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from backups.services.measures import measures
from inventory.models import Finding, Look
from inventory.services.looks import every, present
from portal.alerts.services.pages import measures as alert_measures
from portal.runs.models import Run


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process can answer at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers with all migrations; Redis is reported, but losing it loses nothing."""
    checks = {"database": _database(), "redis": _redis()}
    ready = checks["database"] == "ok"
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return f"does not answer ({type(error).__name__})"
    return f"{len(waiting)} migrations wait: run manage.py migrate" if waiting else "ok"


def _redis() -> str:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError as error:
        return f"does not answer ({type(error).__name__}): looks and runs wait until it does"
    finally:
        client.close()
    return "ok"


class Estate:
    """A collector that reads the database at each scrape: four queries, whatever the size."""

    def collect(self) -> Iterator[Metric]:
        """Findings by outcome and probe, age of the oldest look per probe in units of its schedule, runs by status, and
        how backup policies stand."""
        now = timezone.now()
        yield self._findings(now)
        yield from self._looks(now)
        runs = GaugeMetricFamily("holdfast_runs", "Runs by status.", labels=["status"])
        for status, count in Run.objects.values_list("status").annotate(count=Count("pk")):
            runs.add_metric([status], count)
        yield runs
        for name, words, values in measures(now):
            family = GaugeMetricFamily(name, words, labels=["policy"])
            for policy, value in values:
                family.add_metric([policy], value)
            yield family
        for name, words, labels, counted in alert_measures(now):
            family = GaugeMetricFamily(name, words, labels=labels)
            for label, number in counted:
                family.add_metric(label, number)
            yield family

    def _findings(self, now: Any) -> Metric:
        counts: dict[tuple[str, str], int] = {}
        for finding in Finding.objects.select_related("look__host", "look__device", "look__engine"):
            key = (finding.look.probe, present(finding, now)[0].value)
            counts[key] = counts.get(key, 0) + 1
        family = GaugeMetricFamily("holdfast_findings", "Present findings.", labels=["probe", "outcome"])
        for key, count in sorted(counts.items()):
            family.add_metric(list(key), count)
        return family

    def _looks(self, now: Any) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "holdfast_look_age_periods", "Age of the oldest look in units of its own schedule.", labels=["probe"]
        )
        state = GaugeMetricFamily("holdfast_looks", "Latest looks by state.", labels=["probe", "state"])
        oldest: dict[str, float] = {}
        counts: dict[tuple[str, str], int] = {}
        for probe, word, at in Look.objects.values_list("probe", "state", "at"):
            counts[probe, word] = counts.get((probe, word), 0) + 1
            if at is not None:
                oldest[probe] = max(oldest.get(probe, 0.0), (now - at).total_seconds() / every(probe))
        for probe, value in sorted(oldest.items()):
            age.add_metric([probe], value)
        for key, count in sorted(counts.items()):
            state.add_metric(list(key), count)
        yield age
        yield state


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Restrict it at the proxy where the network is not trusted (docs/install.md)."""
    registry = CollectorRegistry()
    registry.register(Estate())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
