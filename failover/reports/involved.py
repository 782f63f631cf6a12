"""The people of a drill: planned and present, what each of them did, who signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from failover.reports.content import Person, Signature
from failover.reports.given import Given
from failover.reports.words import counted, moment

ROLES = ("operator", "reviewer", "second line", "third line")
DID = {
    "drill.begun": "let it begin",
    "run.held": "held it",
    "run.resumed": "resumed it",
    "run.abort_asked": "aborted it",
    "run.retried": "retried a step",
    "run.step_ignored": "ignored a failed step",
    "drill.issue": "noted an issue",
}


@dataclass(frozen=True)
class _Did:
    name: str
    words: str
    at: datetime | None


def people(given: Given) -> tuple[Person, ...]:
    """The planned ones in their order, then those who acted without standing in the plan."""
    did = list(_did(given))
    planned = [
        _person(did, str(one.get("name", "")), str(one.get("role", "")), True, one.get("present"))
        for one in given.drill.people
    ]
    names = {one.name for one in planned}
    others = sorted({one.name for one in did} - names)
    return (*planned, *(_person(did, name, "", False, None) for name in others))


def _person(did: list[_Did], name: str, role: str, planned: bool, present: object) -> Person:
    mine = [one for one in did if one.name == name]
    times = [one.at for one in mine if one.at]
    words = tuple(dict.fromkeys(one.words for one in mine))
    return Person(name, role, planned, present if isinstance(present, bool) else None, words, min(times, default=None))


def _did(given: Given) -> Iterator[_Did]:
    yield _Did(given.drill.requested_by, "requested it", given.drill.requested_at)
    for approval in given.approvals:
        yield _Did(approval.by, "refused it" if approval.refused else f"approved {approval.hash[:8]}", approval.at)
    for act in given.acts:
        if act.kind in DID:
            yield _Did(act.actor, DID[act.kind], act.at)
    for name in dict.fromkeys(one.by for one in given.prompts if one.by):
        mine = [one for one in given.prompts if one.by == name]
        yield _Did(name, f"answered {counted(len(mine), 'question')}", mine[0].at)
    for row in given.drill.signatures:
        yield _Did(str(row.get("name", "")), f"signed as {row.get('role', '')}", moment(row.get("at")))


def signatures(given: Given) -> tuple[Signature, ...]:
    """One line per role that signs, signed or not; then further roles."""
    held = {str(row.get("role", "")): row for row in given.drill.signatures}
    found = []
    for role in dict.fromkeys((*ROLES, *sorted(held))):
        row = held.get(role, {})
        found.append(Signature(role, str(row.get("name", "")), moment(row.get("at")), str(row.get("words") or "")))
    return tuple(found)
