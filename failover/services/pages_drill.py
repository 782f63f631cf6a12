"""One drill as its page shows it: before it begins, while it runs, after its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from failover.catalog.binding import hash_of
from failover.catalog.pair import members
from failover.models import BreakGlass, Drill, Prompt
from failover.services import approvals, breaking, gates, readiness, roles
from failover.services.approvals import APPROVED, AWAITING, VOID, Standing
from failover.services.conduct import GIVEN_UP
from failover.services.pages_plans import drill_plan
from failover.verdicts.check import Check, Say
from portal.runs.models import Run, RunStep
from portal.runs.states import ENDED

SHAPES = {Say.GO: ("ok", "Go"), Say.NO_GO: ("fail", "No-go"), Say.UNKNOWN: ("unknown", "Not known")}
VERDICTS = {"met": ("ok", "Met"), "not met": ("fail", "Not met"), "not tested": ("unknown", "Not tested")}


@dataclass(frozen=True)
class CheckRow:
    """One precheck. old: it counts no more."""

    check: Check
    state: str
    word: str
    at: datetime
    old: bool


@dataclass(frozen=True)
class Ready:
    """The prechecks as looked at last. why: why they count no more, "" while they do. go: every one says go and
    counts."""

    rows: list[CheckRow]
    why: str
    go: bool

    @property
    def state(self) -> str:
        """The shape of the whole."""
        if any(row.state == "fail" for row in self.rows):
            return "fail"
        return "ok" if self.go else "unknown"


def ready(drill: Drill, now: datetime) -> Ready:
    """Of the engine and plan, from the rows; nobody is asked."""
    row = readiness.last(drill.engine, drill.plan)
    if row is None:
        return Ready([], "Nobody has looked yet.", False)
    why = readiness.expired(drill.engine, drill.plan)
    return Ready(check_rows(readiness.checks_of(row), now), why, not why and readiness.is_ready(row))


def frozen(drill: Drill, now: datetime) -> list[CheckRow]:
    """The prechecks with which it was begun."""
    checks: list[dict[str, Any]] = drill.readiness.get("checks", []) if isinstance(drill.readiness, dict) else []
    kept = [Check(**{**one, "word": Say(one["word"]), "evidence": tuple(one["evidence"])}) for one in checks]
    return check_rows(kept, now)


def check_rows(checks: Sequence[Check], now: datetime) -> list[CheckRow]:
    """With shape, word and age."""
    return [
        CheckRow(
            each,
            *SHAPES[each.word],
            datetime.fromtimestamp(each.at, UTC),
            now.timestamp() - each.at > each.max_age,
        )
        for each in checks
    ]


@dataclass(frozen=True)
class Card:
    """The approval card. content: JSON text of what the hash is of. may_approve: this person can; why_not says why
    not."""

    standing: Standing
    hash: str
    content: str
    state: str
    word: str
    may_approve: bool
    why_not: str


CARD = {
    AWAITING: ("waiting", "Awaiting approval"),
    APPROVED: ("ok", "Approved"),
    approvals.REFUSED: ("warn", "Refused"),
    approvals.EXPIRED: ("warn", "Expired"),
    approvals.NOT_NEEDED: ("waiting", "Not required"),
    VOID: ("fail", "Void"),
}


def card(drill: Drill, person: str, acts: frozenset[str], now: datetime) -> Card | None:
    """None for a drill without a run."""
    if drill.run is None:
        return None
    found = approvals.content(drill)
    held = approvals.standing(drill, now)
    why = _why_not(drill, held, person, acts)
    state, word = CARD[held.state]
    return Card(held, hash_of(found), json.dumps(found, sort_keys=True), state, word, not why, why)


def _why_not(drill: Drill, held: Standing, person: str, acts: frozenset[str]) -> str:
    if drill.run is None or drill.run.status not in approvals.WAITS:
        return "It has begun or has ended."
    if held.state not in (AWAITING, VOID):
        return held.sentence
    if person in (drill.requested_by, drill.run.requested_by):
        return f"{person} asked for this drill: another person approves it."
    if "run.approve" not in acts:
        return "Your role does not approve. A person with the role Approver does."
    return ""


@dataclass(frozen=True)
class Begin:
    """Whether the drill can be begun now. why: one sentence why not, "" when it can."""

    shown: bool
    why: str


def beginning(drill: Drill, held: Standing, acts: frozenset[str], now: datetime) -> Begin:
    """Shown once it is approved and has not begun. The readiness is looked at anew when it is begun."""
    if drill.run is None or drill.run.status not in approvals.WAITS or held.state != APPROVED:
        return Begin(False, "")
    if "run.start" not in acts:
        return Begin(True, "Your role does not begin drills. A person with the role Operator does.")
    why = gates.shown(drill, now) or roles.moved(drill)
    if not why and (others := gates.rivals(drill.run)):
        first = others[0]
        why = f"Run {first.pk} ({first.title}) is {first.status} on {first.target_name}: wait for its end."
    return Begin(True, why)


@dataclass(frozen=True)
class Objective:
    """One objective with its verdict. state and word: of the verdict; waiting while none is given."""

    title: str
    limit: float | None
    kind: str
    state: str
    word: str
    sentence: str


def objectives(drill: Drill) -> list[Objective]:
    """As they were fixed, each with its verdict; one of which no verdict came is "Not tested" after the end."""
    given = {str(each.get("key")): each for each in drill.verdicts}
    over = drill.run is not None and drill.run.status in ENDED
    none = ("unknown", "Not tested") if over else ("waiting", "Not measured yet")
    found = []
    for each in drill.objectives:
        said = given.get(str(each.get("key")), {})
        state, word = VERDICTS.get(str(said.get("word")), none)
        found.append(
            Objective(
                str(each.get("title", each.get("key", ""))),
                each.get("seconds"),
                str(each.get("kind", "")).upper(),
                state,
                word,
                str(said.get("sentence", "")),
            )
        )
    return found


def parameters(drill: Drill) -> list[tuple[str, str]]:
    """What the run was given, with the hosts by their names; the hash is of the keys."""
    given: dict[str, Any] = drill.run.parameters if drill.run else {}
    try:
        names = {one.pk: one.name for one in members(given)}
    except (KeyError, ValueError):
        names = {}
    plan = drill_plan(drill.plan)
    titles = {each.name: each.title for each in plan.parameters} if plan else {}
    return [(titles.get(name, name), _named(name, value, names)) for name, value in sorted(given.items())]


def _named(name: str, value: Any, names: dict[int, str]) -> str:
    if name == "hosts" and names:
        return ", ".join(names.values())
    return names.get(value, str(value)) if isinstance(value, int) else str(value)


def prompts(drill: Drill) -> list[Prompt]:
    """All, those that wait first. open: the step still waits for the answer."""
    rows = list(drill.prompts.select_related("file"))
    steps = {step.name: step for step in drill.run.steps.all()} if drill.run else {}
    for row in rows:
        row.open = _open(row, steps.get(row.step))
    return sorted(rows, key=lambda row: (not row.open, bool(row.answer), row.asked_at))


def _open(row: Prompt, step: RunStep | None) -> bool:
    return not row.answer and (step is None or (step.state not in GIVEN_UP and row.attempt == step.attempt))


def glass(drill: Drill, now: datetime) -> tuple[BreakGlass | None, BreakGlass | None]:
    """The one that is broken now, and the one that waits for a second person."""
    return breaking.broken(drill, now), drill.broken_glass.filter(confirmed_at=None).first()


def over(drill: Drill) -> bool:
    """Whether its run has ended."""
    return drill.run is not None and drill.run.status in ENDED


def live(drill: Drill) -> bool:
    """Whether its run is under way."""
    return drill.run is not None and drill.run.status in Run.ACTIVE
