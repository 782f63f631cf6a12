"""The steps of a backup: facts in, one sentence and the exact commands out."""

from __future__ import annotations

import json
import subprocess

import pytest

from backups import plans
from backups.steps import climb, count, judge, look_back, preflight, push, receive, rehearse, take, tidy, verify_there
from portal.kernel.command import Command
from portal.kernel.plan import ParametersRefused
from portal.kernel.step import ACT, LOST, Work
from tests.backups.test_preflight import NOW, good, out

PARAMETERS = {
    "ident": "20261122T060004", "directory": "/b", "tmp_directory": "", "scope": "", "timeout": 600, "engine_keep": 2,
    "run": "r", "target": "engine:1",
}  # fmt: skip
TOLD = {
    "status": "STARTED", "cause": "", "sentence": "", "what_to_do": "", "size": None, "sha256": "", "before": {},
    "climbed": False, "climb": "", "rehearsed": "", "looked_back": False, "on_engine": 0, "last_size": None, "now": NOW,
}  # fmt: skip


def told(**changed):
    return {"told": out(json.dumps({**TOLD, **changed}))}


def verdict(step, seen):
    found = step.STEP.settled(seen, PARAMETERS)
    return found.word.value, found.sentence


def test_preflight():
    assert verdict(preflight, {**good(), **told()})[0] == "done"
    assert "of a version that rpm does not know" in verdict(preflight, {**good(package=out("", 1)), **told()})[1]
    assert verdict(preflight, {**good(flags=out("")), **told()})[0] == "failed"
    assert verdict(preflight, {**good(ready=out("", 2)), **told()})[0] == "wait"
    assert set(preflight.STEP.looks(PARAMETERS)) == {*good(), "told"}


def test_count():
    assert verdict(count, told())[0] == "wait"
    assert verdict(count, told(before={"at": "x", "why": "No."})) == (
        "done",
        "The engine's objects could not be counted: No.",
    )
    assert (
        verdict(count, told(before={"at": "x", "counts": {"hosts": 2, "VMs": 9}}))[1]
        == "The engine lists 2 hosts, 9 VMs."
    )
    assert count.STEP.act(PARAMETERS) == (Work("backups.count"),)


def test_take():
    there, absent = {"archive": out()}, {"archive": out("", 1)}
    assert verdict(take, absent) == ("wait", "engine-backup has printed nothing yet.")
    assert verdict(take, there)[0] == "done"
    assert verdict(take, {**absent, ACT: out("Backing up:\n- Files\n", None)}) == (
        "wait",
        "engine-backup runs: - Files",
    )
    assert verdict(take, {**absent, ACT: out("", None)})[0] == "wait"
    assert "exit code 1" in verdict(take, {**absent, ACT: out("", 1)})[1]
    assert verdict(take, {**absent, ACT: out("", None), LOST: out()})[0] == "failed"
    assert take.STEP.ready(absent, PARAMETERS).word == "go"
    assert take.STEP.ready({"archive": out("", None)}, PARAMETERS).word == "wait"
    assert take.STEP.looks(PARAMETERS) == {
        "archive": Command(("test", "-s", "/b/holdfast-20261122T060004.backup"), root=True)
    }


def test_what_take_runs():
    (command,) = take.STEP.act(PARAMETERS)
    assert command.argv[4:] == (
        "/b", "/b/.holdfast-20261122T060004.partial", "/b/holdfast-20261122T060004.backup",
        "/b/holdfast-20261122T060004.backup.log", "/tmp/holdfast-20261122T060004.tmp", "600", "--scope=all",
    )  # fmt: skip
    assert (command.timeout, command.root) == (900, True)
    (command,) = take.STEP.act({**PARAMETERS, "scope": "files,db", "tmp_directory": "/big"})
    assert command.argv[8:] == ("/big/holdfast-20261122T060004.tmp", "600", "--scope=files", "--scope=db")
    (undo,) = take.STEP.undo(PARAMETERS)
    assert undo.argv[4:] == (
        "/tmp/holdfast-20261122T060004.tmp",
        "/b/.holdfast-20261122T060004.partial",
        "/b/holdfast-20261122T060004.backup",
    )


def test_judge():
    assert verdict(judge, told())[0] == "wait"
    assert verdict(judge, told(cause="ok", sentence="Good.")) == ("done", "Good.")
    assert verdict(judge, told(cause="killed", status="FAILED", sentence="A.", what_to_do="B.")) == ("failed", "A. B.")
    assert judge.STEP.act(PARAMETERS) == (Work("backups.judge"),)


