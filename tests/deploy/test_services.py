"""The private PostgreSQL and Redis: they end with the last command that uses them, and never under somebody's feet."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SCRIPT = """
set -eu
say() { printf '%s\\n' "holdfast: $*" >&2; }
die() { say "$*"; exit 1; }
. ./deploy/packages.sh
. ./deploy/services.sh
"""


class Place:
    """A checkout's var and socket directory of the test's own; `command` is one more ./holdfast that uses them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self.env = os.environ | {
            "TOP": str(folder),
            "VAR": str(folder / "var"),
            "HOLDFAST_RUN_DIR": str(folder / "run"),
            "HOLDFAST_PG_FSYNC": "off",
        }

    def command(self, lines: str) -> subprocess.Popen[str]:
        """Its words are printed; it goes on at every `read`."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(["sh", "-c", SCRIPT + lines], cwd=TOP, env=self.env, **pipes)

    def runs(self) -> tuple[bool, bool]:
        """(PostgreSQL, Redis), each asked by its own means."""
        run = self.folder / "run"
        ask = ["redis-cli", "-s", str(run / "redis.sock"), "ping"]
        redis = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() == "PONG"
        return (run / ".s.PGSQL.5432").exists(), redis


@pytest.fixture
def place():
    folder = Path(tempfile.mkdtemp(prefix="hf-"))
    one = Place(folder)
    yield one
    one.command("services_layout; redis_stop; postgres_stop").communicate(timeout=30)
    shutil.rmtree(folder)


def until(command: subprocess.Popen[str], word: str) -> None:
    """Reads its lines up to the one that is the word."""
    seen = []
    for line in command.stdout:
        seen.append(line)
        if line.strip() == word:
            return
    raise AssertionError("".join(seen))


def test_the_last_user_ends_them(place):
    wait = "services_start {}; echo up; read go; services_stop; echo down"
    first = place.command(wait.format("demo"))
    until(first, "up")
    assert place.runs() == (True, True)
    second = place.command(wait.format(""))
    until(second, "up")
    third = place.command("services_start demo")
    told, _ = third.communicate(timeout=20)
    assert third.returncode == 1
    assert f"a demo of this checkout runs already (process {first.pid})" in told
    told, _ = place.command("services_end").communicate(timeout=20)
    assert "they are in use by" in told
    first.communicate("\n", timeout=20)
    assert place.runs() == (True, True), "the second still uses them"
    second.communicate("\n", timeout=20)
    assert place.runs() == (False, False)


def test_what_is_kept_stays(place):
    told, _ = place.command("services_start keep").communicate(timeout=30)
    assert place.runs() == (True, True), told
    place.command("services_start; services_stop").communicate(timeout=20)
    assert place.runs() == (True, True)
    killed = place.command("services_start; echo up; read go")
    until(killed, "up")
    killed.kill()
    killed.communicate()
    told, _ = place.command("services_end").communicate(timeout=20)
    assert place.runs() == (False, False), told


def test_a_directory_of_somebody_else_is_refused(place):
    """The socket directory's name can be guessed, and PostgreSQL trusts whoever reaches its socket."""
    foreign = place.folder / "run"
    if os.geteuid() == 0:
        foreign.mkdir()
        os.chown(foreign, 54321, 54321)
    else:
        foreign.symlink_to("/usr")
    told, _ = place.command("services_start").communicate(timeout=20)
    assert f"{foreign} is not this account's own directory" in told
    assert place.runs() == (False, False)
    if foreign.is_symlink():
        foreign.unlink()
    else:
        foreign.rmdir()
