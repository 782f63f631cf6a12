"""./holdfast bench ssh: a hundred real sshd on loopback, swept cold and warm by the portal's pool and by its peers.

Client and servers share the machine, so wall times hold only as ratios inside one round; CPU per host is the sturdier
number (facts/platform.md 1). Every client sends the collector script that the portal sends, so the hosts do the same
work. The last line is JSON: medians over the rounds, the goals, whether they are met."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.result import finish
from portal.connectors.ssh import new_key
from portal.kernel import collector
from portal.kernel.command import Command

TOP = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("VAR", TOP / "var")) / "bench-venv"
HOSTS = 100
SWEEPS = 6  # one cold, five warm
ROUNDS = 5
BUDGET = 150.0  # seconds; no new round begins after that
OURS = "pool-64"
PEERS = ("asyncssh", "parallel-ssh")
COMMAND = "sleep 0.05; head -c 4096 /dev/zero"
GOALS = {
    "cold_vs_asyncssh": 1.1,
    "warm_vs_asyncssh": 1.25,
    "cold_vs_parallel_ssh": 0.6,
    "warm_vs_parallel_ssh": 1.25,
    "cpu_ms_cold": 3.5,
    "cpu_ms_warm": 1.0,
}

Measured = dict[str, Any]


# --- the rig ----------------------------------------------------------------------------------------------------
class Rig:
    """One sshd process per loopback address, each with its own host key; all ended by their pids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[bytes]] = []
        self.sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        if not Path(self.sshd).exists():
            raise SystemExit("bench ssh needs OpenSSH's sshd. Install the package openssh-server.")
        self.addresses = [f"127.0.{1 + n // 50}.{1 + n % 50}" for n in range(HOSTS)]
        self.port = self._free_port()

    def _free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.1.1", 0))
            return int(probe.getsockname()[1])

    def start(self) -> Path:
        """Starts every server and returns the file that describes them to a client."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        private, public = new_key()
        self._secret("key", private.reveal())
        (self.folder / "authorized").write_text(public + "\n")
        (self.folder / "home").mkdir()
        lines = [self._serve(number, address) for number, address in enumerate(self.addresses)]
        for address in self.addresses:
            self._await(address)
        rig = {
            "hosts": list(zip(self.addresses, lines, strict=True)),
            "port": self.port,
            "user": getpass.getuser(),
            "key": str(self.folder / "key"),
            "sweeps": SWEEPS,
            "argv": ["sh", "-c", COMMAND],
            "line": collector.script({"look": Command(("sh", "-c", COMMAND))}, secrets.token_hex(16), sudo=False),
        }
        path = self.folder / "rig.json"
        path.write_text(json.dumps(rig))
        return path

    def _secret(self, name: str, text: str) -> Path:
        path = self.folder / name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def _serve(self, number: int, address: str) -> str:
        private, public = new_key()
        key = self._secret(f"host{number}", private.reveal())
        config = self.folder / f"config{number}"
        config.write_text(
            f"ListenAddress {address}:{self.port}\nHostKey {key}\nAuthorizedKeysFile {self.folder}/authorized\n"
            f"SetEnv HOME={self.folder}/home\nPidFile none\nUsePAM no\nStrictModes no\nMaxStartups 500\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nLogLevel ERROR\n"
        )
        self.servers.append(
            subprocess.Popen(
                [self.sshd, "-D", "-f", str(config), "-E", str(self.folder / "log")], stdin=subprocess.DEVNULL
            )
        )
        return public

    def _await(self, address: str) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection((address, self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit(f"sshd on {address}:{self.port} did not start: {(self.folder / 'log').read_text()[-400:]}")

    def stop(self) -> None:
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


# --- clients ----------------------------------------------------------------------------------------------------
def peers_python() -> Path:
    """The peers' own virtual environment, made when it is missing or its lock file changed."""
    python, lock, stamp = VENV / "bin/python", TOP / "requirements/bench.txt", VENV / ".stamp"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        say("installing the peers (asyncssh, parallel-ssh)")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    return python


