"""A big file over links that break, from real sshd processes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import asyncssh
import pytest

from portal.connectors import ssh_fetch
from portal.connectors.ssh import Address, KeyChanged, LoginRefused, Pool, Unanswered
from portal.kernel.output import LookFailed
from tests.fixtures_sshd import SSHD, make_sshd

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which(SSHD), reason="needs sshd")]
MIB = 1024 * 1024
LIMIT = 100 * MIB


@pytest.fixture
def server(tmp_path, user_key):
    made = make_sshd(tmp_path / "sshd", user_key[1])
    yield made
    made.stop()


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "engine.backup"
    path.write_bytes(os.urandom(8 * MIB + 77))
    return path


class Sink:
    """Gathers pieces and does something once, at a byte."""

    def __init__(self, at: int = -1, act=None):
        self.got, self._at, self._act = bytearray(), at, act

    def __call__(self, piece: bytes):
        self.got += piece
        if self._act and len(self.got) >= self._at:
            act, self._act = self._act, None
            act()


def test_a_file_comes_whole(server, pool, archive):
    sink = Sink()
    told = pool.pull(server.address(), str(archive), sink, LIMIT, 20)
    assert bytes(sink.got) == archive.read_bytes()
    assert (told.size, told.sha256) == (8 * MIB + 77, hashlib.sha256(sink.got).hexdigest())
    assert (told.modified, told.links) == (int(archive.stat().st_mtime), 1)
    empty = archive.with_name("empty")
    empty.write_bytes(b"")
    assert pool.pull(server.address(), str(empty), sink, LIMIT, 20).size == 0


def test_a_link_that_breaks_three_times_costs_nothing(server, pool, archive):
    cuts = [MIB, 3 * MIB, 7 * MIB]
    got = bytearray()

    def sink(piece):
        got.extend(piece)
        if cuts and len(got) >= cuts[0]:
            cuts.pop(0)
            server.cut_sessions()

    told = pool.pull(server.address(), str(archive), sink, LIMIT, 20)
    assert (bytes(got), told.links) == (archive.read_bytes(), 4)


def test_a_server_that_is_away_for_a_while_is_waited_for(server, pool, archive):
    waits: list[float] = []

    def away():
        server.stop()
        server.cut = threading.Timer(1.0, server.start)
        server.cut.start()

    def gone():
        server.cut_sessions()
        away()

    sink = Sink(2 * MIB, gone)
    told = pool.pull(server.address(), str(archive), sink, LIMIT, 20, lambda: waits.append(time.monotonic()))
    server.cut.join()
    assert bytes(sink.got) == archive.read_bytes()
    assert told.links == 2
    assert len(waits) >= 3  # each try could have been stopped


def test_a_wait_can_be_stopped(server, pool, archive):
    class Stopped(Exception):
        pass

    tries = []

    def waiting():
        tries.append(1)
        if len(tries) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        pool.pull(server.address(), str(archive), Sink(MIB, server.cut_sessions), LIMIT, 20, waiting)


def test_the_deadline_ends_it_with_how_far_it_came(server, pool, archive):
    def gone():
        server.cut_sessions()
        server.stop()

    sink, began = Sink(2 * MIB, gone), time.monotonic()
    with pytest.raises(Unanswered, match=r"came only to byte \d+ of 8388685 within 1 s: .*refused.*Check the link"):
        pool.pull(server.address(), str(archive), sink, LIMIT, 1)
    assert time.monotonic() - began < 4
    assert archive.read_bytes().startswith(bytes(sink.got))


def test_a_slow_drip_ends_at_the_deadline_too(server, pool, archive):
    with pytest.raises(Unanswered, match="the link is too slow"):
        pool.pull(server.address(), str(archive), lambda piece: time.sleep(0.05), LIMIT, 0.3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.open("ab").write(b"more"), r"grew while it was fetched \(8388685 bytes before, 8388689 now"),
        (lambda path: os.truncate(path, 5 * MIB), r"became shorter while it was read|shrank while"),
        (lambda path: os.utime(path, (1, 1)), r"was written anew while it was fetched"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_a_file_that_changes_meanwhile_is_not_used(server, pool, archive, change, said, cut):
    def meanwhile():
        change(archive)
        if cut:
            server.cut_sessions()

    with pytest.raises(LookFailed, match=said):
        pool.pull(server.address(), str(archive), Sink(2 * MIB, meanwhile), LIMIT, 20)


def test_what_the_sink_raises_is_no_lost_link(server, pool, archive):
    def full(piece):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        pool.pull(server.address(), str(archive), full, LIMIT, 20)
    with pytest.raises(OSError, match="No space left"):
        pool.fetch(server.address(), str(archive), full, LIMIT)


def test_what_waiting_does_not_heal_is_said_at_once(server, pool, archive, tmp_path):
    began = time.monotonic()
    with pytest.raises(LookFailed, match="has no file"):
        pool.pull(server.address(), str(archive) + "x", print, LIMIT, 20)
    with pytest.raises(LookFailed, match="at most 1000 are fetched"):
        pool.pull(server.address(), str(archive), print, 1000, 20)
    other = make_sshd(tmp_path / "other", "")
    try:
        with pytest.raises(KeyChanged):
            pool.pull(server.address(port=other.port), str(archive), print, LIMIT, 20)
        with pytest.raises(LoginRefused):
            pool.pull(other.address(), str(archive), print, LIMIT, 20)
    finally:
        other.stop()
    assert time.monotonic() - began < 5


def test_a_server_without_sftp_is_a_sentence(tmp_path, user_key, pool):
    made = make_sshd(tmp_path / "none", user_key[1])
    config = (made.folder / "config").read_text().splitlines()
    made.stop()
    lines = [line for line in config if not line.startswith("Subsystem")]
    (made.folder / "config").write_text("\n".join(lines) + "\n")
    made.start()
    try:
        with pytest.raises(LookFailed, match=r"lets .* log in but offers no SFTP"):
            pool.pull(made.address(), "/etc/hostname", print, LIMIT, 20)
        with pytest.raises(LookFailed, match="offers no SFTP"):
            pool.fetch(made.address(), "/etc/hostname", print, LIMIT)
    finally:
        made.stop()


def test_a_server_that_hangs_before_it_speaks_sftp_is_given_up(server, pool, archive, monkeypatch):
    """paramiko itself would wait for ever for the answer to the request."""
    connection = pool._connection(server.address())[0]
    pids = server.sessions()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(ssh_fetch.Lost), ssh_fetch.sftp(connection, 0.5):
            pytest.fail("it answered")
        assert time.monotonic() - began < 3
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


MEASURE = """
import resource, sys
from pathlib import Path
from portal.connectors.ssh import Address, Pool
from portal.kernel.secret import Secret
pool = Pool(Secret(sys.stdin.read()))
address = Address("kvm01", "127.0.0.1", int(sys.argv[1]), sys.argv[2], sys.argv[3])
told = pool.pull(address, sys.argv[4], lambda piece: None, 10**9, 60)
print(told.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_at_any_size(server, user_key, tmp_path):
    peaks, at = [], server.address()
    for size in (8 * MIB, 120 * MIB):
        path = tmp_path / "big"
        path.touch()
        os.truncate(path, size)
        command = [sys.executable, "-c", MEASURE, str(at.port), at.user, at.host_key, str(path)]
        done = subprocess.run(command, input=user_key[0].reveal(), capture_output=True, text=True, check=True)
        told, peak = done.stdout.split()
        assert int(told) == size
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 10_000, peaks  # KiB


def test_a_pool_may_be_used_for_looks_during_a_pull(server, pool, archive):
    from portal.kernel.command import Command

    looks = []
    sink = Sink(MIB, lambda: looks.append(pool.run(server.address(), Command(("echo", "hi"))).stdout))
    pool.pull(server.address(), str(archive), sink, LIMIT, 20)
    assert looks == [b"hi\n"]
    assert isinstance(pool, Pool)


class Stingy(asyncssh.SFTPServer):
    """Gives and takes at most 9,000 bytes at once, as the protocol allows."""

    def read(self, file_obj, offset, size):
        return super().read(file_obj, offset, min(size, 9_000))


@pytest.fixture
def stingy(user_key, tmp_path):
    """A server of another make, in a thread."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    (tmp_path / "authorized").write_text(user_key[1])
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    told = {}

    async def serve():
        told["server"] = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host_key], sftp_factory=Stingy,
            authorized_client_keys=str(tmp_path / "authorized"),
        )  # fmt: skip
        ready.set()

    def run():
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    line = host_key.export_public_key().decode().strip()
    yield Address("stingy", "127.0.0.1", told["server"].get_port(), "portal", line)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_server_that_gives_less_than_it_is_asked_for_is_asked_again(stingy, pool, archive):
    sink = Sink()
    assert pool.pull(stingy, str(archive), sink, LIMIT, 20).size == len(sink.got)
    assert bytes(sink.got) == archive.read_bytes()
