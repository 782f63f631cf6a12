"""Jira's issues, approvals, gating status and transitions, read. Pure. facts/drills-and-evidence.md 4.2.

The gating status of a deployment decides where there is one; it exists in Jira Cloud only (2, item 31). Elsewhere the
issue's status and the decisions of its approvals do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portal.connectors.change.reading.leaves import Row, Unreadable, instant, kind_of, row, rows, short, text, whole
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

KEY = re.compile(r"[A-Z][A-Z0-9_]{1,30}-[1-9][0-9]{0,9}", re.ASCII)
DEPLOYMENT = re.compile(r"([A-Za-z0-9_.-]{1,255})/([A-Za-z0-9_.-]{1,255})/([0-9]{1,18})", re.ASCII)

# names of a change's own fields, whatever their number in this Jira is
BEGINS = ("planned start", "change start date", "planned start date")
ENDS = ("planned end", "change completion date", "planned end date")
_KIND = ("change type",)
_CI = ("affected services", "affected service", "affected hardware", "affected assets", "configuration item")
ACTUAL_BEGAN, ACTUAL_ENDED = ("actual start", "actual start date"), ("actual end", "actual end date")

_WAITING = frozenset(
    {
        "open",
        "to do",
        "new",
        "review",
        "planning",
        "authorize",
        "under review",
        "peer review",
        "cab review",
        "awaiting approval",
        "awaiting cab approval",
        "waiting for approval",
        "peer review / change manager approval",
    }
)
_GOING = frozenset(
    {"awaiting implementation", "approved", "scheduled", "implementing", "implementation", "in progress"}
)
_STOPPED = frozenset({"declined", "rejected", "on hold", "pending"})
_GOOD_ENDS = ("completed", "done", "implemented", "resolved", "closed")
_BAD_ENDS = ("failed", "unsuccessful", "rolled back", "closed")
_BETWEEN = ("implementing", "implementation", "in progress", "review", "in review")


@dataclass(frozen=True)
class Status:
    """An issue's status. category: new | indeterminate | done, Jira's own key, which no administrator renames."""

    name: str
    category: str


def status_of(issue: Row) -> Status:
    """The status of an issue. Raises Unreadable."""
    status = row(row(issue.get("fields"), "the issue's fields").get("status"), "the issue's status")
    category = status.get("statusCategory")
    key = text(category.get("key")) if isinstance(category, Mapping) else ""
    return Status(text(status.get("name")), key.lower())


def gate_by_status(number: str, kind: str, status: Status, decisions: Sequence[str]) -> tuple[Gate, str]:
    """The gate of an issue without a deployment. decisions: finalDecision of each approval, in Jira's words."""
    name = status.name.lower()
    if over := _over(number, status):
        return over
    if "declined" in decisions:
        return Gate.PREVENTED, f"An approval of {number} is declined."
    if odd := sorted(set(decisions) - {"approved", "pending"}):
        return Gate.PREVENTED, f'An approval of {number} is "{short(odd[0])}", which the portal does not know.'
    if name in _WAITING:
        return Gate.AWAITING, f'{number} is in the status "{short(status.name)}": nobody has approved it yet.'
    if name not in _GOING:
        return Gate.PREVENTED, f'{number} is in the status "{short(status.name)}", which the portal does not know.'
    return _decided(number, kind, status, decisions)


def _decided(number: str, kind: str, status: Status, decisions: Sequence[str]) -> tuple[Gate, str]:
    if "pending" in decisions:
        return Gate.AWAITING, f"An approval of {number} is pending."
    if decisions:
        return Gate.ALLOWED, f'{number} is approved and in the status "{short(status.name)}".'
    if kind == "standard":
        return Gate.ALLOWED, f'{number} is a standard change in the status "{short(status.name)}".'
    return Gate.AWAITING, f"{number} has no approval on record."


