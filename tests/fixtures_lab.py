"""Lab estates for tests: one with a clock that the test turns, and one that runs for real on free ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import paramiko

from lab import he_cli, life
from lab.estate import Size, build
from lab.world import Clock, Host, World

TOP = Path(__file__).resolve().parent.parent
DEADLINE = 60.0


class HandClock(Clock):
    """Stands still until the test moves it."""

    at = 0.0

    def now(self) -> float:
        return self.at


def quiet_estate(**size: int) -> World:
    """A healthy estate whose time is moved by `pass_time`; a hundred seconds old, so that nothing is new."""
    world = build(Size(**size), HandClock(wall=1_795_000_000.0), quick=True)
    pass_time(world, 100)
    return world


def pass_time(world: World, seconds: float, step: float = 1.0) -> None:
    end = world.clock.at + seconds
    while world.clock.at < end:
        world.clock.at = min(end, world.clock.at + step)
        life.tick(world)


def until(world: World, true: Any, limit: float, step: float = 1.0) -> float:
    """Moves time until a condition holds; returns how long it took. Fails after `limit` lab seconds."""
    start = world.clock.at
    while not true():
        assert world.clock.at - start < limit, f"not within {limit} s"
        pass_time(world, step)
    return world.clock.at - start


def he(world: World, name: str, *words: str) -> he_cli.Reply:
    """Runs hosted-engine on a host of the world."""
    life.tick(world)
    reply = he_cli.hosted_engine(world, world.hosts[name], ["hosted-engine", *words])
    life.act(world)
    return reply


def status(world: World, name: str = "kvm01") -> dict[str, Any]:
    """vm-status as JSON, with each host's state put beside its fields."""
    reply = he(world, name, "--vm-status", "--json")
    assert reply.rc == 0, reply.err
    seen = json.loads(reply.out)
    for number in [key for key in seen if key.isdigit()]:
        seen[number]["state"] = dict(line.split("=", 1) for line in seen[number]["extra"].splitlines())["state"]
    return seen


def word(one: dict[str, Any]) -> str:
    """A host of vm-status in one line: state score vm/health/detail live."""
    engine = one["engine-status"]
    live = "live" if one["live-data"] else "stale"
    return f"{one['state']} {one['score']} {engine['vm']}/{engine['health']}/{engine['detail']} {live}"


def host(world: World, name: str = "kvm01") -> Host:
    return world.hosts[name]


class RunningLab:
    """`python -m lab run` as a process of its own."""

    def __init__(self, folder: Path, speed: float = 50.0, *options: str) -> None:
        self.folder = folder
        self.ports = free_ports(3)
        self.key = paramiko.Ed25519Key.from_private_key_file(str(make_key(folder)))
        self.control = f"http://127.0.0.1:{self.ports[0]}"
        self.process = self._start(speed, options)
        self.estate = self._wait()
        self.http("PUT", "/authorized-keys", f"ssh-ed25519 {self.key.get_base64()} test\n".encode())

    def _start(self, speed: float, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
        control, engine, ssh = (str(port) for port in self.ports)
        words = [
            "--port",
            control,
            "--engine-port",
            engine,
            "--ssh-port",
            ssh,
            "--speed",
            str(speed),
            "--quick",
            *options,
        ]
        command = [sys.executable, "-m", "lab", "run", "--state-dir", str(self.folder / "state"), *words]
        self.log = (self.folder / "lab.log").open("wb")
        # the lab is not measured, and tracing it would slow down all that it starts
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        return subprocess.Popen(command, cwd=TOP, stdout=self.log, stderr=self.log, env=env)

    def _wait(self) -> dict[str, Any]:
        path = self.folder / "state" / "estate.json"
        end = time.monotonic() + DEADLINE
        while not path.exists():
            assert self.process.poll() is None, (self.folder / "lab.log").read_text()
            assert time.monotonic() < end, "the lab does not come up"
            time.sleep(0.05)
        return json.loads(path.read_text("utf-8"))

    def http(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> Any:
        """One request to the control port; the JSON answer. Raises urllib's HTTPError."""
        raw = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"Content-Type": "application/json"} if isinstance(body, dict) else {"Content-Type": "text/plain"}
        request = urllib.request.Request(self.control + path, raw, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def fault(self, name: str, target: str = "", **args: Any) -> Any:
        return self.http("POST", "/faults", {"name": name, "target": target, **args})

    def connect(self, number: int = 0, timeout: float = 5.0) -> paramiko.SSHClient:
        """A client that is logged in to the numbered host, its key pinned to what estate.json says."""
        known = self.estate["hosts"][number]
        client = paramiko.SSHClient()
        kind, blob = known["host_key"].split()
        assert kind == "ssh-ed25519"
        name = f"[{known['address']}]:{known['ssh_port']}"
        client.get_host_keys().add(name, kind, paramiko.Ed25519Key(data=paramiko.util.b(_decode(blob))))
        client.connect(
            known["address"],
            known["ssh_port"],
            "root",
            pkey=self.key,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
            allow_agent=False,
            look_for_keys=False,
        )
        return client

    def stop(self) -> int:
        """Ends the lab as Ctrl-C does; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(15)
        self.log.close()
        return code


def _decode(blob: str) -> bytes:
    import base64

    return base64.b64decode(blob)


def sh(client: paramiko.SSHClient, script: str, timeout: float = 10.0) -> tuple[int, bytes, bytes]:
    """One exec request: exit code, stdout, stderr."""
    _, out, err = client.exec_command(script, timeout=timeout)
    data, errors = out.read(), err.read()
    return out.channel.recv_exit_status(), data, errors


def make_key(folder: Path) -> Path:
    path = folder / "id_ed25519"
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def free_ports(count: int) -> list[int]:
    """Ports that are free on every loopback address now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("0.0.0.0", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def alive(pid: int) -> bool:
    """True for a process that runs; one that has ended but was not collected is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
