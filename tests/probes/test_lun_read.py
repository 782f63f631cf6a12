"""One block of each LUN: what the script leaves out, run by real shells against tools of the test's own, and how its
words are read."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from inventory.probes import PROBES
from inventory.probes.lun_read import COMMANDS, PROBE, SCRIPT, judge, parse
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared, Traits

PATHS = "2 {queued} 0 0 1 1 A 0 2 2 8:80 {a} 0 0 1 8:96 {b} 0 0 1"
GOOD = "1+0 records in\\n1+0 records out\\n4096 bytes (4.1 kB, 4.0 KiB) copied, 0.000512 s, 8.0 MB/s\\n"
SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]


@pytest.fixture(params=SHELLS)
def host(request, tmp_path):
    """Runs the script with these maps and this dd; gives facts and the words that dd was called with."""
    words = [request.param, "sh"] if request.param == "busybox" else [request.param]

    def run(maps: dict[str, str], dd: str = f"printf '{GOOD}' >&2"):
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        called = tmp_path / "called"
        called.write_text("")
        status = "".join(f"{name}: 0 2048 multipath {rest}\n" for name, rest in maps.items())
        (tmp_path / "status").write_text(status or "No devices found\n")
        for name, text in {"dmsetup": f"cat {tmp_path}/status", "dd": f'echo "$@" >> {called}\n{dd}'}.items():
            (tools / name).write_text(f"#!/bin/sh\n{text}\n")
            (tools / name).chmod(0o755)
        env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        done = subprocess.run([*words, "-c", SCRIPT], capture_output=True, timeout=60, env=env, check=False)
        return parse({"read": Output(done.stdout, done.stderr, done.returncode)}), called.read_text().splitlines()

    return run


def path(queued=0, a="A", b="A"):
    return PATHS.format(queued=queued, a=a, b=b)


def said(facts):
    return {one.subject.key: (str(one.outcome), one.sentence) for one in judge(facts, Declared("kvm01"))}


def test_a_map_with_its_paths_is_read_directly_and_only_read(host):
    facts, called = host({"36a3": path(), "36a4": path()})
    assert called == [f"if=/dev/mapper/{name} of=/dev/null bs=4096 count=1 iflag=direct" for name in ("36a3", "36a4")]
    assert [(one.wwid, one.ms) for one in facts.tried] == [("36a3", 0.512), ("36a4", 0.512)]
    assert said(facts)["36a3"] == ("ok", "A read of one block of LUN 36a3 on kvm01 took 0.512 ms.")


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (path(queued=3), "it queues I/O"),
        (path(b="F"), "1 of its paths work and 1 failed"),
        (path(a="F", b="F"), "0 of its paths work and 2 failed"),
        ("2 0 0 0 1 1 A 0 1 2 8:80 A 0 0 1", "1 of its paths work and 0 failed"),
        ("2 1 0 0 0 0", "it queues I/O"),
        ("2 0 0 0 0 0", "0 of its paths work and 0 failed"),
        ("", "it queues I/O"),
    ],
)
def test_a_map_that_could_hang_is_not_touched(host, rest, why):
    facts, called = host({"36a3": rest, "36a4": path()})
    assert called == ["if=/dev/mapper/36a4 of=/dev/null bs=4096 count=1 iflag=direct"]
    assert said(facts)["36a3"] == ("unknown", f"LUN 36a3 on kvm01 was not read, since a read could hang: {why}.")
    assert said(facts)["36a4"][0] == "ok"


def test_an_active_group_is_no_path(host):
    """A is also the word for a group in use: a map with such a group and one path has one path."""
    facts, called = host({"36a3": "2 0 0 0 2 1 A 0 1 2 8:80 A 0 0 1 A 0 0 2"})
    assert called == []
    assert facts.tried[0].guard.startswith("1 of its paths")


@pytest.mark.parametrize("name", ["36a3;reboot", "../sda", "36a3*", "$(id)"])
def test_a_name_that_is_no_wwid_is_not_touched(host, name):
    facts, called = host({name: path()})
    assert called == []
    assert [one.guard for one in facts.tried] == ["its name is no WWID"]


def test_what_dd_says_of_a_fault_is_told(host):
    facts, _ = host({"36a3": path()}, "echo \"dd: error reading '/dev/mapper/36a3': Input/output error\" >&2; exit 1")
    assert said(facts)["36a3"] == (
        "fail",
        "LUN 36a3 on kvm01 cannot be read (error reading '/dev/mapper/36a3': Input/output error): see the array's "
        "mapping and its health.",
    )


def test_after_a_read_that_does_not_end_no_other_is_begun(host):
    facts, called = host({"36a3": path(), "36a4": path()}, "sleep 30")
    assert len(called) == 1
    assert facts.stopped == "36a3"
    assert said(facts)["36a3"] == (
        "fail",
        "A read of LUN 36a3 on kvm01 did not end in 3 s: see its paths and the array.",
    )
    assert said(facts)["kvm01"][0] == "unknown"


def test_a_host_without_maps_says_so(host):
    facts, called = host({})
    assert (facts.tried, called) == ((), [])
    assert said(facts)["kvm01"][0] == "unknown"


def answer(text: str, code: int = 0):
    return parse({"read": Output(text.encode(), b"", code)})


def test_a_slow_read_is_told_and_an_odd_answer_is_no_time():
    slow = answer("read 36a3 0 4096 bytes copied, 2.5 s, 1.6 kB/s\ndone\n")
    assert said(slow)["36a3"][0] == "warn"
    tiny = answer("read 36a3 0 4096 bytes copied, 9.1e-05 s, 45 MB/s\ndone\n")
    assert tiny.tried[0].ms == 0.091
    odd = answer("read 36a3 0 something else\nread 36a4 1\nnoise\nguard 36a5 suspended\ndone\n")
    assert [(one.ms, one.error) for one in odd.tried] == [
        (None, "something else"),
        (None, "dd said nothing"),
        (None, ""),
    ]
    assert said(odd)["36a5"][1].endswith("it is suspended.")


def test_an_answer_without_its_end_is_not_read():
    for text, code in (("read 36a3 0 4096 bytes copied, 0.1 s", 0), ("done\n", 1), ("", 0)):
        with pytest.raises(ParseError):
            answer(text, code)


def test_it_is_asked_only_where_a_person_has_allowed_it():
    assert PROBE.applies(Traits(may_read=True))
    assert not PROBE.applies(Traits(hosted_engine=True))
    assert PROBES["lun_read"] is PROBE
    (command,) = COMMANDS.values()
    assert command.argv[:2] == ("sh", "-c")
    assert len(command.argv) == 3, "no argument: nothing can be put in"
    assert "of=/dev/null" in SCRIPT
    assert SCRIPT.count("dd ") == 1
