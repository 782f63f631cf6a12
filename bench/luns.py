"""./holdfast bench luns: 200 hosts x 64 LUNs x 8 paths, swept by the portal beside the bare commands, and proven.

What is pretended: the hosts. One sshd on loopback takes every call, and instead of running the script it sends what
such a host would print, prepared by the lab's models (bench/luns_rig.py), so that the servers' CPU does not hide the
portal's: a real host takes longer. What is real: sshd and its encryption, the portal's pool, sweep, probes, database
and proof. `bare` sends the same scripts over the same connections by as many threads and throws the answers away;
asyncssh and parallel-ssh do so over their own connections. Client and servers share the machine.

A sweep that takes longer than 14 s is one in which the paths were not known (they are looked at every 3 s): then the
portal reads and judges all of them anew, and the figures are those of a machine that is too busy.

paths: what is looked at every 3 s. minute: everything that a host says of its LUNs. The first sweep finds all new, in
the others nothing changed; lost: a fabric vanished from every host at once. The last line is JSON, medians over the
rounds; portal_paths is (sweep - bare) / bare in wall seconds."""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from bench.luns_answers import LANES
from bench.luns_estate import HOSTS, LUNS, PATHS, SWITCHES, estate
from bench.luns_portal import PROBES, Cost, Portal, cost, written
from bench.luns_rig import NONCE, Rig
from bench.pages import database
from bench.result import finish
from bench.ssh import peers_python
from bench.ssh import sweep as peer_sweep
from bench.sync import backend_clock
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.lint import lint
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from portal.kernel import collector
from portal.kernel.command import Command

GOALS = {
    "portal_paths": 0.25,
    "portal_minute": 0.25,
    "proof_wall": 2.0,
    "proof_cpu": 2.0,
    "rows_beside_heartbeat": 0.0,
}
SWEEPS = {"paths": ("multipath",), "minute": PROBES}
LANES_OF = {"paths": ("paths",), "minute": tuple(LANES)}
FEW = min(8, HOSTS)
PEERS = ("asyncssh", "parallel-ssh")


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """(wall, CPU) seconds, median over the rounds."""
    walls, spent = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        spent.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(spent)


def proof(rounds: int) -> dict[str, float]:
    """The proof alone, in pure Python: of the whole estate, of a what-if, and the rules on top."""
    whole = estate()
    count = sum(len(host.paths) for host in whole.hosts)
    made = prove(whole)
    green = sum(1 for cell in made.cells.values() if cell.live.word == "green")
    print(f"{len(whole.hosts)} hosts, {len(made.cells)} pairs of host and LUN, {count} paths; {green} are green")
    if green != HOSTS * LUNS or count != HOSTS * LUNS * PATHS:
        raise SystemExit("the proof of the healthy estate is not green: the figures would mean nothing")
    gone = (Element(Kind.FABRIC, SWITCHES["A"]),)
    works: dict[str, Callable[[], object]] = {
        "proof": lambda: prove(whole),
        "what_if": lambda: what_if(made, gone),
        "lint": lambda: lint(whole, None),
    }
    found = {}
    for name, work in works.items():
        found[f"{name}_wall"], found[f"{name}_cpu"] = timed(work, rounds)
    return found


def show(what: str, one: Cost) -> None:
    print(
        f"{what:24} wall {one.wall:7.3f} s  CPU {one.cpu:7.3f} s = {one.cpu / HOSTS * 1000:6.2f} ms per host"
        f"  PostgreSQL's CPU {one.server:6.3f} s  {one.peak:5.0f} MB",
        flush=True,
    )


def processes() -> dict[str, float]:
    """How many processes one visit starts on a host, the script's shell included, as strace counts them on this machine
    with its own tools; nothing where there is no strace."""
    from inventory.probes import PROBES as KNOWN

    strace, found = shutil.which("strace"), {}
    for lane, probes in LANES.items() if strace else ():
        commands = {f"{probe}.{name}": one for probe in probes for name, one in KNOWN[probe].commands.items()}
        script = collector.script(commands, NONCE, sudo=False)
        words = [
            str(strace),
            "-f",
            "-qq",
            "-e",
            "trace=clone,clone3,fork,vfork",
            "-e",
            "signal=none",
            "sh",
            "-c",
            script,
        ]
        said = subprocess.run(words, capture_output=True, check=False, timeout=60).stderr.decode(errors="replace")
        made = [line for line in said.splitlines() if re.search(r"(?:clone3?|v?fork)\b.*= [1-9]", line)]
        found[f"processes_{lane}"] = 1.0 + len(made)
    return found


