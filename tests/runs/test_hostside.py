"""The scripts on the host, run by every sh that is here: claimed once, tailed byte for byte, stopped, sealed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.runs import hostside
from portal.runs.hostside import CLOSE, OPEN, SEAL, STOP, Progress
from tests.fixtures_runs import sh, wait_for

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]


@pytest.fixture(params=SHELLS)
def home(request, tmp_path, monkeypatch):
    """A host's home, whose sh is the one in question."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to(shutil.which(request.param))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def call(home, command: Command) -> Output:
    done = subprocess.run(command.argv, check=False, cwd=home, capture_output=True, timeout=20)
    return Output(done.stdout, done.stderr, done.returncode)


def tail(home, act="1-1", out=0, err=0):
    return hostside.read_tail(call(home, hostside.tail("r", act, out, err)))


def begin(home, *commands, act="1-1"):
    call(home, hostside.script(OPEN, "r"))
    return call(home, hostside.start("r", act, commands))


def test_a_command_runs_with_its_output_and_exit_code_in_files(home):
    assert tail(home).progress is Progress.CLOSED
    call(home, hostside.script(OPEN, "r"))
    assert tail(home).progress is Progress.ABSENT
    assert begin(home, sh("printf 'a\\0b'; echo oops >&2; exit 3")).exit_code == hostside.STARTED
    wait_for(lambda: tail(home).progress is Progress.ENDED)
    seen = tail(home)
    assert (seen.exit_code, seen.out, seen.err) == (3, b"a\0b", b"oops\n")
    seen = tail(home, out=2, err=5)
    assert (seen.out, seen.err) == (b"b", b"")
    assert (home / ".holdfast").stat().st_mode & 0o077 == 0


def test_commands_run_in_order_until_one_fails(home):
    begin(home, sh("echo one"), sh("echo 'it''s two'; exit 4"), sh("echo three"))
    wait_for(lambda: tail(home).progress is Progress.ENDED)
    assert (tail(home).exit_code, tail(home).out) == (4, b"one\nits two\n")


def test_a_hundred_starts_are_one(home):
    call(home, hostside.script(OPEN, "r"))
    gate = threading.Barrier(10)

    def start(number):
        gate.wait()
        return call(home, hostside.start("r", "1-1", [sh("echo once >>ledger")])).exit_code

    with ThreadPoolExecutor(10) as threads:
        codes = list(threads.map(start, range(10)))
    assert sorted(codes) == [0] + [hostside.ALREADY] * 9
    wait_for(lambda: tail(home).progress is Progress.ENDED)
    assert (home / "ledger").read_text() == "once\n"


def test_nothing_starts_where_the_folder_of_the_run_is_gone(home):
    begin(home, sh("true"))
    wait_for(lambda: tail(home).progress is Progress.ENDED)
    call(home, hostside.script(CLOSE, "r"))
    assert not (home / ".holdfast").exists()
    assert call(home, hostside.start("r", "1-1", [sh("echo late >>ledger")])).exit_code == hostside.NO_FOLDER
    assert not (home / "ledger").exists()


def test_a_sealed_act_never_starts(home):
    call(home, hostside.script(OPEN, "r"))
    assert call(home, hostside.script(SEAL, "r", "1-1")).exit_code == 0
    assert begin(home, sh("echo late >>ledger")).exit_code == hostside.ALREADY
    assert tail(home).progress is Progress.SEALED
    assert not (home / "ledger").exists()
    assert call(home, hostside.script(SEAL, "r", "1-1")).exit_code == hostside.ALREADY


def test_stopping_ends_what_the_command_started_too(home):
    begin(home, sh("sleep 60 & sleep 60; echo end", timeout=70))
    wait_for(lambda: tail(home).progress is Progress.RUNNING)
    pid = (home / ".holdfast/r/1-1/pid").read_text().split()[0]
    wait_for(lambda: len(_session(pid)) >= 4)
    call(home, hostside.script(STOP, "r", "1-1"))
    assert _session(pid) == []
    assert (tail(home).progress, tail(home).exit_code) == (Progress.ENDED, 143)
    call(home, hostside.script(STOP, "r", "1-1"))


def _session(pid: str) -> list[str]:
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", pid], check=False, capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if " Z" not in line]


def test_a_command_that_was_killed_is_lost_not_ended(home):
    begin(home, sh("sleep 60", timeout=70))
    wait_for(lambda: tail(home).progress is Progress.RUNNING)
    pid = (home / ".holdfast/r/1-1/pid").read_text().split()[0]
    for line in _session(pid):
        subprocess.run(["kill", "-9", line.split()[0]], check=False)
    wait_for(lambda: tail(home).progress is Progress.LOST)
    assert tail(home).exit_code is None


def test_a_process_id_that_was_given_out_again_is_not_ours(home):
    call(home, hostside.script(OPEN, "r"))
    folder = home / ".holdfast/r/1-1"
    folder.mkdir()
    assert tail(home).progress is Progress.CLAIMED
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        (folder / "pid").write_text(f"{other.pid} 1\n")
        assert tail(home).progress is Progress.LOST
        call(home, hostside.script(STOP, "r", "1-1"))
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_timeout_ends_the_command_on_the_host(home):
    begin(home, sh("sleep 60", timeout=1))
    wait_for(lambda: tail(home).progress is Progress.ENDED)
    assert tail(home).exit_code == 124


def test_a_folder_that_cannot_be_made_says_why(home):
    (home / ".holdfast").write_text("in the way")
    opened = call(home, hostside.script(OPEN, "r"))
    assert opened.exit_code == hostside.CANNOT
    assert opened.error_line()


def test_old_folders_are_swept_away_and_young_ones_are_not(home):
    for name, days in (("old", 40), ("young", 10)):
        folder = home / ".holdfast" / name
        folder.mkdir(parents=True)
        at = folder.stat().st_mtime - days * 86_400
        os.utime(folder, (at, at))
    call(home, hostside.script(OPEN, "r"))
    assert sorted(path.name for path in (home / ".holdfast").iterdir()) == ["r", "young"]


@pytest.mark.parametrize(
    "output",
    [
        Output(b"", b"", 0),
        Output(b"holdfast running - 5 0\nabc", b"", 0),
        Output(b"holdfast flying - 0 0\n", b"", 0),
        Output(b"holdfast ended x 0 0\n", b"", 0),
        Output(b"holdfast running - 0 0\n", b"", None),
        Output(b"\xff\xfe\n", b"", 0),
        Output(b"holdfast running - 0 0\n", b"", 0, truncated=True),
    ],
)
def test_an_answer_that_is_not_whole_is_not_read(output):
    with pytest.raises(LookFailed):
        hostside.read_tail(output)


def test_root_goes_through_sudo_as_the_sudoers_file_has_it():
    text = hostside.job([Command(("hosted-engine", "--vm-status"), root=True, timeout=30)])
    assert "else sudo -n timeout -k 2 30 hosted-engine --vm-status; fi || exit" in text
