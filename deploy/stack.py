"""The whole demo as a child of a test or a benchmark: the Procfile's processes on free ports, with a database, a Redis
database and a state directory of their own. PostgreSQL and Redis themselves are ./holdfast's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

TOP = Path(__file__).resolve().parent.parent
PATIENCE = 90.0  # seconds for everything to come up


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """`with Stack("name") as stack:` gives stack.url (portal), stack.lab (control port) and stack.fault(...)."""

    def __init__(self, name: str, *, speed: float = 20.0, redis_db: int = 5) -> None:
        self.name = name
        self.port, self.lab_port, engine, ssh, mail = (free_port() for _ in range(5))
        self.url = f"http://127.0.0.1:{self.port}"
        self.lab = f"http://127.0.0.1:{self.lab_port}"
        self.folder = Path(tempfile.mkdtemp(prefix="hf-"))
        self.folder.chmod(0o755)
        self.sockets = os.environ["RUN_DIR"]
        self.database = f"holdfast_{name}"
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {
            **os.environ,
            "PORT": str(self.port),
            "LAB_PORT": str(self.lab_port),
            "ENGINE_PORT": str(engine),
            "SSH_PORT": str(ssh),
            "MAIL_PORT": str(mail),
            "LAB_SPEED": str(speed),
            "RUN_DIR": str(self.folder),
            "VAR": str(self.folder),
            "HOLDFAST_DATABASE_URL": f"postgresql:///{self.database}?host={self.sockets}&user=holdfast",
            "HOLDFAST_REDIS_URL": f"redis+socket://{self.sockets}/redis.sock?virtual_host={redis_db}",
            "HOLDFAST_TRUSTED_ORIGINS": self.url,
            "HOLDFAST_LAB_URL": self.lab + "/",
            "HOLDFAST_VAULT": str(self.folder / "vault"),
            "HOLDFAST_SCRATCH": str(self.folder / "scratch"),
            "HOLDFAST_STATIC_ROOT": str(self.folder / "static"),
            "HOLDFAST_DEMO": "true",
            "PYTHONUNBUFFERED": "1",
        }

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        with psycopg.connect(f"postgresql:///postgres?host={self.sockets}&user=holdfast", autocommit=True) as server:
            server.execute(f'drop database if exists "{self.database}" with (force)')
            template = os.environ.get("HOLDFAST_TEST_TEMPLATE", "template1")  # made by deploy.test_template
            server.execute(f'create database "{self.database}" template "{template}"')
        subprocess.run([sys.executable, "-m", "deploy.prepare_demo"], cwd=TOP, env=self.env, check=True)
        conf = subprocess.run(
            ["sh", "deploy/nginx_demo.sh", str(self.folder), str(self.port)], cwd=TOP, check=True, capture_output=True
        )
        (self.folder / "nginx.conf").write_bytes(conf.stdout)
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.processes", "deploy/Procfile.demo"],
            cwd=TOP,
            env=self.env,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        """Until the portal is ready and the seed has made its first looks."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if self._ready() and self.declared():
                return
            time.sleep(0.3)
        tail = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-6000:]
        raise RuntimeError(f"the stack did not come up:\n{tail}")

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def declared(self) -> int:
        """Declared paths in the portal's database: the last thing that the seed writes."""
        return int(self.query("select count(*) from inventory_declaredpath")[0][0])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the portal's database, to check what the screen says."""
        with psycopg.connect(f"postgresql:///{self.database}?host={self.sockets}&user=holdfast") as link:
            return link.execute(sql).fetchall()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the lab's control port; JSON in and out."""
        request = urllib.request.Request(
            self.lab + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def fault(self, name: str, target: str = "", **more: Any) -> float:
        """Puts a fault in force; returns time.monotonic() of the moment before it was sent."""
        began = time.monotonic()
        self.call("POST", "/faults", {"name": name, "target": target, **more})
        return began

    def stop(self) -> None:
        """Ends every process of the stack, drops its database and files."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
        with psycopg.connect(f"postgresql:///postgres?host={self.sockets}&user=holdfast", autocommit=True) as server:
            server.execute(f'drop database if exists "{self.database}" with (force)')
        keep = os.environ.get("HOLDFAST_KEEP_STACK")
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
