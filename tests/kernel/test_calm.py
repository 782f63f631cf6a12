"""The collector's pause ends, whatever happens."""

from __future__ import annotations

import gc

import pytest

from portal.kernel.calm import calm


def test_the_collector_pauses_and_runs_again_after_a_failure():
    with pytest.raises(RuntimeError, match="off"), calm():
        raise RuntimeError("on" if gc.isenabled() else "off")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with calm():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
