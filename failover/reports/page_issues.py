"""What became of an issue, as cells of a drill's report."""

from __future__ import annotations

from failover.reports.content import Issue
from failover.reports.layout import Cell
from failover.reports.words import NOT_RECORDED

STATES = {"open": "open", "fixed": "fixed, to be tested again", "accepted": "risk accepted", "closed": "closed"}
SHAPES = {"closed": "ok", "accepted": "waiting", "fixed": "waiting", "open": "warn"}
TESTED = {"objectives met": "ok", "not met in whole": "fail", "not ended": "waiting"}


def state_of(one: Issue) -> Cell:
    """In words, with what was said when it was reached."""
    if not one.state:
        more = f"risk accepted by {one.accepted_by}, as it was noted" if one.accepted_by else ""
        return Cell(NOT_RECORDED, wide=True, meta=True, more=more)
    return Cell(STATES[one.state], SHAPES[one.state], wide=True, more=_why(one))


def _why(one: Issue) -> str:
    if one.state == "closed":
        return one.closed
    accepted = f"accepted by {one.accepted_by}" if one.accepted_by else ""
    until = f" until {one.accepted_until}" if accepted and one.accepted_until else ""
    why = f": {one.accepted_why}" if accepted and one.accepted_why else ""
    return "; ".join(words for words in (one.fixed if one.state == "fixed" else "", f"{accepted}{until}{why}") if words)


def retest_of(one: Issue) -> Cell:
    """By which drill, and how that went."""
    if one.retest is None:
        return Cell("no retest linked" if one.ident else NOT_RECORDED, wide=True, meta=True)
    name = f"{one.retest.ident}, this drill" if one.retest.here else one.retest.ident
    return Cell(one.retest.word, TESTED[one.retest.word], wide=True, more=name)
