"""Verify and rehearse of an archive beside the bare commands: `sha256sum`, and `pg_restore` of the same dumps into a
scratch server of the same version and options that runs already.

Interleaved rounds at 100 MB give the ratios of wall clock and CPU, each of the fastest round of its kind, since what
else runs on the machine only adds. Ours includes initdb, start, counting of every row, end and removal of the server.
Archives of 10 MB, 100 MB and 1 GB give the peak of memory (PSS, so that shared pages count once) of the process that
rehearses and of all its children. CPU is that of every process, the servers' too."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.result import finish
from portal.connectors.scratch import Scratch
from portal.connectors.scratch_keeper import offspring
from portal.connectors.scratch_programs import Programs, find
from tests.backups.make_archive import Draft

GOALS = {"wall": 1.2, "portal_memory_1gb_to_10mb": 1.1, "children_memory_1gb_to_10mb": 1.5}
TICKS = os.sysconf("SC_CLK_TCK")
CORE_SQL = """
create table schema_version (id int primary key, version text);
insert into schema_version values (1, '04050300');
create table vdc_options (option_id int primary key, option_name text, option_value text);
insert into vdc_options select n, 'Option' || n, md5(n::text) from generate_series(1, 733) n;
create table vds_static (vds_id uuid primary key, vds_name text);
insert into vds_static select gen_random_uuid(), 'host' || n from generate_series(1, 2) n;
create table vm_static (vm_guid uuid primary key, vm_name text, entity_type text);
insert into vm_static select gen_random_uuid(), 'vm' || n, 'VM' from generate_series(1, 200) n;
create table storage_domain_static (id uuid primary key, storage_name text);
insert into storage_domain_static select gen_random_uuid(), 'sd' || n from generate_series(1, 3) n;
create table base_disks (disk_id uuid primary key);
create table disk_lun_map (disk_id uuid, lun_id text);
create table audit_log (audit_log_id bigint primary key, log_time timestamptz, user_name text, message text);
insert into audit_log select n, now() - n * interval '1 second', 'admin@internal',
  'VM vm' || n % 200 || ' was started by ' || gen_random_uuid() || ' (Host: host' || n % 2 || ').'
  from generate_series(1, {rows}) n;
create index on audit_log (log_time);
"""
# What fills a data warehouse: ids, times and numbers, with its indexes.
DWH_SQL = """
create table vm_hourly (history_id bigint primary key, history_datetime timestamptz, vm_id uuid, cpu smallint,
  memory smallint, disk numeric(8, 2), network numeric(8, 2), seeks int);
insert into vm_hourly select n, now() - n * interval '1 minute', md5(n::text)::uuid, random() * 100, random() * 100,
  random() * 99999, random() * 99999, random() * 1000000 from generate_series(1, {rows}) n;