def _over(number: str, status: Status) -> tuple[Gate, str] | None:
    name = short(status.name)
    if status.category == "done":
        return Gate.PREVENTED, f'{number} is in the status "{name}", so nothing more is done under it.'
    if status.name.lower() in _STOPPED:
        return Gate.PREVENTED, f'{number} is in the status "{name}".'
    if status.category not in ("new", "indeterminate"):
        return (
            Gate.PREVENTED,
            f'{number} has the status category "{short(status.category)}", which the portal does not know.',
        )
    return None


def gate_by_deployment(number: str, status: Status | None, gating: Row) -> tuple[Gate, str]:
    """The gate of a change with a deployment. status: the issue's, None when Jira names no issue yet."""
    told = text(gating.get("gatingStatus")).lower()
    if told not in set(Gate):
        return Gate.PREVENTED, f'Jira gates {number} as "{short(told)}", which the portal does not know.'
    if status is not None and told == Gate.ALLOWED and (over := _over(number, status)):
        return over
    words = {
        Gate.AWAITING: f"Jira has not decided on {number} yet.",
        Gate.ALLOWED: f"Jira allows {number}.",
        Gate.PREVENTED: f"Jira prevents {number}: it is declined or outside of its window.",
        Gate.INVALID: f"Jira calls {number} invalid: its gating is not set up, or the change was removed.",
    }
    return Gate(told), words[Gate(told)]


def gated_issue(gating: Row) -> tuple[str, str]:
    """Key and link of the issue that gates a deployment; two times "" while there is none."""
    details = gating.get("details")
    for one in details if isinstance(details, list) else []:
        if isinstance(one, Mapping) and KEY.fullmatch(text(one.get("issueKey"))):
            return text(one.get("issueKey")), text(one.get("issueLink"))
    return "", ""


def decisions_of(body: object) -> tuple[list[str], bool]:
    """The decisions on one page of approvals, and whether it is the last page. Raises Unreadable."""
    page = row(body, "the approvals")
    found = [text(one.get("finalDecision")).lower() for one in rows(page.get("values"), "the approvals")]
    return found, page.get("isLastPage") is not False or not found


def named(issue: Row, names: tuple[str, ...]) -> object:
    """The value of the first field that has one of these names; None when there is none."""
    given = issue.get("names")
    fields = issue.get("fields")
    if not isinstance(given, Mapping) or not isinstance(fields, Mapping):
        return None
    by_name = {text(name).lower(): key for key, name in given.items()}
    return next((fields.get(by_name[name]) for name in names if name in by_name), None)


def field_ids(issue: Row, names: tuple[str, ...]) -> list[str]:
    """The ids of the fields with these names, for writing."""
    given = issue.get("names")
    found = given if isinstance(given, Mapping) else {}
    return [key for key, name in found.items() if text(name).lower() in names]


def kind(issue: Row) -> str:
    """standard, normal, emergency or ""."""
    value = named(issue, _KIND)
    return kind_of(text(value.get("value") or value.get("name")) if isinstance(value, Mapping) else text(value))


def seen(issue: Row, key: ChangeKey, decided: tuple[Gate, str], base: str) -> ChangeSeen:
    """An issue as the portal keeps it. Raises Unreadable when it is another one than asked for."""
    number = text(issue.get("key"))
    if not KEY.fullmatch(number) or (key.number and number != key.number):
        raise Unreadable(f'the issue "{short(number)}", which was not asked for')
    opened, why = decided
    begins = ends = None
    try:
        begins, ends = instant(named(issue, BEGINS)), instant(named(issue, ENDS))
    except Unreadable as error:
        opened, why = Gate.INVALID, f"The planned window of {number} holds {error}."
    if begins and ends and begins >= ends:
        opened, why = Gate.INVALID, f"The planned window of {number} ends before it begins."
    changed = _time(row(issue.get("fields"), "the issue's fields").get("updated"))
    return ChangeSeen(
        key=replace(key, number=number),
        state=status_of(issue).name,
        gate=opened,
        sentence=why,
        kind=kind(issue),
        begins=begins,
        ends=ends,
        ci=_ci(named(issue, _CI)),
        url=f"{base}/browse/{number}",
        sequence=int(changed.timestamp() * 1000) if changed else 0,
        changed=changed,
    )