def sweep(client: str, rig: Path, python: Path) -> Measured:
    """One client over the rig, in a process of its own."""
    program = sys.executable if client.startswith("pool") else str(python)
    done = subprocess.run(
        [program, str(TOP / "bench/peers_ssh.py"), client, str(rig)],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,  # 200 hosts, several sweeps, on a small machine
    )
    if done.returncode:
        raise SystemExit(f"{client} failed: {done.stderr[-800:]}")
    raw = json.loads(done.stdout.splitlines()[-1])
    return {
        "cold": raw["walls"][0],
        "warm": statistics.median(raw["walls"][1:]),
        "cpu_cold": raw["cpus"][0] / HOSTS * 1000,
        "cpu_warm": statistics.median(raw["cpus"][1:]) / HOSTS * 1000,
        "rss": raw["rss_mb"],
    }


def ansible(rig: Path, folder: Path) -> Measured | None:
    """Ansible's ad-hoc raw command with 50 forks and kept connections; None when it is not installed."""
    program = shutil.which("ansible")
    if program is None:
        return None
    facts = json.loads(rig.read_text())
    (folder / "known").write_text("".join(f"[{host}]:{facts['port']} {line}\n" for host, line in facts["hosts"]))
    (folder / "inventory").write_text("".join(f"{host}\n" for host, _ in facts["hosts"]))
    control = f"-o ControlMaster=auto -o ControlPersist=60 -o UserKnownHostsFile={folder}/known"
    words = [program, "all", "-i", str(folder / "inventory"), "-f", "50", "-u", facts["user"], "-m", "raw", "-a"]
    words += [COMMAND, "--private-key", facts["key"], "-e", f"ansible_port={facts['port']}"]
    walls, cpus = [], []
    for _ in range(2):
        before, began = os.times(), time.perf_counter()
        environment = {**os.environ, "ANSIBLE_SSH_ARGS": control}
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=90, env=environment)
        walls.append(time.perf_counter() - began)
        after = os.times()
        cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
    per_host = [value / HOSTS * 1000 for value in cpus]
    return {"cold": walls[0], "warm": walls[1], "cpu_cold": per_host[0], "cpu_warm": per_host[1], "rss": 0}


# --- the report -------------------------------------------------------------------------------------------------
def ratios(rounds: list[dict[str, Measured]]) -> dict[str, float]:
    """Medians over the rounds of ours against each peer in the same round, and of our CPU per host."""
    found = {}
    for peer in PEERS:
        for state in ("cold", "warm"):
            values = [each[OURS][state] / each[peer][state] for each in rounds]
            found[f"{state}_vs_{peer.replace('-', '_')}"] = round(statistics.median(values), 2)
    for state in ("cold", "warm"):
        found[f"cpu_ms_{state}"] = round(statistics.median(each[OURS][f"cpu_{state}"] for each in rounds), 2)
    return found


def table(rounds: list[dict[str, Measured]]) -> None:
    print(f"{'client':14} {'cold s':>8} {'warm s':>8} {'CPU ms/host cold':>17} {'warm':>6} {'RSS MB':>7}")
    for client in rounds[0]:
        row = {key: statistics.median(each[client][key] for each in rounds) for key in rounds[0][client]}
        print(
            f"{client:14} {row['cold']:8.3f} {row['warm']:8.3f} {row['cpu_cold']:17.2f} {row['cpu_warm']:6.2f}"
            f" {row['rss']:7.0f}"
        )


def say(words: str) -> None:
    print(f"bench ssh: {words}", file=sys.stderr)


def measure(rig: Path, python: Path) -> list[dict[str, Measured]]:
    """Rounds in which every client runs once, each round starting with another one."""
    clients = ("pool-32", OURS, *PEERS)
    rounds: list[dict[str, Measured]] = []
    began = time.monotonic()
    for number in range(ROUNDS):
        if time.monotonic() - began > BUDGET:
            say(f"only {number} of {ROUNDS} rounds: the time is up")
            break
        turn = number % len(clients)
        measured = {client: sweep(client, rig, python) for client in clients[turn:] + clients[:turn]}
        rounds.append({client: measured[client] for client in clients})
        say(f"round {number + 1} of {ROUNDS}, load {os.getloadavg()[0]:.1f}: {json.dumps(ratios(rounds[-1:]))}")
    return rounds


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    python = peers_python()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        rig = Rig(Path(name))
        try:
            path = rig.start()
            rounds = measure(path, python)
            slow = ansible(path, Path(name))
        finally:
            rig.stop()
    found = ratios(rounds)
    print(f"{HOSTS} sshd on loopback, each: log in, {COMMAND!r}; medians of {len(rounds)} rounds, 5 warm sweeps each")
    table([{**each, "ansible -f 50": slow} for each in rounds] if slow else rounds)
    return finish("ssh", found, GOALS)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
