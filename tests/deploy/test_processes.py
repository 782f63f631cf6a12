"""A Procfile's processes end together, whatever the end is: deploy/processes.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
TALK = "while :; do echo word; done"


def start(folder: Path, *lines: str) -> subprocess.Popen[bytes]:
    """The lines as processes a, b, ...; each writes its id into a file of its name first."""
    text = [f"{name}: echo $$ >{folder}/{name}; {line}" for name, line in zip("abc", lines, strict=False)]
    (folder / "Procfile").write_text("\n".join(text), "utf-8")
    line = [sys.executable, "-m", "deploy.processes", str(folder / "Procfile")]
    process = subprocess.Popen(line, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    end = time.monotonic() + 10
    while not all((folder / name).exists() and (folder / name).read_text("utf-8") for name in "abc"[: len(lines)]):
        assert time.monotonic() < end, "the processes do not start"
        time.sleep(0.02)
    return process


def left(folder: Path) -> list[str]:
    """The processes that still run."""
    return [
        name
        for name in "abc"
        if (folder / name).exists() and Path(f"/proc/{(folder / name).read_text().strip()}").exists()
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all(tmp_path, number):
    process = start(tmp_path, "exec sleep 60", "exec sleep 60")
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert left(tmp_path) == []


def test_signals_that_come_together_while_it_prints_end_all(tmp_path):
    """Ctrl-C comes from the terminal and again from the shell; honcho's own handler lost its processes then."""
    process = start(tmp_path, TALK, TALK)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, number)
    process.communicate(timeout=20)
    assert process.returncode > 128
    assert left(tmp_path) == []


def test_a_reader_that_goes_away_is_no_reason_to_lose_them(tmp_path):
    process = start(tmp_path, TALK, "exec sleep 60")
    process.stdout.close()
    time.sleep(0.3)
    assert left(tmp_path) == ["a", "b"]
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    process.stderr.close()
    assert left(tmp_path) == []


def test_the_end_of_one_ends_all_with_its_code(tmp_path):
    process = start(tmp_path, "exec sleep 60", "sleep 0.3; exit 7")
    out, _ = process.communicate(timeout=15)
    assert process.returncode == 7
    assert b"b stopped (rc=7)" in out
    assert left(tmp_path) == []
