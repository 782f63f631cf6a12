"""Arms the dead-man's release on the host before anything is set: whatever becomes of the portal, HA comes back."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import modes, release
from failover.catalog.pair import member
from portal.kernel.command import Command
from portal.kernel.step import ACT, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _name(parameters: Parameters) -> str:
    return release.unit(parameters["run"])


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"release": release.state(_name(parameters))}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on = member(parameters, "on").name
    if parameters["scope"] == modes.HOST:
        words = f"No release: {on} cannot activate itself in the engine, and HA must not get it back while it is held."
        return done(f"{words} The portal alarms at the deadline.")
    armed = release.armed(seen["release"])
    if armed:
        minutes = parameters["release_after"] / 60
        return done(f"{on} ends this maintenance by itself in {minutes:.0f} min, unless it is disarmed.")
    act = seen.get(ACT)
    if act is not None and act.exit_code not in (None, 0):  # at 0 the next look shows it
        why = act.error_line() or f"exit code {act.exit_code}"
        return failed(f"The release is not armed on {on}: {why}. Nothing was set.")
    if armed is None:
        return wait(f"{on} does not say whether the release is armed.")
    return wait(f"The release is not armed on {on} yet.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    return (release.arm(_name(parameters), parameters["release_after"], parameters["scope"], parameters["lag"]),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    """An extension may be turned round when the release before it is gone already: then its own stays."""
    name, before = _name(parameters), parameters.get("release", "")
    return (release.back(name, before) if before else release.disarm(name),)


STEP = Step(
    name="release_arm",
    title="Arm the dead-man's release on the host",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo=_undo,
    patience=60,
    every=1,
    expected=1,
)
