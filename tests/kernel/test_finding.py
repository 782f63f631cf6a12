"""Findings and their subjects: plain values that compare, order and print."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome, worst

HOST, LUN = Subject("host", "kvm01"), Subject("lun", "36a3")


def test_a_subject_prints_as_kind_and_key():
    assert (str(HOST), f"{LUN}") == ("host:kvm01", "lun:36a3")


def test_subjects_sort_by_kind_then_key_and_are_keys():
    assert sorted([LUN, Subject("host", "kvm02"), HOST]) == [HOST, Subject("host", "kvm02"), LUN]
    assert {HOST: 1}[Subject("host", "kvm01")] == 1


def test_a_finding_cannot_be_turned_green_afterwards():
    found = Finding("agent", Outcome.FAIL, HOST, "The agent is stopped.")
    with pytest.raises(FrozenInstanceError):
        found.outcome = Outcome.OK  # type: ignore[misc]
    assert found == Finding("agent", Outcome.FAIL, HOST, "The agent is stopped.")
    assert found != Finding("agent", Outcome.OK, HOST, "The agent is stopped.")


def test_the_worst_of_findings_hides_no_unknown():
    found = [Finding("a", outcome, HOST, "") for outcome in (Outcome.OK, Outcome.UNKNOWN, Outcome.WARN)]
    assert worst(one.outcome for one in found) is Outcome.UNKNOWN
    assert worst(()) is Outcome.UNKNOWN
