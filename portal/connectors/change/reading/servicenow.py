"""ServiceNow's change records and next states, read. Pure. facts/drills-and-evidence.md 4.1.

Each field is an object of value and display_value; numbers may be JSON numbers. The value of a time is UTC. A query
with a part that the instance does not know is answered as if the part were not there, so whatever comes is compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.connectors.change.reading.leaves import NAME, Row, Unreadable, kind_of, row, rows, short, text, whole
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

TIME = "%Y-%m-%d %H:%M:%S"
SYS_ID = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = (
    "New",
    "Assess",
    "Authorize",
    "Scheduled",
    "Implement",
    "Review",
    "Closed",
    "Canceled",
)
_BY_NUMBER = {
    "-5": NEW,
    "-4": ASSESS,
    "-3": AUTHORIZE,
    "-2": SCHEDULED,
    "-1": IMPLEMENT,
    "0": REVIEW,
    "3": CLOSED,
    "4": CANCELED,
}
_BY_WORD = {word.lower(): word for word in _BY_NUMBER.values()} | {"authorise": AUTHORIZE, "cancelled": CANCELED}
_FORWARD = (SCHEDULED, IMPLEMENT, REVIEW, CLOSED)  # the way to the end, in this order
_UNASKED = frozenset({"", "not requested", "not_requested", "not yet requested"})
_PENDING = _UNASKED | {"requested"}
_REFUSED = frozenset({"rejected", "cancelled", "canceled", "duplicate"})
CONTRADICTORY = "?"


@dataclass(frozen=True)
class Field:
    """What a field holds, and how it is shown."""

    value: str = ""
    label: str = ""


def field(record: Row, name: str) -> Field:
    """A field in any of the forms that the API and the Table API have."""
    found = record.get(name)
    if isinstance(found, Mapping):
        value, label = text(found.get("value")), text(found.get("display_value"))
        return Field(value or ("" if "value" in found else label), label or value)
    return Field(text(found), text(found))


def word(state: Field) -> str:
    """The state's English word; "" when it is unknown, CONTRADICTORY when number and label name two states."""
    number = _BY_NUMBER.get(state.value)
    label = _BY_WORD.get(state.label.lower())
    if number and label and number != label:
        return CONTRADICTORY
    return number or label or _BY_WORD.get(state.value.lower(), "")


def moment(told: str) -> datetime | None:
    """A time of a field's value, which is UTC; None when there is none. Raises Unreadable."""
    if not told:
        return None
    try:
        return datetime.strptime(told, TIME).replace(tzinfo=UTC)
    except ValueError:
        raise Unreadable(f'the time "{short(told)}", which is none') from None


def told(moment_: datetime) -> str:
    """A time as the API takes it."""
    return moment_.astimezone(UTC).strftime(TIME)


def record_of(body: object) -> Row:
    """The one record of an answer. Raises Unreadable."""
    found = row(body, "the answer").get("result")
    if isinstance(found, list):
        if len(found) != 1:
            raise Unreadable(f"{len(found)} records where one should be")
        found = found[0]
    return row(found, "the change")


def records_of(body: object) -> list[Row]:
    """All records of an answer. Raises Unreadable."""
    return rows(row(body, "the answer").get("result"), "the changes")


def gate(number: str, record: Row) -> tuple[Gate, str]:
    """Whether the change may go on, and why, in one sentence."""
    state = field(record, "state")
    known = word(state)
    shown = state.label or state.value or "no state"
    if known == CONTRADICTORY:
        return Gate.INVALID, f'{number} has the state {state.value}, which ServiceNow calls "{short(shown)}" here.'
    if not known:
        return Gate.PREVENTED, f'{number} is in the state "{short(shown)}", which the portal does not know.'
    if known in (REVIEW, CLOSED, CANCELED):
        return Gate.PREVENTED, f"{number} is in the state {known}, so nothing more is done under it."
    return _decided(number, known, record)


def _decided(number: str, state: str, record: Row) -> tuple[Gate, str]:
    approval = field(record, "approval")
    decision = approval.value.lower()
    if decision in _REFUSED:
        return Gate.PREVENTED, f"The approval of {number} is {decision}."
    if decision != "approved" and decision not in _PENDING:
        return Gate.PREVENTED, f'The approval of {number} is "{short(approval.value)}", which the portal does not know.'
    if hold := _held(number, record):
        return Gate.PREVENTED, hold
    if state not in (SCHEDULED, IMPLEMENT):
        return Gate.AWAITING, f"{number} is in the state {state}: nobody has approved it yet."
    if decision == "approved":
        return Gate.ALLOWED, f"{number} is approved and in the state {state}."
    # somebody was asked for an approval: the template's own does not stand for it
    if decision in _UNASKED and kind_of(field(record, "type").value) == "standard":
        return Gate.ALLOWED, f"{number} is a standard change, approved by its template, in the state {state}."
    return Gate.AWAITING, f"{number} is in the state {state} and its approval is {decision or 'not told'}."


def _held(number: str, record: Row) -> str:
    hold = field(record, "on_hold").value.lower()
    if field(record, "active").value.lower() in ("false", "0"):
        return f"{number} is no longer active."
    if hold in ("", "false", "0"):
        return ""
    reason = short(field(record, "on_hold_reason").value)
    return f"{number} is on hold" + (f": {reason}." if reason else ", without a reason given.")


