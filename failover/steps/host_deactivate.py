"""Asks the engine to take the host into maintenance: its VMs leave, and HA's local flag is set by the engine."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import asking, modes
from failover.catalog.pair import member
from portal.kernel.step import Act, Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"statuses": Told(asking.STATUSES)} if parameters["scope"] == modes.HOST else {}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if parameters["scope"] != modes.HOST:
        return done("The engine is not asked: the mode is HA's own.")
    on, told = member(parameters, "on").name, asking.told(seen, "statuses")
    status = told["statuses"].get(on)
    if status == "maintenance":
        return done(f"The engine holds {on} in maintenance.")
    return wait(f"The engine's status of {on} is {status}." if status else f"Its status is not known. {told['why']}")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("failover.deactivate"),)


STEP = Step(
    name="host_deactivate",
    title="Take the host into maintenance in the engine",
    mutating=True,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo="No undo: the VMs have left the host. Leave the window, which activates it in the engine.",
    patience=3600,
    every=3,
    expected=120,
)
