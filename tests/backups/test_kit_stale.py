"""What did not answer when it was asked last: shown with its old time, never judged as good; kinds that one inventory
lacks are not compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backups.kit import delta
from backups.kit.content import Source
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
    assert line.sentence.startswith("kvm02 does not answer. What was read 1 h 0 min before stands here.")


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