def with_gating(found: ChangeSeen, gating: Row) -> ChangeSeen:
    """The same with the gating's own sequence: the later of both counts."""
    moved = _time(gating.get("updatedTimestamp"))
    told = whole(gating.get("updateSequenceNumber")) or (int(moved.timestamp() * 1000) if moved else 0)
    later = max((one for one in (found.changed, moved) if one), default=None)
    return replace(found, sequence=max(told, found.sequence), changed=later)


def _time(value: object) -> datetime | None:
    try:
        return instant(value)
    except Unreadable:
        return None


def _ci(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    told = [text(one.get("value") or one.get("name")) if isinstance(one, Mapping) else text(one) for one in listed]
    return tuple(one for one in told if one)


def comments_of(body: object) -> list[str]:
    """The texts of an issue's comments; none when there are none to be read."""
    listed = body.get("comments") if isinstance(body, Mapping) else None
    found = listed if isinstance(listed, list) else []
    return [text(one.get("body")) for one in found if isinstance(one, Mapping)]


def files_of(body: object) -> list[tuple[str, str]]:
    """Name and size of an issue's attachments; none when there are none to be read."""
    fields = body.get("fields") if isinstance(body, Mapping) else None
    listed = fields.get("attachment") if isinstance(fields, Mapping) else None
    found = listed if isinstance(listed, list) else []
    return [(text(one.get("filename")), text(one.get("size"))) for one in found if isinstance(one, Mapping)]


@dataclass(frozen=True)
class Way:
    """A transition that Jira offers now. to: the status that it leads to, in lower case."""

    ident: str
    to: str
    category: str


def ways_of(body: object) -> list[Way]:
    """The transitions on offer. Raises Unreadable."""
    listed = rows(row(body, "the transitions").get("transitions"), "the transitions")
    return [_way(one) for one in listed]


def _way(one: Row) -> Way:
    to = row(one.get("to"), "a transition's status")
    category = to.get("statusCategory")
    key = text(category.get("key")).lower() if isinstance(category, Mapping) else ""
    return Way(text(one.get("id")), text(to.get("name")).lower(), key)


def towards_end(ways: list[Way], code: str, passed: frozenset[str]) -> Way | None:
    """The transition to take for a result: the end that says it, else one step nearer; None when none is offered.
    passed: the statuses in which the issue has been."""
    ends = _BAD_ENDS if code == "unsuccessful" else _GOOD_ENDS
    by_name = {way.to: way for way in ways}
    steps = [name for name in _BETWEEN if name not in passed]
    return next((by_name[name] for name in (*ends, *steps) if name in by_name), None)


def is_end(name: str, code: str) -> bool:
    """Whether a status says this result."""
    return name.lower() in (_BAD_ENDS if code == "unsuccessful" else _GOOD_ENDS)


def rejected(body: object) -> tuple[bool, str]:
    """Whether a deployment that was handed in was accepted, and the reason if not. Raises Unreadable."""
    answer = row(body, "the answer")
    refused = answer.get("rejectedDeployments")
    for one in refused if isinstance(refused, list) else []:
        errors = one.get("errors") if isinstance(one, Mapping) else None
        listed = errors if isinstance(errors, list) else []
        said = [text(error.get("message")) for error in listed if isinstance(error, Mapping)]
        return False, short(" / ".join(said)) or "no reason given"
    unknown = answer.get("unknownAssociations")
    accepted = answer.get("acceptedDeployments")
    if not accepted:
        return False, f"it accepts nothing{' and knows none of the services' if unknown else ''}"
    return True, ""
