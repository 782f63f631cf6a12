"""Copies on another machine, through real sshd processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from portal.connectors.ssh import new_key
from portal.connectors.stores import Held, Store, StoreFailed, prove
from portal.connectors.stores.sftp import SftpStore
from portal.kernel.secret import Secret
from tests.fixtures_sshd import SSHD, free_port, make_sshd

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which(SSHD), reason="needs sshd")]
MIB = 1024 * 1024
NAME = "engine-20261122.backup.age"


class Stopped(Exception):
    """What a Work raises when its lease is lost."""


def nothing(done: int) -> None:
    """A progress nobody looks at."""


def once(limit: int, act):
    """A progress that does something once, at a byte."""
    left = [act]

    def progress(done):
        if done >= limit and left:
            left.pop()()

    return progress


def stop():
    raise Stopped


@pytest.fixture
def server(tmp_path, user_key):
    made = make_sshd(tmp_path / "sshd", user_key[1])
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "far").mkdir()
    return tmp_path / "far"


@pytest.fixture
def local(tmp_path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(os.urandom(9 * MIB + 123))
    return path


@pytest.fixture
def store(server, user_key, folder) -> SftpStore:
    return SftpStore("Copies in Turku", server.address(name="turku"), user_key[0], str(folder), silence=5)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_copy_arrives_whole_and_is_read_back(store, local, folder):
    seen: list[int] = []
    as_store: Store = store
    assert as_store.put(local, NAME, sha(local), seen.append) == Held(9 * MIB + 123)
    assert seen == sorted(seen)
    assert seen[-1] == 9 * MIB + 123
    assert store.held(NAME) == Held(9 * MIB + 123, sha(local))  # this account has a shell and sha256sum
    assert store.rehash(NAME, nothing) == sha(local)
    with store.open(NAME) as stream:
        assert (stream.read(5), stream.read()) == (local.read_bytes()[:5], local.read_bytes()[5:])
    assert os.listdir(folder) == [NAME]
    space = store.space()
    assert 0 < space.free <= space.total
    store.remove(NAME)
    store.remove(NAME)
    assert (os.listdir(folder), store.held(NAME)) == ([], None)
    with pytest.raises(StoreFailed, match=r"has no file .*engine") as caught:
        store.rehash(NAME, nothing)
    assert not caught.value.retry


def test_an_account_with_nothing_but_internal_sftp_is_enough(tmp_path, user_key, local):
    extra = f"ForceCommand internal-sftp -d {tmp_path}/far\nPermitTTY no\nAllowTcpForwarding no"
    (tmp_path / "far").mkdir()
    made = make_sshd(tmp_path / "sshd", user_key[1], extra=extra)
    try:
        store = SftpStore("Vault", made.address(), user_key[0], ".")
        with pytest.raises(Stopped):
            store.put(local, NAME, sha(local), once(5 * MIB, stop))
        store.put(local, NAME, sha(local), nothing)
        began = time.monotonic()
        assert store.held(NAME) == Held(9 * MIB + 123)  # it cannot say a hash
        assert time.monotonic() - began < 3
        assert store.rehash(NAME, nothing) == sha(local)
        assert store.space() is not None
        assert os.listdir(tmp_path / "far") == [NAME]
    finally:
        made.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="a chroot is root's")
def test_a_chrooted_account_sees_its_own_folder(user_key, local, tmp_path):
    jail = Path("/run") / f"holdfast-jail-{os.getpid()}"  # every folder above a chroot must be root's alone
    (jail / "copies").mkdir(parents=True)
    made = make_sshd(tmp_path / "sshd", user_key[1], extra=f"ChrootDirectory {jail}\nForceCommand internal-sftp")
    try:
        store = SftpStore("Jail", made.address(), user_key[0], "/copies")
        store.put(local, NAME, sha(local), nothing)
        assert store.rehash(NAME, nothing) == sha(local) == sha(jail / "copies" / NAME)
        assert store.held(NAME) == Held(9 * MIB + 123)
        SftpStore("Jail", made.address(), user_key[0], "/").remove("nothing-there")
    finally:
        made.stop()
        shutil.rmtree(jail)


@pytest.mark.parametrize("limit", [1, 2 * MIB, 8 * MIB, 9 * MIB + 123])
def test_a_put_that_is_stopped_goes_on_where_it_was(store, local, folder, limit):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), once(limit, stop))
    assert store.held(NAME) is None
    (partial,) = folder.glob(".*.partial")
    there, inode = partial.stat().st_size, partial.stat().st_ino
    seen: list[int] = []
    store.put(local, NAME, sha(local), seen.append)
    assert there > 0
    assert seen[0] > 0
    assert (folder / NAME).stat().st_ino == inode
    assert (os.listdir(folder), store.rehash(NAME, nothing)) == ([NAME], sha(local))


@pytest.mark.parametrize("limit", [1, 4 * MIB, 9 * MIB + 123])
def test_a_link_that_is_cut_leaves_something_to_go_on_from(store, server, local, folder, limit):
    with pytest.raises(StoreFailed, match=r"^The SFTP connection to Copies in Turku was lost.*next try goes on") as got:
        store.put(local, NAME, sha(local), once(limit, lambda: (server.cut_sessions(), time.sleep(0.1))))
    assert got.value.retry
    assert store.held(NAME) is None
    store.put(local, NAME, sha(local), nothing)
    assert (os.listdir(folder), store.rehash(NAME, nothing)) == ([NAME], sha(local))


@pytest.mark.parametrize("damage", ["end", "long"])
def test_a_part_whose_end_is_not_ours_is_written_anew(store, local, folder, damage):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), once(6 * MIB, stop))
    (partial,) = folder.glob(".*.partial")
    with partial.open("r+b") as file:
        if damage == "end":
            file.seek(-100, os.SEEK_END)
            file.write(bytes(100))
        else:
            file.truncate(20 * MIB)
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, nothing) == sha(local)


def test_what_slipped_through_is_found_by_reading_it_back(store, local, folder):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), once(8 * MIB, stop))
    (partial,) = folder.glob(".*.partial")
    with partial.open("r+b") as file:
        file.write(b"rot")
    store.put(local, NAME, sha(local), nothing)
    with pytest.raises(StoreFailed, match=r"Copies in Turku holds engine.* with other bytes"):
        prove(store, NAME, sha(local), nothing)
    store.remove(NAME)
    store.put(local, NAME, sha(local), nothing)
    prove(store, NAME, sha(local), nothing)


def test_a_reading_goes_on_over_a_new_link(store, server, local):
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, once(4 * MIB, server.cut_sessions)) == sha(local)
    with store.open(NAME) as stream:
        first = stream.read(MIB)
        server.cut_sessions()
        assert first + stream.read() == local.read_bytes()
    with pytest.raises(Stopped):
        store.rehash(NAME, once(MIB, stop))


def test_a_put_that_is_repeated_finds_its_copy_and_never_writes_over_another(store, local, folder, tmp_path):
    store.put(local, NAME, sha(local), nothing)
    before = (folder / NAME).stat().st_mtime_ns
    assert store.put(local, NAME, sha(local), nothing) == Held(9 * MIB + 123)
    assert (folder / NAME).stat().st_mtime_ns == before
    other = tmp_path / "other"
    other.write_bytes(b"another backup")
    with pytest.raises(StoreFailed, match=r"holds another file named .*not overwritten") as caught:
        store.put(other, NAME, sha(other), nothing)
    assert not caught.value.retry
    assert sha(folder / NAME) == sha(local)


def test_a_vault_copy_that_rotted_is_not_copied(store, local, folder):
    wanted = sha(local)
    with local.open("r+b") as file:
        file.write(b"rot")
    with pytest.raises(StoreFailed, match="in the vault is not what was recorded"):
        store.put(local, NAME, wanted, nothing)
    assert os.listdir(folder) == []


def test_who_is_not_who_was_pinned_gets_nothing(server, user_key, local, folder, tmp_path):
    other = make_sshd(tmp_path / "other", user_key[1])
    try:
        store = SftpStore("Turku", server.address(port=other.port), user_key[0], str(folder))
        with pytest.raises(StoreFailed, match=r"^Turku shows another host key.*pin its new key\.$") as caught:
            store.put(local, NAME, sha(local), nothing)
        with pytest.raises(StoreFailed, match=r"^Turku shows another host key"):
            store.rehash(NAME, nothing)
    finally:
        other.stop()
    assert not caught.value.retry
    assert os.listdir(folder) == []
    with pytest.raises(StoreFailed, match=r"^Turku has no usable pinned host key"):
        SftpStore("Turku", server.address(host_key=""), user_key[0], str(folder)).held(NAME)


def test_a_refused_login_is_a_sentence(server, folder):
    with pytest.raises(StoreFailed, match=r"^Turku does not take the portal's key for .*authorized_keys") as caught:
        SftpStore("Turku", server.address(), new_key()[0], str(folder)).held(NAME)
    assert not caught.value.retry
    with pytest.raises(StoreFailed, match=r"private key cannot be read") as caught:
        SftpStore("Turku", server.address(), Secret("hunter2-not-a-key"), str(folder)).held(NAME)
    assert not caught.value.retry
    assert "hunter2" not in f"{caught.value}{caught.value!r}"


def test_nobody_there_is_worth_another_try(server, user_key, folder, local):
    store = SftpStore("Turku", server.address(port=free_port()), user_key[0], str(folder))
    for act in (lambda: store.held(NAME), lambda: store.put(local, NAME, sha(local), nothing)):
        with pytest.raises(StoreFailed, match=r"^Turku cannot be used: .*refused") as caught:
            act()
        assert caught.value.retry


def test_a_server_that_falls_silent_is_given_up(server, user_key, folder, local):
    store = SftpStore("Turku", server.address(), user_key[0], str(folder), silence=0.5)
    stopped: list[int] = []

    def hang():
        for pid in server.sessions():
            for one in (pid, *children(pid)):
                os.kill(one, signal.SIGSTOP)
                stopped.append(one)

    began = time.monotonic()
    try:
        with pytest.raises(StoreFailed, match="was lost or fell silent") as caught:
            store.put(local, NAME, sha(local), once(MIB, hang))
        assert caught.value.retry
        assert time.monotonic() - began < 60
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    store.put(local, NAME, sha(local), nothing)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_copy_that_takes_too_long_is_ended(server, user_key, folder, local):
    store = SftpStore("Turku", server.address(name="turku"), user_key[0], str(folder), deadline=0.5)
    with pytest.raises(StoreFailed, match="takes longer than it may") as caught:
        store.put(local, NAME, sha(local), lambda done: time.sleep(0.2))
    assert caught.value.retry
    assert list(folder.glob(".*.partial"))


def test_a_folder_that_is_missing_or_closed_is_a_sentence(store, server, user_key, local, folder):
    gone = SftpStore("Turku", server.address(), user_key[0], str(folder / "none"))
    with pytest.raises(StoreFailed, match=r"^Turku has no folder .*none\. Create it") as caught:
        gone.put(local, NAME, sha(local), nothing)
    assert not caught.value.retry
    (folder / NAME).symlink_to("/etc/passwd")
    with pytest.raises(StoreFailed, match=r"refuses .*is no plain file"):
        store.put(local, NAME, sha(local), nothing)
    with pytest.raises(StoreFailed, match="takes no file named"):
        store.held("../x")


@contextmanager
def small_disk(folder: Path):
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a disk here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_a_sentence_and_does_not_stay_full_of_a_part(store, folder, local, tmp_path):
    fits = tmp_path / "fits"
    fits.write_bytes(os.urandom(6 * MIB))
    with small_disk(folder):
        with pytest.raises(StoreFailed, match=r"^Copies in Turku is full") as caught:
            store.put(local, NAME, sha(local), nothing)
        assert not caught.value.retry
        with pytest.raises(StoreFailed, match=r"^Copies in Turku is full"):
            store.put(fits, NAME, sha(fits), once(MIB, lambda: (folder / "other").write_bytes(bytes(5 * MIB))))
        assert os.listdir(folder) == ["other"]
        (folder / "other").unlink()
        store.put(fits, NAME, sha(fits), nothing)
        assert store.rehash(NAME, nothing) == sha(fits)


def test_a_refusal_of_the_very_last_writes_is_not_swallowed(store, folder, tmp_path):
    """paramiko's own pipelining drops the refusals of the last hundred requests; these are 64 in all."""
    last = tmp_path / "last"
    last.write_bytes(os.urandom(2 * MIB))

    def fill():
        with suppress(OSError), (folder / "other").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    with small_disk(folder):
        with pytest.raises(StoreFailed, match="is full"):
            store.put(last, NAME, sha(last), once(MIB, fill))
        assert os.listdir(folder) == ["other"]


