"""The SSH connector against real sshd processes on loopback."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from portal.connectors.ssh import (
    Address,
    KeyChanged,
    LoginRefused,
    NotPinned,
    Pool,
    Unanswered,
    fingerprint,
    new_key,
    public_key,
    shown_key,
)
from portal.connectors.ssh_keys import public_line
from portal.kernel.command import Command
from portal.kernel.output import LookFailed
from portal.kernel.secret import Secret
from tests.fixtures_sshd import SSHD, free_port, make_sshd

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which(SSHD), reason="needs sshd")]


def sh(text: str, **options: object) -> Command:
    return Command(("sh", "-c", text), **options)  # type: ignore[arg-type]


def test_collect_answers_every_command_exactly(sshd, pool):
    outputs = pool.collect(
        sshd.address(),
        {
            "ok": sh("echo hello"),
            "bad": sh("printf no-newline; echo why >&2; exit 3"),
            "binary": sh("printf '\\000\\377\\n\\n@@'"),
            "missing": Command(("no-such-tool",)),
            "silent": Command(("true",)),
        },
    )
    assert (outputs["ok"].stdout, outputs["ok"].exit_code, outputs["ok"].truncated) == (b"hello\n", 0, False)
    assert (outputs["bad"].stdout, outputs["bad"].stderr, outputs["bad"].exit_code) == (b"no-newline", b"why\n", 3)
    assert outputs["binary"].stdout == b"\0\xff\n\n@@"
    assert outputs["missing"].exit_code == 127
    assert (outputs["silent"].stdout, outputs["silent"].exit_code) == (b"", 0)
    assert pool.collect(sshd.address(), {}) == {}


def test_a_megabyte_on_both_streams_and_a_cap(sshd, pool):
    outputs = pool.collect(
        sshd.address(),
        {
            "both": sh("head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait"),
            "endless": sh("while echo yyyyyyyyyyyyyyyyyyyy; do :; done", cap=100_000),
            "after": sh("echo after"),
        },
    )
    both = outputs["both"]
    assert (len(both.stdout), len(both.stderr), both.exit_code) == (1_000_000, 1_000_000, 0)
    assert (len(outputs["endless"].stdout), outputs["endless"].truncated) == (100_000, True)
    assert outputs["after"].stdout == b"after\n"


def test_a_command_that_hangs_costs_only_itself(sshd, pool):
    outputs = pool.collect(sshd.address(), {"hang": Command(("sleep", "60"), timeout=1), "after": sh("echo after")})
    assert outputs["hang"].timed_out
    assert outputs["after"].stdout == b"after\n"


def test_connections_are_kept(sshd, pool):
    address = sshd.address(name="kept")
    pool.collect(address, {"a": Command(("true",))})
    before = set(sshd.sessions())
    for _ in range(5):
        pool.collect(address, {"a": Command(("true",))})
        pool.run(address, Command(("true",)))
    assert set(sshd.sessions()) == before


def test_what_is_idle_is_closed_and_what_is_at_work_is_not(sshd, pool, monkeypatch):
    idle, busy = sshd.address(name="idle"), sshd.address(name="busy")
    pool.run(idle, Command(("true",)))
    with ThreadPoolExecutor(1) as threads:
        long = threads.submit(pool.run, busy, sh("sleep 1; echo done"))
        time.sleep(0.5)
        monkeypatch.setattr("portal.connectors.ssh.IDLE", 0.0)
        pool.run(sshd.address(name="third"), Command(("true",)))
        assert repr(pool) == "<Pool of 2 connections>"
        assert long.result().stdout == b"done\n"


def test_a_worn_out_connection_is_replaced_while_it_is_used(sshd, pool, monkeypatch):
    address = sshd.address(name="worn")
    with ThreadPoolExecutor(1) as threads:
        long = threads.submit(pool.run, address, sh("sleep 1; echo done"))
        time.sleep(0.5)
        monkeypatch.setattr("portal.connectors.ssh_connection.CHANNELS", 1)
        assert pool.run(address, Command(("echo", "new"))).stdout == b"new\n"
        assert long.result().stdout == b"done\n"


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_every_type_of_pin_is_asked_for(sshd, pool, kind):
    """The server has all three; the engine of OLVM records the ecdsa one."""
    assert pool.run(sshd.address(kind), Command(("echo", "hi"))).stdout == b"hi\n"


def test_another_key_of_the_pinned_type_is_refused_and_named(sshd, pool, tmp_path):
    other = new_key()[1]
    with pytest.raises(KeyChanged, match="kvm01 shows another host key") as caught:
        pool.collect(sshd.address(host_key=other), {"a": Command(("true",))})
    assert caught.value.offered.split()[:2] == sshd.lines["ssh-ed25519"].split()[:2]


def test_a_server_without_the_pinned_type_is_refused(sshd, pool, user_key, tmp_path):
    server = make_sshd(tmp_path / "one", user_key[1])
    try:
        with pytest.raises(KeyChanged, match="offers no host key of the type ecdsa-sha2-nistp256") as caught:
            pool.run(server.address(host_key=sshd.lines["ecdsa-sha2-nistp256"]), Command(("true",)))
    finally:
        server.stop()
    assert caught.value.offered == ""


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("", "has no pinned host key"),
        ("ssh-dss AAAA", "of the type ssh-dss"),
        ("ssh-ed25519", "cannot be read"),
        ("ssh-ed25519 !!!!", "cannot be read"),
        ("ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQAB", "cannot be read"),
    ],
)
def test_without_a_usable_pin_nothing_is_connected(sshd, pool, pin, words):
    before = sshd.log().count("Connection from")
    with pytest.raises(NotPinned, match=words):
        pool.run(sshd.address(host_key=pin), Command(("true",)))
    assert sshd.log().count("Connection from") == before


def test_a_login_that_is_refused_says_what_to_do(sshd):
    stranger = Pool(new_key()[0])
    with pytest.raises(LoginRefused, match=r"does not take the portal's key for .*authorized_keys"):
        stranger.run(sshd.address(), Command(("true",)))
    stranger.close()


def test_an_unreadable_private_key_is_a_sentence_without_the_key(sshd):
    with pytest.raises(LoginRefused) as caught:
        Pool(Secret("-----BEGIN hunter2-----")).run(sshd.address(), Command(("true",)))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_private_key_shows_nowhere(sshd, user_key):
    body = user_key[0].reveal().splitlines()[1]
    pool = Pool(user_key[0])
    pool.run(sshd.address(), Command(("true",)))
    with pytest.raises(LookFailed) as caught:
        pool.run(sshd.address(host_key=new_key()[1]), Command(("true",)))
    pool.close()
    assert body not in repr(pool) + repr(caught.value) + repr(vars(caught.value))


def test_an_account_without_a_shell_is_a_sentence(user_key, tmp_path, pool):
    server = make_sshd(tmp_path / "forced", user_key[1], extra="ForceCommand echo This account is not available; false")
    try:
        with pytest.raises(LoginRefused, match=r"runs no script .*not available"):
            pool.collect(server.address(), {"a": Command(("true",))})
    finally:
        server.stop()


def test_run_gives_stdin_and_exit_codes(sshd, pool):
    address = sshd.address()
    big = os.urandom(3_000_000)
    echoed = pool.run(address, Command(("sha256sum",)), stdin=big)
    assert echoed.stdout.split()[0].decode() == hashlib.sha256(big).hexdigest()
    assert pool.run(address, sh("echo no >&2; exit 42")).exit_code == 42
    assert pool.run(address, sh("kill -9 $$")).exit_code == 137
    late = pool.run(address, Command(("sleep", "30"), timeout=1))
    assert (late.exit_code, late.timed_out) == (124, True)
    unread = pool.run(address, Command(("true",)), stdin=big)
    assert unread.exit_code == 0


def test_run_does_not_wait_for_what_it_left_in_the_background(sshd, pool):
    began = time.monotonic()
    output = pool.run(sshd.address(), sh("sleep 20 & echo started"))
    assert (output.stdout, output.exit_code) == (b"started\n", 0)
    assert time.monotonic() - began < 5


def test_run_is_cut_at_its_cap(sshd, pool):
    output = pool.run(sshd.address(), sh("while echo yyyyyyyy; do :; done", cap=50_000, timeout=10))
    assert (len(output.stdout), output.exit_code, output.truncated) == (50_000, None, True)
    assert pool.run(sshd.address(), Command(("echo", "next"))).stdout == b"next\n"


def test_a_lost_connection_is_made_anew(sshd, pool):
    address = sshd.address(name="lost")
    pool.run(address, Command(("true",)))
    sshd.cut_sessions()
    assert pool.collect(address, {"a": Command(("echo", "again"))})["a"].stdout == b"again\n"
    sshd.cut_sessions()
    time.sleep(0.2)
    assert pool.run(address, Command(("echo", "again"))).stdout == b"again\n"


def test_an_acting_command_is_never_sent_twice(sshd, pool, tmp_path):
    """The connection dies while the command runs: the caller is told that nobody knows, and it ran once."""
    ledger = tmp_path / "ledger"
    address = sshd.address(name="acting")
    pool.run(address, Command(("true",)))
    threading.Timer(0.5, sshd.cut_sessions).start()
    with pytest.raises(Unanswered, match="nobody knows whether it ran"):
        pool.run(address, sh(f"echo ran >>{ledger}; sleep 5", timeout=8))
    time.sleep(0.3)
    assert ledger.read_text() == "ran\n"


def test_a_visit_that_is_cut_gives_what_came(sshd, pool):
    threading.Timer(0.7, sshd.cut_sessions).start()
    outputs = pool.collect(
        sshd.address(name="cut"), {"a": sh("echo one"), "b": sh("echo two; sleep 5"), "c": sh("echo three")}
    )
    assert (outputs["a"].stdout, outputs["a"].exit_code) == (b"one\n", 0)
    assert (outputs["b"].exit_code, outputs["b"].truncated) == (None, True)
    assert (outputs["c"].stdout, outputs["c"].exit_code) == (b"", None)


def test_more_than_a_visit_may_bring_is_cut_and_the_host_stays_reachable(sshd, pool, monkeypatch):
    monkeypatch.setattr("portal.connectors.ssh.VISIT_LIMIT", 200_000)
    address = sshd.address(name="flood")
    flood = {"a": Command(("echo", "one")), "b": sh("while echo yyyyyyyyyyyyyyyy; do :; done"), "c": sh("echo three")}
    outputs = pool.collect(address, flood)
    assert outputs["a"].stdout == b"one\n"
    assert (outputs["b"].exit_code, outputs["b"].truncated) == (None, True)
    assert len(outputs["b"].stdout) <= 200_000
    assert outputs["c"].exit_code is None
    assert pool.collect(address, {"a": Command(("echo", "next"))})["a"].stdout == b"next\n"


def test_a_server_that_opens_no_sessions_is_a_sentence(user_key, tmp_path, pool):
    server = make_sshd(tmp_path / "none", user_key[1], extra="MaxSessions 0")
    try:
        with pytest.raises(LoginRefused, match=r"kvm01 lets .* log in but opens no session.*MaxSessions"):
            pool.collect(server.address(), {"a": Command(("true",))})
        with pytest.raises(LoginRefused, match="opens no session"):
            pool.fetch(server.address(), "/etc/hostname", print, 1000)
    finally:
        server.stop()


def test_fetch_reads_a_file_in_pieces_and_resumes(sshd, pool, tmp_path):
    content = os.urandom(5_000_123)
    path = tmp_path / "backup"
    path.write_bytes(content)
    pieces: list[bytes] = []
    assert pool.fetch(sshd.address(), str(path), pieces.append, 10_000_000) == len(content)
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 32_768
    rest: list[bytes] = []
    assert pool.fetch(sshd.address(), str(path), rest.append, 10_000_000, offset=5_000_000) == 123
    assert b"".join(rest) == content[5_000_000:]
    with pytest.raises(LookFailed, match="holds 5000123 bytes; at most 1000 are fetched"):
        pool.fetch(sshd.address(), str(path), pieces.append, 1000)
    with pytest.raises(LookFailed, match="has no file"):
        pool.fetch(sshd.address(), str(path) + "x", pieces.append, 1000)
    with pytest.raises(LookFailed, match="not a plain file"):
        pool.fetch(sshd.address(), str(tmp_path), pieces.append, 1000)


def test_the_offered_key_can_be_read_for_a_person(sshd):
    assert public_key(sshd.host, sshd.port).split()[:2] == sshd.lines["ssh-ed25519"].split()[:2]
    line = public_key(sshd.host, sshd.port, kind="ecdsa-sha2-nistp256")
    assert line.split()[:2] == sshd.lines["ecdsa-sha2-nistp256"].split()[:2]


def test_an_sshd_that_allows_one_session_on_a_connection(tmp_path, user_key):
    """Looks with a command of their own run side by side; none may cut another's connection."""
    server = make_sshd(tmp_path / "few", user_key[1], extra="MaxSessions 1")
    pool = Pool(user_key[0])
    commands = {"slow": Command(("sleep", "0.5")), "said": Command(("echo", "hi"))}
    try:
        with ThreadPoolExecutor(3) as threads:
            asked = [threads.submit(pool.collect, server.address(), commands) for _ in range(3)]
            assert [future.result()["said"].stdout for future in asked] == [b"hi\n"] * 3
    finally:
        pool.close()
        server.stop()


