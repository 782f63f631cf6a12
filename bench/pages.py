"""Pages and API lists at 2 and at 200 hosts with a year of history: SQL queries, wall p95 and CPU per page and per row.

The estate is made with SQL in a database of its own: per host one LUN map, four looks, findings; a year of transitions
(two a day and host); five-minute roll-ups of the two hosted-engine hosts for a year and of every host for a day.

A list shows more rows where there are more, up to its page, and each row costs. So a list is asked at 200 hosts twice:
as a person opens it, and with as many rows as the small estate has. `worst_cpu_growth` compares equal numbers of rows:
what a page costs because the estate behind it is larger. `whole_page_cpu_growth` compares the pages as they are opened;
it has no goal, and it ends where the first page is full (50 rows, in the API 100)."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

ROUNDS = 20
SMALL, LARGE = 2, 200  # hosts
PAGES = ("/", "/engine/", "/runs/", "/evidence/")
LISTS = ("/hosts/", "/vms/", "/luns/", "/findings/", "/findings/changes/")
API = ("/api/v1/hosts/", "/api/v1/findings/", "/api/v1/transitions/")
ALL = (*PAGES, *LISTS, *API)


@dataclass(frozen=True)
class Cost:
    """What one page costs: milliseconds, and how many rows it shows (0 where it is no list)."""

    queries: int
    p95: float
    cpu: float
    rows: int


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


def measure(client: Any, path: str) -> Cost:
    """Queries, wall p95 and median CPU of one page over ROUNDS requests."""
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
    return Cost(count, wall[int(ROUNDS * 0.95) - 1], statistics.median(cpu), rows_of(path, answer))


def rows_of(path: str, answer: Any) -> int:
    """How many rows a list shows."""
    if path.startswith("/api/"):
        return len(answer.json()["results"])
    return int(answer.content.count(b'<th scope="row">')) if path.startswith(LISTS) else 0


def like(path: str, rows: int) -> str:
    """The same list with at most so many rows on its page."""
    return f"{path}?{'limit' if path.startswith('/api/') else 'rows'}={rows}"


def per_row(cost: Cost) -> str:
    """CPU per row in milliseconds, the frame around the table shared out among them."""
    return f"{cost.cpu / cost.rows:.2f}" if cost.rows else ""


def table(small: dict[str, Cost], large: dict[str, Cost], equal: dict[str, Cost]) -> None:
    """What was measured, for people. Every pair of columns: small estate, large estate."""
    print(f"CPU and p95 in milliseconds; every pair: {SMALL} hosts, {LARGE} hosts")
    heads = ("page", "queries", "p95", "rows", "CPU per page", "CPU per row", "equal rows: CPU", "growth")
    widths = (10, 15, 10, 16, 15, 17, 8)
    print(f"{heads[0]:22}" + "".join(f"{head:>{width}}" for head, width in zip(heads[1:], widths, strict=True)))
    for path in ALL:
        one, two, same = small[path], large[path], equal[path]
        print(
            f"{path:22}{one.queries:>6} {two.queries:>3}{one.p95:>8.1f} {two.p95:>6.1f}{one.rows:>6} {two.rows:>3}"
            f"{one.cpu:>9.1f} {two.cpu:>6.1f}{per_row(one):>8} {per_row(two):>6}"
            f"{same.cpu:>17.1f}{same.cpu / one.cpu:>8.2f}"
        )


def main() -> int:
    """Measures at 2 and at 200 hosts, prints a table and the result."""
    from bench.result import finish

    found: dict[int, dict[str, Cost]] = {}
    with database(f"holdfast_bench_pages_{os.getpid()}"):
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.db import connection
        from django.test import Client

        from bench.estate import grow

        settings.ALLOWED_HOSTS = ["*"]
        admin = get_user_model().objects.create_superuser("bench", password=None)
        client = Client()
        client.force_login(admin, backend="portal.access.backend.PeopleBackend")
        for hosts in (SMALL, LARGE):
            grow(hosts)
            with connection.cursor() as cursor:
                cursor.execute("vacuum analyze")
            found[hosts] = {path: measure(client, path) for path in ALL}
        small, large = found[SMALL], found[LARGE]
        equal = {
            path: measure(client, like(path, small[path].rows)) if small[path].rows != large[path].rows else large[path]
            for path in ALL
        }
    table(small, large, equal)
    ratios = {
        "most_queries": max(cost.queries for cost in large.values()),
        "most_extra_queries": max(large[path].queries - small[path].queries for path in ALL),
        "worst_p95_ms": max(large[path].p95 for path in (*PAGES, *LISTS)),
        "worst_cpu_growth": max(equal[path].cpu / small[path].cpu for path in ALL),
        "overview_cpu_growth": large["/"].cpu / small["/"].cpu,
        "whole_page_cpu_growth": max(large[path].cpu / small[path].cpu for path in ALL),
    }
    goals = {"most_queries": 10, "most_extra_queries": 0, "worst_cpu_growth": 2.0}
    return finish("pages", ratios, goals)


if __name__ == "__main__":
    sys.exit(main())
