"""The engine's own status of the window's host, which only the scope "host" asks for (facts/engine-api.md 4)."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import asking, modes
from failover.catalog.pair import member
from portal.kernel.step import Look, Parameters, Seen, Told
from portal.kernel.verdict import Verdict, done, wait


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The question to the engine; none in the scopes that are HA's own."""
    return {"statuses": Told(asking.STATUSES)} if parameters["scope"] == modes.HOST else {}


def settled(seen: Seen, parameters: Parameters, wanted: str) -> Verdict:
    """Done once the engine tells the wanted status ("up", "maintenance") of the host."""
    if parameters["scope"] != modes.HOST:
        return done("The engine is not asked: the mode is HA's own.")
    on, told = member(parameters, "on").name, asking.told(seen, "statuses")
    status = told["statuses"].get(on)
    if status == wanted:
        return done(f"The engine's status of {on} is {status}.")
    return wait(f"The engine's status of {on} is {status}." if status else f"Its status is not known. {told['why']}")
