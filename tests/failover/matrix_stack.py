"""The crash matrix under the portal's real processes: Redis is flushed, PostgreSQL crashes, the whole machine goes,
while a worker stands in the middle of a step."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import redis
from django.db import connection
from django.db.utils import Error

from portal.runs import registry, services
from portal.runs.models import Run
from tests.failover import matrix_scenes as scenes
from tests.failover.matrix_scenes import Scene
from tests.failover.matrix_table import FAILED, NOT, OK, STACK, Cell, Table, undo_of
from tests.fixtures_drill_lab import Pair, told
from tests.fixtures_stand import TOP, Stand


class MatrixStand(Stand):
    """A stand whose one process is worker and beat at once."""

    def __init__(self) -> None:
        super().__init__()
        self.meeting = self.folder / "meeting"
        self.meeting.mkdir()

    @property
    def env(self) -> dict[str, str]:
        more = {"MATRIX_FOLDER": str(self.meeting), "HOLDFAST_COOL_DOWN": "0", "HOLDFAST_HA_LAG": "1"}
        return super().env | more | {"PYTHONPATH": str(TOP)}

    def whole(self) -> None:
        """Worker and beat."""
        log = (self.folder / "celery.log").open("ab")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
        line = [sys.executable, "-m", "celery", "-A", "tests.failover.matrix_worker", "worker",
                "-B", "-s", str(self.folder / "beat"),
                "-Q", "runs", "-P", "prefork", "-c", "1", "-n", f"runs{len(self.processes)}@test", *quiet]  # fmt: skip
        self.processes.append(
            subprocess.Popen(line, env=self.env, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        )

    def flush(self) -> None:
        redis.Redis(unix_socket_path=f"{self.folder}/redis.sock").flushall()

    def restart_postgres(self) -> None:
        self.stop_postgres()
        connection.close()
        self.start_postgres()

    def reboot(self) -> None:
        """Everything of the portal at once, as loss of power does it; the hosts go on."""
        for process in self.processes:
            self.kill(process)
        self.processes.clear()
        self.kill_redis()
        self.stop_postgres()
        connection.close()
        self.start_redis()
        self.whole()  # it waits for its database, as after a boot
        self.start_postgres()


def disturbed(stand: MatrixStand, pair: Pair, scene: Scene, table: Table, abort: int = 0) -> list[str]:
    """One run, disturbed in the three ways at every step, or at every undo of a run that is aborted at a position.
    What was wrong, in words."""
    for path in stand.meeting.iterdir():
        path.unlink()
    wrong, healed = _once(stand, pair, scene, table, abort)
    if healed:  # the marks stay, so the next run goes on to the steps after
        wrong += _once(stand, pair, scene, table, abort)[0]
    return wrong


def _once(stand: MatrixStand, pair: Pair, scene: Scene, table: Table, abort: int) -> tuple[list[str], bool]:
    """One run: what was wrong, and whether HA had healed what the drill broke before the portal was back: at the lab's
    pace it waits 6 s for that, in production 300 s. Then the run takes back what it did, and says so."""
    with _steady():
        scenes.forget(pair)
        scenes.restore(pair)
    before = scenes.stands(pair)
    steps = registry.plans()[scene.plan].steps
    (stand.meeting / "plan").write_text(scene.plan)
    if abort:
        (stand.meeting / "abort").write_text(str(abort))
        for position, _ in enumerate(steps, 1):
            for kind in STACK:
                (stand.meeting / f"{position} {kind}").touch()
    run = scene.begin(pair)
    before = scenes.stands(pair) if scene.open else before
    pair.ledger = pair.lab.http("GET", "/ledger")[-1]["n"]
    _follow(stand, pair, run)
    healed = run.status == "rolled_back" and "is active, not stopped" in run.sentence
    right = "rolled_back" if healed else "aborted" if abort else "succeeded"
    wrong = _wrong(pair, scene, run, before, right, table)
    for position, step in enumerate(steps, 1):
        for kind in STACK:
            undo = bool(abort)
            if undo and isinstance(step.undo, str):
                continue
            met = (stand.meeting / f"{position} {'undo ' if undo else ''}{kind}").exists()
            cell = (
                Cell(FAILED, wrong[0][:200])
                if wrong and met
                else Cell(OK)
                if met
                else Cell(NOT, "it found nothing to do")
            )
            table.put(scene.plan, undo_of(step.name) if undo else step.name, kind, cell)
    return wrong, healed


def _follow(stand: MatrixStand, pair: Pair, run: Run, seconds: float = 400) -> None:
    end, held = time.monotonic() + seconds, stand.meeting / "held"
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            word = held.read_text()
            _disturb(stand, run, word)
            held.unlink()
        try:
            run.refresh_from_db()
            if run.status not in Run.ACTIVE:
                return
            scenes.person(pair, run)
        except Error:
            connection.close()
        time.sleep(0.03)


def _disturb(stand: MatrixStand, run: Run, word: str) -> None:
    if word == "abort":
        services.abort(run.pk, "anna", "Enough seen")
    elif word.endswith("redis"):
        stand.flush()
    elif word.endswith("postgres"):
        stand.restart_postgres()
    else:
        stand.reboot()


def _wrong(pair: Pair, scene: Scene, run: Run, before: dict[str, object], right: str, table: Table) -> list[str]:
    well = run.status == right or scenes.safe(run)
    wrong = [] if well and run.sentence else [f"it ended {run.status}"]
    twice = scenes.doubled(pair, run)
    end = time.monotonic() + 60
    while True:
        lines = scenes.differs(before, scenes.stands(pair))
        left = [line for line in lines if not scenes.meant(run, line)] + scenes.processes(run)
        if not left or time.monotonic() > end:
            break
        time.sleep(0.1)
    left += [] if scenes.safe(run) else scenes.folders(pair, run)
    table.count("runs")
    table.count("acts executed twice", len(twice))
    table.count("leftovers", len(left))
    found = [*wrong, *twice, *(f"left behind: {line}" for line in left)]
    return [f"{scene.name}: {line}. {told(run)}" for line in found]


@contextlib.contextmanager
def _steady() -> Iterator[None]:
    connection.close()  # the database may have been restarted since
    yield
