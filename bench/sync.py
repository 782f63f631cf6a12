"""The inventory sync of 100 hosts, 1,000 VMs and 5,000 LUNs beside plain streaming fetch-and-parse of the same bodies.

Interleaved rounds, each: plain (curl's multi interface + lxml's pull parser over the same number of connections,
counting elements), a first sync into empty tables, an unchanged sync. Logins are made beforehand. Figures are medians;
CPU is this process's, PostgreSQL's is printed beside it. The engine counts the requests, PostgreSQL the
rows. requests: of a sync without storage; with it one more per host, and one per VM with huge pages (two here)."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycurl
from lxml import etree

from bench.pages import database
from bench.result import finish

CONNECTIONS = 4
PLAN = (
    "/vms?follow=disk_attachments",
    "/disks",
    "/hosts?all_content=true&follow=nics%2Cstatistics",
    "/datacenters?follow=storage_domains",
    "/clusters?follow=affinity_groups",
    "/jobs",
    "/events?max=500",
    "",
)
GOALS = {
    "first_wall": 2.0,
    "first_cpu": 2.0,
    "resync_wall": 2.0,
    "resync_cpu": 2.0,
    "requests": 10.0,
    "requests_beside_one_per_host": 10.0,
    "resync_rows": 0.0,
}


@dataclass
class Cost:
    """Seconds of one round; server is PostgreSQL's CPU."""

    wall: float
    cpu: float
    server: float


@contextmanager
def engine(hosts: int, vms: int, luns: int) -> Iterator[dict[str, str]]:
    """The lab's engine in a process of its own."""
    words = [sys.executable, "-m", "bench.sync_engine", str(hosts), str(vms), str(luns)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit("the lab's engine did not start")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(10)


class Plain:
    """Fetches and parses while it streams in, and does nothing with it. One thread drives all connections, since
    threads that parse side by side take turns at the interpreter's lock and burn twice the CPU."""

    def __init__(self, facts: dict[str, str], token: str, uuids: list[str]) -> None:
        self.facts, self.token = facts, token
        self.paths = [*PLAN, *(f"/hosts/{uuid}/storage?report_status=false" for uuid in uuids)]
        self.elements = self.size = 0

    def run(self) -> None:
        """All bodies over CONNECTIONS connections."""
        self.elements = self.size = 0
        todo = iter(self.paths)
        multi = pycurl.CurlMulti()
        lines = [self._line() for _ in range(CONNECTIONS)]
        under_way = sum(self._ask(multi, line, todo) for line in lines)
        while under_way:
            while multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
                pass
            _, good, bad = multi.info_read()
            if bad:
                sys.exit(f"the plain fetch failed: {bad}")
            for line in good:
                if line.getinfo(pycurl.RESPONSE_CODE) != 200:
                    sys.exit(f"{line.getinfo(pycurl.EFFECTIVE_URL)} answered {line.getinfo(pycurl.RESPONSE_CODE)}")
                multi.remove_handle(line)
                under_way += self._ask(multi, line, todo) - 1
            multi.select(0.5)
        multi.close()

    def _line(self) -> Any:
        curl = pycurl.Curl()
        curl.setopt(pycurl.CAINFO_BLOB, self.facts["ca_pem"].encode())
        curl.setopt(pycurl.ENCODING, "gzip")
        curl.setopt(pycurl.HTTPHEADER, ["Accept: application/xml", f"Authorization: Bearer {self.token}"])
        return curl

    def _ask(self, multi: Any, line: Any, todo: Iterator[str]) -> int:
        path = next(todo, None)
        if path is None:
            return 0
        parser = etree.XMLPullParser(events=("end",), huge_tree=True)
        line.setopt(pycurl.URL, self.facts["url"] + path)
        line.setopt(pycurl.WRITEFUNCTION, lambda chunk: self._take(parser, chunk))
        multi.add_handle(line)
        return 1

    def _take(self, parser: Any, chunk: bytes) -> None:
        self.size += len(chunk)
        parser.feed(chunk)
        for _, element in parser.read_events():
            self.elements += 1
            element.clear()


def cost(work: Callable[[], Any], server: Callable[[], float]) -> tuple[Cost, Any]:
    """What one call takes."""
    wall, cpu, database_cpu = time.perf_counter(), time.process_time(), server()
    result = work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, server() - database_cpu), result


