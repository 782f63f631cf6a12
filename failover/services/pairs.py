"""The hosted-engine hosts of an engine as Runs name them, and one look at all of them outside of a Run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from failover.catalog import sight
from failover.catalog.pair import Member, written
from failover.catalog.sight import Sight
from inventory.models import Engine, Host
from portal.kernel.output import LookFailed, Output
from portal.kernel.step import Look, On, Parameters, Seen, Told
from portal.runs import ports


class NoPair(ValueError):
    """The engine has no hosted-engine hosts that could be acted on. Its text is one sentence."""


def target(engine: Engine) -> str:
    """As Runs name the pair."""
    return f"she:{engine.pk}"


def engine_of(parameters: Parameters) -> Engine:
    """The engine of a target "she:<pk>"."""
    return Engine.objects.get(pk=int(parameters["target"].partition(":")[2]))


def members_of(engine: Engine) -> tuple[Member, ...]:
    """Hosts with a hosted-engine host id that the engine still lists, by id. Raises NoPair for fewer than two."""
    rows = Host.objects.filter(engine=engine, gone_since=None, he_host_id__isnull=False).order_by("he_host_id")
    found = tuple(Member(row.pk, row.name, row.he_host_id) for row in rows if row.he_host_id is not None)
    if len(found) < 2:
        raise NoPair(f"{engine.name} has {len(found)} hosted-engine hosts with a declared id; it needs two at least.")
    return found


def parameters_of(engine: Engine, members: tuple[Member, ...]) -> dict[str, Any]:
    """What a plan's steps get at least."""
    return {"hosts": written(members), "target": target(engine), "run": ""}


def look(engine: Engine, members: tuple[Member, ...]) -> Sight:
    """Every host and the engine's own pages, now. A silent host is unknown in it."""
    given = parameters_of(engine, members)
    return sight.read(asked(sight.looks(given), given), given)


def asked(looks: Mapping[str, Look], parameters: Parameters) -> Seen:
    """Looks at other targets and at the portal's records, as a Run's step gets them."""
    seen: dict[str, Output] = {}
    for name, one in looks.items():
        if isinstance(one, Told):
            seen[name] = Output(json.dumps(ports.telling(one.question)(parameters)).encode(), b"", 0)
    hosts = {one.target for one in looks.values() if isinstance(one, On)}
    for where in sorted(hosts):
        commands = {name: one.command for name, one in looks.items() if isinstance(one, On) and one.target == where}
        try:
            seen.update(ports.shell_for(where).look(where, commands))
        except LookFailed as error:
            seen.update(dict.fromkeys(commands, Output(b"", str(error).encode(), None)))
    return seen
