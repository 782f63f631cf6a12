"""Copies in a folder or on a mount, with real files and, where root may, real small disks."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backups.catalog.ports import Source
from portal.connectors.age import AgeSource, encrypt, new_identity
from portal.connectors.stores import Held, HeldSource, Store, StoreFailed, prove
from portal.connectors.stores.directory import MARKER, DirectoryStore, mark

MIB = 1024 * 1024
NAME = "engine-20261122.backup.age"


class Stopped(Exception):
    """What a Work raises when its lease is lost."""


def nothing(done: int) -> None:
    """A progress nobody looks at."""


def stop_at(limit: int):
    def progress(done):
        if done >= limit:
            raise Stopped(f"at {done}")

    return progress


@pytest.fixture
def local(tmp_path) -> Path:
    path = tmp_path / "vault" / NAME
    path.parent.mkdir()
    path.write_bytes(os.urandom(5 * MIB + 123))
    return path


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    folder = tmp_path / "nfs"
    folder.mkdir()
    mark(folder)
    return DirectoryStore("Copies in Turku", folder)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "nfs").iterdir()} - {MARKER}


def test_a_copy_arrives_whole_and_is_read_back(store, local, tmp_path):
    seen: list[int] = []
    as_store: Store = store
    assert as_store.put(local, NAME, sha(local), seen.append) == Held(5 * MIB + 123)
    assert seen == sorted(seen)
    assert seen[-1] == 5 * MIB + 123
    assert store.held(NAME) == Held(5 * MIB + 123)
    assert store.rehash(NAME, nothing) == sha(local)
    with store.open(NAME) as stream:
        assert stream.read() == local.read_bytes()
    assert names(tmp_path) == {NAME}
    assert (tmp_path / "nfs" / NAME).stat().st_mode & 0o777 == 0o600
    space = store.space()
    assert 0 < space.free <= space.total
    prove(store, NAME, sha(local), nothing)
    store.remove(NAME)
    store.remove(NAME)
    assert (names(tmp_path), store.held(NAME)) == (set(), None)
    with pytest.raises(StoreFailed, match=r"Copies in Turku holds no engine.*Copy it there again") as caught:
        store.rehash(NAME, nothing)
    assert not caught.value.retry


@pytest.mark.parametrize("limit", [1, MIB, 3 * MIB, 5 * MIB + 123])
def test_an_interrupted_put_goes_on_where_it_stopped(store, local, tmp_path, limit):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), stop_at(limit))
    assert store.held(NAME) is None  # nobody takes a part for a copy
    (partial,) = (tmp_path / "nfs").glob(".*.partial")
    there, inode = partial.stat().st_size, partial.stat().st_ino
    assert there >= limit or limit == 1
    seen: list[int] = []
    store.put(local, NAME, sha(local), seen.append)
    assert seen[0] == min(there, MIB)
    assert (tmp_path / "nfs" / NAME).stat().st_ino == inode
    assert store.rehash(NAME, nothing) == sha(local)
    assert names(tmp_path) == {NAME}


def test_a_kill_at_any_byte_leaves_something_to_go_on_from(store, local, tmp_path):
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom portal.connectors.stores.directory import DirectoryStore\n"
        "def progress(done):\n    if done >= 2_000_000: os.kill(os.getpid(), 9)\n"
        "DirectoryStore('x', Path(sys.argv[1])).put(Path(sys.argv[2]), sys.argv[3], sys.argv[4], progress)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "nfs"), str(local), NAME, sha(local)], check=False
    )
    assert done.returncode == -9
    (partial,) = (tmp_path / "nfs").glob(".*.partial")
    assert 2_000_000 <= partial.stat().st_size < 5 * MIB
    assert store.put(local, NAME, sha(local), nothing).size == 5 * MIB + 123
    assert store.rehash(NAME, nothing) == sha(local)


@pytest.mark.parametrize("damage", ["a hole", "too long", "other bytes"])
def test_a_part_that_is_not_ours_is_written_anew(store, local, tmp_path, damage):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), stop_at(3 * MIB))
    (partial,) = (tmp_path / "nfs").glob(".*.partial")
    with partial.open("r+b") as file:  # what a power loss may leave
        if damage == "too long":
            file.truncate(9 * MIB)
        else:
            file.seek(MIB)
            file.write(bytes(4096) if damage == "a hole" else os.urandom(4096))
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, nothing) == sha(local)


def test_a_put_that_is_repeated_finds_its_copy_and_never_writes_over_another(store, local, tmp_path):
    store.put(local, NAME, sha(local), nothing)
    before = (tmp_path / "nfs" / NAME).stat().st_mtime_ns
    assert store.put(local, NAME, sha(local), nothing) == Held(5 * MIB + 123)
    assert (tmp_path / "nfs" / NAME).stat().st_mtime_ns == before
    other = tmp_path / "other"
    other.write_bytes(b"another backup")
    with pytest.raises(StoreFailed, match=r"holds another file named .* already .*not overwritten") as caught:
        store.put(other, NAME, sha(other), nothing)
    assert not caught.value.retry
    assert sha(tmp_path / "nfs" / NAME) == sha(local)


def test_bytes_that_changed_at_the_far_end_are_found_by_reading_them(store, local, tmp_path):
    store.put(local, NAME, sha(local), nothing)
    with (tmp_path / "nfs" / NAME).open("r+b") as file:
        file.seek(4 * MIB)
        file.write(b"rot")
    assert store.held(NAME) == Held(5 * MIB + 123)
    assert store.rehash(NAME, nothing) != sha(local)
    with pytest.raises(
        StoreFailed, match=r"Copies in Turku holds engine.* with other bytes.*Do not count on"
    ) as caught:
        prove(store, NAME, sha(local), nothing)
    assert not caught.value.retry


def test_a_vault_copy_that_rotted_is_not_copied(store, local, tmp_path):
    wanted = sha(local)
    with local.open("r+b") as file:
        file.write(b"rot")
    with pytest.raises(StoreFailed, match=r"in the vault is not what was recorded") as caught:
        store.put(local, NAME, wanted, nothing)
    assert not caught.value.retry
    assert names(tmp_path) == set()
    local.write_bytes(b"")
    with pytest.raises(StoreFailed, match="is empty in the vault"):
        store.put(local, NAME, wanted, nothing)
    local.unlink()
    with pytest.raises(StoreFailed, match=r"cannot be read in the vault \(No such file"):
        store.put(local, NAME, wanted, nothing)


def test_an_unmounted_mount_point_is_never_filled(store, local, tmp_path):
    (tmp_path / "nfs" / MARKER).unlink()  # as the bare folder below an NFS mount
    for act in (
        lambda: store.put(local, NAME, sha(local), nothing),
        lambda: store.held(NAME),
        lambda: store.rehash(NAME, nothing),
        lambda: store.remove(NAME),
        store.space,
    ):
        with pytest.raises(StoreFailed, match=r"Copies in Turku is not mounted.*\.holdfast-store") as caught:
            act()
        assert caught.value.retry
    assert names(tmp_path) == set()
    free = DirectoryStore("Disk", tmp_path / "nfs", marked=False)
    assert free.held(NAME) is None
    with pytest.raises(StoreFailed, match=r"Gone has no folder") as caught:
        DirectoryStore("Gone", tmp_path / "none").held(NAME)


def test_a_mount_that_goes_away_during_a_put_gets_nothing_beside_it(store, local, tmp_path):
    """What was opened stays what was meant, whatever lies at the path by then."""
    folder = tmp_path / "nfs"

    def swap(done):
        if folder.exists() and not (tmp_path / "was").exists():
            folder.rename(tmp_path / "was")
            folder.mkdir()

    store.put(local, NAME, sha(local), swap)
    assert list(folder.iterdir()) == []
    assert sha(tmp_path / "was" / NAME) == sha(local)


def test_two_processes_do_not_write_one_copy(store, local, tmp_path):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), stop_at(MIB))
    (partial,) = (tmp_path / "nfs").glob(".*.partial")
    with partial.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreFailed, match="Another process copies the same file") as caught:
            store.put(local, NAME, sha(local), nothing)
    assert caught.value.retry
    assert partial.exists()
    store.put(local, NAME, sha(local), nothing)


def test_leftovers_of_other_content_are_swept_and_those_of_other_names_stay(store, local, tmp_path):
    mine, theirs = tmp_path / "nfs" / f".{NAME}.{'0' * 16}.partial", tmp_path / "nfs" / f".{NAME}.x.{'0' * 16}.partial"
    mine.write_bytes(b"old")
    theirs.write_bytes(b"old")
    store.put(local, NAME, sha(local), nothing)
    assert names(tmp_path) == {NAME, theirs.name}


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a\nb", "-rf", "a" * 200, MARKER])
def test_a_name_leads_nowhere_else(store, local, name):
    for act in (store.held, store.remove, lambda it: store.put(local, it, sha(local), nothing)):
        with pytest.raises(StoreFailed, match="takes no file named"):
            act(name)


def test_a_link_in_the_place_of_a_copy_is_not_followed(store, local, tmp_path):
    secret = tmp_path / "shadow"
    secret.write_bytes(b"secret")
    (tmp_path / "nfs" / NAME).symlink_to(secret)
    with pytest.raises(StoreFailed):
        store.rehash(NAME, nothing)
    with pytest.raises(StoreFailed):
        store.put(local, NAME, sha(local), nothing)
    assert secret.read_bytes() == b"secret"


@pytest.fixture
def small(tmp_path):
    """A disk of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a disk here")
    mark(folder)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_without_room_is_said_before_anything_is_written(small, local):
    store = DirectoryStore("Small", small)
    with pytest.raises(StoreFailed, match=r"^Small is full \(.*\)\. Make room there") as caught:
        store.put(local, NAME, sha(local), nothing)
    assert not caught.value.retry
    assert [path.name for path in small.iterdir()] == [MARKER]


