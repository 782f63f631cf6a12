"""What the self-hosted engine verdict is made of. Ages in seconds at the moment of judging; None: never looked.
`why_not` is one sentence that says why there is nothing, "" when there is something."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.probes.engine_health import EngineHealth
from inventory.probes.ha_state import HaState
from inventory.probes.reading.vm_status import HeSnapshot


@dataclass(frozen=True)
class Observation:
    """What one host's vm-status said (probe she_status)."""

    host: str
    he_host_id: int | None
    age_seconds: float | None
    snapshot: HeSnapshot | None
    why_not: str = ""


@dataclass(frozen=True)
class HostState:
    """What one host says of itself (probe ha_state)."""

    host: str
    he_host_id: int | None
    age_seconds: float | None
    state: HaState | None
    why_not: str = ""


@dataclass(frozen=True)
class EngineWitness:
    """What the engine's own pages said (probe engine_health): a witness that depends on no HA host."""

    age_seconds: float | None
    health: EngineHealth | None
    why_not: str = ""


@dataclass(frozen=True)
class EngineHost:
    """What the engine's inventory says of a hosted-engine host; it may be cached while the host does not answer
    (facts/hosted-engine.md 4), so it names hosts and adds memory (bytes), and decides nothing."""

    host: str
    he_host_id: int | None
    status: str = ""
    memory: int | None = None