def test_the_key_of_a_recorded_fingerprint_is_found_among_all_that_a_host_has(sshd):
    for line in sshd.lines.values():
        assert shown_key(sshd.host, sshd.port, fingerprint(line)).split() == line.split()[:2]
    for unknown in ("", "SHA256:nobody"):
        assert shown_key(sshd.host, sshd.port, unknown).split() == sshd.lines["ssh-ed25519"].split()[:2]


def test_nobody_there_shows_no_key():
    with pytest.raises(Unanswered, match="refused"):
        shown_key("127.0.0.1", free_port(), "")


def test_fingerprints_are_those_that_ssh_keygen_prints(tmp_path, sshd):
    for line in sshd.lines.values():
        (tmp_path / "key.pub").write_text(line + "\n")
        said = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], check=True, capture_output=True)
        assert fingerprint(line) == said.stdout.split()[1].decode()
    assert [fingerprint(line) for line in ("", "ssh-rsa", "ssh-rsa ####", "ssh-rsa A")] == [""] * 4


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_private_key_of_every_kind_logs_in(tmp_path, kind):
    path = tmp_path / "user"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)], check=True)
    private, public = Secret(path.read_text()), path.with_suffix(".pub").read_text().strip()
    assert public_line(private) == " ".join(public.split()[:2])
    server = make_sshd(tmp_path / "server", public)
    pool = Pool(private)
    try:
        assert pool.run(server.address(), Command(("echo", "hi"))).stdout == b"hi\n"
    finally:
        pool.close()
        server.stop()


