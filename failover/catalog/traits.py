"""What each step of a drill needs, takes away and gives back: data, by the step's name. The static check of plans that
people compose reads it (failover/verdicts/composed.py), and so does whoever must know what kind of drill a plan is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.kernel.step import Step

ENGINE, SERVICE, AGENT, POWER, PATHS = "the engine", "the engine service", "the HA agent", "the power", "the paths"
MODE, HOST_MODE = "maintenance mode", "host maintenance"
# what a drill can be given: by people, or filled in by the portal
GIVEN = frozenset({"hosts", "on", "to", "how", "fabric", "paths", "watch_seconds", "questions"})
ASKS = "ask_person_"  # begins the name of a manual step of a composed plan
# seconds for which a failed step waits for people; less while something is away that the portal can give back
DECISION, DECISION_AWAY = 900.0, 120.0


@dataclass(frozen=True)
class Trait:
    """needs: parameters beside the pair. takes, gives: what it takes away, what it gives back. kind: the built-in plan
    whose injection it is, "" for none. seen_by: the step after which the clock may stop; "" is the step itself. within:
    it makes sense only while that is away. after: the step that must stand before it. long: it waits for people or
    another run. ignorable: a second person may ignore its failure."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    kind: str = ""
    seen_by: str = ""
    within: str = ""
    after: str = ""
    long: bool = False
    ignorable: bool = False


_MODE = ("on", "scope", "lag")

TRAITS: Mapping[str, Trait] = {
    "ready_again": Trait(),
    "fingerprint_before": Trait(),
    "start_clock": Trait(),
    "migrate_engine": Trait(("on", "to"), kind="she_switchover"),
    "poweroff_engine_vm": Trait(("on",), (ENGINE,), kind="she_failover", seen_by="wait_engine_back"),
    "stop_engine_service": Trait(("on",), (ENGINE, SERVICE), kind="engine_service_failure", seen_by="wait_engine_back"),
    "stop_agent": Trait(("on",), (AGENT,), kind="she_agent_stop", seen_by="start_agent"),
    "cut_power": Trait(("on", "how"), (ENGINE, POWER), kind="host_power_loss", seen_by="wait_engine_back"),
    "offline_paths": Trait(("on", "fabric", "paths"), (PATHS,), kind="fabric_path_loss", seen_by="online_paths"),
    "watch_unguarded": Trait(("on",), within=AGENT, ignorable=True),
    "watch_io": Trait(("on", "paths", "watch_seconds"), within=PATHS),
    "wait_engine_back": Trait(gives=(ENGINE,)),
    "start_engine_service": Trait(gives=(SERVICE,), after="wait_engine_back"),
    "start_agent": Trait(("on",), gives=(AGENT,)),
    "online_paths": Trait(("on", "paths"), gives=(PATHS,)),
    "power_on": Trait(("on",), gives=(POWER,)),
    "stop_clock": Trait(),
    "rehearse_backup": Trait(kind="backup_rehearsal", long=True, ignorable=True),
    "walk_through": Trait(("questions",), kind="tabletop", long=True, ignorable=True),
    "wait_scores_back": Trait(ignorable=True),
    "fingerprint_after": Trait(ignorable=True),
    "closing_checks": Trait(),
    # of maintenance windows: a drill cannot give what they need
    "mode_ready": Trait(_MODE),
    "release_arm": Trait((*_MODE, "release_after")),
    "mode_set": Trait(_MODE, (MODE,)),
    "host_deactivate": Trait(_MODE, (HOST_MODE,)),
    "mode_again": Trait(_MODE, (MODE,)),
    "mode_confirm": Trait(_MODE),
    "host_activate": Trait(_MODE, gives=(HOST_MODE,)),
    "mode_clear": Trait(_MODE, gives=(MODE,)),
    "mode_clear_again": Trait(_MODE, gives=(MODE,)),
    "mode_left": Trait(_MODE),
    "release_disarm": Trait(("release", "armed_on")),
}
_ASKING = Trait(kind="tabletop", ignorable=True)
_PAPER = ("backup_rehearsal", "tabletop")


def trait(name: str) -> Trait:
    """Of a step by its name. Raises KeyError for a step that nobody described."""
    return _ASKING if name.startswith(ASKS) else TRAITS[name]


def breaks(name: str) -> bool:
    """Whether the step is an injection: what a drill is about."""
    return trait(name).kind not in ("", *_PAPER)


def kind(names: Iterable[str]) -> str:
    """The built-in plan that a plan of these steps is like: the one of its injection, else a rehearsal, else paper.
    Prechecks, guard rails and cool-down go by it."""
    kinds = [trait(name).kind for name in names if trait(name).kind]
    found = [one for one in kinds if one not in _PAPER] or [one for one in _PAPER if one in kinds]
    return found[0] if found else "tabletop"


def decisions(steps: Sequence[Step]) -> dict[str, float]:
    """step -> seconds that its failure waits for people (Plan.decide). Only steps that change nothing, and never the
    closing checks."""
    found: dict[str, float] = {}
    away: set[str] = set()
    for step in steps:
        mine = trait(step.name)
        if not isinstance(step.undo, str):
            away |= set(mine.takes)
        away -= set(mine.gives)
        if mine.ignorable:
            found[step.name] = DECISION_AWAY if away else DECISION
    return found
