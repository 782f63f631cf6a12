"""Every sample of the host's SAN probes reads as its `expected` says, and its facts survive being stored."""

from __future__ import annotations

import json
import typing

import pytest

from inventory.probes import PROBES
from portal.kernel import facts as stored
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared
from tests.samples_dir import Case, cases

NAMES = ("fc_ports", "lun_devices", "lun_identity", "lun_latency", "lun_read", "multipath_config")
ALL = [pytest.param(name, case, id=f"{name}/{key}") for name in NAMES for key, case in cases(name).items()]


def outputs(name: str, case: Case) -> dict[str, Output]:
    return {section: case.output(section) for section in PROBES[name].commands}


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_sample_reads_as_expected(name, case):
    probe, expected = PROBES[name], dict(case.expected)
    if "error" in expected:
        with pytest.raises(ParseError, match=expected["error"]):
            probe.parse(outputs(name, case))
        return
    facts = probe.parse(outputs(name, case))
    kind = typing.get_type_hints(probe.parse)["return"]
    assert stored.load(kind, json.loads(json.dumps(stored.dump(facts)))) == facts
    found = probe.judge(facts, Declared("kvm01", checked_at=1_795_000_000.0))
    said = {(one.check if one.subject.kind == "host" else one.subject.key): str(one.outcome) for one in found}
    assert said == expected
    assert all(one.sentence.endswith(".") and "None" not in one.sentence for one in found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", [None, 124, 126])
def test_what_never_came_or_came_late_is_unreadable(name, code):
    answers = {section: Output(b"", b"", code) for section in PROBES[name].commands}
    with pytest.raises(ParseError):
        PROBES[name].parse(answers)


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_answer_is_unreadable(name):
    good = next(case for key, case in cases(name).items() if "error" not in case.expected and "no_" not in key)
    answers = {
        section: Output(good.output(section).stdout[:40], b"", 0, truncated=True) for section in PROBES[name].commands
    }
    with pytest.raises(ParseError, match="cut"):
        PROBES[name].parse(answers)
