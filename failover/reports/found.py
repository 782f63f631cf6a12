"""The issues that a drill found, and what became of them, as its report has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from failover.reports import content, given

RETESTED = {None: "not ended", True: "objectives met", False: "not met in whole"}


def ident(pk: int, at: datetime) -> str:
    """DR-2026-014: by the year (UTC) in which it was asked for, and its key."""
    return f"DR-{at:%Y}-{pk:03d}"


def issues(notes: Sequence[given.Row], found: Sequence[given.Issue], here: int) -> tuple[content.Issue, ...]:
    """Those that are followed, or the notes of then where none is. here: the key of the drill whose report it is."""
    return tuple(_kept(found, notes, here)) if found else tuple(_noted(row) for row in notes)


def _noted(row: given.Row) -> content.Issue:
    title, severity, owner, due, link, accepted = (
        str(row.get(name) or "") for name in ("title", "severity", "owner", "due", "link", "accepted_by")
    )
    return content.Issue("", title, severity, owner, due, link, "", "", accepted, "", "", "", None)


def _kept(found: Iterable[given.Issue], notes: Sequence[given.Row], here: int) -> Iterable[content.Issue]:
    """With whom the note names as having accepted the risk, where nobody did so in the portal."""
    said = {str(row.get("title")): str(row.get("accepted_by") or "") for row in notes}
    for one in found:
        yield content.Issue(
            ident=one.ident,
            title=one.title,
            severity=one.severity,
            owner=one.owner,
            due=one.due,
            link=one.link,
            state=one.state,
            fixed=one.fixed,
            accepted_by=one.accepted_by or said.get(one.title, ""),
            accepted_until=one.accepted_until,
            accepted_why=one.accepted_why,
            closed=one.closed,
            retest=_retest(one.retest, here),
        )


def _retest(one: given.Retest | None, here: int) -> content.Retest | None:
    if one is None:
        return None
    return content.Retest(ident(one.pk, one.requested_at), one.title, one.ended, RETESTED[one.met], one.pk == here)
