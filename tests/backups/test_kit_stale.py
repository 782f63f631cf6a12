"""What did not answer when it was asked last: shown with its old time, never judged as good; kinds that one inventory
lacks are not compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backups.kit import delta
from backups.kit.content import Package, Source
from backups.kit.page import page
from backups.kit.readiness import lines
from tests.backups.kit_scenes import HOUR, NOW, SINCE, THEN, full

SILENT = Source(NOW - HOUR, "kvm02 over SSH", ("kvm02 does not answer.",), NOW)


def stale():
    kit = full()
    return replace(kit, hosts=(kit.hosts[0], replace(kit.hosts[1], source=SILENT)))


@pytest.mark.parametrize("key", ["host:kvm02", "conf:kvm02", "appliance:kvm02"])
def test_a_silent_host_is_not_known_however_young_its_values_are(key):
    line = next(line for line in lines(stale(), NOW) if line.key == key)
    assert line.outcome == "unknown"
    assert line.sentence.startswith("kvm02 does not answer. What was read 1 h before stands here.")


def test_what_is_missing_stays_a_failure_when_the_host_is_silent():
    kit = stale()
    kit = replace(kit, hosts=(kit.hosts[0], replace(kit.hosts[1], bmc="")))
    line = next(line for line in lines(kit, NOW) if line.key == "host:kvm02")
    assert line.outcome == "fail"


def test_releases_are_compared_among_those_that_answer():
    assert not [line for line in lines(stale(), NOW) if line.key == "releases"]


def test_the_page_calls_stale_values_stale():
    section = next(one for one in page(stale(), NOW).estate if one.title == "Host kvm02")
    assert "Not answered 22 Nov 2026 10:14 EAT (stale, not used to judge)." in section.source
    assert dict(section.facts)["vds_unique_id"].text.startswith("4c4c4544")


def test_a_kind_that_one_inventory_lacks_is_not_compared():
    then = replace(THEN, things=tuple(one for one in THEN.things if one.kind != "network"), kinds=("vm", "lun"))
    now = replace(SINCE, kinds=("vm", "lun", "network"))
    found = delta.since(then, now, "two inventories")
    assert {change.kind for change in found.changes} == {"vm", "lun"}
    assert found.source.why == ("Of networks only one inventory is there: what changed is not known.",)


def test_notes_stand_beside_the_contacts():
    section = next(one for one in page(replace(full(), notes="ring\nthe DBAs"), NOW).recovery if "called" in one.title)
    assert dict(section.facts)["Notes"].text == "ring the DBAs"


def third(**fields):
    """kvm03, which has nothing of the hosted engine, beside the two that have."""
    kit = full()
    values = {"name": "kvm03", "he_conf": None, "he_host_id": None, "answers": None, "role": "", "engine_vm": False}
    bare = replace(kit.hosts[1], packages=(Package("vdsm", "4.50.5.1-1.el8"),), **(values | fields))
    return replace(kit, hosts=(*kit.hosts, bare))


def keys(kit):
    return {line.key: line for line in lines(kit, NOW)}


def test_a_host_that_never_ran_the_engine_vm_lacks_nothing_for_it():
    found = keys(third())
    assert not {"conf:kvm03", "appliance:kvm03"} & set(found)
    assert found["host:kvm03"].outcome == "ok"
    assert "not one of those that run the engine VM" in found["host:kvm03"].sentence


@pytest.mark.parametrize("fields", [{"engine_vm": True}, {"role": "target"}])
def test_one_that_ran_it_or_is_the_target_must_have_its_files(fields):
    found = keys(third(**fields))
    assert (found["conf:kvm03"].outcome, found["host:kvm03"].outcome) == ("fail", "fail")


def test_of_two_hosts_each_must_have_its_file():
    kit = third()
    kit = replace(kit, hosts=(kit.hosts[0], kit.hosts[2]))
    assert keys(kit)["conf:kvm03"].outcome == "fail"


def test_a_silent_host_is_not_taken_for_one_that_never_ran_it():
    assert keys(third(conf_read=False))["conf:kvm03"].outcome == "unknown"
