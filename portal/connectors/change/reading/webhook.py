"""The change document of a system that speaks the portal's own form, read. Pure.

    {"number", "sys_id", "state": awaiting|allowed|prevented|invalid, "word", "sentence", "type",
     "window": {"start", "end"}, "ci": [], "url", "sequence", "changed", "conflicts": []}

Only number and state must be there. Times have a zone. docs/change-webhook.md says it all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from portal.connectors.change.reading.leaves import Row, Unreadable, instant, kind_of, row, short, text, whole
from portal.kernel.change import ChangeKey, ChangeSeen, Gate


def seen(body: object, key: ChangeKey) -> ChangeSeen:
    """The document as the portal keeps it. Raises Unreadable when it is of another change than asked for."""
    found = row(body, "the change")
    number = text(found.get("number"))
    if not number or (key.number and number != key.number):
        raise Unreadable(f'the change "{short(number)}", which was not asked for')
    opened, why = gate(number, found)
    begins = ends = None
    window = found.get("window")
    try:
        if isinstance(window, Mapping):
            begins, ends = instant(window.get("start")), instant(window.get("end"))
    except Unreadable as error:
        opened, why = Gate.INVALID, f"The planned window of {number} holds {error}."
    if begins and ends and begins >= ends:
        opened, why = Gate.INVALID, f"The planned window of {number} ends before it begins."
    listed = found.get("ci")
    return ChangeSeen(
        key=ChangeKey(key.system, number, text(found.get("sys_id"))),
        state=text(found.get("word")) or text(found.get("state")),
        gate=opened,
        sentence=why,
        kind=kind_of(text(found.get("type"))),
        begins=begins,
        ends=ends,
        ci=tuple(one for one in map(text, listed) if one) if isinstance(listed, list) else (),
        url=_link(text(found.get("url"))),
        sequence=whole(found.get("sequence")),
        changed=_time(found.get("changed")),
    )


def gate(number: str, found: Row) -> tuple[Gate, str]:
    """The gate that the document tells, with its own sentence."""
    told, said = text(found.get("state")).lower(), short(text(found.get("sentence")))
    if told not in set(Gate):
        return Gate.PREVENTED, f'{number} is in the state "{short(told)}", which the portal does not know.'
    return Gate(told), f"{said}." if said else f"{number} is {told}."


def clashes(body: object) -> tuple[str, ...]:
    """The conflicts that the document tells; empty when it tells none."""
    listed = row(body, "the change").get("conflicts")
    return tuple(f"{short(text(one))}." for one in (listed if isinstance(listed, list) else []) if text(one))


def _link(url: str) -> str:
    """Only what a browser may be led to."""
    return url if url.startswith("https://") and url.isascii() and " " not in url else ""


def _time(value: object) -> datetime | None:
    try:
        return instant(value)
    except Unreadable:
        return None