class Sweeps:
    """The portal's sweeps beside the bare commands."""

    def __init__(self, portal: Portal, rig: Rig) -> None:
        self.portal, self.rig = portal, rig
        self.ours = backend_clock()

    def first(self) -> dict[str, float]:
        """Everything is new. A bare visit to every host goes before, so that the logins are not in it."""
        self.portal.bare(LANES)
        spent = self._sweep(PROBES)
        show("first sweep", spent)
        return {"first_wall": spent.wall, "first_cpu_ms": spent.cpu / HOSTS * 1000}

    def _sweep(self, probes: Collection[str]) -> Cost:
        self.portal.fresh()
        self.portal.due(probes)
        return cost(lambda: self.portal.sweep(probes), self.ours)[0]

    def second(self) -> dict[str, float]:
        """The first sweep without any change: which rows it writes beside the looks' times and the buckets of their
        numbers. Of a few hosts, so that it ends before a look is too old on any machine."""
        for _ in range(2):  # what compares itself with the look before has one then
            self.portal.fresh()
            self.portal.due(PROBES, FEW)
            before = written()
            self.portal.sweep(PROBES, FEW)
        grown = {key: count - before.get(key, 0) for key, count in written().items()}
        grown = {key: count for key, count in grown.items() if count}
        print(f"rows of a sweep without change: {grown}")
        # each look's due time and time, each number's bucket of five minutes, which may just have begun
        beat = ("inventory_look updated", "inventory_rollup updated", "inventory_rollup inserted")
        return {
            "rows_beside_heartbeat": float(sum(count for key, count in grown.items() if key not in beat)),
            "rows_of_heartbeat": float(sum(grown.get(key, 0) for key in beat)),
        }

    def rounds(self, number: int, peers: Path | None) -> dict[str, float]:
        """Medians of interleaved rounds."""
        self._sweep(PROBES)  # every host has a look before by now
        costs: dict[str, list[Cost]] = {}
        for _ in range(number):
            for kind, probes in SWEEPS.items():
                spent, size = cost(lambda kind=kind: self.portal.bare(LANES_OF[kind]), self.ours)  # type: ignore[misc]
                costs.setdefault(f"bare {kind}", []).append(spent)
                show(f"bare {kind} ({size / 1e6:.0f} MB)", spent)
                costs.setdefault(f"portal {kind}", []).append(self._sweep(probes))
                show(f"portal {kind}", costs[f"portal {kind}"][-1])
        wall = {kind: statistics.median(one.wall for one in all_) for kind, all_ in costs.items()}
        cpu = {kind: statistics.median(one.cpu for one in all_) for kind, all_ in costs.items()}
        found = {}
        for kind in SWEEPS:
            bare, whole = f"bare {kind}", f"portal {kind}"
            found[f"portal_{kind}"] = statistics.median(
                (one.wall - two.wall) / two.wall for one, two in zip(costs[whole], costs[bare], strict=True)
            )
            found |= {f"wall_{kind}": wall[whole], f"wall_bare_{kind}": wall[bare]}
            found[f"cpu_ms_{kind}"], found[f"cpu_ms_bare_{kind}"] = (cpu[one] / HOSTS * 1000 for one in (whole, bare))
        return found | (self._peers(peers, wall["portal paths"]) if peers else {})

    def _peers(self, python: Path, ours: float) -> dict[str, float]:
        """Our whole sweep of paths against a peer that only reads the same bytes."""
        from inventory.probes import PROBES as KNOWN

        commands: dict[str, Command] = {f"multipath.{s}": c for s, c in KNOWN["multipath"].commands.items()}
        rig = self.rig.peers(commands, 4)
        found = {}
        for peer in PEERS:
            told = peer_sweep(peer, rig, python)
            cpu = told["cpu_warm"] * 100 / HOSTS  # that benchmark's own number of hosts is a hundred
            print(f"{peer:24} wall {told['warm']:7.3f} s  CPU {cpu:6.2f} ms per host, warm")
            found[f"sweep_vs_{peer.replace('-', '_')}"] = ours / told["warm"]
            found[f"cpu_ms_{peer.replace('-', '_')}"] = cpu
        return found

    def proofs(self) -> dict[str, float]:
        """What the proof of the swept estate takes, from rows to rows: anew, and when nothing changed."""
        found = {}
        for what, anew in (("proof_from_rows", 1), ("proof_unchanged", 0)):
            self.portal.fresh()
            self.portal.due(("redundancy",))
            spent, made = cost(self.portal.prove, self.ours)
            if made != anew:
                raise SystemExit(f"{made} proofs were made anew, not {anew}")
            show(what.replace("_", " "), spent)
            found[f"{what}_wall"] = spent.wall
        return found

    def lost(self) -> dict[str, float]:
        """A fabric is gone everywhere: every answer is another one."""
        self.rig.answer(lost="B")
        spent = self._sweep(PROBES)
        show("fabric lost everywhere", spent)
        return {"lost_wall": spent.wall}


def main() -> int:
    """Measures and prints the result."""
    parser = argparse.ArgumentParser(prog="bench luns")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    ratios = proof(options.rounds) | processes()
    python = None if options.no_peers else peers_python()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder, database("holdfast_bench_luns"):
        rig = Rig(Path(folder))
        try:
            rig.start()
            sweeps = Sweeps(Portal(rig), rig)
            for part in (sweeps.first, sweeps.second, lambda: sweeps.rounds(options.rounds, python)):
                ratios |= part()
            ratios |= sweeps.proofs()
            ratios |= sweeps.lost()
        finally:
            rig.stop()
    return finish("luns", ratios, GOALS)


if __name__ == "__main__":
    sys.exit(main())
