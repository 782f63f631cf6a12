"""Real Celery workers and beat, a PostgreSQL and a Redis of their own, a real sshd: each is killed in the middle of a
Run. The Run ends well, and the host's ledger shows every act once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from celery import Celery
from django.db import connection
from django.db.utils import Error

from portal.evidence.services import verify_chain
from portal.runs import ports, services, wake
from portal.runs.models import Run, RunLine
from tests.fixtures_gate import GatedHost, kvm_row
from tests.fixtures_runs import states
from tests.fixtures_sshd import make_sshd

pytestmark = pytest.mark.wire

# Gathering takes 2 s, so that there is a middle; the ledger is kept by the commands themselves.
SHIMS = {
    "nice": 'shift 2; exec "$@"',
    "mkdir": 'case "$*" in "-m 700 .holdfast/bundle-"*) echo mkdir >>"$HOME/ledger" ;; esac; exec /bin/mkdir "$@"',
    "tar": 'echo tar >>"$HOME/ledger"; sleep 2; exec /bin/tar "$@"',
    "rm": 'case "$*" in "-rf .holdfast/bundle-"*) echo rm >>"$HOME/ledger" ;; esac; exec /bin/rm "$@"',
}


@pytest.fixture(scope="module")
def gated(tmp_path_factory, user_key):
    folder = tmp_path_factory.mktemp("kill")
    made = GatedHost(folder / "host")
    for name, text in SHIMS.items():
        path = made.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    made.server = make_sshd(folder / "sshd", user_key[1], extra=f"ForceCommand sh {folder / 'gate'} {made.folder}")
    yield made
    made.server.cut_sessions()
    made.server.stop()


@pytest.fixture(scope="module")
def kvm(stand, gated, user_key):
    ports._shell.cache_clear()
    yield kvm_row(gated, user_key)
    ports._shell.cache_clear()


@pytest.fixture(scope="module")
def working(stand, kvm):
    """Beat and a worker; the worker's place in the list."""
    stand.beat()
    return [stand.worker()]


@pytest.fixture
def run(working, stand, kvm, gated, monkeypatch):
    (gated.folder / "ledger").unlink(missing_ok=True)
    # the messages of this process go to the stand's Redis
    app = Celery("stand", broker=stand.broker, set_as_current=False)
    monkeypatch.setattr(wake, "current_app", app)
    return services.start("support_bundle", {"log_lines": 100}, f"host:{kvm.pk}", "anna")


def wait(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except Error:
            connection.close()
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def in_the_middle(run: Run, gated) -> bool:
    return run.steps.get(position=2).phase == "acting" and gated.ledger()[-1:] == ["tar"]


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return run.ended is not None


def assert_whole(run: Run, gated) -> None:
    wait(lambda: ended(run))
    assert (run.status, states(run)) == ("succeeded", ["done"] * 4), run.sentence
    assert gated.ledger() == ["mkdir", "tar", "rm"]
    numbers = list(RunLine.objects.filter(run=run).order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, run.line_count + 1))
    assert verify_chain().intact


@pytest.mark.matrix
def test_the_worker_is_killed(run, working, stand, gated):
    wait(lambda: in_the_middle(run, gated))
    stand.kill(working.pop())
    working.append(stand.worker())
    assert_whole(run, gated)
    assert run.fence >= 2


@pytest.mark.matrix
def test_the_pool_child_is_killed_and_its_parent_lives(run, working, gated):
    wait(lambda: in_the_middle(run, gated))
    pid = working[0].pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    assert_whole(run, gated)


@pytest.mark.matrix
def test_redis_is_killed(run, stand, gated, kvm):
    """In the middle of one run; the next one is started while Redis is away."""
    wait(lambda: in_the_middle(run, gated))
    stand.kill_redis()
    assert_whole(run, gated)
    (gated.folder / "ledger").unlink()
    after = services.start("support_bundle", {"log_lines": 100}, f"host:{kvm.pk}", "anna")
    assert after.status == "queued"
    stand.start_redis()
    assert_whole(after, gated)


@pytest.mark.matrix
def test_postgresql_crashes_and_comes_back(run, stand, gated):
    wait(lambda: in_the_middle(run, gated))
    stand.stop_postgres()
    connection.close()
    time.sleep(1)
    stand.start_postgres()
    assert_whole(run, gated)


def test_all_of_them_at_once(run, working, stand, gated):
    """The machine of the portal loses power."""
    wait(lambda: in_the_middle(run, gated))
    stand.kill(working.pop())
    stand.kill_redis()
    stand.stop_postgres()
    connection.close()
    stand.start_postgres()
    stand.start_redis()
    working.append(stand.worker())
    assert_whole(run, gated)
