"""Damage of the hosted engine's shared metadata, and the command that wipes it (facts/hosted-engine.md 2.6)."""

from __future__ import annotations

import json

from lab import faults
from tests.fixtures_lab import he, pass_time, quiet_estate, status


def spoil(world, kind: str) -> None:
    faults.inject(world, "spoil-metadata", "kvm02", {"kind": kind})
    pass_time(world, 15)


def test_a_broken_record_is_passed_over_in_silence():
    world = quiet_estate()
    spoil(world, "record")
    assert sorted(status(world)) == ["1", "global_maintenance"]
    assert "id: 2" not in he(world, "kvm01", "--vm-status").out
    faults.clear(world)
    assert sorted(status(world)) == ["1", "2", "global_maintenance"]


def test_a_newer_record_is_a_traceback():
    world = quiet_estate()
    spoil(world, "version")
    for words in (["--vm-status", "--json"], ["--vm-status"]):
        reply = he(world, "kvm01", *words)
        assert (reply.rc, reply.out) == (1, "")
        assert reply.err.splitlines()[-1].endswith(
            "Metadata version 9 from host 2 too new for this agent (highest compatible version: 1)"
        )


def test_one_byte_that_is_no_text_ends_every_broker():
    world = quiet_estate()
    spoil(world, "bytes")
    down = [he(world, name, "--vm-status", "--json") for name in ("kvm01", "kvm02")]
    assert {reply.rc for reply in down} == {1}
    faults.clear(world)
    pass_time(world, 120)
    assert he(world, "kvm01", "--vm-status", "--json").rc == 0


def test_garbage_in_the_global_record_hides_global_maintenance():
    world = quiet_estate()
    he(world, "kvm01", "--set-maintenance", "--mode=global")
    spoil(world, "global")
    assert json.loads(he(world, "kvm01", "--vm-status", "--json").out)["global_maintenance"] is False
    faults.clear(world)
    pass_time(world, 15)
    assert status(world)["global_maintenance"] is True


def test_clean_metadata_wipes_the_record_of_an_agent_that_ended_well():
    world = quiet_estate()
    refused = he(world, "kvm02", "--clean-metadata")
    assert refused.rc == 0
    assert "Cannot clean unclean metadata block" in refused.err
    assert 2 in world.records
    faults.inject(world, "stop-agent", "kvm02", {})
    pass_time(world, 5)
    cleaned = he(world, "kvm02", "--clean-metadata")
    assert cleaned.rc == 0
    assert "Cannot" not in cleaned.err
    assert 2 not in world.records
    pass_time(world, 80)
    assert status(world)["2"]["live-data"] is False  # the other broker never drops what it has read
    faults.inject(world, "stop-broker", "kvm01", {})
    faults.clear(world, "stop-broker")
    pass_time(world, 60)
    assert "2" not in status(world)


def test_clean_metadata_by_force_and_by_number():
    world = quiet_estate()
    assert he(world, "kvm01", "--clean-metadata", "--host-id=2", "--force-cleanup").rc == 0
    assert 2 not in world.records
    pass_time(world, 15)
    assert 2 in world.records  # its agent lives and writes it anew
