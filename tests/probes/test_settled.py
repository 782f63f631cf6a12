"""A probe that calls its facts settled says that time changes nothing: held to every sample of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes import PROBES, fc_ports, lun_devices
from inventory.probes.reading.parts import Unread
from portal.kernel import facts as facts_json
from portal.kernel.output import ParseError
from portal.kernel.probe import Declared, DeclaredPath
from tests.probes.test_multipath import LUN1, LUN2, A, Estate
from tests.samples_dir import TOP, cases

T = 1_795_000_000.0
LATER = (3.0, 61.0, 3599.0, 3601.0, 90_000.0)
TOLD = Declared("kvm01", paths={"36a353241000000000000000000000001": (DeclaredPath("1" * 16, "2" * 16),)})
SETTLED = sorted(name for name, probe in PROBES.items() if probe.settled is not None and (TOP / name).is_dir())


def chain(probe, outputs):
    """Facts of one look after the other over the same answer, until they are settled; None when they never are."""
    facts = probe.parse(outputs)
    for number in range(3):
        if probe.settled(facts_json.dump(facts)):
            return facts
        facts = again(probe, outputs, facts, T + number)
    return None


def again(probe, outputs, before, at):
    parsed = probe.parse(outputs)
    return parsed if probe.carry is None else probe.carry(parsed, facts_json.dump(before), at)


def readable():
    yield pytest.param("multipath", Estate(LUN1, LUN2).outputs(), id="multipath-whole")
    yield pytest.param("multipath", Estate(LUN1).drop(hba=A).outputs(), id="multipath-half")
    for name in SETTLED:
        for case, sample in cases(name).items():
            outputs = {
                section: sample.output(section)
                for section in PROBES[name].commands
                if (sample.path / f"{section}.stdout").exists()
            }
            try:
                PROBES[name].parse(outputs)
            except ParseError:
                continue
            yield pytest.param(name, outputs, id=f"{name}-{case}")


@pytest.mark.parametrize(("name", "outputs"), list(readable()))
def test_the_same_answer_later_gives_the_same_facts_and_findings(name, outputs):
    probe = PROBES[name]
    facts = chain(probe, outputs)
    assert facts is not None, "nothing happens in a sample, so its facts settle"
    said = probe.judge(facts, replace(TOLD, checked_at=T))
    for seconds in LATER:
        later = again(probe, outputs, facts, T + seconds)
        assert later == facts
        assert probe.judge(later, replace(TOLD, checked_at=T + seconds)) == said
        assert probe.numbers(later) == probe.numbers(facts)


def test_the_probes_of_paths_are_among_them():
    assert {"fc_ports", "lun_devices", "lun_identity", "multipath_config"} <= set(SETTLED)


def test_what_must_be_forgotten_after_an_hour_is_not_settled():
    ports = fc_ports.FcFacts("b", (), (), compared=True)
    assert fc_ports.settled(facts_json.dump(ports))
    assert not fc_ports.settled(facts_json.dump(replace(ports, compared=False)))
    grown = replace(ports, growths=(fc_ports.Growth("a" * 16, "error_frames", 3, T),))
    assert not fc_ports.settled(facts_json.dump(grown))
    devices = lun_devices.DeviceFacts("b", (), (), compared=True, unread=(Unread("kernel", "denied"),))
    assert lun_devices.settled(facts_json.dump(devices))
    failed = replace(devices, failed=(lun_devices.Failed("3" + "a" * 32, "sdb", 1, T),))
    assert not lun_devices.settled(facts_json.dump(failed))


def test_a_map_that_was_just_suspended_is_not_settled():
    text = (
        cases("lun_devices")["healthy"].output("sysfs").text().replace("/dm-2/dm/suspended:0", "/dm-2/dm/suspended:1")
    )
    assert "/dm-2/dm/suspended:1" in text
    sample = cases("lun_devices")["healthy"]
    probe = PROBES["lun_devices"]
    outputs = {
        "sysfs": replace(sample.output("sysfs"), stdout=text.encode()),
        "kernel": sample.output("kernel"),
    }
    first = again(probe, outputs, probe.parse({**outputs, "sysfs": sample.output("sysfs")}), T)
    assert not probe.settled(facts_json.dump(first)), "the next look says that it stays suspended"
    second = again(probe, outputs, first, T + 60)
    assert second.still_suspended
    assert probe.settled(facts_json.dump(second))


@pytest.mark.parametrize(("name", "outputs"), list(readable()))
def test_what_stays_in_the_database_is_not_needed_to_compare(name, outputs):
    probe = PROBES[name]
    stored = facts_json.dump(probe.parse(outputs))
    assert set(probe.bulky) <= stored.keys()
    if probe.carry is not None:
        slim = {key: value for key, value in stored.items() if key not in probe.bulky}
        assert probe.carry(probe.parse(outputs), slim, T) == probe.carry(probe.parse(outputs), stored, T)
