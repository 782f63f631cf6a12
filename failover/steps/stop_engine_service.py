"""Stops ovirt-engine inside its VM. HA sees the bad health, and after 300 s it restarts the VM (facts/hosted-engine.md
6 e). The API is down meanwhile; the hosts answer over SSH."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import sight
from failover.catalog.pair import member
from failover.catalog.words import word
from failover.verdicts.injection import fit
from portal.kernel.command import Command
from portal.kernel.step import ACT, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait

UNIT = "ovirt-engine"


def where(parameters: Parameters) -> str:
    """The engine VM itself, which is a target of its own: its address does not depend on the host."""
    return f"engine:{str(parameters['target']).partition(':')[2]}"


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and the unit on the engine VM."""
    return {**sight.looks(parameters), "unit": Command(("systemctl", "is-active", UNIT), timeout=5)}


def start(parameters: Parameters) -> tuple[Command, ...]:
    """Starts the service; harmless when it runs."""
    return (Command(("systemctl", "start", UNIT), timeout=120, root=True),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    """Starts it, and asks whether it runs: `systemctl start` may end with 0 and leave nothing behind."""
    return (*start(parameters), Command(("systemctl", "is-active", UNIT), timeout=5))


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act = seen.get(ACT)
    if act is None:
        return wait("The engine service runs.")
    if act.exit_code not in (0, None):
        return failed(f"The engine service did not stop (exit code {act.exit_code}): {act.error_line()}")
    unit = word(seen["unit"])
    health = sight.read(seen, parameters).witness.health
    if unit not in ("inactive", "failed"):
        return wait(f"The engine service is {unit or 'not known'}, not stopped.")
    if health is not None and health.good:
        return wait("The engine service is stopped; its health page is good still.")
    return done("The engine service is stopped and its health page is not good.")


STEP = Step(
    name="stop_engine_service",
    title="Stop the engine service",
    mutating=True,
    where=where,
    looks=looks,
    ready=_ready,
    act=lambda parameters: (Command(("systemctl", "stop", UNIT), timeout=120, root=True),),
    settled=_settled,
    undo=_undo,
    patience=180,
    every=2,
    expected=10,
)
