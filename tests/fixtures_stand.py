"""A PostgreSQL, a Redis and Celery workers of a test's own, to be killed at will. Everything is ended by its pid."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections

TOP = Path(__file__).resolve().parent.parent


def _pg_bin() -> Path:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb") + glob.glob("/usr/pgsql-*/bin/initdb"))
    return Path(found[-1] if found else shutil.which("initdb") or "initdb").parent


class Stand:
    """PostgreSQL and Redis behind sockets in one short folder; processes of the portal that use them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hf-"))
        self.folder.chmod(0o711)
        self.bin = _pg_bin()
        self.as_pg = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.data = self.folder / "pg"
        self.redis: subprocess.Popen[bytes] | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        if self.as_pg:
            shutil.chown(self.folder, "postgres")

    @property
    def url(self) -> str:
        return f"postgresql:///holdfast?host={self.folder}&user=holdfast"

    @property
    def broker(self) -> str:
        return f"redis+socket://{self.folder}/redis.sock"

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {
            "HOLDFAST_DATABASE_URL": self.url,
            "HOLDFAST_REDIS_URL": self.broker,
            "HOLDFAST_LEASE": "2",
            "HOLDFAST_VAULT": str(self.folder / "vault"),
        }

    def _pg(self, *words: str) -> None:
        subprocess.run([*self.as_pg, *words], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start_postgres(self) -> None:
        if not self.data.exists():
            self._pg(
                str(self.bin / "initdb"), "-D", str(self.data), "-U", "holdfast", "-A", "trust", "-N", "-E", "UTF8"
            )
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        log = str(self.folder / "pg.log")
        self._pg(str(self.bin / "pg_ctl"), "-D", str(self.data), "-w", "-s", "-l", log, "-o", options, "start")

    def stop_postgres(self, mode: str = "immediate") -> None:
        self._pg(str(self.bin / "pg_ctl"), "-D", str(self.data), "-m", mode, "-w", "-s", "stop")

    def start_redis(self) -> None:
        words = ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/redis.sock", "--save", ""]
        self.redis = subprocess.Popen([*words, "--appendonly", "no"], stdout=subprocess.DEVNULL, cwd=self.folder)
        end = time.monotonic() + 10
        while not (self.folder / "redis.sock").exists():
            assert time.monotonic() < end, "Redis does not start"
            time.sleep(0.02)

    def kill_redis(self) -> None:
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait()
        (self.folder / "redis.sock").unlink(missing_ok=True)
        self.redis = None

    def manage(self, *words: str) -> None:
        subprocess.run([sys.executable, "manage.py", *words], check=True, env=self.env, cwd=TOP)

    def celery(self, *words: str) -> subprocess.Popen[bytes]:
        """A Celery process in a session of its own, so that a worker and its children can be killed together."""
        log = (self.folder / "celery.log").open("ab")
        line = [sys.executable, "-m", "celery", "-A", "portal", *words, "-l", "WARNING"]
        process = subprocess.Popen(line, env=self.env, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        number = str(len(self.processes))
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return self.celery("worker", "-Q", "runs", "-P", "prefork", "-c", "1", "-n", f"runs{number}@test", *quiet)

    def beat(self) -> subprocess.Popen[bytes]:
        return self.celery("beat", "-s", str(self.folder / "beat"), "--pidfile=")

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the process and every child that it has."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self.processes:
            self.kill(process)
        if self.redis is not None:
            self.kill_redis()
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop_postgres()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text: str) -> None:
        with psycopg.connect(host=str(self.folder), user="holdfast", dbname="postgres", autocommit=True) as link:
            link.execute(text)


@contextlib.contextmanager
def default_database(folder: Path) -> Iterator[None]:
    """Django's default connection of this thread, pointed elsewhere."""
    kept = connections["default"]
    del connections["default"]
    settings = connections.settings["default"]
    old = {key: settings[key] for key in ("NAME", "HOST", "USER")}
    settings.update(NAME="holdfast", HOST=str(folder), USER="holdfast")
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        settings.update(old)
        connections["default"] = kept


@pytest.fixture(scope="module")
def stand(django_db_blocker):
    """A stand with migrated tables, a worker and beat; this process's Django looks at it."""
    made = Stand()
    try:
        made.start_postgres()
        made.sql("CREATE DATABASE holdfast")
        made.start_redis()
        made.manage("migrate", "-v", "0")
        with django_db_blocker.unblock(), default_database(made.folder):
            yield made
    finally:
        made.end()