def test_a_disk_that_fills_meanwhile_does_not_stay_full_of_a_part(small, tmp_path):
    local = tmp_path / NAME
    local.write_bytes(os.urandom(3 * MIB))

    def fill(done):
        if done == MIB:
            with (small / "somebody-else").open("wb") as file:
                file.write(bytes(1024 * 1024 * 2))

    store = DirectoryStore("Small", small)
    with pytest.raises(StoreFailed, match=r"^Small is full"):
        store.put(local, NAME, sha(local), fill)
    assert {path.name for path in small.iterdir()} == {MARKER, "somebody-else"}
    (small / "somebody-else").unlink()
    assert store.put(local, NAME, sha(local), nothing).size == 3 * MIB


@pytest.mark.skipif(os.geteuid() != 0, reason="root drops its rights for it")
def test_a_folder_without_rights_is_a_sentence(store, tmp_path, local):
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom portal.connectors.stores.directory import DirectoryStore\n"
        "os.chdir(sys.argv[1])\nstore = DirectoryStore('Turku', Path('nfs'))\nos.setuid(65534)\n"
        "try:\n    store.put(Path('vault') / sys.argv[2], sys.argv[2], sys.argv[3], print)\n"
        "except OSError as error:\n    print(error, error.retry)\n"
    )
    for folder in (tmp_path, tmp_path / "vault", tmp_path / "nfs"):
        folder.chmod(0o755)
    local.chmod(0o644)
    command = [sys.executable, "-c", program, str(tmp_path), NAME, sha(local)]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert said.startswith("The portal may not write to or read from Turku (permission denied).")
    assert said.endswith("False\n")