create index on vm_hourly (history_datetime);
"""
BLOB_SQL = "create table blobs (id int, body bytea); alter table blobs alter body set storage external;"


@dataclass
class Cost:
    """Seconds of one round."""

    wall: float
    cpu: float


@dataclass
class Made:
    """An archive, and the dumps in it as files."""

    archive: Path
    dumps: list[Path]

    @property
    def size(self) -> int:
        return self.archive.stat().st_size


class Maker:
    """Makes archives in engine-backup's layout from dumps of one server."""

    def __init__(self, folder: Path, source: Scratch, programs: Programs) -> None:
        self.folder, self.source, self.programs = folder, source, programs
        self.files = Draft(self._fresh("files")).packed_files()

    def _fresh(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path

    def make(self, name: str, share: float, blobs: int = 0) -> Made:
        """share: of what makes 100 MB; blobs: MB of incompressible rows on top, dumped without compression."""
        folder = self._fresh(name)
        dumps = [
            self._dump(folder, f"engine_{name}", CORE_SQL.format(rows=int(220_000 * share))),
            self._dump(folder, f"dwh_{name}", DWH_SQL.format(rows=int(1_250_000 * share)) + BLOB_SQL, max(blobs, 1)),
            self._dump(folder, f"keycloak_{name}", DWH_SQL.format(rows=2000)),
        ]
        grafana = sqlite3.connect(folder / "grafana.db")
        grafana.execute("create table dashboard (id integer primary key, data text)")
        grafana.executemany("insert into dashboard (data) values (?)", [("x" * 500,)] * 2000)
        grafana.commit()
        grafana.close()
        archive = folder / "engine.backup"
        self._pack(archive, folder, dumps, plain=blobs > 0)
        return Made(archive, dumps)

    def _dump(self, folder: Path, database: str, statements: str, blobs: int = 0) -> Path:
        self.source.make(database)
        self.source.extend(database, ())
        with self.source.connect(database) as session:
            session.execute("set search_path = public")
            session.execute(statements.encode())
            noise = os.urandom(8192)
            for at in range(0, blobs * 64, 64):  # MB in hex are half as many in bytes
                rows = [(at + n, noise[n:] + noise[:n]) for n in range(64)]
                session.cursor().executemany("insert into blobs values (%s, %s)", rows)
        target = folder / f"{database.split('_', maxsplit=1)[0]}_backup.db"
        argv = [self.programs.path("pg_dump"), "-w", "-h", str(self.source.folder), "-U", database, "-d", database,
                "-E", "UTF8", "--disable-dollar-quoting", "--disable-triggers", "--format=custom"]  # fmt: skip
        packed = ["--compress=0"] if blobs > 1 else []
        subprocess.run([*argv, *packed, "-f", str(target)], check=True)
        return target

    def _pack(self, archive: Path, folder: Path, dumps: list[Path], *, plain: bool) -> None:
        """plain: a gzip stream of stored blocks, which is read like any other and packed far faster."""
        small = {"config": self._config(), "os_version": b"oracle8\n", "version": b"4.5.5\n", "files": self.files}
        large = {f"db/{path.name}": path for path in (folder / "grafana.db", *reversed(dumps))}
        listed = [f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in small.items()]
        for name, path in large.items():
            with path.open("rb") as file:
                listed.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
        with (
            gzip.open(archive, "wb", compresslevel=0 if plain else 6) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as tar,
        ):
            for name, raw in {"sha256sum": "".join(listed).encode(), **small}.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(raw)
                tar.addfile(info, io.BytesIO(raw))
            for name, path in large.items():
                tar.add(path, f"./{name}")

    def _config(self) -> bytes:
        kinds = ("", "DWH_", "KEYCLOAK_", "CINDERLIB_")
        return "".join(f"{kind}DB_DUMP_COMPRESSOR=\n{kind}DB_DUMP_FORMAT=custom\n" for kind in kinds).encode()


def ticks(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended; 0 when it is gone."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(word) for word in words[11:15]) / TICKS
    return 0.0


def pss(pid: int) -> int:
    """Bytes that a process holds, its share of shared pages only."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


@dataclass
class Watch:
    """Looks at one process and its children until it is told to stop."""

    pid: int
    memory: bool
    cpu: float = 0.0
    portal: int = 0
    children: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.wait(0.05 if self.memory else 0.1):
            below = offspring(self.pid)
            self.cpu = max(self.cpu, sum(ticks(pid) for pid in (self.pid, *below)))
            if self.memory:
                self.portal = max(self.portal, pss(self.pid))
                self.children = max(self.children, sum(pss(pid) for pid in below))


def ours(made: Made, place: Path, *, memory: bool = False) -> tuple[Cost, Watch]:
    """One rehearsal in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.backups", "--one", str(made.archive), str(place)], stdout=subprocess.PIPE
    )
    watch = Watch(process.pid, memory)
    thread = threading.Thread(target=watch.run)
    thread.start()
    stdout, _ = process.communicate()
    watch.over.set()
    thread.join()
    if process.returncode:
        sys.exit(f"the rehearsal failed: {stdout.decode()}")
    told = json.loads(stdout.decode().splitlines()[-1])
    if told["problems"] or told["readings"] != 1:
        sys.exit(f"the rehearsal proved nothing: {told}")
    return Cost(told["wall"], watch.cpu - told["before"]), watch


def one(archive: Path, place: Path) -> int:
    """The process that rehearses: its own wall clock, without the start of Python."""
    from datetime import UTC, datetime

    from backups.catalog.cause import Cause
    from backups.catalog.parts import Part
    from backups.catalog.ports import FileSource
    from backups.catalog.rehearsal import Inventory, Known
    from backups.catalog.rung import Expectation, Mark
    from backups.works.rehearsing import Place, rehearse

    now = datetime.now(UTC)
    parts = frozenset({Part.FILES, Part.ENGINE, Part.DWH, Part.KEYCLOAK, Part.GRAFANA})
    known = Known(now, parts, Inventory(now, {"hosts": 2, "VMs": 200, "storage domains": 3}))
    passed = Cause("ok", "engine-backup --mode=verify passed.", "", good=True)
    before, began = sum(os.times()[:2]), time.perf_counter()
    done = rehearse(FileSource(archive), Expectation(now, parts, "4.5.5", verified=passed), known, Place(place))
    wall = time.perf_counter() - began
    problems = [rung.sentence for rung in (*done.ladder, *done.rungs) if rung.outcome in (Mark.FAIL, Mark.UNKNOWN)]
    print(json.dumps({"wall": wall, "before": before, "problems": problems, "readings": done.readings}))
    return 0


class Bare:
    """The plain commands, into a server that runs already."""

    def __init__(self, server: Scratch, programs: Programs) -> None:
        self.server, self.programs, self.count = server, programs, 0

    def run(self, made: Made) -> tuple[Cost, dict[str, float]]:
        """sha256sum, then pg_restore of one dump after the other. The databases are made beforehand."""
        databases = []
        for path in made.dumps:
            self.count += 1
            databases.append((f"bare_{self.count}", path))
            self.server.make(databases[-1][0])
            self.server.extend(databases[-1][0], ())
        before, began = self._cpu(), time.perf_counter()
        subprocess.run(["sha256sum", str(made.archive)], check=True, stdout=subprocess.DEVNULL)
        parts = {"sha256sum": time.perf_counter() - began}
        for database, path in databases:
            at = time.perf_counter()
            argv = [self.programs.path("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "-w"]
            subprocess.run(
                [*argv, "-h", str(self.server.folder), "-U", database, "-d", database, str(path)], check=True
            )
            parts[path.name] = time.perf_counter() - at
        wall, cpu = time.perf_counter() - began, self._cpu() - before
        for database, _ in databases:
            with self.server._superuser("postgres") as session:
                session.execute(f"drop database {database}".encode())
        return Cost(wall, cpu), parts

    def _cpu(self) -> float:
        """Of the commands, and of the server's processes; the keeper's watch of its disk counts to it."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        keeper = self.server._keeper
        assert keeper is not None
        return used.ru_utime + used.ru_stime + sum(ticks(pid) for pid in (keeper.pid, *offspring(keeper.pid)))


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder that every account may pass through, on the disk of temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="hf-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def timed(what: str, work: Callable[[], Made]) -> Made:
    began = time.perf_counter()
    made = work()
    print(f"{what}: {made.size / 1e6:.1f} MB, made in {time.perf_counter() - began:.1f} s", flush=True)
    return made


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """All figures."""
    programs = find()
    if programs is None:
        sys.exit("there are no PostgreSQL server programs")
    place = folder / "place"
    place.mkdir(mode=0o711)
    with Scratch(place, programs=programs) as server:
        server.wait()
        maker, bare = Maker(folder, server, programs), Bare(server, programs)
        small = timed("10 MB", lambda: maker.make("small", 0.16))
        middle = timed("100 MB", lambda: maker.make("middle", 1.6))
        large = timed("1 GB", lambda: maker.make("large", 0.1, 950))
        costs: dict[str, list[Cost]] = {"bare": [], "ours": []}
        for index in range(rounds):
            spent, parts = bare.run(middle)
            costs["bare"].append(spent)
            costs["ours"].append(ours(middle, place)[0])
            told = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
            for kind in costs:
                last = costs[kind][-1]
                print(f"round {index + 1} {kind} wall {last.wall:.2f} s  CPU {last.cpu:.2f} s"
                      f"{f'  ({told})' if kind == 'bare' else ''}", flush=True)  # fmt: skip
    peaks = {}
    for name, made in (("10mb", small), ("100mb", middle), ("1gb", large)):
        spent, watch = ours(made, place, memory=True)
        peaks[name] = watch
        print(f"{name}: {made.size / 1e6:.0f} MB in {spent.wall:.1f} s; peak of the process "
              f"{watch.portal / 1e6:.1f} MB, of all children {watch.children / 1e6:.1f} MB", flush=True)  # fmt: skip
    best = {kind: Cost(min(one.wall for one in all_), min(one.cpu for one in all_)) for kind, all_ in costs.items()}
    return {
        "wall": best["ours"].wall / best["bare"].wall,
        "cpu": best["ours"].cpu / best["bare"].cpu,
        "portal_memory_1gb_to_10mb": peaks["1gb"].portal / peaks["10mb"].portal,
        "portal_memory_100mb_to_10mb": peaks["100mb"].portal / peaks["10mb"].portal,
        "children_memory_1gb_to_10mb": peaks["1gb"].children / peaks["10mb"].children,
        "children_memory_100mb_to_10mb": peaks["100mb"].children / peaks["10mb"].children,
    }


def main() -> int:
    """Measures and prints the result."""
    parser = argparse.ArgumentParser(prog="bench backups")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--one", nargs=2, type=Path, metavar=("ARCHIVE", "PLACE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(*options.one)
    with workplace() as folder:
        ratios = measure(folder, options.rounds)
    return finish("backups", ratios, GOALS)


if __name__ == "__main__":
    sys.exit(main())
