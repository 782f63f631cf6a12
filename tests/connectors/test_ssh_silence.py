"""Hosts that do not answer, or not with SSH: each is known within its deadline and holds up nobody else."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.connectors import ssh_connection
from portal.connectors.ssh import Address, Pool, Unanswered, new_key
from portal.connectors.ssh_stalls import Stalls
from portal.kernel import collector
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from tests.fixtures_sshd import SSHD, free_port

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which(SSHD), reason="needs sshd")]

LINE = new_key()[1]
TRUE = {"a": Command(("true",))}


@contextlib.contextmanager
def listener(greet):
    """A TCP server that gives each connection to greet(socket) in a thread."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    kept: list[socket.socket] = []

    def serve():
        while True:
            try:
                one, _ = server.accept()
            except OSError:
                return
            kept.append(one)
            threading.Thread(target=greet, args=(one,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield Address("kvm09", "127.0.0.1", server.getsockname()[1], "root", LINE)
    finally:
        server.close()
        for one in kept:
            one.close()


@pytest.fixture
def hasty(user_key):
    made = Pool(user_key[0], connect_timeout=0.6, first_byte=0.6)
    yield made
    made.close()


def refusal(pool, address):
    began = time.monotonic()
    with pytest.raises(Unanswered) as caught:
        pool.collect(address, TRUE)
    return str(caught.value), time.monotonic() - began


def test_nobody_listens(hasty):
    words, took = refusal(hasty, Address("kvm09", "127.0.0.1", free_port(), "root", LINE))
    assert words.startswith("kvm09 does not answer on 127.0.0.1 port")
    assert "the connection is refused" in words
    assert took < 1


def test_a_socket_that_accepts_and_says_nothing(hasty):
    with listener(lambda one: None) as address:
        words, took = refusal(hasty, address)
    assert "accepts connections on 127.0.0.1" in words
    assert "says nothing for 0.6 s" in words
    assert took < 1.5


def test_something_else_than_ssh_listens(hasty):
    with listener(lambda one: one.sendall(b"220 mail.bank.example ESMTP\r\n" * 120)) as address:
        words, took = refusal(hasty, address)
    assert "no SSH session came about" in words
    assert took < 3


def test_the_connection_is_reset(hasty):
    def reset(one):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()

    with listener(reset) as address:
        words, took = refusal(hasty, address)
    assert words.startswith("kvm09 ")
    assert took < 2


def test_a_banner_and_then_nothing(hasty, monkeypatch):
    monkeypatch.setattr("portal.connectors.ssh_connection.LOGIN_SECONDS", 0.7)
    with listener(lambda one: one.sendall(b"SSH-2.0-OpenSSH_8.0\r\n")) as address:
        words, took = refusal(hasty, address)
    assert "the key exchange did not end within 0.7 s" in words
    assert took < 2


def test_a_kept_connection_whose_host_falls_silent(sshd, hasty):
    """Power loss: TCP stays open, nothing comes. The server's process is stopped to play that."""
    address = sshd.address(name="frozen")
    hasty.collect(address, TRUE)
    pids = descendants(sshd.process.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        words, took = refusal(hasty, address)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert "answers nothing for 0.6 s" in words
    assert took < 1.5
    assert hasty.collect(address, TRUE)["a"].exit_code == 0


def test_a_host_that_falls_silent_in_the_middle_of_a_visit(sshd, hasty):
    """A section may take long while the host's sshd answers; when it does not, nobody waits for the section. Of two
    visits over one connection the first to know cuts it; the other one's half answer proves no life."""
    address = sshd.address(name="frozen")
    hasty.collect(address, TRUE)
    long = {"a": Command(("echo", "begun")), "b": Command(("sleep", "9"), timeout=20)}
    with ThreadPoolExecutor(2) as threads:
        visits = [threads.submit(hasty.collect, address, long) for _ in range(2)]
        time.sleep(1.0)  # the script is at its second section
        pids = descendants(sshd.process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        try:
            for visit in visits:
                with pytest.raises(Unanswered, match=r"answers nothing for 0\.6 s"):
                    visit.result(timeout=30)
            took = time.monotonic() - began
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    assert took < 6, "its section could have taken 20 s"


def test_a_command_that_says_nothing_for_long_is_waited_for(sshd, hasty):
    """Three times as long as the host may be silent: its sshd gives signs of life."""
    outputs = hasty.collect(sshd.address(), {"a": Command(("sleep", "2.5"), timeout=9), **TRUE})
    assert outputs["a"].exit_code == 0


def descendants(pid):
    """Children and their children: the listener itself goes on."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def test_a_login_that_is_not_answered(sshd, hasty, monkeypatch):
    """The key exchange went well, then the host froze."""
    monkeypatch.setattr("portal.connectors.ssh_connection.LOGIN_SECONDS", 0.5)
    frozen: list[int] = []
    exchange = ssh_connection._exchange

    def freeze(*words):
        exchange(*words)
        frozen.extend(descendants(sshd.process.pid))
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)

    monkeypatch.setattr(ssh_connection, "_exchange", freeze)
    try:
        words, took = refusal(hasty, sshd.address(name="slow"))
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGKILL)
    assert "did not answer the login of" in words
    assert took < 2


HOLDER = Command(("sh", "-c", "setsid sleep 8 & echo begun"), timeout=1)  # its child keeps the pipe, as in state D


def test_a_command_that_cannot_be_ended_does_not_hide_the_others(sshd, pool, monkeypatch):
    monkeypatch.setattr("portal.connectors.ssh.MARGIN", 0.5)
    monkeypatch.setattr(collector, "KILL_AFTER", 0)
    address = sshd.address(name="stalled")
    commands = {"stuck": HOLDER, "next": Command(("echo", "next"))}
    began = time.monotonic()
    first = pool.collect(address, commands)
    assert time.monotonic() - began < 6
    assert (first["stuck"].exit_code, first["stuck"].truncated) == (None, True)
    assert first["next"].exit_code is None
    began = time.monotonic()
    second = pool.collect(address, commands)
    assert time.monotonic() - began < 1
    assert list(second) == ["stuck", "next"]
    assert second["next"].stdout == b"next\n"
    assert (second["stuck"].exit_code, second["stuck"].stdout) == (None, b"")
    assert "tried again only in 60 s" in second["stuck"].error_line()


def test_a_stalled_command_is_tried_again_after_the_others():
    clock = [0.0]
    stalls = Stalls(lambda: clock[0])
    address = Address("kvm01", "192.0.2.1", 22, "root", LINE)
    stuck, fine = Command(("multipath", "-ll")), Command(("uptime",))
    commands = {"stuck": stuck, "fine": fine}
    cut = {"stuck": Output(b"", b"", None, truncated=True), "fine": Output(b"", b"", None)}
    assert stalls.plan(address, commands) == (commands, {})
    for times, pause in enumerate((60, 120, 240, 480, 900, 900), 1):
        stalls.learn(address, commands, cut, cut=True)
        clock[0] += pause - 1
        wanted, held = stalls.plan(address, commands)
        assert (list(wanted), list(held)) == (["fine"], ["stuck"])
        assert ("its last try" if times == 1 else f"its last {times} tries") in held["stuck"].error_line()
        clock[0] += 1
        assert list(stalls.plan(address, commands)[0]) == ["fine", "stuck"]
    stalls.learn(address, commands, {name: Output(b"", b"", 0) for name in commands}, cut=False)
    assert list(stalls.plan(address, commands)[0]) == ["stuck", "fine"]


def test_a_lost_connection_is_no_stall():
    stalls = Stalls(lambda: 0.0)
    address = Address("kvm01", "192.0.2.1", 22, "root", LINE)
    stalls.learn(address, TRUE, {"a": Output(b"x", b"", None, truncated=True)}, cut=False)
    assert stalls.plan(address, TRUE) == (TRUE, {})


def test_a_hundred_hosts_of_which_five_hang(sshd, user_key):
    pool = Pool(user_key[0])
    with listener(lambda one: None) as dead:
        addresses = [sshd.address(name=f"kvm{n:03}") for n in range(95)]
        addresses += [Address(f"dead{n}", dead.host, dead.port, "root", LINE) for n in range(5)]
        took: dict[str, float] = {}

        def look(address):
            began = time.monotonic()
            try:
                return pool.collect(address, {"a": Command(("echo", address.name))})["a"].stdout
            except LookFailed as error:
                return str(error)
            finally:
                took[address.name] = time.monotonic() - began

        with ThreadPoolExecutor(48) as threads:
            answers = list(threads.map(look, addresses))
            began = time.monotonic()
            again = list(threads.map(look, addresses[:95]))
            warm = time.monotonic() - began
    pool.close()
    assert answers[:95] == [f"{a.name}\n".encode() for a in addresses[:95]]
    assert all("says nothing for 3 s" in str(answer) for answer in answers[95:])
    assert again == answers[:95]
    assert warm < 5
    assert max(took[f"dead{n}"] for n in range(5)) < 5
