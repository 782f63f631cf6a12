"""Asks the engine to take the host into maintenance: its VMs leave, and HA's local flag is set by the engine."""

from __future__ import annotations

from functools import partial

from failover.catalog import host_status
from portal.kernel.step import Act, Parameters, Step, Work


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("failover.deactivate"),)


STEP = Step(
    name="host_deactivate",
    title="Take the host into maintenance in the engine",
    mutating=True,
    looks=host_status.looks,
    act=_act,
    settled=partial(host_status.settled, wanted="maintenance"),
    undo="No undo: the VMs have left the host. Leave the window, which activates it in the engine.",
    patience=3600,
    every=3,
    expected=120,
)
