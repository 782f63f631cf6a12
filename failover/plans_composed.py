"""Plans that people compose of the built-in steps and of questions of their own. Pure: content in, Plan out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from failover.catalog.traits import ASKS, GIVEN, TRAITS, decisions, trait
from failover.plans_drills import DRILLS, PARAMETERS
from failover.plans_maintenance import MAINTENANCE
from failover.steps import walk_through
from failover.verdicts.composed import wrong
from portal.kernel.plan import Plan, canonical
from portal.kernel.step import Step

PREFIX = "custom-"  # begins the name of every composed plan, so none is ever called like a built-in one
ASK = "ask_person"
LONGEST_TITLE, LONGEST_QUESTION = 80, 2000
MINUTES = (1, 720)
STEPS: Mapping[str, Step] = {step.name: step for plan in (*DRILLS, *MAINTENANCE) for step in plan.steps}
Entry = Mapping[str, Any]  # {"step": name}, or {"step": "ask_person", "question": text, "minutes": whole number}


def offered() -> list[Step]:
    """The steps that a drill can be composed of, in the order of the catalog: all whose parameters it has."""
    return [STEPS[name] for name, each in TRAITS.items() if name in STEPS and GIVEN.issuperset(each.needs)]


def composed(name: str, version: int, title: str, entries: Sequence[Entry]) -> Plan:
    """The plan of a content that `problems` finds nothing wrong with. Every drill of it needs a second person: a
    question may ask for anything."""
    steps = tuple(_steps(entries))
    needed = {"hosts", *(each for step in steps for each in trait(step.name).needs)}
    return Plan(
        name=name,
        title=title,
        version=version,
        steps=steps,
        targets=("she",),
        parameters=tuple(each for each in PARAMETERS if each.name in needed),
        approval=True,
        decide=decisions(steps),
        content=fingerprint(title, entries),
    )


def fingerprint(title: str, entries: Sequence[Entry]) -> str:
    """Hex SHA-256 over canonical JSON of what was composed."""
    return hashlib.sha256(canonical({"title": title, "steps": [dict(each) for each in entries]})).hexdigest()


def entries_of(plan: Plan) -> list[dict[str, Any]]:
    """A built-in plan as a content to begin with."""
    return [{"step": step.name} for step in plan.steps]


def problems(title: str, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Every reason why this is no plan, one sentence each; () when it is one."""
    odd = [*_title(title), *(sentence for at, each in enumerate(entries, 1) for sentence in _entry(at, each))]
    return tuple(odd) or wrong(tuple(_steps(entries)))


def tidied(entry: Any) -> dict[str, Any]:
    """An entry as it is kept: nothing but what belongs to it. What is no entry stays, and `problems` says so."""
    if not isinstance(entry, Mapping):
        return {"step": str(entry)[:60]}
    name = str(entry.get("step", ""))[:60]
    if name != ASK:
        return {"step": name}
    minutes = entry.get("minutes")
    whole = int(minutes) if isinstance(minutes, int | str) and str(minutes).strip().isdecimal() else 0
    return {"step": ASK, "question": " ".join(str(entry.get("question", "")).split()), "minutes": min(whole, 10**6)}


def _steps(entries: Sequence[Entry]) -> list[Step]:
    found: list[Step] = []
    for each in entries:
        if each["step"] == ASK:
            number = 1 + sum(1 for step in found if step.name.startswith(ASKS))
            found.append(walk_through.asking(number, each["question"], each["minutes"] * 60.0))
        else:
            found.append(STEPS[each["step"]])
    return found


def _title(title: str) -> list[str]:
    if not title.strip():
        return ["The plan has no title."]
    return [] if len(title) <= LONGEST_TITLE else [f"The title has {len(title)} characters; {LONGEST_TITLE} are taken."]


def _entry(at: int, entry: Entry) -> list[str]:
    if entry["step"] != ASK:
        known = entry["step"] in STEPS
        return [] if known else [f"Step {at} is {entry['step']!r}, which no drill knows."]
    found = []
    if not entry["question"]:
        found.append(f"Step {at} asks a person, and has no question.")
    if len(entry["question"]) > LONGEST_QUESTION:
        found.append(f"The question of step {at} is longer than {LONGEST_QUESTION} characters.")
    if not MINUTES[0] <= entry["minutes"] <= MINUTES[1]:
        found.append(f"Step {at} waits {entry['minutes']} min for its answer; it is {MINUTES[0]} to {MINUTES[1]}.")
    return found
