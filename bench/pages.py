"""Pages and API lists at 2 and at 200 hosts with a year of history: SQL queries, wall p95 and CPU per page.

The estate is made with SQL in a database of its own: per host one LUN map, four looks, findings; a year of transitions
(two a day and host); five-minute roll-ups of the two hosted-engine hosts for a year and of every host for a day."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg

ROUNDS = 20
PAGES = ("/", "/engine/", "/hosts/", "/vms/", "/luns/", "/findings/", "/runs/", "/evidence/")
API = ("/api/v1/hosts/", "/api/v1/findings/", "/api/v1/transitions/")


@contextlib.contextmanager
def database(name: str) -> Iterator[None]:
    """A database of this benchmark's own, dropped at the end; Django is set up on it."""
    server = f"postgresql:///postgres?host={os.environ['RUN_DIR']}&user=holdfast"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f'drop database if exists "{name}" with (force)')
        link.execute(f'create database "{name}"')
    os.environ["HOLDFAST_DATABASE_URL"] = f"postgresql:///{name}?host={os.environ['RUN_DIR']}&user=holdfast"
    os.environ["HOLDFAST_LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    try:
        yield
    finally:
        connections.close_all()
        with psycopg.connect(server, autocommit=True) as link:
            link.execute(f'drop database if exists "{name}" with (force)')


def measure(client: Any, path: str) -> dict[str, float]:
    """Queries, wall p95 and median CPU of one page over ROUNDS requests, in milliseconds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
        count = len(queries)  # the next request empties the log
    if answer.status_code != 200:
        sys.exit(f"{path} answered {answer.status_code}")
    wall, cpu = [], []
    for _ in range(ROUNDS):
        began, burnt = time.perf_counter(), time.process_time()
        client.get(path)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - burnt) * 1000)
    wall.sort()
    return {"queries": count, "p95": wall[int(ROUNDS * 0.95) - 1], "cpu": statistics.median(cpu)}


def main() -> int:
    """Measures at 2 and at 200 hosts, prints a table and the result."""
    from bench.result import finish

    with database(f"holdfast_bench_pages_{os.getpid()}"):
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.db import connection
        from django.test import Client

        from bench.estate import grow

        settings.ALLOWED_HOSTS = ["*"]
        admin = get_user_model().objects.create_superuser("bench", password=None)
        client = Client()
        client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
        found: dict[int, dict[str, dict[str, float]]] = {}
        for hosts in (2, 200):
            grow(hosts)
            with connection.cursor() as cursor:
                cursor.execute("vacuum analyze")
            found[hosts] = {path: measure(client, path) for path in (*PAGES, *API)}
    print(f"{'page':24}{'queries':>16}{'p95 ms':>18}{'CPU ms':>18}")
    for path in (*PAGES, *API):
        small, large = found[2][path], found[200][path]
        print(
            f"{path:24}{small['queries']:>7.0f} {large['queries']:>7.0f}"
            f"{small['p95']:>10.1f} {large['p95']:>7.1f}{small['cpu']:>10.1f} {large['cpu']:>7.1f}"
        )
    ratios = {
        "most_queries": max(found[200][path]["queries"] for path in PAGES),
        "most_extra_queries": max(found[200][p]["queries"] - found[2][p]["queries"] for p in (*PAGES, *API)),
        "worst_p95_ms": max(found[200][path]["p95"] for path in PAGES),
        "worst_cpu_growth": max(found[200][p]["cpu"] / found[2][p]["cpu"] for p in (*PAGES, *API)),
        "overview_cpu_growth": found[200]["/"]["cpu"] / found[2]["/"]["cpu"],
    }
    goals = {"most_queries": 10, "most_extra_queries": 0, "worst_cpu_growth": 2.0}
    return finish("pages", ratios, goals)


if __name__ == "__main__":
    sys.exit(main())
