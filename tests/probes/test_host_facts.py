"""host_facts: what a host is, how full it is, what time it has."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes.host_facts import COMMANDS, HostFacts, NodePages, judge, numbers, parse
from portal.kernel import facts as stored
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared
from tests.samples_dir import cases

NOW = 1795338000.0
KVM01 = Declared("kvm01", checked_at=NOW)
GOOD = {
    "clock": "1795337999.512345678\n",
    "release": 'NAME="Oracle Linux Server"\nPRETTY_NAME="Oracle Linux Server 8.10"\nID="ol"\n',
    "kernel": "5.15.0-307.178.5.el8uek.x86_64\n",
    "memory": "MemTotal:       527988816 kB\nMemFree:        1 kB\nMemAvailable:   263994408 kB\n"
    "HugePages_Total:     900\n"
    "HugePages_Free:      12\nHugepagesize:    1048576 kB\n",
    "processors": "56\n",
    "load": "1.52 1.20 1.11 2/1234 5678\n",
    "uptime": "197761.22 700000.10\n",
    "disks": "Filesystem     1024-blocks    Used Available Capacity Mounted on\n"
    "/dev/mapper/ol-root    52403200 8000000  44403200      16% /\n"
    "/dev/mapper/ol-var     52403200 8000000  44403200      42% /var\n",
    "nodes": "/sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages:450\n"
    "/sys/devices/system/node/node0/hugepages/hugepages-1048576kB/free_hugepages:12\n"
    "/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages:450\n",
    "versions": "vdsm-4.50.5.1-1.el8.x86_64\novirt-hosted-engine-ha-2.5.1-1.el8.noarch\n"
    "package device-mapper-multipath is not installed\n",
}


def look(**changes: str | Output) -> HostFacts:
    parts = {
        name: text if isinstance(text, Output) else Output(text.encode(), b"", 0)
        for name, text in {**GOOD, **changes}.items()
    }
    facts = parse(parts)
    assert stored.load(HostFacts, json.loads(json.dumps(stored.dump(facts)))) == facts
    return facts


def found(**changes: str | Output) -> dict[str, tuple[str, str]]:
    return {one.check: (str(one.outcome), one.sentence) for one in judge(look(**changes), KVM01)}


def test_facts():
    facts = look()
    assert (facts.release, facts.processors, facts.load) == ("Oracle Linux Server 8.10", 56, 1.52)
    assert (facts.memory_total, facts.huge_total, facts.huge_free, facts.huge_size) == (
        527988816 * 1024,
        900,
        12,
        2**30,
    )
    assert facts.nodes == (NodePages(0, 2**20, 450, 12), NodePages(1, 2**20, 450, None))
    assert [(one.mount, one.used_percent) for one in facts.file_systems] == [("/", 16), ("/var", 42)]
    assert {one.name: one.version for one in facts.packages} == {
        "vdsm": "4.50.5.1-1.el8.x86_64",
        "ovirt-hosted-engine-ha": "2.5.1-1.el8.noarch",
    }
    assert {outcome for outcome, _ in found().values()} == {"ok"}
    assert numbers(facts) == {"load": 1.52, "memory_available": 263994408 * 1024.0}


@pytest.mark.parametrize(("used", "outcome"), [(84, "ok"), (85, "warn"), (95, "fail"), (100, "fail")])
def test_the_fullest_file_system_counts(used, outcome):
    assert found(disks=GOOD["disks"].replace("42%", f"{used}%"))["disk"][0] == outcome


def test_little_memory_warns():
    assert found(memory=GOOD["memory"].replace("263994408", "2639944"))["memory"][0] == "warn"


@pytest.mark.parametrize(
    ("clock", "outcome", "way"),
    [
        (NOW - 31, "warn", "behind"),
        (NOW + 31, "warn", "ahead of"),
        (NOW + 121, "fail", "ahead of"),
        (NOW + 29, "ok", ""),
    ],
)
def test_the_clock(clock, outcome, way):
    assert found(clock=f"{clock}\n")["clock"][0] == outcome
    assert way in found(clock=f"{clock}\n")["clock"][1]


def test_what_was_not_read_is_unknown():
    facts = parse({"kernel": Output(GOOD["kernel"].encode(), b"", 0), "load": Output(b"", b"", 124)})
    assert {str(one.outcome) for one in judge(facts, KVM01)} == {"unknown"}
    assert facts.release == ""
    assert facts.processors is None
    assert numbers(facts) == {}
    assert {str(one.outcome) for one in judge(look(), Declared("kvm01")) if one.check == "clock"} == {"unknown"}


@pytest.mark.parametrize("outputs", [{}, {"kernel": Output(b"", b"", 0)}, {name: Output(b"", b"", 0) for name in GOOD}])
def test_nothing_readable_is_a_parse_error(outputs):
    with pytest.raises(ParseError, match="Nothing of this host can be read"):
        parse(outputs)


@given(st.dictionaries(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=200)))
def test_any_bytes_never_crash(raw):
    try:
        facts = parse({part: Output(text, b"", 0) for part, text in raw.items()})
    except ParseError:
        return
    assert len(judge(facts, KVM01)) == 3


CASES = cases("host_facts")


@pytest.mark.parametrize("name", CASES)
def test_samples(name):
    parts = {part: CASES[name].output(part) for part in COMMANDS}
    if CASES[name].expected is None:
        with pytest.raises(ParseError):
            parse(parts)
        return
    facts = parse(parts)
    declared = Declared("kvm01", checked_at=facts.clock)
    wrong = {one.check: one.outcome.value for one in judge(facts, declared) if one.outcome != "ok"}
    assert wrong == CASES[name].expected
