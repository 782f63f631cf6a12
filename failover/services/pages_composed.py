"""Drill plans that people compose, as their pages show them: versions, steps with what each does, what may be added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, QuerySet

from failover.catalog.traits import trait
from failover.models import ComposedPlan, PlanVersion
from failover.plans_composed import ASK, STEPS, offered
from failover.services.composed import made
from portal.runs.models import Run
from portal.runs.registry import UnknownPlan

ASK_TITLE = "Ask a person"
MINUTES = 30  # of a new question


@dataclass(frozen=True)
class Line:
    """One step of a content. does: what it takes, gives back or changes, in words. odd: no step of that name."""

    entry: Mapping[str, Any]
    title: str
    does: str
    asks: bool
    odd: bool = False


@dataclass(frozen=True)
class Shown:
    """One plan. now: its newest version. usable: "" or why no drill can be asked of it."""

    plan: ComposedPlan
    now: PlanVersion
    versions: list[PlanVersion]
    runs: int
    why_not: str

    @property
    def state(self) -> str:
        """The shape."""
        return "waiting" if self.plan.retired_at else "fail" if self.why_not else "ok"

    @property
    def word(self) -> str:
        """The word beside the shape."""
        return "Retired" if self.plan.retired_at else "Not usable" if self.why_not else "In use"


def lines(entries: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Every step of a content, whatever is wrong with it."""
    return [_line(each) for each in entries]


def _line(entry: Mapping[str, Any]) -> Line:
    name = str(entry.get("step", ""))
    if name == ASK:
        return Line(entry, ASK_TITLE, "a manual step: who answers, when, what was seen, a file", True)
    if name not in STEPS:
        return Line(entry, name, "no such step", False, True)
    return Line(entry, STEPS[name].title, does(name), False)


def does(name: str) -> str:
    """What a step does to the estate, in a few words."""
    mine, step = trait(name), STEPS[name]
    words = [f"takes {' and '.join(mine.takes)} away"] if mine.takes else []
    words += [f"gives {' and '.join(mine.gives)} back"] if mine.gives else []
    if step.mutating and not words:
        words.append("changes something")
    if step.mutating and not isinstance(step.undo, str):
        words.append("has an undo")
    return ", ".join(words)


def choices() -> list[tuple[str, str]]:
    """What may be added: the manual step, then those that are built in."""
    return [(ASK, f"{ASK_TITLE} (a manual step)"), *((step.name, _offer(step.name)) for step in offered())]


def _offer(name: str) -> str:
    words = does(name)
    return f"{STEPS[name].title} ({words})" if words else STEPS[name].title


def found() -> QuerySet[ComposedPlan]:
    """Plans with their versions, newest first."""
    return ComposedPlan.objects.prefetch_related(Prefetch("versions", PlanVersion.objects.order_by("-number")))


def shown(plan: ComposedPlan, runs: int) -> Shown:
    """One plan for its page or row."""
    versions = list(plan.versions.all())
    for version in versions:
        version.plan = plan
    try:
        made(versions[0])
        why = ""
    except UnknownPlan as error:
        why = str(error)
    return Shown(plan, versions[0], versions, runs, why)


def listed() -> list[Shown]:
    """All, those in use first. Three queries."""
    rows = [plan for plan in found() if plan.versions.all()]
    counts = dict(
        Run.objects.filter(plan__in=[plan.name for plan in rows]).values_list("plan").annotate(runs=Count("pk"))
    )
    return sorted(
        (shown(plan, counts.get(plan.name, 0)) for plan in rows),
        key=lambda one: (one.plan.retired_at is not None, one.plan.name),
    )
