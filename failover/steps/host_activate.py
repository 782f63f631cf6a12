"""Asks the engine to activate the host again, and waits until it is up."""

from __future__ import annotations

from functools import partial

from failover.catalog import host_status
from portal.kernel.step import Act, Parameters, Step, Work


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("failover.activate"),)


STEP = Step(
    name="host_activate",
    title="Activate the host in the engine",
    mutating=True,
    looks=host_status.looks,
    act=_act,
    settled=partial(host_status.settled, wanted="up"),
    undo="No undo: an active host is what leaving is for.",
    patience=900,
    every=3,
    expected=60,
)
