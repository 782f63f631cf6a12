"""Cuts the engine VM off on the host that runs it, outside of maintenance: HA is to start it elsewhere
(facts/hosted-engine.md 6 b). The exit code is no proof: a host with a leftover Down record answers 0, too (1)."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.pair import member
from failover.verdicts.injection import fit
from portal.kernel.command import Command
from portal.kernel.step import ACT, LOST, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act, on = seen.get(ACT), member(parameters, "on")
    if act is None or (act.exit_code is None and LOST not in seen):
        return wait(f"The engine VM runs on {on.name}.")
    if act.exit_code not in (0, None):
        return failed(f"{on.name} did not power the engine VM off (exit code {act.exit_code}): {act.error_line()}")
    view = sight.read(seen, parameters)
    row = view.row(on)
    if view.snapshots[on.pk] is None or row is None or row.record is None:
        return wait(f"Whether the engine VM has gone from {on.name} is not seen: {view.why[on.pk]}")
    if row.record.vm_up:
        return wait(f"The command has ended, and {on.name} still shows the engine VM {row.record.detail}.")
    return done(f"The engine VM is off on {on.name}: its agent says {row.record.state or row.record.vm}.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    return (Command(("hosted-engine", "--vm-poweroff"), timeout=60, root=True),)


STEP = Step(
    name="poweroff_engine_vm",
    title="Power the engine VM off",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=sight.looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo="No undo: HA starts the engine VM; if not, run `hosted-engine --vm-start` on the host with the best score.",
    patience=90,
    every=2,
    expected=5,
)
