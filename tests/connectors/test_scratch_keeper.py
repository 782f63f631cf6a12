"""The keeper as a program of its own: an order in, words out, and an end for every reason there is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from portal.connectors.scratch import _OPTIONS
from portal.connectors.scratch_programs import find

TOP = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from portal.connectors.scratch_keeper import main; sys.exit(main())"


@pytest.fixture
def folder():
    base = Path(tempfile.mkdtemp(prefix="hf-keeper-", dir="/tmp"))
    base.chmod(0o711)
    made = base / "rehearsal-x"
    made.mkdir(mode=0o700)
    (made / "log").touch()
    (made / "hba").write_text("local all all trust\n")
    if os.geteuid() == 0:
        for path in (made, *made.iterdir()):
            os.chown(path, 65534, 65534)
    yield made
    shutil.rmtree(base)


class Kept:
    """One keeper, without name spaces, so that it has to end every process by itself."""

    def __init__(self, own, **changes):
        order = {
            "bin": str(find().folder), "folder": str(own), "log": str(own / "log"), "superuser": "su",
            "uid": 65534 if os.geteuid() == 0 else None, "password": "word", "share": True, "seconds": 100.0,
            "disk": 1 << 60, "spare": 0, "memory": 4 << 30,
            "options": _OPTIONS | {"unix_socket_directories": str(own), "hba_file": str(own / "hba")},
        }  # fmt: skip
        self.folder = own
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TOP
        )
        line = json.dumps(order | changes).encode() + b"\n"
        self.process.stdin.write(line[:100])
        self.process.stdin.flush()
        self.process.stdin.write(line[100:])
        self.process.stdin.flush()

    def word(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        """(its last words, its exit code)"""
        self.process.stdin.close()
        words = [json.loads(line) for line in self.process.stdout]
        self.process.stdout.close()
        return words, self.process.wait(20)

    def servers(self):
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if str(self.folder) in line]


def test_it_serves_until_its_lifeline_ends(folder):
    kept = Kept(folder)
    assert (kept.word(), kept.word()) == ({"isolated": False}, {"ready": True})
    assert kept.servers()
    assert not (folder / "word").exists()
    assert kept.end() == ([{"ended": "the portal ended it"}], 0)
    assert kept.servers() == []


def test_it_ends_before_the_server_when_the_portal_is_gone_already(folder):
    kept = Kept(folder)
    words, code = kept.end()
    assert (words[-1], code) == ({"ended": "the portal ended it"}, 0)
    assert kept.servers() == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seconds": 0.5}, "deadline"),
        ({"disk": 1}, "disk"),
        ({"spare": 1 << 62}, "spare"),
        ({"bin": "/nonexistent"}, "initdb failed"),
        ({"options": {"no_such_setting": "1"}}, "server"),
    ],
)
def test_it_says_why_it_ended(changes, why, folder):
    kept = Kept(folder, **changes)
    assert kept.word() == {"isolated": False}
    words = [kept.word()]
    if "ready" in words[0]:
        words.append(kept.word())
    assert words[-1] == {"ended": why}
    assert kept.end() == ([], 0)
    assert kept.servers() == []


def test_a_folder_that_is_not_there_is_told(folder):
    kept = Kept(folder, folder="/nonexistent")
    assert kept.word() == {"isolated": False}
    assert "No such file or directory" in kept.word()["ended"]
    kept.end()


def test_a_portal_that_hears_no_more_stops_nothing(folder):
    kept = Kept(folder)
    kept.process.stdout.close()
    kept.process.stdin.close()
    assert kept.process.wait(20) == 0
    assert kept.servers() == []