def backend_clock() -> Callable[[], float]:
    """CPU seconds of this connection's PostgreSQL process."""
    from django.db import connection

    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")

    def read() -> float:
        words = stat.read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / 100

    return read


def rows_written() -> int:
    """Rows that PostgreSQL has inserted, updated or deleted in the inventory so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
        cursor.execute(
            "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables where relname like 'inventory%%'"
        )
        return int(cursor.fetchone()[0])


def empty() -> None:
    """No inventory but the engine itself."""
    from django.db import connection

    from inventory.models import Engine

    with connection.cursor() as cursor:
        cursor.execute("truncate inventory_cluster, inventory_storagedomain, inventory_engineevent cascade")
        cursor.execute("truncate inventory_host, inventory_vm, inventory_lun cascade")
    Engine.objects.update(last_event_id=0, instance_id="", product="", version="")


class Bench:
    """One engine, one database, several rounds."""

    def __init__(self, facts: dict[str, str]) -> None:
        from inventory.models import Engine, Site
        from inventory.services.reach import credentials
        from portal.connectors.engine import Session

        site = Site.objects.create(name="bench")
        values = {key: facts[key] for key in ("url", "username", "password", "ca_pem")}
        self.engine = Engine.objects.create(site=site, name="bench", **values)
        self.engine.refresh_from_db()
        self.facts, self.session = facts, Session(credentials(self.engine))
        self.ours = backend_clock()

    def asked(self) -> int:
        """API requests that the engine has counted."""
        from portal.kernel.probe import Request

        return int(self.session.reply(Request("/asked")).body)

    def sync(self, *, storage: bool = True) -> Any:
        """One sync that must not fail."""
        from inventory.services.sync import sync

        self.engine.refresh_from_db()
        report = sync(self.engine, storage=storage, session=self.session)
        if report.failed:
            sys.exit(f"the sync failed: {report.failed}")
        return report

    def rounds(self, number: int) -> dict[str, list[Cost]]:
        """Costs by kind."""
        from inventory.models import Host

        self.sync()  # the engine's front keeps every body from here on
        token = self.session._ticket.current(5).reveal()
        plain = Plain(self.facts, token, list(Host.objects.values_list("uuid", flat=True)))
        plain.run()
        print(f"{len(plain.paths)} bodies, {plain.size / 1e6:.1f} MB, {plain.elements:,} elements", flush=True)
        costs: dict[str, list[Cost]] = {"plain": [], "first": [], "resync": []}
        for index in range(number):
            empty()
            for kind, work in (("plain", plain.run), ("first", self.sync), ("resync", self.sync)):
                spent, _ = cost(work, self.ours)
                costs[kind].append(spent)
                print(f"round {index + 1} {kind:7} wall {spent.wall:.3f} s  CPU {spent.cpu:.3f} s", flush=True)
        return costs


def summary(costs: dict[str, list[Cost]]) -> dict[str, float]:
    """Ratios of medians, and a table."""
    middle = {
        kind: Cost(*(statistics.median(getattr(one, name) for one in rows) for name in ("wall", "cpu", "server")))
        for kind, rows in costs.items()
    }
    for kind, one in middle.items():
        print(f"{kind:7} wall {one.wall:.3f} s  CPU {one.cpu:.3f} s  PostgreSQL's CPU {one.server:.3f} s")
    plain = middle["plain"]
    return {
        f"{kind}_{name}": getattr(middle[kind], name) / getattr(plain, name)
        for kind in ("first", "resync")
        for name in ("wall", "cpu")
    }


def main() -> int:
    """Measures and prints the result."""
    parser = argparse.ArgumentParser(prog="bench sync")
    for name, number in (("hosts", 100), ("vms", 1000), ("luns", 5000), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    with database("holdfast_bench_sync"), engine(options.hosts, options.vms, options.luns) as facts:
        bench = Bench(facts)
        ratios = summary(bench.rounds(options.rounds))
        before_rows, before = rows_written(), bench.asked()
        report = bench.sync()
        whole = bench.asked() - before
        ratios["resync_rows"] = max(sum(report.rows_written.values()), rows_written() - before_rows)
        before = bench.asked()
        bench.sync(storage=False)
        ratios["requests"] = bench.asked() - before
        ratios["requests_beside_one_per_host"] = whole - options.hosts
        bench.session.close()
    return finish("sync", ratios, GOALS)


if __name__ == "__main__":
    sys.exit(main())