def test_a_sealed_copy_is_opened_where_it_lies(store, tmp_path):
    secret, line = new_identity()
    local, plain = tmp_path / NAME, os.urandom(2 * MIB)
    with local.open("wb") as out:
        told = encrypt(io.BytesIO(plain).read, out.write, [line])
    store.put(local, NAME, told.sha256, nothing)
    held: Source = HeldSource(store, NAME)
    source = AgeSource(held, secret)
    assert (source.name, source.size()) == (f"{NAME} at Copies in Turku", 2 * MIB)
    with source.open() as stream:
        assert stream.read() == plain
    store.remove(NAME)
    assert source.size() is None


def test_a_store_failure_is_an_os_error_with_words():
    failed = StoreFailed("Turku does not answer. Look at the mount.", retry=True)
    assert isinstance(failed, OSError)
    assert str(failed) == failed.sentence == "Turku does not answer. Look at the mount."
    assert (failed.errno, failed.strerror, failed.retry) == (
        errno.EIO,
        "Turku does not answer. Look at the mount",
        True,
    )


MEASURE = """
import resource, sys
from pathlib import Path
from portal.connectors.stores.directory import DirectoryStore
store, local = DirectoryStore("x", Path(sys.argv[1]), marked=False), Path(sys.argv[2])
store.put(local, "a", sys.argv[3], lambda done: None)
assert store.rehash("a", lambda done: None) == sys.argv[3]
with store.open("a") as stream:
    while stream.read(100_000):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_at_any_size(tmp_path):
    peaks = []
    for size in (2 * MIB, 200 * MIB):
        local, folder = tmp_path / f"local{size}", tmp_path / f"far{size}"
        folder.mkdir()
        with local.open("wb") as file:
            file.truncate(size)
        with local.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest()
        command = [sys.executable, "-c", MEASURE, str(folder), str(local), wanted]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        (folder / "a").unlink()
    assert peaks[1] - peaks[0] < 4_000, peaks  # KiB
