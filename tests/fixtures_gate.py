"""A real sshd whose host is a folder, with a gate before every request: the test says at which request the line goes
dead, and whether the host had done by then what it was asked. Workers are real processes that are killed there."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connections

from inventory.models import Engine, Host, Site
from portal.kernel.secret import Secret
from portal.runs import ports, runner
from tests.fixtures_runs import wait_for
from tests.fixtures_sshd import make_sshd

# $1: the host's folder. A request takes a number; at the number in `stop` it waits while the file is there.
# drop: it is never executed. late: it is executed when the gate opens. done: it is executed, nobody hears of it.
_GATE = """cd "$1" || exit 1
HOME=$1 PATH=$1/bin:$PATH
export HOME PATH
until mkdir counting 2>/dev/null; do sleep 0.01; done
read -r n <count
echo $((n + 1)) >count
rmdir counting
mode=pass
[ -e stop ] && read -r at mode <stop && [ "$at" = "$n" ] || mode=pass
hold() { echo "$n" >held; while [ -e stop ]; do sleep 0.02; done; }
printf '%s %s %s\\n' "$n" "$mode" "$(printf %s "$SSH_ORIGINAL_COMMAND" | tr '\\n' ' ' | tail -c 300)" >>requests
case $mode in
drop) hold; exit 1 ;;
late) hold; exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
done) sh -c "$SSH_ORIGINAL_COMMAND"; hold; exit 1 ;;
*) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac
"""


class GatedHost:
    """The folder behind the sshd."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        (folder / "count").write_text("1\n")
        (folder.parent / "gate").write_text(_GATE)

    def stop_at(self, number: int, mode: str) -> None:
        (self.folder / "held").unlink(missing_ok=True)
        (self.folder / "stop.new").write_text(f"{number} {mode}\n")
        (self.folder / "stop.new").replace(self.folder / "stop")

    def open(self) -> None:
        (self.folder / "stop").unlink(missing_ok=True)

    @property
    def held(self) -> bool:
        return (self.folder / "held").exists()

    @property
    def requests(self) -> int:
        return int((self.folder / "count").read_text() or 0) - 1

    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return path.read_text().split() if path.exists() else []


class Worker:
    """A process of its own that drives one Run, as the Celery worker's child does."""

    def __init__(self, run_pk: int) -> None:
        connections.close_all()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                runner.execute(run_pk)
                code = 0
            finally:
                os._exit(code)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = 30) -> int:
        """Its exit code; -9 when it was killed."""
        end = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, "the worker does not end"
            time.sleep(0.01)

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself; then it has been waited for."""
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0


@pytest.fixture
def gated(tmp_path, user_key):
    """A GatedHost behind a real sshd, which is ended afterwards."""
    made = GatedHost(tmp_path / "host")
    extra = f"ForceCommand sh {tmp_path / 'gate'} {made.folder}"
    server = make_sshd(tmp_path / "sshd", user_key[1], extra=extra)
    made.server = server
    yield made
    made.open()
    server.cut_sessions()
    server.stop()


@pytest.fixture
def kvm(gated, user_key, settings, tmp_path):
    """The host's row, reached with the portal's own pool."""
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 2
    ports._shell.cache_clear()
    yield kvm_row(gated, user_key)
    ports._shell.cache_clear()


def kvm_row(gated: GatedHost, user_key: tuple[Secret, str]) -> Host:
    address = gated.server.address()
    site = Site.objects.create(name="Production")
    engine = Engine.objects.create(
        site=site,
        name="engine",
        url="https://127.0.0.1/ovirt-engine/api",
        username="admin@internal",
        password=Secret("not-used"),
        ssh_user=address.user,
        ssh_private_key=user_key[0],
        ssh_public_key=user_key[1],
    )
    return Host.objects.create(
        engine=engine, uuid="1", name="kvm01", address=address.host, ssh_port=address.port, pinned_key=address.host_key
    )


@contextlib.contextmanager
def worker(run_pk: int):
    """A worker that does not outlive the block."""
    made = Worker(run_pk)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            made.signal(signal.SIGKILL)
            made.wait()


__all__ = ["GatedHost", "Worker", "gated", "kvm", "kvm_row", "wait_for", "worker"]
