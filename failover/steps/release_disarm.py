"""Takes away the release that is not needed any more. One that stays changes nothing by itself: it looks first."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import release
from failover.catalog.pair import Member, members
from portal.kernel.step import ACT, Look, On, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _armed_on(parameters: Parameters) -> Member | None:
    """The host that holds the release; None when none was armed."""
    held = (one for one in members(parameters) if one.pk == parameters["armed_on"])
    return next(held, None) if parameters["release"] else None


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    on = _armed_on(parameters)
    return {"release": On(on.target, release.state(parameters["release"]))} if on else {}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on = _armed_on(parameters)
    if on is None:
        return done("No release is armed.")
    armed = release.armed(seen["release"])
    if armed is None:
        return wait(f"{on.name} does not say whether the release is there.")
    if not armed:
        return done(f"No release is armed on {on.name} any more.")
    act = seen.get(ACT)
    if act is not None and act.exit_code not in (None, 0):
        return failed(f"The release on {on.name} cannot be disarmed: {act.error_line()}")
    return wait(f"The release is armed on {on.name}.")


def _where(parameters: Parameters) -> str:
    on = _armed_on(parameters)
    return on.target if on else ""


STEP = Step(
    name="release_disarm",
    title="Disarm the dead-man's release",
    mutating=True,
    where=_where,
    looks=_looks,
    act=lambda parameters: (release.disarm(parameters["release"]),),
    settled=_settled,
    undo="No undo: a release is armed anew with a new deadline.",
    patience=120,
    every=1,
    expected=1,
)
