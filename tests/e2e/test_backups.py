"""A backup that nobody starts, by every process of the product: taken, copied, proven; workers are killed meanwhile.
The way to its deletion: tests/backups/test_unattended_lab.py."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.stack import TOP, Stack

pytestmark = [pytest.mark.wire, pytest.mark.matrix, pytest.mark.timeout(280)]
PATIENCE = 100.0  # seconds for one round, on a busy machine


@pytest.fixture(scope="module")
def stack():
    with Stack("e2e_backups", speed=20, redis_db=8) as running:
        yield running


def wait(stack: Stack, sql: str, seconds: float = PATIENCE) -> list[tuple]:
    """Until the query has rows."""
    end = time.monotonic() + seconds
    while not (rows := stack.query(sql)):
        assert time.monotonic() < end, (sql, state(stack))
        time.sleep(0.3)
    return rows


def state(stack: Stack) -> list[tuple]:
    runs = stack.query("select id, plan, status, sentence from runs_run order by id")
    return [*runs, *stack.query("select act, sentence from backups_obstacle")]


def kill_runs_children(stack: Stack) -> int:
    """Kills the processes that drive Runs, as the kernel does when memory ends; their parent makes new ones."""
    killed = 0
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            above = Path(f"/proc/{parent}/cmdline").read_bytes().replace(b"\0", b" ")
            mine = f"VAR={stack.folder}".encode() in (path / "environ").read_bytes().split(b"\0")
            if mine and b"-Q runs" in line and b"-Q runs" in above:
                os.kill(int(path.name), signal.SIGKILL)
                killed += 1
    return killed


def test_from_schedule_to_proof_without_a_person(stack):
    running = "select 1 from runs_runstep s join runs_run r on r.id = s.run_id where r.plan = '{0}' and s.phase = '{1}'"
    wait(stack, running.format("backup_take", "acting"))
    assert kill_runs_children(stack)
    first = wait(stack, "select id from backups_backup where status = 'DONE'")[0]
    wait(stack, running.format("backup_rehearse", "intent"))
    assert kill_runs_children(stack)
    wait(stack, f"select 1 from backups_backup where id = {first[0]} and proof = 'proven'")
    wait(stack, f"select 1 from backups_copy where backup_id = {first[0]} and state = 'held' offset 1")
    kinds = {row[0] for row in stack.query("select kind from evidence_record where kind like 'backup.%'")}
    assert {"backup.done", "backup.verified", "backup.rehearsed", "backup.copied"} <= kinds
    assert stack.query("select count(*) from runs_run where status in ('errored', 'needs_attention')") == [(0,)]
    assert not list((stack.folder / "scratch").glob("rehearsal-*"))
    files = [row["path"] for row in stack.call("GET", "/engine-vm/files")]
    assert [path for path in files if "partial" in path or ".tmp" in path or "pgpass" in path] == []
    checked = subprocess.run(
        [sys.executable, "manage.py", "evidence_verify"],
        cwd=TOP,
        env=stack.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