def test_verify_there():
    assert verdict(verify_there, {})[0] == "wait"
    assert verdict(verify_there, {ACT: out("", None)})[0] == "wait"
    assert verdict(verify_there, {ACT: out("", 1)}) == (
        "done",
        "engine-backup --mode=verify has ended with exit code 1.",
    )
    assert "was not seen" in verdict(verify_there, {ACT: out("", None), LOST: out()})[1]
    (command,) = verify_there.STEP.act(PARAMETERS)
    assert command.argv[4:] == (
        "/b/holdfast-20261122T060004.backup", "/b/holdfast-20261122T060004.verify.log",
        "/tmp/holdfast-20261122T060004.verify.tmp", "600",
    )  # fmt: skip
    assert verify_there.STEP.undo(PARAMETERS)[0].argv == ("rm", "-rf", "/tmp/holdfast-20261122T060004.verify.tmp")


def test_receive_climb_rehearse_look_back():
    assert verdict(receive, told())[0] == "wait"
    assert "1.5 MiB" in verdict(receive, told(status="DONE", size=1572864, sha256="ab"))[1]
    assert verdict(climb, told())[0] == "wait"
    assert verdict(climb, told(climbed=True, climb="All.")) == ("done", "All.")
    assert verdict(rehearse, told())[0] == "wait"
    assert verdict(rehearse, told(rehearsed="Back.")) == ("done", "Back.")
    assert verdict(look_back, told())[0] == "wait"
    assert verdict(look_back, told(looked_back=True, on_engine=2)) == (
        "done", "The engine VM holds 2 archives of the catalog."
    )  # fmt: skip
    works = [step.STEP.act(PARAMETERS)[0].name for step in (receive, climb, rehearse, look_back, push)]
    assert works == ["backups.receive", "backups.climb", "backups.rehearse", "backups.look_back", "backups.push"]


def test_push():
    def copied(state):
        return {"copy": out(json.dumps({"place": "DR", "state": state, "sha256": "ab", "sentence": ""}))}

    assert verdict(push, copied("copying"))[0] == "wait"
    assert verdict(push, copied("held")) == ("done", "DR holds the copy; read back there, its SHA-256 is ab.")
    assert set(push.STEP.looks(PARAMETERS)) == {"copy"}


def test_tidy():
    assert verdict(tidy, {"old": out("", 1)})[0] == "wait"
    assert verdict(tidy, {"old": out("a\nb\n")})[0] == "wait"
    assert verdict(tidy, {"old": out("")})[0] == "done"
    assert tidy.STEP.ready({"old": out(""), **told()}, PARAMETERS).word == "failed"
    assert tidy.STEP.ready({"old": out(""), **told(status="DONE")}, PARAMETERS).word == "go"
    assert tidy.STEP.ready({"old": out("", 1), **told(status="DONE")}, PARAMETERS).word == "wait"
    assert set(tidy.STEP.looks(PARAMETERS)) == {"old", "told"}


def test_what_tidy_removes_really(tmp_path):
    """In a real shell: the newest two stay; foreign files and odd names are not touched."""
    idents = ("20261120T060004", "20261121T060004", "20261122T060004", "20261122T060004-2")
    for ident in idents:
        for name in (f"{ident}.backup", f"{ident}.backup.sha256", f"{ident}.backup.log", f"{ident}.verify.log"):
            (tmp_path / f"holdfast-{name}").write_text("x")
    foreign = (
        "ovirt-engine-backup-20250101000000.backup",
        "holdfast-20250101T000000.backup.bak",
        "-rf",
        "holdfast-x y.backup",
    )
    for name in foreign:
        (tmp_path / name).write_text("x")
    parameters = {**PARAMETERS, "directory": str(tmp_path)}
    listed = subprocess.run(tidy.old_look(parameters).argv, capture_output=True, text=True, check=True).stdout.split()
    assert listed == ["holdfast-20261121T060004.backup", "holdfast-20261120T060004.backup"]
    (command,) = tidy.STEP.act(parameters)
    subprocess.run(command.argv, check=True, capture_output=True)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in left if name.endswith(("4.backup", "-2.backup"))] == [
        "holdfast-20261122T060004-2.backup", "holdfast-20261122T060004.backup",
    ]  # fmt: skip
    assert set(foreign) <= set(left)
    assert not [name for name in left if "20261120" in name or "20261121" in name]


GOOD = {"ident": "20261122T060004", "directory": "/b", "tmp_directory": "", "scope": "files,db"}


def test_parameters_of_a_backup():
    assert plans.BACKUP_TAKE.checked(GOOD)["engine_keep"] == 2
    assert plans.BACKUP_TAKE.checked({**GOOD, "scope": "", "tmp_directory": "/t"})["timeout"] == 7200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scope": "db,foo"}, "knows no scope 'foo'"),
        ({"scope": ";"}, "knows no scope"),
        ({"directory": "b"}, "no folder"),
        ({"tmp_directory": "/a b"}, "no folder"),
        ({"ident": "x"}, "does not name a backup"),
        ({"timeout": 5}, "60 to 86400"),
        ({"engine_keep": -1}, "0 to 100"),
    ],
)
def test_parameters_that_are_refused(changed, said):
    with pytest.raises(ParametersRefused, match=said):
        plans.BACKUP_TAKE.checked({**GOOD, **changed})
