"""Taking a fabric's paths away and giving them back, pure; with the maps of the lab's own texts."""

from __future__ import annotations

import json
import subprocess

import pytest

from failover.steps import offline_paths, online_paths, watch_io
from lab import multipath as lab_multipath
from lab import multipath_cli, scsi_state
from portal.kernel.output import Output
from portal.kernel.step import ACT
from tests.fixtures_lab import host, pass_time, quiet_estate

GIVEN = {"hosts": "7:kvm01:1,8:kvm02:2", "on": 7, "watch_seconds": 30, "run": "r", "target": "she:5"}


@pytest.fixture
def world():
    return quiet_estate(luns=2, vms=2)


def addresses(world, fabric="A"):
    known = lab_multipath.addresses(world, host(world))
    ports = {hba.wwpn for hba in host(world).hbas if hba.fabric == fabric}
    return sorted(hctl for (hba, _, _), hctl in known.items() if hba in ports)


def seen(world, **more):
    """The host's maps, as multipathd prints them."""
    asked = offline_paths.looks(GIVEN)
    found = {}
    for name, command in asked.items():
        program = multipath_cli.PROGRAMS.get(command.argv[0])
        reply = program(world, host(world), list(command.argv)) if program else None
        found[name] = Output((reply.out if reply else "").encode(), b"", reply.rc if reply else 1)
    return {**found, **more}


def said(step, world_seen, parameters, part="settled"):
    verdict = getattr(step.STEP, part)(world_seen, parameters)
    return str(verdict.word), verdict.sentence


def act(code, why=b""):
    return {ACT: Output(b"", why, code)}


def write(world, word, paths):
    files = [f"/sys/class/scsi_device/{path}/device/state" for path in paths]
    assert scsi_state.tee(world, host(world), ["tee", *files, f"{word}\n"]).rc == 0


def test_the_paths_of_one_fabric_go_and_come_back(world):
    paths = addresses(world)
    given = {**GIVEN, "paths": ",".join(paths)}
    assert said(offline_paths, seen(world), given, "ready") == (
        "go",
        "Every LUN of kvm01 keeps good paths through the other fabric.",
    )
    assert said(offline_paths, seen(world), given)[0] == "wait"
    assert "are not offline yet" in said(offline_paths, {**seen(world), **act(0)}, given)[1]
    assert "(exit code 1): tee: no" in said(offline_paths, {**seen(world), **act(1, b"tee: no")}, given)[1]
    write(world, "offline", paths)
    pass_time(world, 20)
    word, sentence = said(offline_paths, {**seen(world), **act(0)}, given)
    assert (word, sentence) == ("done", f"{len(paths)} paths of kvm01 are offline; every LUN has good paths left.")
    assert said(offline_paths, seen(world), given, "ready")[1].endswith("is down already. Nothing was done.")
    assert said(online_paths, seen(world), given)[0] == "wait"
    write(world, "running", paths)
    assert said(online_paths, seen(world), given) == ("done", f"All {len(paths)} paths of kvm01 carry I/O again.")
    assert said(online_paths, {**seen(world), **act(2, b"no")}, given)[0] == "failed"


def test_a_lun_never_loses_its_last_path(world):
    everything = {**GIVEN, "paths": ",".join(addresses(world) + addresses(world, "B"))}
    word, sentence = said(offline_paths, seen(world), everything, "ready")
    assert (word, "would have no good path left" in sentence) == ("failed", True)
    write(world, "offline", addresses(world) + addresses(world, "B"))
    pass_time(world, 20)
    told = {"drill": Output(json.dumps({"since": {}}).encode(), b"", 0)}
    for step in (offline_paths, watch_io):
        word, sentence = said(step, {**seen(world), **act(0), **told}, everything)
        assert (word, "the paths are given back at once" in sentence) == ("failed", True)


def test_it_watches_for_as_long_as_the_drill_says(world):
    def told(seconds):
        return {"drill": Output(json.dumps({"since": {"offline_paths": seconds}}).encode(), b"", 0)}

    assert said(watch_io, {**seen(world), **told(10)}, GIVEN)[1].endswith("watched for 10 of 30 s.")
    assert said(watch_io, {**seen(world), **told(30)}, GIVEN)[0] == "done"
    assert "drill" in watch_io.STEP.looks(GIVEN)


def test_the_kernel_alone_is_not_believed(world):
    given = {**GIVEN, "paths": ",".join(addresses(world))}
    away = {**seen(world, maps=Output(b"", b"not running", 1)), **act(0)}
    away |= {"drill": Output(b'{"since": {}}', b"", 0)}
    for step, part in (
        (offline_paths, "ready"),
        (offline_paths, "settled"),
        (online_paths, "settled"),
        (watch_io, "settled"),
    ):
        word, sentence = said(step, away, given, part)
        assert (word, "multipathd does not answer" in sentence) == ("wait", True)
    nothing = {name: Output(b"", b"", None) for name in offline_paths.looks(GIVEN)}
    assert said(offline_paths, nothing, given, "ready")[0] == "wait"


def test_the_command_writes_only_the_chosen_states():
    given = {**GIVEN, "paths": "3:0:1:2,3:0:0:2"}
    (command,) = offline_paths.STEP.act(given)
    assert command.argv[:2] == ("sh", "-c")
    assert command.argv[3:] == ("sh", "offline", "3:0:0:2", "3:0:1:2")
    assert 'file="/sys/class/scsi_device/$path/device/state"' in command.argv[2]
    assert command.root
    (back,) = offline_paths.STEP.undo(given)
    assert back.argv[3:] == ("sh", "running", "3:0:0:2", "3:0:1:2")
    assert online_paths.STEP.act(given) == (back,)
    for step in (offline_paths, online_paths, watch_io):
        assert step.STEP.where(given) == "host:7"


def test_each_path_is_read_back_and_one_that_is_gone_keeps_none_from_its_word(tmp_path):
    """tee may end with 0 and change nothing; a device that has vanished must not end the giving back of the others."""
    for path, state in (("3:0:0:2", "offline"), ("3:0:1:2", "offline"), ("4:0:0:2", "running")):
        folder = tmp_path / path / "device"
        folder.mkdir(parents=True)
        (folder / "state").write_text(f"{state}\n")
    (back,) = offline_paths.STEP.undo({**GIVEN, "paths": "3:0:0:2,3:0:1:2,3:0:9:9"})
    script = back.argv[2].replace("/sys/class/scsi_device", str(tmp_path))
    ended = subprocess.run(["sh", "-c", script, *back.argv[3:]], capture_output=True, text=True, check=False)
    assert (ended.returncode, "3:0:9:9 is gone, not running" in ended.stderr) == (1, True), ended.stderr
    assert [(tmp_path / path / "device/state").read_text() for path in ("3:0:0:2", "3:0:1:2")] == ["running\n"] * 2
    idle = script.replace("| tee", "| : tee")
    ended = subprocess.run(["sh", "-c", idle, "sh", "offline", "3:0:0:2"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "3:0:0:2 is running, not offline\n")


@pytest.mark.parametrize("text", ["", "3:0:1", "3:0:1:2,3:0:1:2", "3:0:1:2;reboot", "../../etc:0:0:0"])
def test_what_is_no_path_is_refused(text):
    assert offline_paths.problem(text)
    with pytest.raises(ValueError, match=r"SCSI address|named twice"):
        offline_paths.chosen({"paths": text})
