"""Text mode of vm-status, every sample."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes.reading.vm_status import NoStatus
from inventory.probes.reading.vm_status_refusals import refusal
from inventory.probes.reading.vm_status_text import read_text
from tests.samples_dir import cases

CASES = cases("vm_status_text")
HEALTHY = CASES["healthy-text"].output().text()


@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_read_as_expected(name):
    expected = CASES[name].expected
    text = CASES[name].output().text()
    if "unknown" in expected:
        with pytest.raises(NoStatus) as caught:
            read_text(text)
        assert caught.value.kind == expected["unknown"]
        return
    seen = read_text(text)
    assert seen.parse_state == expected["state"]
    assert seen.global_maintenance is expected["global"]
    assert {str(one.host_id): [one.score, one.live, one.vm, one.state] for one in seen.hosts} == expected["hosts"]
    assert [one.host_id for one in seen.unreadable] == expected.get("unreadable", [])


@pytest.mark.parametrize("name", ["broker-down-text", "broker-stale-socket-text"])
def test_refusals_of_text_mode_are_named_too(name):
    why = refusal(CASES[name].output())
    assert why is not None
    assert why.kind == "broker_down"


def test_a_stale_host_is_never_up():
    seen = read_text(CASES["power-loss-10min-text"].output().text())
    assert [one.vm_up for one in seen.hosts] == [True, False]


def test_bad_health_keeps_its_seconds():
    seen = read_text(CASES["bad-health-text-excerpt"].output().text())
    assert seen.hosts[0].timeout_left == 227


@given(st.integers(0, len(HEALTHY)))
def test_a_cut_text_never_shows_both_hosts_wrongly(cut):
    try:
        seen = read_text(HEALTHY[:cut])
    except NoStatus:
        return
    assert all(one.state in ("EngineUp", "EngineDown") for one in seen.hosts)
    assert {one.host_id for one in seen.hosts} <= {1, 2}
