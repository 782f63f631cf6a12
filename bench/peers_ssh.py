"""One SSH client over the whole rig, in a process of its own: `python bench/peers_ssh.py CLIENT RIG.json`.

RIG.json: {"hosts": [[address, public key line], ...], "port": n, "user": s, "key": path, "sweeps": n, "argv": [...],
"line": s, "sizes": [least, most]}. `line` is the portal's collector script for argv: every client sends the same text,
so that the hosts do the same work. sizes: bytes of an answer, where it is not SIZE. Prints one line of JSON:
{"walls": [cold, warm, ...] in seconds, "cpus": the same in CPU seconds of this process, "rss_mb": n}. Each sweep runs
the command on every host and checks what came back."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rig = dict[str, Any]
SIZE = 4096  # bytes that the command prints
CONNECTING = 32  # how many logins asyncssh starts at once


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Clock:
    """Times sweeps."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.cpus: list[float] = []

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), cpu()

    def __exit__(self, *failure: object) -> None:
        self.walls.append(time.perf_counter() - self._wall)
        self.cpus.append(cpu() - self._cpu)


def check(sizes: list[int], rig: Rig) -> None:
    least, most = rig.get("sizes", (SIZE, SIZE + 400))  # the peers see the markers too
    wrong = [size for size in sizes if not least <= size < most]
    if wrong or len(sizes) != len(rig["hosts"]):
        raise SystemExit(f"{len(wrong)} of {len(rig['hosts'])} hosts gave a wrong answer: {wrong[:3]}")


def pool(threads: int) -> Callable[[Rig, Clock], None]:
    """The portal's own connector, as its sweep uses it."""

    def sweeps(rig: Rig, clock: Clock) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        from concurrent.futures import ThreadPoolExecutor

        from portal.connectors.ssh import Address, Pool
        from portal.kernel.command import Command
        from portal.kernel.secret import Secret

        made = Pool(Secret(Path(rig["key"]).read_text()), connect_timeout=20.0, first_byte=20.0)
        commands = {"look": Command(tuple(rig["argv"]))}
        addresses = [Address(host, host, rig["port"], rig["user"], line) for host, line in rig["hosts"]]
        with ThreadPoolExecutor(threads) as executor:
            for _ in range(rig["sweeps"]):
                with clock:
                    answers = list(executor.map(lambda address: made.collect(address, commands), addresses))
                check([len(answer["look"].stdout) for answer in answers], rig)
        made.close()

    return sweeps


def asyncssh(rig: Rig, clock: Clock) -> None:
    """asyncssh with pinned keys and the same algorithms."""
    import asyncssh

    lines = "".join(f"[{host}]:{rig['port']} {line}\n" for host, line in rig["hosts"])
    options = {
        "username": rig["user"],
        "client_keys": [asyncssh.read_private_key(rig["key"])],
        "known_hosts": asyncssh.import_known_hosts(lines),
        "config": [],
        "agent_path": None,
        "kex_algs": ["curve25519-sha256"],
        "encryption_algs": ["aes128-gcm@openssh.com"],
        "connect_timeout": 20,
    }
    kept: dict[str, Any] = {}

    async def visit(host: str, gate: asyncio.Semaphore) -> int:
        if host not in kept:
            async with gate:
                kept[host] = await asyncssh.connect(host, rig["port"], **options)
        done = await kept[host].run(rig["line"], encoding=None)
        return len(done.stdout)

    async def all_sweeps() -> None:
        gate = asyncio.Semaphore(CONNECTING)
        for _ in range(rig["sweeps"]):
            with clock:
                sizes = await asyncio.gather(*(visit(host, gate) for host, _ in rig["hosts"]))
            check(sizes, rig)
        for connection in kept.values():
            connection.abort()

    asyncio.run(all_sweeps())


def parallel_ssh(rig: Rig, clock: Clock) -> None:
    """parallel-ssh's libssh2 client. It compares no host keys."""
    from pssh.clients import ParallelSSHClient

    hosts = [host for host, _ in rig["hosts"]]
    client = ParallelSSHClient(
        hosts,
        user=rig["user"],
        port=rig["port"],
        pkey=rig["key"],
        pool_size=len(hosts),
        allow_agent=False,
        identity_auth=False,
        num_retries=1,
        timeout=20,
    )
    for _ in range(rig["sweeps"]):
        with clock:
            answers = client.run_command(rig["line"], encoding="latin-1")
            sizes = [sum(len(line) for line in answer.stdout) for answer in answers]
            client.join()
        check(sizes, rig)


CLIENTS: dict[str, Callable[[Rig, Clock], None]] = {
    "pool-32": pool(32),
    "pool-64": pool(64),
    "asyncssh": asyncssh,
    "parallel-ssh": parallel_ssh,
}


def main() -> None:
    rig = json.loads(Path(sys.argv[2]).read_text())
    clock = Clock()
    CLIENTS[sys.argv[1]](rig, clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"walls": clock.walls, "cpus": clock.cpus, "rss_mb": round(peak)}))
    sys.stdout.flush()
    sys.stderr.flush()
    # asyncssh and gevent may still have open ends; the sweeps are done and nothing else matters here
    import os

    os._exit(0)


if __name__ == "__main__":
    main()