def seen(record: Row, system: str, base: str) -> ChangeSeen:
    """A record as the portal keeps it. base: the instance's address. Raises Unreadable when it names no change."""
    number, sys_id = field(record, "number").value, field(record, "sys_id").value
    if not NAME.fullmatch(number) or not SYS_ID.fullmatch(sys_id):
        raise Unreadable("a change without a number or sys_id")
    opened, why = gate(number, record)
    begins = ends = None
    try:
        begins, ends = moment(field(record, "start_date").value), moment(field(record, "end_date").value)
    except Unreadable as error:
        opened, why = Gate.INVALID, f"The planned window of {number} holds {error}."
    if begins and ends and begins >= ends:
        opened, why = Gate.INVALID, f"The planned window of {number} ends before it begins."
    ci = field(record, "cmdb_ci")
    return ChangeSeen(
        key=ChangeKey(system, number, sys_id),
        state=field(record, "state").label or field(record, "state").value,
        gate=opened,
        sentence=why,
        kind=kind_of(field(record, "type").value),
        begins=begins,
        ends=ends,
        ci=(ci.label or ci.value,) if ci.value else (),
        url=f"{base}/nav_to.do?uri=change_request.do?sys_id={sys_id}",
        sequence=whole(field(record, "sys_mod_count").value),
        changed=_changed(record),
    )


def _changed(record: Row) -> datetime | None:
    try:
        return moment(field(record, "sys_updated_on").value)
    except Unreadable:
        return None


@dataclass(frozen=True)
class Next:
    """A state that a change may go to. open: whether it may now. unmet: the conditions that stand in the way."""

    value: str
    label: str
    open: bool = True
    unmet: tuple[str, ...] = ()


def next_states(body: object, current: str) -> list[Next]:
    """The states other than the current one (its value). Raises Unreadable.

    Changes by model tell for each way whether it is open; changes by type tell the states alone (4.1)."""
    result = row(row(body, "the answer").get("result"), "the next states")
    offered = result.get("available_states")
    if not isinstance(offered, list):
        raise Unreadable("no list where the available states should be")
    labels = result.get("state_label")
    names = labels if isinstance(labels, Mapping) else {}
    ways = _ways(result.get("state_transitions"))
    values = dict.fromkeys(text(one) for one in offered)
    return [_next(value, text(names.get(value)), ways.get(value)) for value in values if value not in ("", current)]


def _next(value: str, label: str, ways: list[Row] | None) -> Next:
    shown = label or _BY_NUMBER.get(value, value)
    if not ways or any(way.get("transition_available") is True for way in ways):
        return Next(value, shown)
    return Next(value, shown, open=False, unmet=tuple(dict.fromkeys(one for way in ways for one in _unmet(way))))


def _ways(told_: object) -> dict[str, list[Row]]:
    ways: dict[str, list[Row]] = {}
    for group in told_ if isinstance(told_, list) else []:
        for way in group if isinstance(group, list) else [group]:
            if isinstance(way, Mapping):
                ways.setdefault(text(way.get("to_state")), []).append(way)
    return ways


def _unmet(way: Row) -> list[str]:
    conditions = way.get("conditions")
    failed = [
        one.get("condition")
        for one in (conditions if isinstance(conditions, list) else [])
        if isinstance(one, Mapping) and one.get("passed") is not True
    ]
    return [short(text(one.get("name"))) for one in failed if isinstance(one, Mapping) and text(one.get("name"))]


def towards_end(states: list[Next], state: str) -> Next | None:
    """The open state that is nearest to Closed and ahead of the current one (its English word); None when none is."""
    here = _FORWARD.index(state) if state in _FORWARD else -1
    ranked = [
        (_FORWARD.index(name), one)
        for one in states
        if one.open and (name := word(Field(one.value, one.label))) in _FORWARD and _FORWARD.index(name) > here
    ]
    return max(ranked, key=lambda pair: pair[0])[1] if here >= 0 and ranked else None


def ways_said(states: list[Next]) -> str:
    """What is permitted, in words for a sentence."""
    if not states:
        return "it permits no other state"
    said = [f"{one.label} ({', '.join(one.unmet) or 'not open'})" if not one.open else one.label for one in states]
    return "it permits " + ", ".join(said)


def clashes(body: object, number: str) -> tuple[str, ...]:
    """The conflicts of a change as sentences. Raises Unreadable. The status says "Conflict" even when there are none,
    so only the list counts; a check that did not run is told, since nothing is known then."""
    result = row(row(body, "the answer").get("result"), "the conflicts")
    found = result.get("conflicts")
    listed = [] if found in (None, {}, "") else rows(found, "the conflicts")
    if not listed and (text(result.get("status")).lower() == "not run" or not text(result.get("last_run"))):
        return (f"ServiceNow has not checked {number} for conflicts. Run the check there.",)
    return tuple(_clash(one, number) for one in listed)


def _clash(one: Row, number: str) -> str:
    kind, ci = field(one, "type"), field(one, "configuration_item")
    other = field(one, "conflicting_change").label or field(one, "change").label
    said = f"{number}: {short(kind.label or kind.value) or 'a conflict of a kind that is not told'}"
    said += f" on {short(ci.label)}" if ci.label else ""
    return said + (f", with {short(other)}." if other and other != number else ".")
