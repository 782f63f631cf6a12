"""Sealed archives: whole round trips, and everything that must not open."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pyrage
import pytest

from portal.connectors.age import AgeSource, SealBroken, encrypt, new_identity, problem, recipient_of
from portal.kernel.secret import Secret


class Lying:
    """A sealed file in memory."""

    name = "engine.backup.age"

    def __init__(self, content: bytes | None, fails_at: int = -1):
        self.content, self.fails_at, self.closed = content, fails_at, 0

    def size(self):
        return None if self.content is None else len(self.content)

    @contextmanager
    def open(self):
        raw = io.BytesIO(self.content)
        if self.fails_at >= 0:
            raw = Breaking(self.content, self.fails_at)
        try:
            yield raw
        finally:
            self.closed += 1


class Breaking(io.BytesIO):
    """The place stops answering at a byte."""

    def __init__(self, content, fails_at):
        super().__init__(content)
        self.fails_at = fails_at

    def read(self, size=-1):
        if self.tell() >= self.fails_at:
            raise TimeoutError(110, "the far end does not answer")
        return super().read(size)


@pytest.fixture(scope="module")
def identity():
    return new_identity()


def sealed(content: bytes, *recipients: str) -> bytes:
    out = io.BytesIO()
    encrypt(io.BytesIO(content).read, out.write, recipients)
    return out.getvalue()


def opened(content: bytes, secret: Secret) -> bytes:
    with AgeSource(Lying(content), secret).open() as stream:
        return stream.read()


# around the format's chunk of 64 KiB, and beyond what the pipe holds
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 3_000_000])
def test_what_goes_in_comes_out_and_is_counted_on_both_sides(identity, size):
    content = os.urandom(size)
    out = io.BytesIO()
    told = encrypt(io.BytesIO(content).read, out.write, [identity[1]])
    assert (told.plain_size, told.plain_sha256) == (size, hashlib.sha256(content).hexdigest())
    assert (told.size, told.sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())
    assert content[:100] not in out.getvalue() or size < 50
    source = AgeSource(Lying(out.getvalue()), identity[0])
    assert source.size() == size
    assert source.name == "engine.backup.age"
    with source.open() as stream:
        assert stream.read(10) == content[:10]
        assert stream.read() == content[10:]
        assert stream.read(1) == b""


def test_every_recipient_opens_it_with_a_key_of_their_own(identity, tmp_path):
    other, line = new_identity()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    ssh_line = (tmp_path / "key.pub").read_text()
    content = sealed(b"archive" * 1000, identity[1], line, ssh_line, line)
    assert opened(content, identity[0]) == opened(content, other) == b"archive" * 1000
    theirs = pyrage.ssh.Identity.from_buffer((tmp_path / "key").read_bytes())
    assert pyrage.decrypt(content, [theirs]) == b"archive" * 1000
    assert content.count(b"-> X25519 ") == 2  # the one that was named twice has one stanza


@pytest.mark.skipif(not shutil.which("age"), reason="needs age")
def test_the_age_program_opens_what_the_portal_sealed_and_the_other_way_round(identity, tmp_path):
    """On recovery day the portal may be gone."""
    content = os.urandom(200_000)
    (tmp_path / "key").write_text(identity[0].reveal() + "\n")
    (tmp_path / "a.age").write_bytes(sealed(content, identity[1]))
    done = subprocess.run(["age", "-d", "-i", tmp_path / "key", tmp_path / "a.age"], capture_output=True, check=True)
    assert done.stdout == content
    made = subprocess.run(["age", "-r", identity[1]], input=content, capture_output=True, check=True)
    assert opened(made.stdout, identity[0]) == content


def test_another_key_does_not_open_it(identity):
    other = new_identity()[0]
    source = AgeSource(Lying(sealed(b"x" * 100_000, identity[1])), other)
    with pytest.raises(SealBroken, match=r"^engine\.backup\.age is sealed for other keys than the portal's"):
        source.open().__enter__()
    assert source.size() == 100_000  # how much it holds is no secret


def test_cut_anywhere_it_never_reads_as_whole(identity):
    content = sealed(os.urandom(200_000), identity[1])
    header = content.index(b"\n--- ")
    edge = content.index(b"\n", header + 1) + 1 + 16  # the first chunk begins
    cuts = [0, 1, 30, header, edge - 20, edge, edge + 5, edge + 65_552, edge + 2 * 65_552, len(content) - 17]
    for cut in [*cuts, len(content) - 1]:
        with pytest.raises(SealBroken, match=r"cut|no age file") as caught:
            opened(content[:cut], identity[0])
        assert str(caught.value).endswith("copy."), cut
        assert caught.value.strerror
        with suppress(SealBroken):
            assert AgeSource(Lying(content[:cut]), identity[0]).size() < 200_000


@pytest.mark.parametrize("at", [3, 40, 80, 180, 230, 70_000, 199_999])
def test_one_bit_changed_anywhere_is_noticed(identity, at):
    content = bytearray(sealed(os.urandom(200_000), identity[1]))
    content[at] ^= 1
    with pytest.raises(SealBroken, match=r"changed"):
        opened(bytes(content), identity[0])


def test_bytes_before_a_change_are_given_and_the_end_is_not(identity):
    plain = os.urandom(2_000_000)
    content = bytearray(sealed(plain, identity[1]))
    content[1_500_000] ^= 1
    got = io.BytesIO()
    stream = AgeSource(Lying(bytes(content)), identity[0]).open()
    with stream as read, pytest.raises(SealBroken, match=r"only \d+ bytes could be opened"):
        shutil.copyfileobj(read, got, 50_000)
    assert len(got.getvalue()) > 1_000_000
    assert plain.startswith(got.getvalue())


def test_bytes_behind_the_end_are_noticed(identity):
    with pytest.raises(SealBroken):
        opened(sealed(b"abc", identity[1]) + b"more", identity[0])


def test_what_is_no_age_file_is_a_sentence(identity):
    for content in (b"\x1f\x8b" + os.urandom(90_000), b"plain\n" * 10, b"age-encryption.org/v9\nx\n"):
        with pytest.raises(SealBroken, match=r"no age file|cut"):
            opened(content, identity[0])
    with pytest.raises(SealBroken, match="no age file"):
        AgeSource(Lying(b"\x1f\x8bxx"), identity[0]).size()
    assert AgeSource(Lying(None), identity[0]).size() is None


def test_a_place_that_stops_answering_is_not_called_a_broken_seal(identity):
    source = AgeSource(Lying(sealed(os.urandom(3_000_000), identity[1]), fails_at=1_000_000), identity[0])
    with source.open() as stream, pytest.raises(TimeoutError, match="does not answer"):
        shutil.copyfileobj(stream, io.BytesIO(), 100_000)


def test_a_reader_that_leaves_early_leaves_no_thread_behind(identity):
    lying = Lying(sealed(os.urandom(5_000_000), identity[1]))
    with AgeSource(lying, identity[0]).open() as stream:
        assert len(stream.read(10)) == 10
    assert lying.closed == 1
    assert [thread for thread in threading.enumerate() if thread.name == "age"] == []


@pytest.mark.parametrize("size", [10, 65_000, 500_000])
def test_a_full_disk_at_the_last_write_is_not_swallowed(identity, size):
    """The library drops the error of its last flush."""
    room = size + 100  # the header alone takes more than that, so it is the last write that fails

    def write(piece):
        nonlocal room
        room -= len(piece)
        if room < 0:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        encrypt(io.BytesIO(bytes(size)).read, write, [identity[1]])


def test_what_a_callback_raises_comes_out_as_it_is(identity):
    class Stopped(Exception):
        pass

    def read(wanted):
        raise Stopped("the lease is lost")

    def write(piece):
        raise Stopped("an abort is asked")

    with pytest.raises(Stopped, match="lease"):
        encrypt(read, io.BytesIO().write, [identity[1]])
    with pytest.raises(Stopped, match="abort"):
        encrypt(io.BytesIO(bytes(500_000)).read, write, [identity[1]])


def test_recipients_are_judged_before_anything_is_written(identity, tmp_path):
    good = identity[1]
    assert problem(good) == problem(f"  {good}\n") == ""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "e")], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "p")], check=True)
    assert problem((tmp_path / "e.pub").read_text()) == ""
    assert "no recipient that the portal seals for" in problem((tmp_path / "p.pub").read_text())
    assert "no recipient" in problem("") == problem("age1yubikey1qwerty") == problem("somebody@bank.example")
    swapped = good[:-1] + ("q" if good[-1] != "q" else "p")
    assert "check sum" in problem(swapped)
    assert "more than one line" in problem(good + "\n" + good)
    secret = identity[0].reveal()
    for text in (secret, secret.lower(), (tmp_path / "e").read_text()):
        assert "private key" in problem(text)
        assert text[20:40] not in problem(text)
    for wrong in ([], [swapped], [good, "x"]):
        written: list[bytes] = []
        with pytest.raises(ValueError, match=r"recipient"):
            encrypt(io.BytesIO(b"x").read, written.append, wrong)
        assert written == []


def test_the_identity_shows_nowhere(identity):
    secret, line = identity
    assert recipient_of(secret) == line
    assert secret.reveal().startswith("AGE-SECRET-KEY-1")
    assert secret.reveal() not in f"{secret} {identity!r}"
    with pytest.raises(ValueError, match="cannot be read") as caught:
        recipient_of(Secret("AGE-SECRET-KEY-1QQQ"))
    assert "QQQ" not in str(caught.value)


MEASURE = """
import resource, sys, os
from contextlib import contextmanager
from pathlib import Path
from backups.catalog.ports import FileSource
from portal.connectors.age import AgeSource, encrypt, new_identity
secret, line = new_identity()
size, left, block = int(sys.argv[1]), int(sys.argv[1]), os.urandom(65536)
def read(wanted):
    global left
    piece = block[:min(wanted, left)]
    left -= len(piece)
    return piece
path = Path(sys.argv[2])
with path.open("wb") as out:
    told = encrypt(read, out.write, [line])
source, count = AgeSource(FileSource(path), secret), 0
with source.open() as stream:
    while piece := stream.read(100_000):
        count += len(piece)
assert source.size() == told.plain_size == count == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_at_any_size(tmp_path):
    peaks = []
    for size in (2_000_000, 200_000_000):
        command = [sys.executable, "-c", MEASURE, str(size), str(tmp_path / "sealed")]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 6_000, peaks  # KiB
