"""The engine's own pages, asked now: a witness that depends on no HA host."""

from __future__ import annotations

from typing import Any

from inventory.models import Engine
from inventory.probes import engine_health
from inventory.services.reach import credentials
from portal.connectors.engine import EngineFailed, shared
from portal.kernel.facts import dump
from portal.kernel.output import ParseError
from portal.kernel.step import Parameters


def telling(parameters: Parameters) -> dict[str, Any]:
    """{"health": the facts of the probe engine_health, or None, "why": one sentence}. The engine of a target
    "she:<pk>". An engine that is away is an answer: in a drill it is expected to be."""
    engine = Engine.objects.get(pk=int(parameters["target"].partition(":")[2]))
    try:
        session = shared(credentials(engine))
        replies = {}
        for name, request in engine_health.PROBE.requests.items():
            replies[name] = session.reply(request)
            if replies[name].status is None:
                break  # whoever does not answer at all is not asked for the other pages: each would cost its timeout
        return {"health": dump(engine_health.parse(replies)), "why": ""}
    except (EngineFailed, ParseError) as error:
        return {"health": None, "why": str(error)}