def test_no_thread_and_no_session_stays(store, server, local):
    before = set(threading.enumerate())
    store.put(local, NAME, sha(local), nothing)
    store.rehash(NAME, nothing)
    deadline = time.monotonic() + 5
    while (server.sessions() or set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (server.sessions(), set(threading.enumerate()) - before) == ([], set())


MEASURE = """
import resource, sys
from pathlib import Path
from portal.connectors.ssh import Address
from portal.connectors.stores.sftp import SftpStore
from portal.kernel.secret import Secret
address = Address("turku", "127.0.0.1", int(sys.argv[1]), sys.argv[2], sys.argv[3])
store = SftpStore("Turku", address, Secret(sys.stdin.read()), sys.argv[4])
store.put(Path(sys.argv[5]), "a", sys.argv[6], lambda done: None)
assert store.rehash("a", lambda done: None) == sys.argv[6]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_at_any_size(server, user_key, tmp_path, folder):
    peaks, at = [], server.address()
    for size in (8 * MIB, 64 * MIB):
        local = tmp_path / "local"
        local.touch()
        os.truncate(local, size)
        with local.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest()
        words = [str(at.port), at.user, at.host_key, str(folder), str(local), wanted]
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *words],
            input=user_key[0].reveal(),
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
        (folder / "a").unlink()
    assert peaks[1] - peaks[0] < 10_000, peaks  # KiB