def test_ecdsa_keys_in_every_format_are_read():
    """paramiko 5.1 refuses about half of the ecdsa keys in OpenSSH's format, by the luck of their bytes."""
    for _ in range(20):
        pair = generate_private_key(SECP256R1())
        line = pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        for form in (PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8):
            assert public_line(Secret(pair.private_bytes(Encoding.PEM, form, NoEncryption()).decode())) == line


def test_a_key_with_a_passphrase_cannot_be_used(tmp_path):
    path = tmp_path / "user"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "hunter2hunter2", "-f", str(path)], check=True)
    with pytest.raises(ValueError, match="not an unencrypted"):
        public_line(Secret(path.read_text()))


def test_one_address_from_many_threads_shares_a_connection(sshd, pool):
    address = sshd.address(name="shared")
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda n: pool.run(address, Command(("echo", str(n)))).stdout, range(8)))
    assert outputs == [f"{n}\n".encode() for n in range(8)]
    assert repr(pool) == "<Pool of 1 connections>"


def test_a_forked_child_starts_empty_and_leaves_the_parents_connection_alone(sshd, pool):
    address = sshd.address(name="forked")
    pool.run(address, Command(("true",)))
    sessions = set(sshd.sessions())
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b"child failed"
        try:
            empty = repr(pool).encode()
            said = empty + b" " + pool.run(address, Command(("echo", "child"))).stdout
            pool.close()
        finally:
            os.write(writer, said)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"<Pool of 0 connections> child\n"
    os.waitpid(pid, 0)
    assert pool.run(address, Command(("echo", "parent"))).stdout == b"parent\n"
    assert sessions <= set(sshd.sessions())


def test_nothing_of_this_machine_is_read(sshd, pool, monkeypatch, tmp_path):
    """No agent, no key files, no known_hosts: the login and the trust come from what was given alone."""
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert pool.run(sshd.address(name="own"), Command(("echo", "hi"))).stdout == b"hi\n"
    assert list(Path(tmp_path).iterdir()) == []


def test_an_address_is_a_plain_value(sshd):
    assert sshd.address() == sshd.address()
    assert isinstance(hash(sshd.address()), int)
    assert Address("a", "b", 22, "root", "") != Address("a", "b", 22, "root", "x")
